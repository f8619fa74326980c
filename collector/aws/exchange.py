"""One request and its response over a pooled connection.

aiohttp's connector connects, pools and verifies, and its parser reads. What its session does beside that for each request (cookies,
redirects, default headers, bodies of every kind, a task to write them) no call here needs, and it costs more than all the rest of a call.
"""

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from time import monotonic
from typing import Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from yarl import URL

from collector.aws.api_error import ApiError

LARGEST = 64 << 20
"""Bytes of one answer. AWS's largest are a few megabytes; what never ends must not fill the memory."""
_HAS_A_BODY: Final = frozenset({"POST", "PUT", "PATCH"})

Response = tuple[int, Mapping[str, str], bytes]
"""Status, headers (found whatever their case) and the whole body."""


async def exchange(session: aiohttp.ClientSession, method: str, url: URL, headers: Mapping[str, str], body: bytes) -> Response:
    """The response to one request, which is sent once more when a kept connection turns out to have been closed meanwhile.

    Raises aiohttp's errors, TimeoutError, and ApiError for more than LARGEST.
    """
    connector, timeout = session.connector, session.timeout
    assert connector is not None
    opening = _opening(url.origin(), asyncio.get_running_loop())
    text = _head(method, url, headers, body) + body
    while True:
        connection = await connector.connect(opening, [], timeout)
        protocol = connection.protocol
        assert protocol is not None
        assert protocol.transport is not None
        is_kept = protocol.read_timeout is not None  # nobody has read from a new one
        try:
            protocol.set_response_params(skip_payload=method == "HEAD", auto_decompress=False, read_timeout=timeout.sock_read)
            protocol.transport.write(text)
            protocol.start_timeout()
            status = 0
            while status < 200:  # what comes before says that the answer is coming
                message, payload = await protocol.read()
                status = message.code
            content = await bounded(payload, timeout.total)
        except HttpProcessingError as error:
            connection.close()
            raise aiohttp.ClientPayloadError(type(error).__name__) from None
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            connection.close()
            if not is_kept or status:
                raise
        except BaseException:
            connection.close()
            raise
        else:
            connection.release()
            return status, message.headers, content


@lru_cache(maxsize=1024)
def _opening(origin: URL, loop: asyncio.AbstractEventLoop) -> aiohttp.ClientRequest:
    """What the connector wants to know of where to connect."""
    return aiohttp.ClientRequest("GET", origin, loop=loop)


def _head(method: str, url: URL, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"{method} {url.raw_path_qs} HTTP/1.1", f"Host: {url.host_port_subcomponent}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if (body or method in _HAS_A_BODY) and "Content-Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    if not all(map(str.isprintable, lines)):  # lest one ends early (RFC 9110, 5.5)
        raise ValueError("a header has a control character in it")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


async def bounded(content: StreamReader, seconds: float | None) -> bytes:
    """All of *content*. Raises ApiError when it is more than LARGEST, and TimeoutError when *seconds* are over and bytes still come."""
    blocks, size, began = [], 0, monotonic()
    while block := await content.readany():
        blocks.append(block)
        size += len(block)
        if size > LARGEST:
            raise ApiError("failed", "AnswerTooLarge")
        if seconds is not None and monotonic() - began > seconds:
            raise TimeoutError
    return b"".join(blocks)
