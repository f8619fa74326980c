"""One pool for all: no redirect is followed, no cookie kept, sockets are bounded, and errors mean what aiobotocore means by them."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
from aiohttp import web
from botocore.exceptions import EndpointConnectionError, HTTPClientError, ProxyConnectionError, ReadTimeoutError, SSLError
from yarl import URL

from collector.aws import connections, exchange
from collector.aws.api_error import ApiError, from_exception
from collector.aws.connections import Connections, meaning, proxy_for, sockets_allowed
from tests.answering import answering
from tests.synthetic import Settings, serving


@asynccontextmanager
async def opened(verify: bool | str = True) -> AsyncIterator[Connections]:
    pool = Connections(verify)
    try:
        yield pool
    finally:
        await pool.close()


async def test_a_redirect_is_an_answer_and_its_cookie_is_nobodys() -> None:
    asked: list[dict[str, str]] = []

    async def redirect(request: web.Request) -> web.Response:
        asked.append(dict(request.headers))
        return web.Response(status=307, headers={"Location": "/elsewhere", "Set-Cookie": "account=1", "X-Amz-Id-2": "i"})

    async with answering(redirect) as url, opened() as pool:
        first = await pool.send("GET", url, {"A": "1"}, b"")
        await pool.send("GET", url, {"A": "2"}, b"")

    assert (first.status, first.headers["x-amz-id-2"]) == (307, "i")
    assert len(asked) == 2
    assert not any("Cookie" in headers for headers in asked)


async def test_a_clients_own_session_sends_over_the_same_connections() -> None:
    from botocore.awsrequest import AWSPreparedRequest, HeadersDict

    peers = set()

    async def note(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(status=301, headers={"Location": "/elsewhere"}, text=request.path)

    async with answering(note) as url, opened() as pool:
        client = pool.of_client(timeout=(1, 1))
        async with client:
            answer = await client.send(AWSPreparedRequest("POST", str(url), HeadersDict(), b"body", False))
        again = await pool.send("POST", url, {}, b"body")

    assert (answer.status_code, await answer.content) == (301, b"/")
    assert (again.status, again.body) == (301, b"/")
    assert len(peers) == 1


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in chunks"])
@pytest.mark.parametrize("way", ["ours", "botocore's"])
async def test_an_answer_that_never_ends_is_not_taken_into_memory(way: str, announced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.awsrequest import AWSPreparedRequest, HeadersDict

    monkeypatch.setattr(exchange, "LARGEST", 300_000)
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        answer = web.StreamResponse(headers={"Content-Length": str(1 << 40)} if announced else {})
        await answer.prepare(request)
        with suppress(ConnectionError):
            while True:
                await answer.write(bytes(100_000))
                sent += 100_000
        return answer

    async with answering(endless) as url, opened() as pool, pool.of_client(timeout=(1, 1)) as client:
        with pytest.raises((ApiError, HTTPClientError)) as raised:
            await (
                pool.send("GET", url, {}, b"")
                if way == "ours"
                else client.send(AWSPreparedRequest("GET", str(url), HeadersDict(), b"", False))
            )

    meant = from_exception(raised.value)
    assert meant is not None
    assert (meant.kind, meant.code, meant.passing) == ("failed", "AnswerTooLarge", False)
    assert sent < 50_000_000  # what the two ends' buffers hold


async def test_an_answer_whose_bytes_come_too_slowly_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.2)

    async def drip(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        with suppress(ConnectionError):
            while True:
                await answer.write(b" ")
                await anyio.sleep(0.02)
        return answer

    async with answering(drip) as url, opened() as pool:
        with pytest.raises(ReadTimeoutError):
            await pool.send("GET", url, {}, b"")


async def test_the_longest_idle_are_closed_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "sockets_allowed", lambda: 8)
    open_now: set[Any] = set()
    most = 0

    async def note(request: web.Request) -> web.Response:
        nonlocal most
        open_now.add(request.transport)
        still = {each for each in open_now if each is not None and not each.is_closing()}
        open_now.intersection_update(still)
        most = max(most, len(still))
        return web.Response()

    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(answering(note)) for _ in range(20)]
        pool = await stack.enter_async_context(opened())
        for _ in range(2):
            for url in urls:
                assert (await pool.send("GET", url, {}, b"")).status == 200
        connector: Any = pool.session().connector
        idle = sum(map(len, connector._conns.values()))

    assert 4 <= idle <= 8
    assert most <= 8 + 1  # the server sees a connection end a moment after it was ended


def test_a_process_that_may_open_few_files_opens_fewer_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 4096))
    assert sockets_allowed() == 192
    monkeypatch.setattr("resource.getrlimit", lambda _: (1_048_576, 1_048_576))
    assert sockets_allowed() == connections.SOCKETS


@pytest.mark.parametrize("verify", ["the server's own", True, False])
async def test_certificates_are_verified_as_they_were_asked_to_be(verify: bool | str, tmp_path: Path) -> None:
    async with serving(Settings(tls=True)) as server:
        trusted = str(server.certificate) if verify == "the server's own" else verify
        async with opened(trusted) as pool:
            asked = pool.send("GET", URL(f"{server.url}/_synthetic/stats"), {}, b"")
            if verify is True:
                with pytest.raises(SSLError):
                    await asked
            else:
                assert (await asked).status == 200


async def test_a_host_that_does_not_answer_is_told_as_botocore_tells_it() -> None:
    async with answering(web.View) as url:
        nobody = url
    async with opened() as pool:
        with pytest.raises(EndpointConnectionError):
            await pool.send("GET", nobody, {}, b"")
        with pytest.raises(ProxyConnectionError):
            await pool.send("GET", URL("http://sns.eu-west-1.amazonaws.com/"), {}, b"", str(nobody))


def test_a_time_out_while_reading_is_told_as_one() -> None:
    assert isinstance(meaning(aiohttp.SocketTimeoutError("read"), "https://s/", None), ReadTimeoutError)


def test_proxies_come_from_the_environment_host_by_host(monkeypatch: pytest.MonkeyPatch) -> None:
    connections._proxy_of_host.cache_clear()
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", "sts.eu-west-1.amazonaws.com")

    assert proxy_for("https://sns.eu-west-1.amazonaws.com/") == "http://proxy.test:3128"
    assert proxy_for("https://sts.eu-west-1.amazonaws.com/") is None
    connections._proxy_of_host.cache_clear()


def test_the_context_is_one_that_verifies() -> None:
    context = connections._tls(True)

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert connections._tls(False) is False
