"""Only the one place is read: anything else is refused before it is sent, and nobody is followed elsewhere."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from tenacity import wait_none

from collector.aws.api_error import ApiError
from collector.aws.gateway import Gateway
from collector.aws.page import Tally
from collector.aws.session import Caller, Clients
from collector.aws.stored import stored
from collector.billing.bucket import Bucket, ChangedError, Object
from collector.billing.place import BillingError, Place
from collector.errors import CallNotAllowedError
from collector.iam.session_policy import session_policy
from collector.plan import Target
from collector.spec.model import Call
from collector.spec.permitted import Permitted, permitted
from collector.spec.reader import read_specs
from collector.spec.select import families
from tests.answering import answering
from tests.aws.test_session import Keys

PLACE = Place("acme-billing", "exports/")
HERE = Target("aws", "111111111111", "eu-west-1")
TABLE = permitted((), PLACE.calls())
ETAG = '"0"'
READ = {"Bucket": "acme-billing", "Key": "exports/a/b.csv.gz", "IfMatch": ETAG}
LIST = {"Bucket": "acme-billing", "Prefix": "exports/a/", "Delimiter": "/"}

REFUSED = {
    "an object of another bucket": (PLACE.reading, {**READ, "Bucket": "acme-data"}),
    "an object outside the prefix": (PLACE.reading, {**READ, "Key": "private/a.csv.gz"}),
    "a prefix that only begins alike": (PLACE.reading, {**READ, "Key": "exports-2/a.csv.gz"}),
    "an object without a key": (PLACE.reading, {name: value for name, value in READ.items() if name != "Key"}),
    "an older version": (PLACE.reading, {**READ, "VersionId": "1"}),
    "an access point": (PLACE.reading, {**READ, "Bucket": "arn:aws:s3:eu-west-1:111111111111:accesspoint/acme-billing"}),
    "a listing of another bucket": (PLACE.listing, {**LIST, "Bucket": "acme-data"}),
    "a listing of the whole bucket": (PLACE.listing, {**LIST, "Prefix": ""}),
    "a listing without a prefix": (PLACE.listing, {name: value for name, value in LIST.items() if name != "Prefix"}),
    "a listing of all below": (PLACE.listing, {name: value for name, value in LIST.items() if name != "Delimiter"}),
    "another bucket's region": (PLACE.location, {"Bucket": "acme-data"}),
    "an object's metadata": (Call("s3", "HeadObject", "s3:GetObject"), {"Bucket": "acme-billing", "Key": "exports/a"}),
    "writing": (Call("s3", "PutObject", "s3:PutObject"), {"Bucket": "acme-billing", "Key": "exports/a"}),
}


class OneIdentity:
    async def of(self, account_id: str) -> Any:
        return Keys()

    def renew(self, account_id: str, expired: Any) -> None:
        raise AssertionError("nothing has expired")


@asynccontextmanager
async def gateway() -> AsyncIterator[Gateway]:
    async with Clients("aws", None, TABLE) as clients:
        yield Gateway(clients, OneIdentity(), TABLE, backoff=wait_none())


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every attempt to connect, none of which succeeds."""
    attempts: list[object] = []

    def refuse(*arguments: Any, **_: Any) -> None:
        attempts.append(arguments)
        raise OSError("the network is watched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return attempts


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_not_in_the_place_is_refused_before_anything_is_sent(what: str, tried: list[object]) -> None:
    call, params = REFUSED[what]
    async with gateway() as open_gateway:
        with pytest.raises(CallNotAllowedError):
            await open_gateway.once(call, HERE, params, Tally())
        if (call.service, call.operation) in TABLE:  # the client asks the table itself, whoever asks the client
            with pytest.raises(CallNotAllowedError):
                await open_gateway.clients.send(Caller(Keys(), HERE.region, call), params)
    assert not tried


def test_what_is_in_the_place_is_allowed() -> None:
    for call, params in ((PLACE.reading, READ), (PLACE.listing, LIST), (PLACE.location, {"Bucket": "acme-billing"})):
        TABLE.require(call.service, call.operation, params)


def test_no_spec_reads_an_object() -> None:
    assert ("s3", "GetObject") not in permitted(families(read_specs()))


@pytest.mark.parametrize("key", ["private/a", "exports", "exports-2/a", "exports/../private/a", "exports/./a", "Exports/a"])
async def test_a_key_that_leads_elsewhere_is_an_error_of_whoever_named_it(key: str) -> None:
    class Nobody:
        async def once(self, *_: Any) -> dict[str, Any]:
            raise AssertionError("nothing is to be sent")

    from datetime import UTC, datetime

    with pytest.raises(BillingError, match="which is outside s3://acme-billing/exports/"):
        await Bucket(Nobody(), PLACE, HERE).text(Object(key, ETAG, 1, datetime.now(UTC)), 10)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    error = "<Error><Code>PermanentRedirect</Code><Endpoint>other-bucket</Endpoint></Error>"
    asked: list[str] = []
    followed: list[str] = []

    async def stranger(request: web.Request) -> web.Response:
        followed.append(request.path)
        return web.Response(text="a stranger's")

    async def redirect(request: web.Request) -> web.Response:
        asked.append(request.path)
        headers = {"Location": str(elsewhere / "other-bucket/secret"), "x-amz-bucket-region": "us-west-2"}
        return web.Response(status=status, headers=headers, text=error)

    async with answering(stranger) as elsewhere, answering(redirect) as url, gateway() as open_gateway:
        monkeypatch.setenv("AWS_ENDPOINT_URL", str(url.origin()))
        with pytest.raises(ApiError):
            async with stored(open_gateway, PLACE.reading, HERE, READ, Tally()):
                pass
    assert asked == ["/acme-billing/exports/a/b.csv.gz"]
    assert followed == []


async def test_an_object_that_is_another_now_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime

    error = "<Error><Code>PreconditionFailed</Code></Error>"

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=412, text=error) if request.headers["If-Match"] == ETAG else web.Response(text="an object")

    async with answering(answer) as url, gateway() as open_gateway:
        monkeypatch.setenv("AWS_ENDPOINT_URL", str(url.origin()))
        with pytest.raises(ChangedError):
            await Bucket(open_gateway, PLACE, HERE).text(Object("exports/a", ETAG, 1, datetime.now(UTC)), 10)


def test_a_session_may_read_the_place_and_nothing_else() -> None:
    on: Mapping[str, tuple[str, ...]] = {call.action: call.resources for call in PLACE.calls()}

    text = session_policy({"sts:GetCallerIdentity"}, on)

    assert '{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:*:s3:::acme-billing/exports/*"]}' in text
    assert '"Resource":"*"' in text
    assert len(text) < 2048
    everywhere = text.partition('"Resource":"*"')[0]
    assert "s3:" not in everywhere


def test_the_table_is_what_billing_asks_and_what_any_command_asks() -> None:
    own = {(call.service, call.operation) for call in Permitted(permitted(()))}
    assert {(call.service, call.operation) for call in TABLE} - own == {
        ("s3", "GetBucketLocation"), ("s3", "ListObjectsV2"), ("s3", "GetObject"),
        ("cur", "DescribeReportDefinitions"), ("bcm-data-exports", "ListExports"), ("bcm-data-exports", "GetExport"),
    }  # fmt: skip
