"""Nothing leaves but what a spec names: every other operation that botocore knows, in every way a client has, with the network watched."""

import io
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache, partial
from typing import Any

import pytest
from botocore import xform_name
from botocore.discovery import EndpointDiscoveryRequired
from botocore.exceptions import BotoCoreError
from botocore.loaders import Loader
from yarl import URL

from collector.aws.direct import Direct, Shared
from collector.aws.gateway import Gateway
from collector.aws.guard import Guard, before_call, before_sign
from collector.aws.page import Tally
from collector.aws.session import CALLER, Caller, Clients
from collector.aws.sign import Unsigned, signed
from collector.errors import CallNotAllowedError
from collector.plan import Target
from collector.spec.model import Call
from collector.spec.permitted import IDENTITY, Permitted, permitted
from collector.spec.reader import read_specs
from collector.spec.select import families
from tests.aws.test_session import Keys
from tests.synthetic import models

REGION = "eu-west-1"
TOPICS = Call("sns", "ListTopics", "sns:ListTopics", take="Topics[]")
AT_LEAST = 15_000
"""Operations of botocore 1.40.61 that no spec names; there are 15,545."""

Attempt = Callable[[], Awaitable[object]]


@cache
def table() -> Permitted:
    return permitted(families(read_specs()))


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every attempt to find a host or to connect to one. None succeeds."""
    attempts: list[object] = []

    def refuse(*arguments: Any, **_: Any) -> None:
        attempts.append(arguments)
        raise OSError("the network is watched")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return attempts


@contextmanager
def asked(call: Call | None) -> Iterator[None]:
    """While *call* is being made; nothing is, when there is none."""
    token = CALLER.set(Caller(Keys(), REGION, call)) if call is not None else None
    try:
        yield
    finally:
        if token is not None:
            CALLER.reset(token)


@asynccontextmanager
async def whole_clients(allowed: Permitted) -> AsyncIterator[Clients]:
    """Clients that know every operation of their services, though only *allowed* ones may be sent."""
    async with Clients("aws", None, allowed) as clients:
        clients._session._session.register_component("data_loader", Loader())
        yield clients


async def refused(attempt: Attempt) -> bool:
    try:
        await attempt()
    except CallNotAllowedError:
        return True
    except (BotoCoreError, TypeError, ValueError, AttributeError):
        return False
    return False


async def test_the_watch_sees_what_is_allowed(tried: list[object]) -> None:
    """Otherwise the tests below would pass whatever is sent."""
    async with Clients("aws", None, Permitted([TOPICS])) as clients:
        with pytest.raises(BotoCoreError):
            await clients.send(Caller(Keys(), REGION, TOPICS), {})
        with asked(TOPICS), pytest.raises(BotoCoreError):
            await (await clients.of("sns")).list_topics()

    assert len(tried) == 2


async def test_no_operation_outside_the_table_can_be_sent_in_any_way(tried: list[object]) -> None:
    """Called, paged, waited for or presigned, by nobody, while something else is asked, and by whoever claims to be asked for it."""
    count, waiters, opened = 0, 0, []
    async with whole_clients(table()) as clients:
        for service in clients._session._session.get_available_services():
            client = await clients.of(service)
            something = next((call for call in table() if call.service == service), IDENTITY)
            for name in client.waiter_names:
                for call in (None, IDENTITY):
                    with asked(call):
                        waiters += 1
                        if not await refused(client.get_waiter(name).wait):
                            opened.append((service, name, "waiter", call))
            for operation in client.meta.service_model.operation_names:
                if (service, operation) in table():
                    continue
                count += 1
                for call in (None, something, Call(service, operation, f"{service}:{operation}")):
                    with asked(call):
                        opened += [
                            (service, operation, way, call) for way, attempt in ways(client, operation) if not await refused(attempt)
                        ]
            forget(clients, service)

    assert opened == []
    assert tried == []
    assert count > AT_LEAST
    assert waiters > 200


def ways(client: Any, operation: str) -> Iterator[tuple[str, Attempt]]:
    """Every way in which *client* offers *operation*."""
    method = xform_name(operation)
    # botocore has no method for the few that stream both ways.
    yield "call", getattr(client, method, partial(client._make_api_call, operation, {}))
    yield "presigned URL", lambda: client.generate_presigned_url(method)
    if client.can_paginate(method):
        yield "paginator", lambda: anext(aiter(client.get_paginator(method).paginate()))


def forget(clients: Clients, service: str) -> None:
    """The client of *service* and its model: all of them together take half a gigabyte."""
    del clients._clients[service]
    kept = clients._session._session.get_component("data_loader")._cache
    for key in [key for key in kept if service in key]:
        del kept[key]


async def test_no_operation_outside_the_table_passes_gateway_clients_or_signature(tried: list[object]) -> None:
    """The clients of a run know nothing of most of these operations; that is no error of botocore's, it is refused."""

    class Nobody:
        async def of(self, account_id: str) -> Any:
            raise AssertionError("nobody is asked for keys")

    count, opened = 0, []
    async with Clients("aws", None, table()) as clients:
        gateway = Gateway(clients, Nobody(), table())  # type: ignore[arg-type]
        something = next(iter(table()))
        session = clients._session._session
        for service in session.get_available_services():
            for operation in Loader().load_service_model(service, "service-2")["operations"]:
                if (service, operation) in table():
                    continue
                count += 1
                call = Call(service, operation, f"{service}:{operation}")
                request = Unsigned(service, operation, "POST", URL(), {}, b"", None, REGION, service, ("", "", "", ""), ("", "", ""))
                attempts: dict[str, Attempt] = {
                    "gateway": lambda call=call: gateway.once(call, Target("aws", "111122223333", REGION), {}, Tally()),
                    "clients": lambda call=call: clients.send(Caller(Keys(), REGION, call), {}),
                    "signature": lambda request=request: signed(request),
                }
                with asked(something):
                    opened += [(service, operation, way) for way, attempt in attempts.items() if not await refused(attempt)]
        assert clients.made == {}

    assert opened == []
    assert tried == []
    assert count > AT_LEAST


async def test_the_direct_way_refuses_what_it_could_build(tried: list[object]) -> None:
    """Of every sixth service one operation that no spec names, asked by whoever claims to be asked for it."""
    built, opened = 0, []
    async with whole_clients(table()) as clients:
        for service in sorted({call.service for call in table()})[::6]:
            client = await clients.of(service)
            for operation in client.meta.service_model.operation_names:
                direct = None if (service, operation) in table() else Direct.of(client, operation, "agent", Shared())
                if direct is not None:
                    built += 1
                    with asked(Call(service, operation, f"{service}:{operation}")):
                        if not await refused(lambda direct=direct: direct.request(REGION, {})):
                            opened.append((service, operation))
                    break
            forget(clients, service)

    assert opened == []
    assert built > 20


async def test_resources_can_do_nothing(tried: list[object]) -> None:
    """boto3's resources: every action, attribute and collection of every kind of resource, made of made-up names."""
    count, opened = 0, []
    async with whole_clients(table()) as clients:
        session = clients._session
        for service in session.get_available_resources():
            async with session.resource(service, region_name=REGION, config=clients._config(service)) as root:
                for name, attempt in offers(await with_those_below(root)):
                    count += 1
                    with asked(IDENTITY):
                        if not await refused(attempt):
                            opened.append((service, name))

    assert opened == []
    assert tried == []
    assert count > 400


async def with_those_below(root: Any) -> list[Any]:
    """*root*, and one resource of each kind below it."""
    found = [root]
    for below in root.meta.resource_model.subresources:
        made = getattr(root, below.name)(*["made-up"] * len(below.resource.identifiers))
        found.append(await made if hasattr(made, "__await__") else made)
    return found


def offers(resources: list[Any]) -> Iterator[tuple[str, Attempt]]:
    for resource in resources:
        model = resource.meta.resource_model
        resource.meta.data = {}  # otherwise some actions load it first, and aioboto3 forgets to await that
        for action in model.actions:
            if action.name != "create_tags":  # boto3's own, which forgets to await its call: nothing is sent at all
                yield f"{model.name}.{action.name}", getattr(resource, action.name)
        if model.load is not None:
            yield f"{model.name}.load", resource.load
        for collection in model.collections:
            yield f"{model.name}.{collection.name}", partial(first, getattr(resource, collection.name))


async def first(collection: Any) -> object:
    return await anext(aiter(collection.all()))


@pytest.mark.parametrize("call", [None, TOPICS, Call("s3", "ListBuckets", "s3:ListAllMyBuckets")], ids=["nobody", "sns", "s3"])
async def test_transfers_and_posts_are_refused(call: Call | None, tried: list[object], tmp_path: Any) -> None:
    """What moves objects in parts, in tasks of its own, and what signs a form that whoever has it may upload with."""
    file = tmp_path / "file"
    file.write_bytes(b"x" * 10)
    async with whole_clients(table()) as clients:
        s3 = await clients.of("s3")
        attempts: dict[str, Attempt] = {
            "upload_file": lambda: s3.upload_file(str(file), "bucket", "key"),
            "upload_fileobj": lambda: s3.upload_fileobj(io.BytesIO(b"x"), "bucket", "key"),
            "download_file": lambda: s3.download_file("bucket", "key", str(tmp_path / "got")),
            "download_fileobj": lambda: s3.download_fileobj("bucket", "key", io.BytesIO()),
            "copy": lambda: s3.copy({"Bucket": "a", "Key": "b"}, "bucket", "key"),
            "post": lambda: s3.generate_presigned_post("bucket", "key"),
            "token": lambda: rds.generate_db_auth_token(DBHostname="h", Port=1, DBUsername="u"),
        }
        rds = await clients.of("rds")
        with asked(call):
            assert [name for name, attempt in attempts.items() if not await refused(attempt)] == []

    assert tried == []


# --- what botocore does by itself ---


def fixed_to(service: str, operation: str, **params: Any) -> Call:
    return Call(service, operation, f"{service}:{operation}", params=params)


@pytest.mark.parametrize(
    ("call", "params"),
    [
        pytest.param(fixed_to("s3", "ListObjectsV2", Bucket="{b}"), {"Bucket": "b--euw1-az1--x-s3"}, id="CreateSession for S3 Express"),
        pytest.param(fixed_to("codecatalyst", "ListSpaces"), {}, id="a token instead of keys"),
    ],
)
async def test_a_call_that_takes_another_first_is_refused(call: Call, params: dict[str, Any], tried: list[object]) -> None:
    """Even where a spec names it, for what it takes beside is named by none."""
    async with whole_clients(Permitted([call])) as clients:
        with pytest.raises(CallNotAllowedError):
            await clients.send(Caller(Keys(), REGION, call), params)

    assert tried == []


async def test_endpoints_are_not_discovered(tried: list[object]) -> None:
    call = fixed_to("timestream-query", "ListScheduledQueries")
    async with whole_clients(Permitted([call])) as clients:
        with pytest.raises(EndpointDiscoveryRequired):
            await clients.send(Caller(Keys(), REGION, call), {})

    assert tried == []


async def test_a_token_in_the_environment_signs_for_no_account(tried: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore prefers AWS_BEARER_TOKEN_BEDROCK to any keys: every account's Bedrock would be its owner's."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "somebody-elses")
    call = fixed_to("bedrock", "ListGuardrails")
    authorized = []
    async with Clients("aws", None, Permitted([call])) as clients:
        with asked(call):
            direct = await clients._direct_way(call)
            request = await direct.request(REGION, {}) if direct is not None else None
            assert request is not None
            authorized.append((await signed(request))["Authorization"].encode())
            client = await clients.of("bedrock")
            client.meta.events.register("before-send", lambda request, **_: authorized.append(request.headers["Authorization"]))
            with pytest.raises(BotoCoreError):
                await client.list_guardrails()

    assert [each.partition(b"/")[0] for each in authorized] == [b"AWS4-HMAC-SHA256 Credential=AKIA111122223333TEST"] * 2


async def test_keys_are_given_only_for_a_signature_that_was_let_through(tried: list[object]) -> None:
    async with Clients("aws", None, Permitted([TOPICS])) as clients:
        keys = (await clients.of("sns"))._request_signer._credentials
        with asked(TOPICS), pytest.raises(CallNotAllowedError, match="without a signature"):
            await keys.get_frozen_credentials()
        with asked(TOPICS):
            before_sign("ListTopics", "v4")
            assert (await keys.get_frozen_credentials()).access_key == "AKIA111122223333TEST"
            with pytest.raises(CallNotAllowedError, match="without a signature"):
                await keys.get_frozen_credentials()


@pytest.mark.parametrize("operation", ["Publish", "ListSubscriptions"])
def test_each_event_refuses_on_its_own(operation: str) -> None:
    """Whatever comes to one of them without having passed the others."""
    model = models.operation_model("sns", operation)
    guard = Guard(Permitted([TOPICS]))
    attempts: list[Callable[[], None]] = [
        lambda: guard.require({}, model),
        lambda: before_call(model, {}),
        lambda: before_sign(operation, "v4"),
    ]
    for call in (None, TOPICS):
        for attempt in attempts:
            with asked(call), pytest.raises(CallNotAllowedError):
                attempt()


def test_an_operation_of_the_same_name_in_another_service_is_another() -> None:
    tags = Call("sns", "ListTagsForResource", "sns:ListTagsForResource", params={"ResourceArn": "{arn}"})
    for service in ("rds", "ssm"):
        with asked(tags), pytest.raises(CallNotAllowedError, match=rf"{service}\.ListTagsForResource was about to be sent"):
            before_call(models.operation_model(service, "ListTagsForResource"), {})
