"""A further file in a finished snapshot: all of it, and then the manifest that lists it, or nothing.

Lines go to a hidden file beside the others (for a snapshot in S3, to one in a temporary copy) until all are there. A file of the same name
from earlier leaves the manifest before it is replaced. So whenever this dies, the snapshot is as it was, or lacks that one file.
"""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import anyio.to_thread

from collector.errors import SinkError, SnapshotError
from collector.record import Record, line
from collector.sink.folder import FolderFile, FolderStore, lock, unfinished
from collector.sink.part import Part, part_name
from collector.sink.stream import BUFFERED, MANIFEST, manifest_text
from collector.snapshot import Snapshot, open_snapshot

if TYPE_CHECKING:
    from collector.sink.bucket import Bucket


class Place(Protocol):
    """Where the snapshot is. Every method raises SinkError."""

    async def put(self, name: str, text: bytes) -> None:
        """Write a small file; all of it or nothing."""

    async def publish(self, written: Path, name: str) -> None:
        """Put the local file *written* there under *name*; all of it or nothing."""


class Addition:
    """One stream of lines for *snapshot*, compressed when its own are."""

    def __init__(self, snapshot: Snapshot, place: Place, stream: str) -> None:
        self.snapshot, self._place, self._stream = snapshot, place, stream
        compress = any(path.suffix == ".zst" for path in snapshot.files("resources"))
        self._part = Part(part_name(stream, 1, compress=compress, parts=False), compress)
        self._written = snapshot.folder / unfinished(self._part.name)
        self._file = FolderFile(snapshot.folder, self._written.name)
        self._waiting = bytearray()
        self._lines = 0

    async def begin(self) -> None:
        """Open the file. Raises SinkError."""
        try:
            await anyio.to_thread.run_sync(lambda: self._written.unlink(missing_ok=True))  # of one that was killed
            await anyio.to_thread.run_sync(self._file.open)
        except OSError as error:
            raise SinkError(f"{self.snapshot.folder} cannot be written: {error.strerror}") from error

    async def write(self, records: Sequence[Record]) -> None:
        """Write *records* after those before them, one call at a time."""
        await self.write_text(b"".join(map(line, records)))

    async def write_text(self, text: bytes) -> None:
        """Write lines, or a piece of some, after what was written before."""
        self._waiting += text
        self._lines += text.count(b"\n")
        if len(self._waiting) >= BUFFERED:
            await self._flush()

    async def finish(self, about: Mapping[str, Any]) -> None:
        """Publish the file, and the manifest with *about* under the stream's name."""
        await self._flush()
        if last := self._part.end():
            await self._file.append(last)
        await self._file.end()
        manifest = {name: value for name, value in self.snapshot.manifest.items() if name != self._stream}
        earlier = {path.name for path in self.snapshot.files(self._stream)}
        files = [each for each in manifest["files"] if each["name"] not in earlier]
        if earlier:
            await self._place.put(MANIFEST, manifest_text(manifest, files))
        await self._place.publish(self._written, self._part.name)
        await self._place.put(MANIFEST, manifest_text({**manifest, self._stream: about}, [*files, self._part.described()]))

    async def abandon(self) -> None:
        """Let go of the file, and of what it was written to if it was not published."""
        await self._file.abandon()
        await anyio.to_thread.run_sync(lambda: self._written.unlink(missing_ok=True))

    async def _flush(self) -> None:
        if self._waiting:
            text, lines = self._waiting, self._lines
            self._waiting, self._lines = bytearray(), 0
            await self._file.append(await anyio.to_thread.run_sync(self._part.encode, text, lines))


@asynccontextmanager
async def open_addition(to: str, stream: str, *, kms_key: str | None = None, profile: str | None = None) -> AsyncIterator[Addition]:
    """An addition to the finished snapshot *to*, a folder or ``s3://bucket/prefix``.

    Raises SnapshotError when there is none, and SinkError when it cannot be written.
    """
    async with AsyncExitStack() as stack:
        if to.startswith("s3://"):
            bucket = await open_bucket(stack, to, kms_key, profile)
            addition = Addition(await local_copy(stack, bucket, ("coverage", "resources")), bucket, stream)
        else:
            addition = Addition(locked(stack, to), FolderStore(Path(to)), stream)
        try:
            await addition.begin()
            yield addition
        finally:
            with anyio.CancelScope(shield=True):
                await addition.abandon()


def locked(stack: AsyncExitStack, to: str) -> Snapshot:
    """The finished snapshot in the folder *to*, which is ours until *stack* ends. Raises SinkError and SnapshotError."""
    if to == "-":
        raise SinkError("standard output keeps nothing that could be added to: name a folder or s3://bucket/prefix")
    folder = Path(to)
    open_snapshot(folder)  # before anything, even a lock, is left in a folder that is none
    try:
        stack.callback(os.close, lock(folder))
    except OSError as error:
        raise SinkError(f"{folder} cannot be written: {error.strerror}") from error
    return open_snapshot(folder)


async def open_bucket(stack: AsyncExitStack, to: str, kms_key: str | None, profile: str | None) -> "Bucket":
    """The prefix *to* in S3, connected until *stack* ends. Raises SinkError."""
    from collector.sink.bucket import Bucket

    bucket = Bucket(to, kms_key)
    await bucket.connect(stack, profile)
    return bucket


def temporary_folder(stack: AsyncExitStack, to: str) -> Path:
    """A folder for a copy of what is in *to*, until *stack* ends: all that may be many gigabytes is on the disk and not in memory."""
    try:
        return Path(stack.enter_context(TemporaryDirectory(prefix="collector-")))
    except OSError as error:
        raise SinkError(f"{to} needs a temporary copy, and there is no place for it ({error.strerror}): name one in TMPDIR") from error


async def local_copy(stack: AsyncExitStack, bucket: "Bucket", streams: Sequence[str]) -> Snapshot:
    """The finished snapshot in *bucket*, these of its files as a copy that *stack* removes. Raises SinkError and SnapshotError."""
    folder = temporary_folder(stack, bucket.url)
    await _copy(bucket, MANIFEST, folder)
    snapshot = open_snapshot(folder)
    for path in (path for stream in streams for path in snapshot.files(stream)):
        await _copy(bucket, path.name, folder)
    return snapshot


async def _copy(bucket: "Bucket", name: str, folder: Path) -> None:
    if not await bucket.fetch(name, folder / name):
        raise SnapshotError(f"{bucket.url}: no {name}: this is no snapshot, or its run is not finished")
