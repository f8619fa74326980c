"""Lines cut into files, compressed when asked, counted and digested: what the folder and the S3 sink have in common."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

import anyio
import anyio.to_thread
import orjson

from collector.errors import SinkError
from collector.record import CoverageRecord, Record, line
from collector.sink.part import Buffer, Keep, Part, files_of, part_name, part_number

MANIFEST = "manifest.json"
ABOUT = ".run.json"
"""What a run was asked for, written before anything else: a later run that resumes it must ask for the same."""
BUFFERED = 1 << 20
"""Bytes of lines kept before they are stored: a megabyte costs a disk about a millisecond."""
FLUSH_SECONDS = 2.0
"""While records flow, none is kept longer than this: what a killed run has to do again. A sync every two seconds costs nothing."""


class File(Protocol):
    """One file of a snapshot while it is being written. Every method raises SinkError."""

    async def append(self, stored: Buffer) -> None:
        """Store *stored* after what came before; what that is worth before `end` is for each sink to say."""

    async def end(self) -> None:
        """The file is whole and durable."""

    async def abandon(self) -> None:
        """Let go of a file that will not be ended."""


OpenFile = Callable[[str], Awaitable[File]]
"""Makes the file of that name, which must not be there yet."""


class Store(Protocol):
    """The place of a snapshot, when a run that did not end well is taken up again. Every method raises SinkError."""

    async def names(self) -> list[str]:
        """The files that are there."""

    async def read(self, name: str) -> bytes | None:
        """A small file; None when it is not there."""

    async def put(self, name: str, text: bytes) -> None:
        """Write a small file; all of it or nothing."""

    async def each_line(self, name: str, tell: Callable[[bytes], None]) -> None:
        """Tell of each whole line of a file, one after the other."""

    async def rewrite(self, name: str, keep: Keep) -> dict[str, Any]:
        """Put a file in its own place again, with only the lines to *keep*; all of it or nothing. What the manifest says of it."""

    async def remove(self, name: str) -> None:
        """Remove a file."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of the files that one process makes, where several write one snapshot: *first*, then every *step*-th."""

    first: int
    step: int


class Streams:
    """The resource lines and the coverage lines of a snapshot: stored in order, at the latest FLUSH_SECONDS after they came.

    The time is looked at when something is written; when nothing comes any more, `finish` or the end of the run stores the rest.
    """

    def __init__(
        self,
        open_file: OpenFile,
        *,
        compress: bool,
        part_megabytes: int | None,
        part_seconds: float | None = None,
        numbers: Numbers | None = None,
    ) -> None:
        self._resources = _Stream("resources", open_file, compress, part_megabytes, part_seconds, numbers)
        self._coverage = _Stream("coverage", open_file, compress, part_megabytes, part_seconds, numbers)
        self._flushed = monotonic()
        self.is_torn = False
        """A write was begun and not brought to its end: what is stored may end in half a line, and nothing may follow it."""

    async def begin(self, store: Store, about: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the run that began in *store* was asked for; None when nothing was begun there, and then *about* is written down."""
        text = await store.read(ABOUT)
        if text is None:
            await store.put(ABOUT, about_text(about))
            return None
        try:
            told = orjson.loads(text)
        except orjson.JSONDecodeError:
            told = None
        if not isinstance(told, dict):
            raise SinkError(f"{ABOUT} cannot be read: this is no run to resume; name a new destination")
        return told

    async def earlier(self, store: Store, tell: Callable[[bytes], None]) -> None:
        """Tell of every coverage line that an earlier run left in *store*."""
        for name in files_of("coverage", await store.names()):
            await store.each_line(name, tell)

    async def resume(self, store: Store, keep: Keep) -> None:
        """Take up what an earlier run left in *store*: of its lines only those to *keep* stay, and new ones go to new files.

        Coverage is rewritten first: a resource that no coverage vouches for does not count, so dying on the way loses and adds nothing.
        """
        names = await store.names()
        if MANIFEST in names:
            await store.remove(MANIFEST)
        for stream in (self._coverage, self._resources):
            await stream.resume(store, names, keep)

    async def write(self, records: Sequence[Record]) -> None:
        for record in records:
            (self._coverage if isinstance(record, CoverageRecord) else self._resources).add(line(record))
            if self._resources.waiting + self._coverage.waiting >= BUFFERED:
                await self.flush()
        if monotonic() - self._flushed >= FLUSH_SECONDS:
            await self.flush()

    async def flush(self) -> None:
        """Store what is waiting, resources first. A file of coverage is ended after those of the resources that it vouches for.

        Whoever is cut while he waits for it leaves no half of a line: it is brought to its end.
        """
        with anyio.CancelScope(shield=True):
            self._begin()
            await self._resources.flush()
            await self._coverage.flush()
            if self._resources.is_full or self._coverage.is_full:
                await self._resources.end_part()
            if self._coverage.is_full:
                await self._coverage.end_part()
            self._flushed, self.is_torn = monotonic(), False

    async def end(self) -> list[dict[str, Any]]:
        """End the last files, resources first; what the manifest says of each."""
        await self.flush()
        self._begin()
        files = [*await self._resources.end(), *await self._coverage.end()]
        self.is_torn = False
        return files

    async def all_files(self, elsewhere: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
        """What the manifest says of each file: those of an earlier run, and those that were ended *elsewhere* or else end here."""
        if elsewhere is None:
            return list(await self.end())
        return sorted([*self._resources.ended, *self._coverage.ended, *elsewhere], key=lambda file: _place(str(file["name"])))

    @property
    def last_number(self) -> int:
        """The highest number of a file so far; 0 when there is none."""
        return max(self._resources.number, self._coverage.number)

    async def abandon(self) -> None:
        """Let go of the files that were not ended."""
        try:
            await self._resources.abandon()
        finally:
            await self._coverage.abandon()

    def _begin(self) -> None:
        if self.is_torn:
            raise SinkError("an earlier line could not be written, so none may follow it")
        self.is_torn = True


class _Stream:
    """The parts of one kind of line."""

    def __init__(
        self,
        stream: str,
        open_file: OpenFile,
        compress: bool,
        part_megabytes: int | None,
        part_seconds: float | None,
        numbers: Numbers | None,
    ) -> None:
        self._longest = part_seconds
        self._stream, self._open_file, self._compress = stream, open_file, compress
        self._largest = part_megabytes * 1_000_000 if part_megabytes else None
        self._waiting = bytearray()
        self._lines = 0
        self._open: tuple[Part, File] | None = None
        self._is_numbered = numbers is not None or part_megabytes is not None
        self._step = numbers.step if numbers else 1
        self.ended: list[dict[str, Any]] = []
        self.number = numbers.first - numbers.step if numbers else 0

    async def resume(self, store: Store, names: Sequence[str], keep: Keep) -> None:
        for name in files_of(self._stream, names):
            self.ended.append(await store.rewrite(name, keep))
            self.number = part_number(name)

    def add(self, line: bytes) -> None:
        # Into one buffer at once: orjson's bytes keep the kilobytes that they were written into.
        self._waiting += line
        self._lines += 1

    @property
    def waiting(self) -> int:
        """Bytes that are not stored yet."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        if self._open is None:
            return False
        part, _ = self._open
        is_large = self._largest is not None and part.size >= self._largest
        return is_large or (self._longest is not None and monotonic() - part.opened >= self._longest)

    async def flush(self) -> None:
        if self._lines:
            part, file = await self._open_part()
            text, lines = self._waiting, self._lines
            self._waiting, self._lines = bytearray(), 0
            await file.append(await anyio.to_thread.run_sync(part.encode, text, lines))

    async def end_part(self) -> None:
        if self._open is not None:
            part, file = self._open
            if last := part.end():
                await file.append(last)
            await file.end()
            self._open = None
            self.ended.append(part.described())

    async def end(self) -> list[dict[str, Any]]:
        if not self.ended:
            await self._open_part()  # no lines are a file without lines, not a missing file
        await self.end_part()
        return self.ended

    async def abandon(self) -> None:
        if self._open is not None:
            (_, file), self._open = self._open, None
            await file.abandon()

    async def _open_part(self) -> tuple[Part, File]:
        if self._open is None:
            self.number += self._step
            name = part_name(self._stream, self.number, compress=self._compress, parts=self._is_numbered or self.number > 1)
            self._open = Part(name, self._compress), await self._open_file(name)
        return self._open


def _place(name: str) -> tuple[bool, int]:
    """Resources before coverage, each in the order of their numbers."""
    return name.startswith("coverage"), part_number(name)


def about_text(about: Mapping[str, Any]) -> bytes:
    """What a run was asked for, as it is written."""
    return orjson.dumps(about, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)


def manifest_text(manifest: Mapping[str, Any], files: Sequence[Any]) -> bytes:
    """The manifest as it is written: *manifest* with what is known of its *files*."""
    return orjson.dumps({**manifest, "files": files}, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
