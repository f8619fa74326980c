"""Whose credentials sign, how they are kept, and what happens when they end."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import CredentialRetrievalError

from collector.aws.api_error import ApiError
from collector.aws.identity import ASK_AGAIN_SECONDS, Role, RoleIdentities
from collector.aws.page import Tally
from collector.errors import CredentialsError
from collector.plan import Target
from collector.settings import Where
from collector.spec.model import Call
from tests.scripted.scripted import denied


class Sts:
    """Assumes every role, and remembers as whom and with what it was asked."""

    def __init__(self, seconds: float = 3600, refuse: ApiError | None = None) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.seconds, self.refuse = seconds, refuse

    async def once(self, call: Call, target: Target, params: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
        self.asked.append((target.account_id, dict(params)))
        await anyio.lowlevel.checkpoint()
        if self.refuse:
            raise self.refuse
        ends = (datetime.now(UTC) + timedelta(seconds=self.seconds)).isoformat()
        return {"Credentials": {"AccessKeyId": f"AKIA{len(self.asked)}", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": ends}}


class Base:
    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return ReadOnlyCredentials("BASE", "s", None)


def identities(sts: Sts, hub: Role | None = None) -> RoleIdentities:
    found = RoleIdentities(Base(), region="eu-west-1", partition="aws", session_name="us", hub=hub)
    found.roles = {
        "111111111111": Role("arn:aws:iam::111111111111:role/R", "one"),
        "222222222222": Role("arn:aws:iam::222222222222:role/R", "two"),
    }
    found.gateway = sts  # type: ignore[assignment]
    return found


async def test_a_role_is_assumed_once_with_its_own_external_id_however_many_ask() -> None:
    sts = Sts()
    ours = identities(sts)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            for name in ("111111111111", "222222222222"):
                group.start_soon(ours.of, name)

    assert sorted((who, params["RoleArn"], params["ExternalId"]) for who, params in sts.asked) == [
        ("base", "arn:aws:iam::111111111111:role/R", "one"),
        ("base", "arn:aws:iam::222222222222:role/R", "two"),
    ]
    assert {params["RoleSessionName"] for _, params in sts.asked} == {"us"}


async def test_a_hub_role_is_assumed_first_and_then_asks_for_the_others() -> None:
    sts = Sts()
    ours = identities(sts, hub=Role("arn:aws:iam::999999999999:role/Hub", "hub-id"))

    await ours.of("111111111111")
    await ours.of("hub")

    assert [(who, params["RoleArn"], params["ExternalId"]) for who, params in sts.asked] == [
        ("hub", "arn:aws:iam::111111111111:role/R", "one"),
        ("base", "arn:aws:iam::999999999999:role/Hub", "hub-id"),
    ]


async def test_credentials_are_refreshed_before_they_expire() -> None:
    sts = Sts(seconds=300)  # botocore refreshes when fewer than ten minutes are left
    credentials = await identities(sts).of("111111111111")

    first = await credentials.get_frozen_credentials()
    sts.seconds = 3600
    await credentials.get_frozen_credentials()
    again = await credentials.get_frozen_credentials()

    assert len(sts.asked) >= 2
    assert first.access_key != "BASE"
    assert again.access_key == f"AKIA{len(sts.asked)}"


async def test_a_refused_role_is_asked_for_once_and_names_its_action() -> None:
    sts = Sts(refuse=denied())
    ours = identities(sts)

    for _ in range(3):
        with pytest.raises(ApiError) as raised:
            await ours.of("111111111111")
        assert raised.value.gap("sqs:ListQueues").action == "sts:AssumeRole"

    assert len(sts.asked) == 1


async def test_a_refused_role_is_asked_for_once_however_many_wait_for_it() -> None:
    sts = Sts(refuse=denied())
    ours = identities(sts)

    async def refused() -> None:
        with pytest.raises(ApiError):
            await ours.of("111111111111")

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(refused)

    assert len(sts.asked) == 1


async def test_a_refusal_that_may_pass_is_remembered_for_a_while_and_never_repeated_on_top_of_the_gateway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sts = Sts(refuse=ApiError("throttled", "Throttling", passing=True))
    ours = identities(sts)

    for _ in range(2):
        with pytest.raises(ApiError) as raised:
            await ours.of("111111111111")
        assert (raised.value.kind, raised.value.passing) == ("throttled", False)
    assert len(sts.asked) == 1

    sts.refuse = None
    later = anyio.current_time() + ASK_AGAIN_SECONDS
    monkeypatch.setattr(anyio, "current_time", lambda: later)
    await ours.of("111111111111")
    assert len(sts.asked) == 2


async def test_a_role_that_is_deleted_in_mid_run_is_refused_once_and_names_its_action() -> None:
    sts = Sts(seconds=300)
    credentials = await identities(sts).of("111111111111")

    sts.refuse = denied()
    for _ in range(3):
        with pytest.raises(ApiError) as raised:
            await credentials.get_frozen_credentials()
        assert raised.value.gap("sqs:ListQueues").action == "sts:AssumeRole"
        assert not raised.value.sent

    assert len(sts.asked) == 2


async def test_a_session_is_used_to_its_end_when_its_role_is_deleted() -> None:
    sts = Sts(seconds=800)  # botocore tries to refresh with fifteen minutes left, and insists with ten
    ours = identities(sts)
    await ours.of("111111111111")

    sts.refuse = denied()

    assert (await (await ours.of("111111111111")).get_frozen_credentials()).access_key == "AKIA1"
    assert (await (await ours.of("111111111111")).get_frozen_credentials()).access_key == "AKIA1"
    assert len(sts.asked) == 2


async def test_who_comes_late_does_not_forget_credentials_that_others_have_renewed() -> None:
    sts = Sts()
    ours = identities(sts)
    expired = await ours.of("111111111111")

    ours.renew("111111111111", expired)
    renewed = await ours.of("111111111111")
    ours.renew("111111111111", expired)

    assert await ours.of("111111111111") is renewed
    assert len(sts.asked) == 2


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "UnrecognizedClientException"])
async def test_a_key_that_is_switched_off_in_mid_run_ends_the_run(code: str) -> None:
    ours = identities(Sts(refuse=ApiError("denied", code)))

    with pytest.raises(CredentialsError, match=rf"the credentials in use have expired \({code}\): renew them; --resume"):
        await ours.of("111111111111")


async def test_only_expired_credentials_that_nobody_renews_end_the_run() -> None:
    expired = ApiError("failed", "ExpiredToken", passing=True, expired=True)
    ours = identities(Sts(), hub=Role("arn:aws:iam::999999999999:role/Hub", "hub-id"))

    ours.require_renewable("111111111111", expired)
    ours.require_renewable("hub", expired)
    ours.require_renewable("base", ApiError("failed", "RequestTimeTooSkewed", passing=True, expired=True))
    for without_role in ("base", "333333333333"):
        with pytest.raises(CredentialsError):
            ours.require_renewable(without_role, expired)


@pytest.mark.parametrize(
    "failure", [RuntimeError("the refreshed credentials are still expired"), CredentialRetrievalError(provider="sso", error_msg="secret")]
)
async def test_credentials_that_cannot_be_refreshed_are_tried_again_and_then_end_the_run(failure: Exception) -> None:
    class Ended(Base):
        async def get_frozen_credentials(self) -> ReadOnlyCredentials:
            raise failure

    ours = RoleIdentities(Ended(), region="eu-west-1", partition="aws", session_name="us")

    with pytest.raises(ApiError) as raised:
        await (await ours.of("base")).get_frozen_credentials()

    assert raised.value.passing
    with pytest.raises(CredentialsError) as ended:
        ours.require_renewable("base", raised.value)
    assert "secret" not in str(ended.value)


def test_an_external_id_is_in_no_representation() -> None:
    settings = Where(role="R", external_id="very-secret", external_ids={"111111111111": "very-secret"}, hub_external_id="very-secret")

    assert "very-secret" not in repr(settings) + repr(Role("arn", "very-secret"))
