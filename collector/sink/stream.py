"""Lines cut into files, compressed when asked, counted and digested: what the folder and the S3 sink have in common."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

import anyio.to_thread
import orjson
import zstandard

from collector.errors import SinkError
from collector.record import CoverageRecord, Record, line

MANIFEST = "manifest.json"
LEVEL = 3
"""zstd's default: a tenth of the size for a few microseconds a record."""
BUFFERED = 1 << 20
"""Bytes of lines kept before they are stored: a megabyte costs a disk about a millisecond."""
FLUSH_SECONDS = 2.0
"""While records flow, none is kept longer than this: what a killed run has to do again. A sync every two seconds costs nothing."""


class File(Protocol):
    """One file of a snapshot while it is being written. Every method raises SinkError."""

    async def append(self, stored: bytes) -> None:
        """Store *stored* after what came before; what that is worth before `end` is for each sink to say."""

    async def end(self) -> None:
        """The file is whole and durable."""

    async def abandon(self) -> None:
        """Let go of a file that will not be ended."""


OpenFile = Callable[[str], Awaitable[File]]
"""Makes the file of that name, which must not be there yet."""


class Streams:
    """The resource lines and the coverage lines of a snapshot: stored in order, at the latest FLUSH_SECONDS after they came.

    The time is looked at when something is written; when nothing comes any more, `finish` or the end of the run stores the rest.
    """

    def __init__(self, open_file: OpenFile, *, compress: bool, part_megabytes: int | None) -> None:
        self._resources = _Stream("resources", open_file, compress, part_megabytes)
        self._coverage = _Stream("coverage", open_file, compress, part_megabytes)
        self._flushed = monotonic()
        self.is_torn = False
        """A write was begun and not brought to its end: what is stored may end in half a line, and nothing may follow it."""

    async def write(self, records: Sequence[Record]) -> None:
        for record in records:
            (self._coverage if isinstance(record, CoverageRecord) else self._resources).add(line(record))
            if self._resources.waiting + self._coverage.waiting >= BUFFERED:
                await self.flush()
        if monotonic() - self._flushed >= FLUSH_SECONDS:
            await self.flush()

    async def flush(self) -> None:
        """Store what is waiting, resources first. A file of coverage is ended after those of the resources that it vouches for."""
        self._begin()
        await self._resources.flush()
        await self._coverage.flush()
        if self._resources.is_full or self._coverage.is_full:
            await self._resources.end_part()
        if self._coverage.is_full:
            await self._coverage.end_part()
        self._flushed, self.is_torn = monotonic(), False

    async def finish(self) -> list[dict[str, Any]]:
        """End the last files, resources first; what the manifest says of each."""
        await self.flush()
        self._begin()
        files = [*await self._resources.end(), *await self._coverage.end()]
        self.is_torn = False
        return files

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

    def __init__(self, stream: str, open_file: OpenFile, compress: bool, part_megabytes: int | None) -> None:
        self._stream, self._open_file, self._compress = stream, open_file, compress
        self._largest = part_megabytes * 1_000_000 if part_megabytes else None
        self._lines: list[bytes] = []
        self._open: tuple[Part, File] | None = None
        self._ended: list[dict[str, Any]] = []
        self.waiting = 0

    def add(self, text: bytes) -> None:
        self._lines.append(text)
        self.waiting += len(text)

    @property
    def is_full(self) -> bool:
        return self._open is not None and self._largest is not None and self._open[0].size >= self._largest

    async def flush(self) -> None:
        if self._lines:
            part, file = await self._open_part()
            lines, self._lines, self.waiting = self._lines, [], 0
            await file.append(await anyio.to_thread.run_sync(part.encode, lines))

    async def end_part(self) -> None:
        if self._open is not None:
            part, file = self._open
            if last := part.end():
                await file.append(last)
            await file.end()
            self._open = None
            self._ended.append(part.described())

    async def end(self) -> list[dict[str, Any]]:
        if not self._ended:
            await self._open_part()  # no lines are a file without lines, not a missing file
        await self.end_part()
        return self._ended

    async def abandon(self) -> None:
        if self._open is not None:
            (_, file), self._open = self._open, None
            await file.abandon()

    async def _open_part(self) -> "tuple[Part, File]":
        if self._open is None:
            name = part_name(self._stream, len(self._ended) + 1, compress=self._compress, parts=self._largest is not None)
            self._open = Part(name, self._compress), await self._open_file(name)
        return self._open


@dataclass(slots=True)
class Part:
    """One file of a stream: its name, and what is known of its content so far."""

    name: str
    compress: bool
    lines: int = 0
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    _compressor: Any = None

    def __post_init__(self) -> None:
        if self.compress:
            self._compressor = zstandard.ZstdCompressor(LEVEL).compressobj()

    def encode(self, lines: Sequence[bytes]) -> bytes:
        """The bytes to store for *lines*. Compressed, they end a block: all of *lines* can be read back from what is stored so far."""
        self.lines += len(lines)
        text = b"".join(lines)
        if self._compressor is not None:
            text = self._compressor.compress(text) + self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        return self._counted(text)

    def end(self) -> bytes:
        """The last bytes of the part."""
        return self._counted(self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH)) if self._compressor is not None else b""

    def _counted(self, stored: bytes) -> bytes:
        self.size += len(stored)
        self.digest.update(stored)
        return stored

    def described(self) -> dict[str, Any]:
        """As the manifest lists it."""
        return {"bytes": self.size, "lines": self.lines, "name": self.name, "sha256": self.digest.hexdigest()}


def part_name(stream: str, number: int, *, compress: bool, parts: bool) -> str:
    """``resources.jsonl``, or ``resources-00001.jsonl.zst`` when there are parts and they are compressed."""
    return f"{stream}{f'-{number:05}' if parts else ''}.jsonl{'.zst' if compress else ''}"


def manifest_text(manifest: Mapping[str, Any], files: Sequence[Any]) -> bytes:
    """The manifest as it is written: *manifest* with what is known of its *files*."""
    return orjson.dumps({**manifest, "files": files}, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
