"""Where records go: standard output, a folder, or a prefix in S3."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from collector.errors import SinkError
from collector.record import Record
from collector.sink.part import Keep
from collector.sink.stream import Numbers


class Sink(Protocol):
    """Takes records in order, one writer at a time. Raises SinkError."""

    async def begin(self, about: Mapping[str, Any]) -> dict[str, Any] | None:
        """Write down what the run was asked for. When a run to resume was begun here, nothing is written, and what that one was asked for
        comes back.
        """

    async def earlier(self, tell: Callable[[bytes], None]) -> None:
        """Tell of every coverage line of the run to resume."""

    async def resume(self, keep: Keep) -> None:
        """Take the earlier run up: of its lines only those to *keep* stay."""

    async def write(self, records: Sequence[Record]) -> None:
        """Write *records* after those before them. Resources are durable before a coverage record that vouches for them."""

    async def end(self) -> list[dict[str, Any]]:
        """End the files; what the manifest is to say of each."""

    async def finish(self, manifest: Mapping[str, Any], files: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Publish the snapshot: *manifest*, with the files and their digests added, is written last.

        *files* are those that other processes have ended, and then this one has written none.
        """

    @property
    def last_number(self) -> int:
        """The highest number of a file so far; 0 when there is none."""


def open_sink(
    to: str,
    *,
    compress: bool = False,
    part_megabytes: int | None = None,
    kms_key: str | None = None,
    profile: str | None = None,
    resume: bool = False,
    numbers: Numbers | None = None,
) -> AbstractAsyncContextManager[Sink]:
    """The sink for *to*: ``-``, ``s3://bucket/prefix`` or a folder. Entering it raises SinkError when it cannot be written, or when
    something is there already that *resume* does not take up.

    With *numbers* it is one of several that write into a snapshot which was begun and will be finished by another: it writes and ends
    files of these numbers and does nothing else. *kms_key* and *profile* are S3's: see `S3Sink`.
    """
    if to == "-":
        from collector.sink.stdout import StdoutSink

        if resume:
            raise SinkError("standard output keeps nothing that could be resumed: name a folder or s3://bucket/prefix")
        return StdoutSink()
    if to.startswith("s3://"):
        from collector.sink.s3 import S3Sink

        return S3Sink(
            to, compress=compress, part_megabytes=part_megabytes, kms_key=kms_key, profile=profile, resume=resume, numbers=numbers
        )
    if not to or "://" in to:
        raise SinkError(f'"{to}" is no destination: name a folder, s3://bucket/prefix, or - for standard output')
    from collector.sink.folder import FolderSink

    return FolderSink(Path(to), compress=compress, part_megabytes=part_megabytes, resume=resume, numbers=numbers)
