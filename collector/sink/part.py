"""One file of a stream: its name, what is stored in it, and its lines read back and rewritten."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import Any, TypeAlias

import zstandard

from collector.snapshot import LONGEST_LINE

LEVEL = 3
"""zstd's default: a tenth of the size for a few microseconds a record."""

Buffer: TypeAlias = bytes | bytearray

Keep = Callable[[bytes], bool]
"""Is this line of an earlier run to stay?"""


@dataclass(slots=True)
class Part:
    """One file of a stream: its name, and what is known of its content so far."""

    name: str
    compress: bool
    lines: int = 0
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    opened: float = field(default_factory=monotonic)
    _compressor: Any = None

    def __post_init__(self) -> None:
        if self.compress:
            self._compressor = zstandard.ZstdCompressor(LEVEL).compressobj()

    def encode(self, text: Buffer, lines: int) -> Buffer:
        """What to store for *text*, which is so many *lines*. Compressed, it ends a block: all of it can be read back from what is stored
        so far.
        """
        self.lines += lines
        if self._compressor is not None:
            text = self._compressor.compress(text) + self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        return self._counted(text)

    def end(self) -> Buffer:
        """The last bytes of the part."""
        return self._counted(self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH)) if self._compressor is not None else b""

    def _counted(self, stored: Buffer) -> Buffer:
        self.size += len(stored)
        self.digest.update(stored)
        return stored

    def described(self) -> dict[str, Any]:
        """As the manifest lists it."""
        return {"bytes": self.size, "lines": self.lines, "name": self.name, "sha256": self.digest.hexdigest()}


def part_name(stream: str, number: int, *, compress: bool, parts: bool) -> str:
    """``resources.jsonl``, or ``resources-00001.jsonl.zst`` when there are parts and they are compressed."""
    return f"{stream}{f'-{number:05}' if parts else ''}.jsonl{'.zst' if compress else ''}"


def part_number(name: str) -> int:
    """The number in a part's name; 1 when it has none."""
    number = name.split(".", maxsplit=1)[0].rpartition("-")[2]
    return int(number) if number.isdigit() else 1


def files_of(stream: str, names: Iterable[str]) -> list[str]:
    """The files of one stream among *names*, in the order in which they were written."""
    form = re.compile(rf"{stream}(-\d{{5,}})?\.jsonl(\.zst)?")
    return sorted((name for name in names if form.fullmatch(name)), key=part_number)


MOUTHFUL = 4 << 10
"""Bytes that are decompressed at once: zstd's most, some sixteen thousand times as much, still fits the memory."""


def whole_lines(chunks: Iterable[bytes], *, compressed: bool) -> Iterator[bytes]:
    """The lines in *chunks* of a file, each with its newline. A torn end, as a killed run leaves it, is left out, and so is all from a line
    on that is longer than any of ours.
    """
    rest = b""
    for text in _decompressed(chunks) if compressed else chunks:
        *lines, rest = (rest + text).split(b"\n")
        yield from (each + b"\n" for each in lines)
        if len(rest) > LONGEST_LINE:
            return


def _decompressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The text of *chunks*, as far as it can be read."""
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    for chunk in chunks:
        for start in range(0, len(chunk), MOUTHFUL):
            try:
                yield decompressor.decompress(chunk[start : start + MOUTHFUL])
            except zstandard.ZstdError:
                return


LINES_TOGETHER = 10_000


def rewritten(part: Part, chunks: Iterable[bytes], keep: Keep) -> Iterator[Buffer]:
    """What to store for a file rewritten as *part* with only the lines to *keep*."""
    lines = (each for each in whole_lines(chunks, compressed=part.compress) if keep(each))
    while together := list(islice(lines, LINES_TOGETHER)):
        yield part.encode(b"".join(together), len(together))
    yield part.end()
