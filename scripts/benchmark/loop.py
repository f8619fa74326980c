"""How long the event loop is held: by one callback, and as a timer sees it."""

import asyncio
import time
from types import TracebackType
from typing import Any, Self

import anyio

TICK = 0.002
"""Seconds between looks at the clock."""


class Watch:
    """Watches the running event loop while the block lasts."""

    def __init__(self) -> None:
        self._held: list[float] = []
        self._late: list[float] = []
        self._ticking: asyncio.Task[None] | None = None
        self._original: Any = None

    async def __aenter__(self) -> Self:
        held, original = self._held, asyncio.events.Handle._run  # noqa: SLF001

        def run(handle: asyncio.events.Handle) -> None:
            began = time.thread_time()
            original(handle)  # type: ignore[arg-type]
            held.append(time.thread_time() - began)

        self._original, asyncio.events.Handle._run = original, run  # noqa: SLF001
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.events.Handle._run = self._original  # noqa: SLF001
        if self._ticking is not None:
            self._ticking.cancel()

    async def _tick(self) -> None:
        while True:
            due = time.perf_counter() + TICK
            await anyio.sleep(TICK)
            self._late.append(time.perf_counter() - due)

    def figures(self) -> dict[str, float]:
        late = sorted(self._late)
        return {
            "held_longest": max(self._held, default=0.0),
            "late_most": late[-1] if late else 0.0,
            "late_seldom": late[int(0.999 * (len(late) - 1))] if late else 0.0,
        }
