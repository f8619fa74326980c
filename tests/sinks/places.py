"""Destinations that the suite can look into, and break: a folder, and a bucket of the emulator."""

import errno
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs

import boto3
import pytest

from collector.sink import Sink, open_sink
from collector.sink.stream import Numbers

OURS = "aws-service-inventory-collector"


class Place(Protocol):
    """Somewhere to write to. `watch` and `fail_at` last until the test ends."""

    megabytes: float
    """So much that every way of storing it is taken: several flushes, several parts."""

    def sink(self, name: str = "new", numbers: Numbers | None = None) -> AbstractAsyncContextManager[Sink]: ...

    def files(self, name: str = "new") -> dict[str, bytes]:
        """What a reader finds there now."""

    def put(self, name: str, file: str, content: bytes) -> None:
        """Something that is there already."""

    def left_open(self) -> list[str]:
        """What nobody let go of: descriptors, multipart uploads."""

    def watch(self, look: Callable[[Mapping[str, bytes]], None], name: str = "new") -> None:
        """Let *look* see what would be found if the machine stopped, after each write."""

    def fail_at(self, write: int | None) -> None:
        """That write and all later ones fail. Counting starts anew."""

    def writes(self) -> int:
        """How many there were since `fail_at`."""


@dataclass
class Folder:
    root: Path
    monkeypatch: pytest.MonkeyPatch
    options: dict[str, Any] = field(default_factory=dict)
    megabytes: float = 5
    _writes: int = 0
    _failing: int | None = None

    def __post_init__(self) -> None:
        self._real_write = os.write
        self._open_before = set(self._descriptors())
        self.monkeypatch.setattr(os, "write", self._write)

    def sink(self, name: str = "new", numbers: Numbers | None = None) -> AbstractAsyncContextManager[Sink]:
        return open_sink(str(self.root / name), numbers=numbers, **self.options)

    def files(self, name: str = "new") -> dict[str, bytes]:
        folder = self.root / name
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"} if folder.exists() else {}

    def put(self, name: str, file: str, content: bytes) -> None:
        (self.root / name).mkdir(exist_ok=True)
        (self.root / name / file).write_bytes(content)

    def left_open(self) -> list[str]:
        return [path for path in self._descriptors() if path not in self._open_before]

    def _descriptors(self) -> Iterable[str]:
        """The files below the root that this process has open."""
        for descriptor in Path("/proc/self/fd").iterdir():
            try:
                path = str(descriptor.readlink())
            except FileNotFoundError:
                continue
            if path.startswith(str(self.root)):
                yield path

    def watch(self, look: Callable[[Mapping[str, bytes]], None], name: str = "new") -> None:
        """Resources count once they are synced; coverage and manifest may reach the disk as soon as they are written."""
        synced: dict[str, bytes] = {}
        real_write, real_fsync = os.write, os.fsync

        def seen() -> None:
            look(
                {
                    name: content
                    for name, content in (self.files(name) | synced).items()
                    if name in synced or not name.startswith("resources")
                }
            )

        def write(file: int, text: bytes) -> int:
            written = real_write(file, text)
            seen()
            return written

        def fsync(file: int) -> None:
            real_fsync(file)
            path = Path(f"/proc/self/fd/{file}").readlink()
            if path.is_file():
                synced[path.name] = path.read_bytes()
            seen()

        self.monkeypatch.setattr(os, "write", write)
        self.monkeypatch.setattr(os, "fsync", fsync)

    def _write(self, file: int, text: bytes) -> int:
        if not Path(f"/proc/self/fd/{file}").readlink().is_relative_to(self.root):
            return self._real_write(file, text)
        self._writes += 1
        if self._failing is not None and self._writes >= self._failing:
            if self._writes == self._failing and len(text) > 1:
                return self._real_write(file, text[: len(text) // 2])  # what still fits on a disk that is nearly full
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._real_write(file, text)

    def fail_at(self, write: int | None) -> None:
        self._writes, self._failing = 0, write

    def writes(self) -> int:
        return self._writes


@dataclass
class Asked:
    """A request to the emulator."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    size: int

    @property
    def call(self) -> str:
        part = next((name for name in ("uploads", "uploadId", "list-type") if name in self.query), "")
        return {
            ("GET", "list-type"): "ListObjectsV2",
            ("POST", "uploads"): "CreateMultipartUpload",
            ("PUT", "uploadId"): "UploadPart",
            ("POST", "uploadId"): "CompleteMultipartUpload",
            ("DELETE", "uploadId"): "AbortMultipartUpload",
            ("PUT", ""): "PutObject",
        }[self.method, part]


class Tap:
    """Stands before the emulator: sees the requests of the sink, and refuses some. Others' requests pass unseen."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.reset()

    def reset(self) -> None:
        self.asked: list[Asked] = []
        self.refuse: Callable[[Asked], bool] = lambda asked: False
        self.after: Callable[[], None] = lambda: None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if OURS not in environ.get("HTTP_USER_AGENT", ""):
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        asked = Asked(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            parse_qs(environ["QUERY_STRING"], keep_blank_values=True),
            {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")},
            int(environ.get("CONTENT_LENGTH") or 0),
        )
        self.asked.append(asked)
        if self.refuse(asked):
            environ["wsgi.input"].read(asked.size)
            start_response("403 Forbidden", [("Content-Type", "application/xml")])
            return [b"<Error><Code>AccessDenied</Code><Message>not\nallowed</Message></Error>"]
        body = list(self._app(environ, start_response))
        self.after()
        return body


@dataclass
class Bucket:
    tap: Tap
    client: Any
    name: str
    options: dict[str, Any] = field(default_factory=dict)
    megabytes: float = 21

    @classmethod
    def made(cls, tap: Tap, url: str, name: str, options: dict[str, Any], megabytes: float = 21) -> "Bucket":
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="reader", aws_secret_access_key="reader")
        client.create_bucket(Bucket=name)
        tap.reset()
        return cls(tap, client, name, options, megabytes)

    def sink(self, name: str = "new", numbers: Numbers | None = None) -> AbstractAsyncContextManager[Sink]:
        return open_sink(f"s3://{self.name}/some/{name}", numbers=numbers, **self.options)

    def files(self, name: str = "new") -> dict[str, bytes]:
        prefix = f"some/{name}/"
        listed = self.client.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", ())
        return {
            each["Key"].removeprefix(prefix): self.client.get_object(Bucket=self.name, Key=each["Key"])["Body"].read() for each in listed
        }

    def put(self, name: str, file: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=f"some/{name}/{file}", Body=content)

    def left_open(self) -> list[str]:
        return [each["Key"] for each in self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", ())]

    def watch(self, look: Callable[[Mapping[str, bytes]], None], name: str = "new") -> None:
        self.tap.after = lambda: look(self.files(name))

    def fail_at(self, write: int | None) -> None:
        self.tap.asked.clear()
        self.tap.refuse = lambda asked: (
            write is not None and asked.call not in ("ListObjectsV2", "AbortMultipartUpload") and self.writes() >= write
        )

    def writes(self) -> int:
        return sum(asked.call not in ("ListObjectsV2", "AbortMultipartUpload") for asked in self.tap.asked)
