"""One request and its response over a pooled connection, against a server that says what the test says."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import pytest
from yarl import URL

from collector.aws import exchange as module
from collector.aws.api_error import ApiError
from collector.aws.connections import Connections
from collector.aws.exchange import Response, exchange

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Amzn-RequestId: one\r\n\r\nfine"
HANG_UP = b"!"
"""The connection is closed after the rest of this answer, if there is any."""


class Server:
    """Gives *answers* one after the other, whatever it is asked; keeps what it was asked, and how many connections there were."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self.answers = list(answers)
        self.asked: list[bytes] = []
        self.connections = 0
        self.url = URL()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
                self.asked.append(head + await reader.readexactly(size))
                answer = self.answers.pop(0)
                writer.write(answer.removeprefix(HANG_UP))
                await writer.drain()
                if answer.startswith(HANG_UP):
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def talking(*answers: bytes) -> AsyncIterator[tuple[Server, aiohttp.ClientSession]]:
    server, connections = Server(answers), Connections()
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    server.url = URL(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/a%20path?b=%2F", encoded=True)
    async with listening:
        try:
            yield server, connections.session()
        finally:
            await connections.close()


async def ask(server: Server, session: aiohttp.ClientSession, body: bytes = b"") -> Response:
    return await exchange(session, "POST" if body else "GET", server.url, {"X-One": "1"}, body)


async def test_a_request_is_written_as_it_was_signed_and_its_response_read_whole() -> None:
    async with talking(FINE) as (server, session):
        status, headers, content = await ask(server, session, b"question")

        host = f"{server.url.host}:{server.url.port}"
        head = f"POST /a%20path?b=%2F HTTP/1.1\r\nHost: {host}\r\nX-One: 1\r\nContent-Length: 8\r\n\r\n"
        assert server.asked == [head.encode() + b"question"]
        assert (status, headers["x-amzn-requestid"], content) == (200, "one", b"fine")


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n2\r\nne\r\n0\r\n\r\n", b"fine"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + FINE, b"fine"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nas", b"as"),
    ],
    ids=["in chunks", "after another", "empty", "as it came"],
)
async def test_a_response_of_another_form_is_read(answer: bytes, content: bytes) -> None:
    async with talking(answer) as (server, session):
        assert (await ask(server, session))[2] == content


async def test_a_connection_is_kept() -> None:
    async with talking(FINE, FINE, FINE) as (server, session):
        for _ in range(3):
            await ask(server, session)

        assert server.connections == 1


async def test_a_kept_connection_that_was_closed_is_replaced_by_a_new_one() -> None:
    async with talking(FINE, HANG_UP, FINE) as (server, session):
        await ask(server, session)

        assert (await ask(server, session))[2] == b"fine"
        assert (server.connections, len(server.asked)) == (2, 3)


async def test_a_new_connection_that_is_closed_is_an_error_at_once() -> None:
    async with talking(HANG_UP, FINE) as (server, session):
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await ask(server, session)

        assert len(server.asked) == 1


async def test_an_answer_that_ends_early_is_an_error_and_not_asked_for_again() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
    async with talking(FINE, HANG_UP + half) as (server, session):
        await ask(server, session)
        with pytest.raises(aiohttp.ClientPayloadError):
            await ask(server, session)

        assert len(server.asked) == 2


async def test_what_is_no_http_is_an_error() -> None:
    async with talking(b"SSH-2.0-OpenSSH_9.2\r\n\r\n") as (server, session):
        with pytest.raises(aiohttp.ClientError):
            await ask(server, session)


async def test_an_answer_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 3)
    async with talking(FINE, FINE) as (server, session):
        with pytest.raises(ApiError, match="AnswerTooLarge"):
            await ask(server, session)
        with pytest.raises(ApiError, match="AnswerTooLarge"):
            await ask(server, session)

        assert server.connections == 2, "what is left of it is not taken for the next answer"


@pytest.mark.parametrize("value", ["1\r\nX-Two: 2", "1\n", "\x00"])
async def test_a_header_ends_where_it_ends(value: str) -> None:
    async with talking(FINE) as (server, session):
        with pytest.raises(ValueError, match="control character"):
            await exchange(session, "GET", server.url, {"X-One": value}, b"")

        assert server.asked == []
