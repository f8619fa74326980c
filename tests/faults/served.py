"""The synthetic server in a thread of its own, beside collectors that are processes of their own, and what its calls set off."""

import asyncio
import contextlib
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.synthetic import Settings
from tests.synthetic.connection import Connection
from tests.synthetic.route import Request
from tests.synthetic.server import Outcome, Server

SAMPLED_EVERY = 0.5
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Sample:
    """At *moment*, in seconds of the server's clock: so many calls so far, by service and by account, and so many throttled, by service."""

    moment: float
    calls: Counter[str]
    throttled: Counter[str]
    of_account: Counter[str]


@dataclass(slots=True)
class Watched(Server):
    """A server that tells *called* of each call's number, from 1, before it answers it."""

    called: Callable[[int], None] = lambda number: None
    calls: int = 0
    samples: list[Sample] = field(default_factory=list)
    of_account: Counter[str] = field(default_factory=Counter)

    def respond(self, request: Request, now: float) -> Outcome:
        self.calls += 1
        self.called(self.calls)
        self.of_account[self.caller(request).account] += 1
        return Server.respond(self, request, now)

    def sample(self, loop: asyncio.AbstractEventLoop, every: float) -> None:
        """Take a sample now, and again every so many seconds, as long as *loop* runs."""
        calls: Counter[str] = Counter()
        for (service, _), number in self.stats.calls.items():
            calls[service] += number
        self.samples.append(Sample(loop.time(), calls, Counter(self.stats.throttled), Counter(self.of_account)))
        loop.call_later(every, self.sample, loop, every)


@dataclass(slots=True)
class Served:
    """A server that is listening."""

    url: str
    server: Watched
    loop: asyncio.AbstractEventLoop = field(repr=False)

    @contextmanager
    def signalling(self, process: int, number: int, *, at_call: int, after: float = 0.0) -> Iterator[threading.Event]:
        """Send signal *number* to *process* when it makes its *at_call*-th call from here, or *after* seconds later. Tells when it is
        sent.
        """
        waiting: list[asyncio.TimerHandle] = []
        sent = threading.Event()

        def send() -> None:
            with contextlib.suppress(ProcessLookupError):  # it has ended before, which is an instant like any other
                os.kill(process, number)
            sent.set()

        def called(made: int) -> None:
            if made == at_call:
                waiting.append(self.loop.call_later(after, send))

        self.server.calls, self.server.called = 0, called
        try:
            yield sent
        finally:
            self.server.called = lambda number: None
            self.loop.call_soon_threadsafe(lambda: [each.cancel() for each in waiting])


@contextmanager
def served(settings: Settings) -> Iterator[Served]:
    """A listening server for as long as the block lasts."""
    ready: Future[Served] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(settings, ready)), daemon=True)
    thread.start()
    running = ready.result(timeout=10)
    try:
        yield running
    finally:
        running.loop.call_soon_threadsafe(_cancel_all, running.loop)
        thread.join(timeout=10)


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


async def _serve(settings: Settings, ready: "Future[Served]") -> None:
    loop = asyncio.get_running_loop()
    server = Watched(settings)
    connections: set[Connection] = set()

    def connect() -> Connection:
        connections.add(connection := Connection(server, loop))
        return connection

    listener = await loop.create_server(connect, "127.0.0.1", 0, backlog=1024)
    server.sample(loop, SAMPLED_EVERY)
    ready.set_result(Served(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", server, loop))
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        listener.close()
        for connection in connections:
            connection.abort()
