"""Where the lines go: ``billing.jsonl`` in a snapshot's folder, or in a new one with a manifest of its own. All of it at once, or nothing.

The file is replaced first and the manifest after it. Whoever dies in between leaves whole lines beside an older digest; the next reading
then keeps none of them and reads every period anew.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector import __version__
from collector.errors import SinkError, SnapshotError
from collector.record import SCHEMA
from collector.sink.folder import LOCK, PRIVATE_FOLDER, lock, write_atomically
from collector.sink.stream import MANIFEST, manifest_text
from collector.snapshot import Snapshot, open_snapshot

STREAM = "billing"
FILE = f"{STREAM}.jsonl"


@dataclass(frozen=True, slots=True)
class Destination:
    """A folder, and the snapshot that is in it, if there is one."""

    folder: Path
    snapshot: Snapshot | None

    @property
    def periods(self) -> Mapping[str, Any]:
        """What the manifest says of each period that is there, if the file is the one that it speaks of."""
        if self.snapshot is None:
            return {}
        told = self.snapshot.manifest.get(STREAM)
        listed = {each["name"]: each for each in self.snapshot.manifest["files"]}
        path = self.folder / FILE
        if not isinstance(told, dict) or not path.is_file() or _digest(path) != listed.get(FILE, {}).get("sha256"):
            return {}
        periods = told.get("periods")
        return periods if isinstance(periods, dict) else {}

    def publish(self, lines: Iterable[bytes], about: Mapping[str, Any]) -> None:
        """Put *lines* in place of those that are there, and *about* into the manifest. Raises SinkError."""
        counted = _Counted(lines)
        try:
            self.folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            held = lock(self.folder)
            try:
                write_atomically(self.folder / FILE, counted)
                manifest: dict[str, Any] = (
                    dict(self.snapshot.manifest) if self.snapshot else {"collector": __version__, "files": [], "schema": SCHEMA}
                )
                files = [each for each in manifest.pop("files") if each["name"] != FILE]
                text = manifest_text({**manifest, STREAM: about}, [*files, counted.described()])
                write_atomically(self.folder / MANIFEST, (text,))
            finally:
                os.close(held)
        except OSError as error:
            raise SinkError(f"{self.folder} cannot be written: {error.strerror}") from error


def destination(to: str) -> Destination:
    """The destination *to*, looked at and not touched. Raises SinkError when it is something else than a snapshot or a new folder."""
    if "://" in to or to == "-":
        raise SinkError(f"{to} is no place for billing lines: name a folder, a snapshot's or a new one")
    folder = Path(to)
    if folder.exists() and not folder.is_dir():
        raise SinkError(f"{folder} is a file: name a snapshot's folder, or a new one")
    used = folder.is_dir() and any(each.name != LOCK for each in folder.iterdir())
    try:
        return Destination(folder, open_snapshot(folder) if used else None)
    except SnapshotError as error:
        raise SinkError(f"{error}; name a finished snapshot's folder, or a new one") from error


class _Counted:
    """Lines as they pass by: how many, how long, and their digest."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self._count = self._size = 0
        self._sha256 = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for each in self._lines:
            self._count += each.count(b"\n")
            self._size += len(each)
            self._sha256.update(each)
            yield each

    def described(self) -> dict[str, Any]:
        """As the manifest lists it."""
        return {"bytes": self._size, "lines": self._count, "name": FILE, "sha256": self._sha256.hexdigest()}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
