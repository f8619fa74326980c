"""A folder on disk. Crash safety by write order: resources reach the disk before the coverage that vouches for them, the manifest last.

Lines are on the disk (fsync) about two seconds after they were written, or after a megabyte. The folder and its files are for their
owner alone: a customer's configuration is nobody else's business on a shared machine.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

import anyio
import anyio.to_thread

from collector.errors import SinkError
from collector.record import Record
from collector.sink.part import Buffer, Keep, Part, rewritten, whole_lines
from collector.sink.stream import ABOUT, MANIFEST, File, Numbers, Streams, manifest_text

LOCK = ".lock"
T = TypeVar("T")

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


class FolderSink:
    """Writes a snapshot into *folder*, which only one run may do at a time. With *numbers*, writes into one that this run has taken."""

    def __init__(
        self,
        folder: Path,
        *,
        compress: bool = False,
        part_megabytes: int | None = None,
        resume: bool = False,
        numbers: Numbers | None = None,
    ) -> None:
        self._folder = folder
        self._resume = resume
        self._is_taken = numbers is not None
        self._lock: int | None = None
        self._streams = Streams(self._open_file, compress=compress, part_megabytes=part_megabytes, numbers=numbers)

    async def __aenter__(self) -> Self:
        try:
            if not self._is_taken:
                await _on_disk(self._folder, self._take)
        except BaseException:
            self._let_go()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with anyio.CancelScope(shield=True):
            try:
                if not self._streams.is_torn:
                    await self._streams.flush()
            except SinkError:
                if error is None:
                    raise
            finally:
                await self._streams.abandon()
                self._let_go()

    def _take(self) -> None:
        """Make the folder and lock it. Raises SinkError when another run has it or something is in it."""
        try:
            self._folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        except FileExistsError:
            raise SinkError(f"{self._folder} is a file: name a new folder") from None
        if not (self._folder / LOCK).exists() and not self._resume:
            self._refuse_if_used()  # not even a lock is left in a folder that was named by mistake
        self._lock = lock(self._folder)
        self._refuse_if_used()

    def _refuse_if_used(self) -> None:
        if self._resume and (self._folder / ABOUT).is_file():
            return
        used = min((path.name for path in self._folder.iterdir() if path.name not in (LOCK, unfinished(ABOUT))), default=None)
        if used is not None:
            raise SinkError(f"{self._folder} is not empty ({used}): name a new folder{'' if self._resume else ', or --resume'}")

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def begin(self, about: Mapping[str, Any]) -> dict[str, Any] | None:
        return await self._streams.begin(FolderStore(self._folder), about)

    async def earlier(self, tell: Callable[[bytes], None]) -> None:
        await self._streams.earlier(FolderStore(self._folder), tell)

    async def resume(self, keep: Keep) -> None:
        await self._streams.resume(FolderStore(self._folder), keep)

    async def write(self, records: Sequence[Record]) -> None:
        await self._streams.write(records)

    async def end(self) -> list[dict[str, Any]]:
        return await self._streams.end()

    @property
    def last_number(self) -> int:
        return self._streams.last_number

    async def finish(self, manifest: Mapping[str, Any], files: Sequence[Mapping[str, Any]] | None = None) -> None:
        text = manifest_text(manifest, await self._streams.all_files(files))
        await _on_disk(self._folder, write_atomically, self._folder / MANIFEST, (text,))

    async def _open_file(self, name: str) -> File:
        file = FolderFile(self._folder, name)
        await _on_disk(self._folder, file.open)
        return file


def lock(folder: Path) -> int:
    """The file descriptor that holds *folder* until it is closed. Raises SinkError when another run has it, and OSError."""
    held = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_FILE)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise SinkError(f"{folder} is being written by another run") from None
    return held


class FolderStore:
    """The folder as a store to resume from, and to add to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def names(self) -> list[str]:
        return [path.name for path in self._folder.iterdir()]

    async def read(self, name: str) -> bytes | None:
        def read() -> bytes | None:
            path = self._folder / name
            return path.read_bytes() if path.is_file() else None

        return await _on_disk(self._folder, read)

    async def put(self, name: str, text: bytes) -> None:
        await _on_disk(self._folder, write_atomically, self._folder / name, (text,))

    async def each_line(self, name: str, tell: Callable[[bytes], None]) -> None:
        def read() -> None:
            with (self._folder / name).open("rb") as file:
                for line in whole_lines(_chunks(file), compressed=name.endswith(".zst")):
                    tell(line)

        await _on_disk(self._folder, read)

    async def rewrite(self, name: str, keep: Keep) -> dict[str, Any]:
        part = Part(name, name.endswith(".zst"))

        def rewrite() -> None:
            with (self._folder / name).open("rb") as file:
                write_atomically(self._folder / name, rewritten(part, _chunks(file), keep))

        await _on_disk(self._folder, rewrite)
        return part.described()

    async def remove(self, name: str) -> None:
        await _on_disk(self._folder, (self._folder / name).unlink)

    async def publish(self, written: Path, name: str) -> None:
        await _on_disk(self._folder, written.replace, self._folder / name)
        await _on_disk(self._folder, _sync_folder, self._folder)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(1 << 20):
        yield chunk


class FolderFile:
    """A file in *folder*; what was appended is on the disk."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._file = -1

    def open(self) -> None:
        self._file = os.open(self._folder / self._name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        try:
            _sync_folder(self._folder)
        except OSError:
            os.close(self._file)
            raise

    async def append(self, stored: Buffer) -> None:
        await _on_disk(self._folder, self._append, stored)

    def _append(self, stored: Buffer) -> None:
        _write_all(self._file, stored)
        os.fsync(self._file)

    async def end(self) -> None:
        await _on_disk(self._folder, os.fsync, self._file)
        await self.abandon()

    async def abandon(self) -> None:
        if self._file >= 0:
            file, self._file = self._file, -1
            await _on_disk(self._folder, os.close, file)


async def _on_disk(folder: Path, work: Callable[..., T], *arguments: Any) -> T:
    """Do *work* in a thread: a disk may take its time, the event loop may not."""
    try:
        return await anyio.to_thread.run_sync(work, *arguments)
    except OSError as error:
        raise SinkError(f"{folder} cannot be written: {error.strerror}") from error


def _write_all(file: int, text: Buffer) -> None:
    left = memoryview(text)
    while left:
        left = left[os.write(file, left) :]


def _sync_folder(folder: Path) -> None:
    """Bring the names in *folder* to the disk: a synced file without its name is lost with the power."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def unfinished(name: str) -> str:
    """What the file *name* is called until all of it is there."""
    return f".{name}.new"


def write_atomically(path: Path, texts: Iterable[Buffer]) -> None:
    """*texts*, joined, at *path*, all of it or nothing, whatever happens meanwhile. Raises OSError."""
    beside = path.with_name(unfinished(path.name))
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, PRIVATE_FILE)
    try:
        try:
            for text in texts:
                _write_all(file, text)
            os.fsync(file)
        finally:
            os.close(file)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
