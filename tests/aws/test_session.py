"""The direct way sends what botocore's own way sends, reads what it reads, and refuses what it refuses."""

import gc
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import gmtime
from typing import Any
from weakref import ReferenceType, ref

import pytest
from botocore.awsrequest import HeadersDict
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from collector.aws import models as read_models
from collector.aws import session, sign
from collector.aws.connections import Received
from collector.aws.session import CALLER, Caller, Clients, asks_for_a_code, base_session
from collector.aws.sign import signed
from collector.errors import CallNotAllowedError
from collector.machine import seldom_collected
from collector.spec.model import Call
from collector.spec.permitted import OWN_CALLS, Permitted
from collector.spec.reader import read_spec, read_specs
from collector.spec.select import families
from tests.any_parameters import AnyParameters
from tests.synthetic import models
from tests.synthetic.asking import smallest

SPECS = sorted((Path(__file__).parents[2] / "service_specs").glob("*.toml"))
MOMENT = datetime(2026, 11, 23, 18, 29, 58, tzinfo=UTC)
UNSIGNED_EXTRAS = {"amz-sdk-invocation-id", "amz-sdk-request"}  # botocore adds them after it has signed
TOPICS = Call("sns", "ListTopics", "sns:ListTopics", take="Topics[]")


class Keys:
    """Somebody who signs."""

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return ReadOnlyCredentials("AKIA111122223333TEST", "a-secret", "a-token/with+signs==")


class Answered:
    """A response as aiobotocore reads one."""

    raw = None

    def __init__(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.status_code, self._body, self.headers = status, body, HeadersDict(headers)

    @property
    async def content(self) -> bytes:
        return self._body


class BotocoresWay:
    """Clients whose every request botocore makes, signs and has answered; a handler of ``before-send`` sees to it."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.sent: Any = None
        self.answer = Answered(500, b"", {})
        clients._session._session.register("before-send", self._answer)

    def _answer(self, request: Any, **_: Any) -> Answered:
        self.sent = request
        return self.answer

    async def request(self, call: Call, region: str, params: dict[str, Any]) -> tuple[str, str, bytes, dict[str, str]]:
        with pytest.raises(ClientError):
            await self.clients.send(Caller(Keys(), region, call), params)
        headers = {name.lower(): value if isinstance(value, str) else value.decode() for name, value in self.sent.headers.items()}
        body = self.sent.body or b""
        return self.sent.method, self.sent.url, body.encode() if isinstance(body, str) else body, headers


@asynccontextmanager
async def both_ways(partition: str = "aws", calls: Iterable[Call] = ()) -> AsyncIterator[tuple[Clients, BotocoresWay]]:
    permitted = AnyParameters(calls)
    async with Clients(partition, None, permitted) as direct, Clients(partition, None, permitted) as ordinary:
        yield direct, BotocoresWay(ordinary)


async def directly(clients: Clients, call: Call, region: str, params: dict[str, Any]) -> tuple[str, str, bytes, dict[str, str]] | None:
    """What the direct way would send; None when the call is signed in another way than Signature Version 4."""
    token = CALLER.set(Caller(Keys(), region, call))
    try:
        way = await clients._direct_way(call)
        assert way is not None, f"{call.service}.{call.operation} does not go the direct way"
        request = await way.request(region, params)
        if request is None:
            return None
        headers = {name.lower(): value for name, value in (await signed(request)).items()}
    finally:
        CALLER.reset(token)
    return request.method, str(request.url), request.body, headers


@pytest.fixture
def same_moment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: MOMENT)
    monkeypatch.setattr(sign, "gmtime", lambda: gmtime(MOMENT.timestamp()))
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return


def calls_of(path: Path) -> list[Call]:
    """Each operation of a spec once, and what the collector asks for itself."""
    every = (call for family in read_spec(path.stem, path.read_text()).families() for call in family.calls())
    return list({call.operation: call for call in (*every, *OWN_CALLS) if call.service == path.stem}.values())


def example(call: Call, partition: str, region: str) -> dict[str, Any]:
    """Parameters of the right types, with the token of a second page where there is one."""
    shape = models.operation_model(call.service, call.operation).input_shape
    if shape is None:
        return {}
    tokens = {
        name: "a token/with = and ü".ljust(int(member.metadata.get("min", 0)), "+")
        for name, member in shape.members.items()
        if name.lower() in ("nexttoken", "marker", "continuationtoken", "startingtoken")
    }
    arn = f"arn:{partition}:{call.service}:{region}:111122223333:stream/asked"  # endpoint rules read ARNs and account numbers
    arn = arn.ljust(100, "d")
    places = {
        name: arn if name.lower().endswith("arn") else "111122223333"
        for name in shape.members
        if name.lower().endswith(("arn", "accountid"))
    }
    known = {name: places[name] for name, member in shape.members.items() if name in places and member.type_name == "string"}
    return {**smallest(shape), **tokens, **known}


@pytest.mark.parametrize(
    ("partition", "region"),
    [
        ("aws", "eu-west-1"),
        pytest.param("aws", "us-east-1", marks=pytest.mark.slow),
        pytest.param("aws-cn", "cn-north-1", marks=pytest.mark.slow),
        pytest.param("aws-us-gov", "us-gov-west-1", marks=pytest.mark.slow),
    ],
)
async def test_the_direct_way_sends_and_signs_what_botocore_does(partition: str, region: str, same_moment: None) -> None:
    calls = [call for path in SPECS for call in calls_of(path) if (call.service, call.operation) != ("s3", "GetBucketLocation")]
    async with both_ways(partition, calls) as (clients, ordinary):
        for call in calls:
            params = example(call, partition, region)
            expected = await ordinary.request(call, region, params)
            sent = await directly(clients, call, region, params)
            if sent is None:
                assert call.service == "sdb", call  # Signature Version 2
                continue

            assert sent[:3] == expected[:3], call
            headers = sent[3]
            assert headers.pop("accept-encoding") == "identity"
            assert headers == {name: value for name, value in expected[3].items() if name not in UNSIGNED_EXTRAS}, call


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "https://sns.eu-west-1.amazonaws.com/"),
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, "https://sns-fips.eu-west-1.amazonaws.com/"),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://sns.eu-west-1.api.aws/"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "http://127.0.0.1:9/"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_SNS": "http://127.0.0.1:8"}, "http://127.0.0.1:8/"),
    ],
)
async def test_what_every_aws_tool_honours_decides_where_a_call_goes(
    settings: dict[str, str], url: str, same_moment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    async with both_ways() as (clients, ordinary):
        sent = await directly(clients, TOPICS, "eu-west-1", {})
        expected = await ordinary.request(TOPICS, "eu-west-1", {})

    assert sent is not None
    assert (sent[1], expected[1]) == (url, url)


async def test_the_same_listing_elsewhere_is_not_made_anew(same_moment: None) -> None:
    async with both_ways() as (clients, _):
        await directly(clients, TOPICS, "eu-west-1", {})
        made = dict(clients._shared.requests)
        await directly(clients, TOPICS, "eu-west-1", {})
        await directly(clients, TOPICS, "us-east-1", {})

        assert len(made) == 1
        assert len(clients._shared.requests) == 2
        assert all(clients._shared.requests[key] is kept for key, kept in made.items())


async def test_another_operation_than_the_one_that_was_asked_is_not_signed(same_moment: None) -> None:
    async with both_ways() as (clients, _):
        token = CALLER.set(Caller(Keys(), "eu-west-1", TOPICS))
        try:
            way = await clients._direct_way(TOPICS)
            assert way is not None
            request = await way.request("eu-west-1", {})
            assert request is not None
        finally:
            CALLER.reset(token)

        with pytest.raises(CallNotAllowedError):
            await signed(request)
        token = CALLER.set(Caller(Keys(), "eu-west-1", Call("sns", "ListSubscriptions", "sns:ListSubscriptions", take="Subscriptions[]")))
        try:
            with pytest.raises(CallNotAllowedError):
                await signed(request)
        finally:
            CALLER.reset(token)


async def test_a_client_of_permitted_calls_knows_no_others() -> None:
    async with Clients("aws", None, Permitted([TOPICS])) as clients:
        client = await clients.of("sns")

        assert client.meta.service_model.operation_names == ["ListTopics"]
        assert not hasattr(client, "publish")


ERRORS = {
    "query": (400, b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"),
    "html": (503, b"<html><body>Service Unavailable</body></html>"),
    "empty": (500, b""),
    "junk": (403, b"\x00\x01"),
    "s3": (200, b'<?xml version="1.0"?><Error><Code>InternalError</Code><Message>try again</Message></Error>'),
    "json": (400, b'{"__type":"com.amazon#AccessDeniedException","Message":"no identity-based policy allows"}'),
    "unreadable": (200, b"<ListTopicsResponse><ListTopicsResult><Topics>"),
}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(
    "call",
    [
        TOPICS,
        Call("ec2", "DescribeVpcs", "ec2:DescribeVpcs", take="Vpcs[]"),
        Call("s3", "ListBuckets", "s3:ListAllMyBuckets", take="Buckets[]"),
        Call("sqs", "ListQueues", "sqs:ListQueues", take="QueueUrls[]"),
        Call("lambda", "ListFunctions", "lambda:ListFunctions", take="Functions[]"),
    ],
    ids=lambda call: call.service,
)
async def test_an_error_means_the_same_either_way(call: Call, error: str, same_moment: None) -> None:
    status, body = ERRORS[error]
    headers = {"x-amzn-requestid": "r-1", "content-type": "text/plain"}
    async with both_ways() as (clients, ordinary):
        way = await clients._direct_way(call)
        assert way is not None
        ordinary.answer = Answered(status, body, headers)
        expected = await outcome(lambda: ordinary.clients.send(Caller(Keys(), "eu-west-1", call), {}))

        async def read() -> Any:
            return way.values(Received(status, headers, body))

        found = await outcome(read)

    # botocore's parsers stumble over junk in ways of their own; for us it is one way.
    assert found == expected or (isinstance(expected, type) and found is ResponseParserError)


async def outcome(attempt: Any) -> Any:
    """What came back: values, an error's code, message and status, or the kind of exception."""
    try:
        return await attempt()
    except ClientError as error:
        told = error.response
        return {**told["Error"], "status": told["ResponseMetadata"]["HTTPStatusCode"]}
    except Exception as error:  # noqa: BLE001
        return type(error)


@pytest.mark.parametrize(("profile", "asks"), [("plain", False), ("coded", True), ("behind", True), ("round", False), ("unknown", False)])
def test_a_profile_that_needs_a_code_or_builds_on_one_that_does_asks_a_person(
    profile: str, asks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(
        "[profile plain]\nregion = eu-west-1\n"
        "[profile coded]\nrole_arn = arn:aws:iam::1:role/R\nsource_profile = plain\nmfa_serial = arn:aws:iam::1:mfa/me\n"
        "[profile behind]\nrole_arn = arn:aws:iam::2:role/R\nsource_profile = coded\n"
        "[profile round]\nrole_arn = arn:aws:iam::2:role/R\nsource_profile = round\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    assert asks_for_a_code(base_session(profile)) is asks


async def test_what_preparing_operations_leaves_behind_goes_with_the_next_client() -> None:
    calls = [call for family in families(read_specs(()), service=("ec2",)) for call in family.calls()]
    gc.unfreeze()  # what other tests' clients left behind
    gc.collect()
    with seldom_collected():
        async with Clients("aws", None, Permitted([*calls, TOPICS])) as clients:
            for call in calls:
                await clients._direct_way(call)
            await clients.of("sns")
            gc.unfreeze()

            assert gc.collect() < 500, "of some thousands"


async def test_the_client_that_was_not_used_for_longest_goes_with_its_model_and_is_made_again_when_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Shapes(dict[str, Any]):
        """Shapes of which it can be seen when they are gone."""

    shapes: dict[str, ReferenceType[Shapes]] = {}
    pruned = read_models.pruned

    def watched(model: dict[str, Any], operations: Any) -> dict[str, Any]:
        found = pruned(model, operations)
        found["shapes"] = Shapes(found["shapes"])
        shapes[found["metadata"]["serviceId"]] = ref(found["shapes"])
        return found

    monkeypatch.setattr(read_models, "pruned", watched)
    monkeypatch.setattr(session, "KEPT", 2)
    queues = Call("sqs", "ListQueues", "sqs:ListQueues", take="QueueUrls[]")
    streams = Call("kinesis", "ListStreams", "kinesis:ListStreams", take="StreamNames[]")
    async with Clients("aws", None, Permitted([TOPICS, queues, streams])) as clients:
        for call in (TOPICS, queues, TOPICS):
            await directly(clients, call, "eu-west-1", {})
        made = {service: ref(await clients.of(service)) for service in ("sns", "sqs")}
        await directly(clients, streams, "eu-west-1", {})

        assert {service for service, client in made.items() if client() is None} == {"sqs"}
        assert {service for service, left in shapes.items() if left() is None} == {"SQS"}
        assert await directly(clients, queues, "eu-west-1", {}) is not None
        assert clients.made == {"sns": 1, "sqs": 2, "kinesis": 1}
        assert not {kept[0] for kept in clients._shared.requests} & {"sns"}, "sns went when sqs came back"
