"""Standard output: both kinds of line, in order. There is no manifest; the exit status says how it ended."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import anyio.to_thread

from collector.errors import SinkError
from collector.record import Record, line
from collector.sink.part import Keep


class StdoutSink:
    async def __aenter__(self) -> Self:
        await anyio.to_thread.run_sync(_print, b"")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None

    async def begin(self, about: Mapping[str, Any]) -> None:  # noqa: ARG002  (there is nothing to come back to)
        return None

    async def earlier(self, tell: Callable[[bytes], None]) -> None:
        raise AssertionError(f"standard output keeps nothing to tell {tell} of")

    async def resume(self, keep: Keep) -> None:
        raise AssertionError(f"standard output keeps nothing to {keep}")

    async def write(self, records: Sequence[Record]) -> None:
        await anyio.to_thread.run_sync(_print, b"".join(map(line, records)))

    async def end(self) -> list[dict[str, Any]]:
        return []

    last_number = 0

    async def finish(self, manifest: Mapping[str, Any], files: Sequence[Mapping[str, Any]] | None = None) -> None:
        """There is nowhere to put it."""


def _print(lines: bytes) -> None:
    # The type says that there always is a standard output; started with `>&-` there is none.
    if sys.stdout is None:  # type: ignore[redundant-expr,unused-ignore]
        raise SinkError("standard output is closed")
    try:
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()
    except OSError as error:
        # What stays in the buffer is written again at exit, and would be complained of a second time there.
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SinkError(f"standard output cannot be written: {error.strerror}") from error
