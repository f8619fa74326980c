"""A finished run's files, and which of their lines count: a resource counts only if a coverage line vouches for its scan."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import zstandard

from collector.errors import SnapshotError

MANIFEST = "manifest.json"
LONGEST_LINE = 64 << 20
"""Bytes. AWS's largest answers are a few megabytes; a longer line is not ours, and must not fill the memory. A manifest neither."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot in a local folder."""

    folder: Path
    manifest: dict[str, Any]

    def files(self, stream: str) -> list[Path]:
        """The files of ``resources``, ``coverage`` or ``metrics``, in order, as the manifest lists them."""
        names = [each["name"] for each in self.manifest["files"] if each["name"].split(".")[0].split("-")[0] == stream]
        return [self.folder / name for name in names]

    def coverage(self) -> Iterator[dict[str, Any]]:
        return self._lines("coverage")

    def resources(self) -> Iterator[dict[str, Any]]:
        """The resources that count."""
        vouched = {line["scan_id"] for line in self.coverage()}
        return (line for line in self._lines("resources") if line["scan_id"] in vouched)

    def utilisation(self) -> Iterator[dict[str, Any]]:
        """The lines of metrics that count; their file holds the coverage that vouches for them too."""
        vouched = {line["scan_id"] for line in self._lines("metrics") if line["record"] == "coverage"}
        return (line for line in self._lines("metrics") if line["record"] == "utilisation" and line["scan_id"] in vouched)

    def _lines(self, stream: str) -> Iterator[dict[str, Any]]:
        for path in self.files(stream):
            yield from lines_of(path)


def open_snapshot(folder: Path) -> Snapshot:
    """The snapshot in *folder*. Raises SnapshotError when there is none, or when its run is not finished."""
    try:
        with (folder / MANIFEST).open("rb") as file:
            text = file.read(LONGEST_LINE + 1)
        manifest = orjson.loads(text) if len(text) <= LONGEST_LINE else None
    except FileNotFoundError as error:
        raise SnapshotError(f"{folder}: no {MANIFEST}: this is no snapshot, or its run is not finished") from error
    except (OSError, orjson.JSONDecodeError) as error:
        raise SnapshotError(f"{folder / MANIFEST}: cannot be read") from error
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if (
        not isinstance(manifest, dict)
        or not isinstance(files, list)
        or not all(isinstance(each, dict) and _is_plain(each.get("name")) for each in files)
    ):
        raise SnapshotError(f"{folder / MANIFEST}: lists no files; it was not written by the collector")
    return Snapshot(folder, manifest)


def _is_plain(name: Any) -> bool:
    """A manifest may be anybody's: its names must not lead out of the folder."""
    return isinstance(name, str) and _PLAIN.fullmatch(name) is not None


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of one file, compressed or not. Raises SnapshotError at the first that is not a line of ours."""
    try:
        with path.open("rb") as file:
            stream = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) if path.suffix == ".zst" else file
            yield from _parsed(path, stream)
    except (OSError, zstandard.ZstdError) as error:
        raise SnapshotError(f"{path}: cannot be read: {error}") from error


def _parsed(path: Path, stream: Any) -> Iterator[dict[str, Any]]:
    rest, number = b"", 0
    while chunk := stream.read(1 << 20):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise SnapshotError(f"{path}: line {number + len(whole) + 1} is longer than {LONGEST_LINE:,} bytes")
        for text in whole:
            number += 1
            yield _line(path, number, text)
    if rest:
        raise SnapshotError(f"{path}: the last line is torn")


def _line(path: Path, number: int, text: bytes) -> dict[str, Any]:
    try:
        line = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise SnapshotError(f"{path}: line {number} is not JSON") from error
    if not isinstance(line, dict) or not isinstance(line.get("scan_id"), str):
        raise SnapshotError(f"{path}: line {number} is not a record")
    return line
