"""The gateway: what it refuses, repeats, counts and learns."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError
from tenacity import wait_none

from collector.aws.api_error import ApiError
from collector.aws.gateway import ATTEMPTS, Gateway
from collector.aws.identity import BASE, SessionLimit
from collector.aws.pace import Key, Pace, Paces
from collector.aws.page import Tally
from collector.aws.session import Caller
from collector.connect import reentered
from collector.errors import CallNotAllowedError
from collector.plan import Target
from collector.settings import Where
from collector.spec.model import Call
from collector.spec.permitted import Permitted
from tests.scripted.scripted import family

TOPICS = Call("sns", "ListTopics", "sns:ListTopics", take="Topics[]")
HERE = Target("aws", "111122223333", "eu-west-1")


def error(code: str, message: str = "", status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "ListTopics")


class ScriptedClients:
    """Raises or returns what it is told, one after the other."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self.answers = list(answers)
        self.callers: list[Caller] = []

    async def send(self, caller: Caller, params: Mapping[str, Any]) -> dict[str, Any]:
        self.callers.append(caller)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Accounts:
    """Identities that remember what was asked of them."""

    def __init__(self) -> None:
        self.renewed: list[str] = []

    async def of(self, account_id: str) -> Any:
        return f"credentials of {account_id}"

    def renew(self, account_id: str, expired: Any) -> None:
        assert expired == f"credentials of {account_id}"
        self.renewed.append(account_id)

    def require_renewable(self, account_id: str, error: ApiError) -> None:
        """They are."""


class Unhurried(Pace):
    """A pace that learns as ever, but lets nobody wait."""

    def wait(self, moment: float) -> float:
        super().wait(moment)
        return 0.0


class UnhurriedPaces(Paces):
    def of(self, key: Key, start: float | None = None) -> Pace:
        return self._paces.setdefault(key, Unhurried())


def gateway(*answers: dict[str, Any] | Exception, calls: Sequence[Call] = (TOPICS,)) -> tuple[Gateway, ScriptedClients]:
    clients = ScriptedClients(*answers)
    return Gateway(clients, Accounts(), Permitted(calls), backoff=wait_none(), paces=UnhurriedPaces()), clients  # type: ignore[arg-type]


async def test_a_call_is_made_as_its_account_and_in_its_region() -> None:
    ours, clients = gateway({"Topics": []})

    assert await ours.once(TOPICS, HERE, {}, Tally()) == {"Topics": []}

    assert clients.callers == [Caller("credentials of 111122223333", "eu-west-1", TOPICS)]  # type: ignore[arg-type]


async def test_a_call_that_no_spec_names_is_refused_before_anything_is_sent() -> None:
    ours, clients = gateway({})

    with pytest.raises(CallNotAllowedError, match=r"sns\.DeleteTopic is named by no spec"):
        await ours.once(Call("sns", "DeleteTopic", "sns:DeleteTopic"), HERE, {"TopicArn": "x"}, Tally())

    assert clients.callers == []


@pytest.mark.parametrize(
    "params",
    [{}, {"attribute": "userData"}, {"attribute": "disableApiTermination", "DryRun": True}],
    ids=["a fixed parameter left out", "a fixed parameter changed", "a parameter more"],
)
async def test_other_parameters_than_the_spec_fixes_are_refused(params: dict[str, Any]) -> None:
    call = Call("ec2", "DescribeInstanceAttribute", "x", params={"attribute": "disableApiTermination", "InstanceId": "{InstanceId}"})
    ours, clients = gateway({}, calls=[call])

    with pytest.raises(CallNotAllowedError):
        await ours.once(call, HERE, {"InstanceId": "i-1", **params}, Tally())

    assert clients.callers == []


async def test_a_throttled_page_is_asked_again_and_counted() -> None:
    ours, _ = gateway(error("ThrottlingException"), error("Throttling"), {"Topics": []})
    tally = Tally()

    assert await ours.once(TOPICS, HERE, {}, tally) == {"Topics": []}

    assert (tally.calls, tally.retries) == (3, 2)
    assert (ours.counts.calls, ours.counts.retries, ours.counts.throttled) == (3, 2, 2)


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("throttled", error("RequestLimitExceeded", status=503)),
        ("failed", error("InternalError", status=500)),
        ("unreachable", EndpointConnectionError(endpoint_url="https://sns")),
        ("unreachable", ConnectTimeoutError(endpoint_url="https://sns")),
    ],
)
async def test_what_does_not_pass_ends_after_its_number_of_attempts(kind: str, failure: Exception) -> None:
    ours, clients = gateway(*[failure] * 20)

    with pytest.raises(ApiError) as raised:
        await ours.once(TOPICS, HERE, {}, Tally())

    assert raised.value.kind == kind
    assert len(clients.callers) == ATTEMPTS[kind]


async def test_a_denial_is_not_asked_again() -> None:
    ours, clients = gateway(error("AccessDenied", "no identity-based policy allows the sns:ListTopics action"))

    with pytest.raises(ApiError) as raised:
        await ours.once(TOPICS, HERE, {}, Tally())

    assert (raised.value.kind, raised.value.reason, len(clients.callers)) == ("denied", "iam", 1)


async def test_expired_credentials_are_renewed_and_the_call_is_made_again() -> None:
    ours, clients = gateway(error("ExpiredToken"), {"Topics": []})

    await ours.once(TOPICS, HERE, {}, Tally())

    assert ours.identities.renewed == ["111122223333"]  # type: ignore[attr-defined]
    assert len(clients.callers) == 2


async def test_a_task_whose_api_is_dying_asks_each_page_once_when_its_budget_is_spent() -> None:
    ours, clients = gateway(*[error("InternalError", status=500)] * 400)
    dying, well = Tally(), Tally()

    for _ in range(100):
        with pytest.raises(ApiError):
            await ours.once(TOPICS, HERE, {}, dying)
    clients.answers = [error("Throttling"), {"Topics": []}]

    assert dying.retries == pytest.approx(100 + dying.calls / 4, abs=1)
    assert await ours.once(TOPICS, HERE, {}, well) == {"Topics": []}
    assert well.retries == 1


async def test_a_throttle_slows_its_own_account_region_and_service_only() -> None:
    ours, _ = gateway(error("Throttling"), {"Topics": []})
    before = ours.paces.of(("111122223333", "us-east-1", "sns")).rate

    await ours.once(TOPICS, HERE, {}, Tally())

    assert ours.paces.of(("111122223333", "eu-west-1", "sns")).rate < before
    assert ours.paces.of(("111122223333", "us-east-1", "sns")).rate == before
    assert ours.paces.of(("444455556666", "eu-west-1", "sns")).rate == before


async def test_our_own_bug_is_neither_repeated_nor_made_a_gap() -> None:
    ours, clients = gateway(ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        await ours.once(TOPICS, HERE, {}, Tally())

    assert len(clients.callers) == 1


async def test_roles_are_assumed_as_fast_as_sts_allows_and_not_as_slowly_as_services_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    families = [family("sns", "topic")]

    async with reentered(Where(role="Inventory"), families, partition="aws", region="us-east-1", roles={}, limit=SessionLimit()) as gateway:
        pace = gateway.paces.of((BASE, "us-east-1", "sts"), gateway.rates.get("sts"))

    assert sum(pace.wait(1000.0) == 0.0 for _ in range(200)) >= 100
