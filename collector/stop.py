"""Ending early and well: no new tasks, a grace period for those in flight, then what is left is cut."""

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from math import inf

import anyio
import structlog

from collector.errors import StoppedError
from collector.record import Gap
from collector.spec.model import Family

log = structlog.get_logger()

GRACE_SECONDS = 10.0
"""How long calls in flight may take to finish. A container is killed 30 seconds after SIGTERM; the rest of them is for the writer."""


class Stop:
    """Whether a run is to end early; asked by a signal or a deadline, heeded by the workers."""

    def __init__(self, grace: float = GRACE_SECONDS) -> None:
        self.grace = grace
        self.why: str | None = None
        """``Deadline`` or ``Interrupted``, once it was asked for: the code of the gaps."""
        self.asked = anyio.Event()
        self.insisted = anyio.Event()
        """Set when it is asked for, and when it is asked for again."""
        self._scopes: dict[anyio.CancelScope, float] = {}
        """What is under way, and the seconds that each of it gets when the stop is asked for."""

    @property
    def is_asked(self) -> bool:
        return self.why is not None

    def ask(self, why: str) -> None:
        """Begin no new task, and let those in flight finish within the grace period; asked again: let them not."""
        if self.why is None:
            self.why = why
            self.asked.set()
            for scope, grace in self._scopes.items():
                scope.deadline = min(scope.deadline, anyio.current_time() + grace)
        else:
            self.insisted.set()
            for scope in self._scopes:
                scope.cancel()

    def in_flight(self) -> AbstractContextManager[anyio.CancelScope]:
        """A scope for one task's calls, cancelled when the grace period is over."""
        return self._scope(self.grace)

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """For what comes before the first task: cancelled at once. Raises StoppedError then."""
        with self._scope(0.0) as scope:
            yield
        if scope.cancelled_caught:
            raise StoppedError(f"stopped ({self.why}) before the first task was begun: nothing was read")

    @contextmanager
    def ending(self) -> Iterator[None]:
        """For what comes after the last task: only cancelled when a stop is asked for that is not the first. Raises StoppedError then."""
        with self._scope(inf) as scope:
            yield
        if scope.cancelled_caught:
            raise StoppedError(
                f"stopped ({self.why}, twice) before the snapshot was finished; what was read is kept, and --resume finishes it"
            )

    @contextmanager
    def _scope(self, grace: float) -> Iterator[anyio.CancelScope]:
        with anyio.CancelScope() as scope:
            self._scopes[scope] = grace
            try:
                yield scope
            finally:
                del self._scopes[scope]

    def gap(self, family: Family) -> Gap:
        """What is told of a task that was cut."""
        return Gap(action=family.root.list.action, code=self.why or "Interrupted", kind="cut")


@asynccontextmanager
async def stopping(deadline: float | None) -> AsyncIterator[Stop]:
    """A Stop that is asked for by SIGTERM and SIGINT (once: finish what is in flight; twice: now), and *deadline* seconds from here."""
    stop = Stop()
    failure: Exception | None = None

    async def heed_signals() -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for number in signals:
                log.warning("run.interrupted", signal=signal.Signals(number).name, grace=stop.grace)
                stop.ask("Interrupted")

    async def heed_deadline(seconds: float) -> None:
        await anyio.sleep(seconds)
        log.warning("run.deadline_reached", seconds=seconds, grace=stop.grace)
        stop.ask("Deadline")

    async with anyio.create_task_group() as group:
        group.start_soon(heed_signals)
        if deadline is not None:
            group.start_soon(heed_deadline, deadline)
        try:
            yield stop
        except Exception as error:  # noqa: BLE001  (it is raised again, but as it was, not in a group)
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
