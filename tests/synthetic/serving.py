"""Start and stop the server inside a running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.synthetic.connection import Connection
from tests.synthetic.server import Server
from tests.synthetic.settings import Settings
from tests.synthetic.stats import Stats

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens at *url*; with TLS, clients trust the file *certificate*."""

    url: str
    server: Server
    certificate: Path | None = None

    @property
    def stats(self) -> Stats:
        """Its counters."""
        return self.server.stats


@contextlib.asynccontextmanager
async def serving(settings: Settings | None = None, server: Server | None = None) -> AsyncIterator[Running]:
    """A listening server with its counters, or *server* listening. Loopback only; every connection is closed on leaving."""
    server = server or Server(settings or Settings())
    settings = server.settings
    loop = asyncio.get_running_loop()
    connections: weakref.WeakSet[Connection] = weakref.WeakSet()

    def connect() -> Connection:
        connection = Connection(server, loop)
        connections.add(connection)
        return connection

    with tempfile.TemporaryDirectory(prefix="synthetic-aws-") as folder:
        context = trusted = None
        if settings.tls:
            from tests.synthetic.certificate import server_context  # cryptography is heavy and seldom needed

            context, trusted = server_context(Path(folder))
        listener = await loop.create_server(connect, _LOOPBACK, settings.port, ssl=context, backlog=1024)
        port = listener.sockets[0].getsockname()[1]
        try:
            yield Running(f"{'https' if settings.tls else 'http'}://{_LOOPBACK}:{port}", server, trusted)
        finally:
            listener.close()
            for connection in list(connections):
                connection.abort()
            await listener.wait_closed()


@contextlib.asynccontextmanager
async def synthetic(settings: Settings | None = None) -> AsyncIterator[str]:
    """The URL of a listening server, for AWS_ENDPOINT_URL."""
    async with serving(settings) as running:
        yield running.url
