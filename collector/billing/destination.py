"""Where the lines go: into a finished snapshot, or into a new one that holds nothing else. All of them at once, or nothing.

How that is kept is `Addition`'s to say. The lines of periods that are not read again come from the file that is there, if it is the one
that the manifest speaks of; otherwise none of them is kept, and every period is read anew.
"""

import hashlib
import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import orjson

from collector import __version__
from collector.errors import SinkError, SnapshotError
from collector.record import SCHEMA
from collector.sink.addition import Addition, Place, local_copy, locked, open_bucket, temporary_folder
from collector.sink.folder import LOCK, PRIVATE_FOLDER, FolderStore, lock, unfinished
from collector.sink.part import part_name, whole_lines
from collector.sink.stream import BUFFERED
from collector.snapshot import Snapshot

STREAM = "billing"


@dataclass(frozen=True, slots=True)
class Destination:
    """A snapshot in a local folder (one in S3 as a copy), and where it is published. A new one has no files yet."""

    to: str
    snapshot: Snapshot
    place: Place
    is_new_folder: bool = False

    @property
    def inventory(self) -> Snapshot | None:
        """The snapshot, if it has an inventory."""
        return self.snapshot if self.snapshot.files("resources") else None

    def periods(self) -> Mapping[str, Any]:
        """What the manifest says of each period that is there, if the file is the one that it speaks of."""
        told = self.snapshot.manifest.get(STREAM)
        digests = {each["name"]: each.get("sha256") for each in self.snapshot.manifest["files"]}
        files = self.snapshot.files(STREAM)
        if not isinstance(told, dict) or not files or not all(path.is_file() and _digest(path) == digests[path.name] for path in files):
            return {}
        periods = told.get("periods")
        return periods if isinstance(periods, dict) else {}

    def lines(self, period: str) -> Iterator[bytes]:
        """The lines of a period that is there."""
        for path in self.snapshot.files(STREAM):
            with path.open("rb") as file:
                for each in whole_lines(iter(partial(file.read, BUFFERED), b""), compressed=path.suffix == ".zst"):
                    if orjson.loads(each)["period"] == period:
                        yield each

    async def publish(self, lines: Iterable[bytes], about: Mapping[str, Any]) -> None:
        """Put *lines*, or pieces of them, in place of those that are there, and *about* into the manifest. Raises SinkError."""
        async with AsyncExitStack() as stack:
            if self.is_new_folder:
                await anyio.to_thread.run_sync(_make, stack, self.snapshot.folder)
            addition = Addition(self.snapshot, self.place, STREAM)
            try:
                await addition.begin()
                pieces = _together(lines)
                while piece := await anyio.to_thread.run_sync(next, pieces, b""):
                    await addition.write_text(piece)
                await addition.finish(about)
            finally:
                with anyio.CancelScope(shield=True):
                    await addition.abandon()


@asynccontextmanager
async def open_destination(to: str, *, kms_key: str | None = None, profile: str | None = None) -> AsyncIterator[Destination]:
    """The destination *to*, looked at and not touched.

    Raises SinkError when it cannot be written, or is something else than a snapshot or a new place.
    """
    async with AsyncExitStack() as stack:
        try:
            found = await _in_bucket(stack, to, kms_key, profile) if to.startswith("s3://") else _in_folder(stack, to)
        except SnapshotError as error:
            raise SinkError(f"{error}; name a finished snapshot, or a new place") from error
        yield found


def _in_folder(stack: AsyncExitStack, to: str) -> Destination:
    if to == "-" or "://" in to:
        raise SinkError(f"{to} is no place for billing lines: name a snapshot or a new one, a folder or s3://bucket/prefix")
    folder = Path(to)
    if folder.exists() and not folder.is_dir():
        raise SinkError(f"{folder} is a file: name a snapshot's folder, or a new one")
    if _is_unused(folder):
        return Destination(to, _nothing_in(folder), FolderStore(folder), is_new_folder=True)
    return Destination(to, locked(stack, to), FolderStore(folder))


async def _in_bucket(stack: AsyncExitStack, to: str, kms_key: str | None, profile: str | None) -> Destination:
    bucket = await open_bucket(stack, to, kms_key, profile)
    await bucket.refuse_if_not_writable()
    if await bucket.first_name() is None:
        return Destination(to, _nothing_in(temporary_folder(stack, to)), bucket)
    return Destination(to, await local_copy(stack, bucket, ("resources", STREAM)), bucket)


def _together(lines: Iterable[bytes]) -> Iterator[bytes]:
    """*lines* in pieces worth a thread each."""
    waiting = bytearray()
    for each in lines:
        waiting += each
        if len(waiting) >= BUFFERED:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _is_unused(folder: Path) -> bool:
    """Is nothing there, or only what one leaves that is killed?"""
    left = (LOCK, unfinished(part_name(STREAM, 1, compress=False, parts=False)))
    return not folder.exists() or all(each.name in left for each in folder.iterdir())


def _make(stack: AsyncExitStack, folder: Path) -> None:
    """Make the folder of a new snapshot, or take an empty one. Raises SinkError."""
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        stack.callback(os.close, lock(folder))
    except OSError as error:
        raise SinkError(f"{folder} cannot be written: {error.strerror}") from error
    if not _is_unused(folder):
        raise SinkError(f"{folder} was empty and is not any more: another run writes there")


def _nothing_in(folder: Path) -> Snapshot:
    return Snapshot(folder, {"collector": __version__, "files": [], "schema": SCHEMA})


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
