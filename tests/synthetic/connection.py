"""One HTTP/1.1 connection: requests in order, each answered before the next is read."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from tests.synthetic.route import Request
from tests.synthetic.server import Outcome, Server

_NO_LINGER = struct.pack("ii", 1, 0)
_END = b"\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """Raw asyncio, because a framework would cost more than the answers."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._buffer = b""
        self._busy = False
        self._continued = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.stats.connected()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._server.stats.open_connections -= 1

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        self._answer_next()

    def abort(self) -> None:
        """Close at once, if still open."""
        if self._transport is not None:
            self._transport.abort()

    def _answer_next(self) -> None:
        while self._buffer and not self._busy and self._transport is not None:
            request = self._request()
            if request is None:
                return
            outcome = self._server.respond(request, self._loop.time())
            closing = outcome.close or request.headers.get("connection", "").lower() == "close"
            if outcome.kind == "hang":
                self._busy = True
            elif outcome.delay > 0:
                self._busy = True
                self._loop.call_later(outcome.delay, self._finish, outcome, closing)
            else:
                self._send(outcome, closing)

    def _finish(self, outcome: Outcome, closing: bool) -> None:
        self._busy = False
        self._send(outcome, closing)
        self._answer_next()

    def _send(self, outcome: Outcome, closing: bool) -> None:
        if self._transport is None:
            return
        if outcome.kind == "reset":
            # Without lingering the kernel sends RST, where a plain close would end the stream politely.
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self._transport.abort()
            return
        self._server.stats.bytes_sent += len(outcome.data)
        self._transport.write(outcome.data)
        if closing:
            self._transport.close()

    def _request(self) -> Request | None:
        """The next whole request, taken from the buffer; None when more has to arrive first."""
        end = self._buffer.find(_END)
        if end < 0:
            return None
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        start = end + len(_END)
        if "chunked" in headers.get("transfer-encoding", ""):
            body, stop = _chunks(self._buffer, start)
        else:
            stop = start + int(headers.get("content-length", 0))
            body = self._buffer[start:stop] if len(self._buffer) >= stop else None
        if body is None:
            if headers.get("expect") == "100-continue" and not self._continued and self._transport is not None:
                self._continued = True
                self._transport.write(_CONTINUE)
            return None
        self._continued = False
        self._buffer = self._buffer[stop:]
        return Request(method, target, headers, body)


def _chunks(buffer: bytes, start: int) -> tuple[bytes | None, int]:
    """The body of a chunked request from *start*, and where it ends; None when it has not all arrived."""
    parts: list[bytes] = []
    while True:
        line_end = buffer.find(b"\r\n", start)
        if line_end < 0:
            return None, start
        size = int(buffer[start:line_end].split(b";")[0], 16)
        start = line_end + 2
        if len(buffer) < start + size + 2:
            return None, start
        if size == 0:
            return b"".join(parts), start + 2
        parts.append(buffer[start : start + size])
        start += size + 2
