"""Ending early and well: no new tasks, a grace period for those in flight, then what is left is cut."""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from collector.record import Gap
from collector.spec.model import Family

GRACE_SECONDS = 10.0
"""How long calls in flight may take to finish. A container is killed 30 seconds after SIGTERM; the rest of them is for the writer."""


class Stop:
    """Whether a run is to end early; asked by a signal or a deadline, heeded by the workers."""

    def __init__(self, grace: float = GRACE_SECONDS) -> None:
        self.grace = grace
        self.why: str | None = None
        """``Deadline`` or ``Interrupted``, once it was asked for: the code of the gaps."""
        self._asked = anyio.Event()
        self._in_flight: set[anyio.CancelScope] = set()

    @property
    def is_asked(self) -> bool:
        return self.why is not None

    async def wait(self) -> None:
        """Until it is asked for."""
        await self._asked.wait()

    def ask(self, why: str) -> None:
        """Begin no new task, and let those in flight finish within the grace period; asked again: let them not."""
        if self.why is None:
            self.why = why
            self._asked.set()
            for scope in self._in_flight:
                scope.deadline = min(scope.deadline, anyio.current_time() + self.grace)
        else:
            for scope in self._in_flight:
                scope.cancel()

    @contextmanager
    def in_flight(self) -> Iterator[anyio.CancelScope]:
        """A scope for one task's calls, cancelled when the grace period is over."""
        with anyio.CancelScope() as scope:
            self._in_flight.add(scope)
            try:
                yield scope
            finally:
                self._in_flight.discard(scope)

    def gap(self, family: Family) -> Gap:
        """What is told of a task that was cut."""
        return Gap(action=family.root.list.action, code=self.why or "Interrupted", kind="cut")
