"""Where records go: standard output, a folder, or a prefix in S3."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from collector.errors import SinkError
from collector.record import Record


class Sink(Protocol):
    """Takes records in order, one writer at a time. Raises SinkError."""

    async def write(self, records: Sequence[Record]) -> None:
        """Write *records* after those before them. Resources are durable before a coverage record that vouches for them."""

    async def finish(self, manifest: Mapping[str, Any]) -> None:
        """Publish the snapshot: *manifest*, with the files and their digests added, is written last."""


def open_sink(
    to: str, *, compress: bool = False, part_megabytes: int | None = None, kms_key: str | None = None, profile: str | None = None
) -> AbstractAsyncContextManager[Sink]:
    """The sink for *to*: ``-``, ``s3://bucket/prefix`` or a folder. Entering it raises SinkError when it cannot be written.

    *kms_key* and *profile* are S3's: see `S3Sink`.
    """
    if to == "-":
        from collector.sink.stdout import StdoutSink

        return StdoutSink()
    if to.startswith("s3://"):
        from collector.sink.s3 import S3Sink

        return S3Sink(to, compress=compress, part_megabytes=part_megabytes, kms_key=kms_key, profile=profile)
    if not to or "://" in to:
        raise SinkError(f'"{to}" is no destination: name a folder, s3://bucket/prefix, or - for standard output')
    from collector.sink.folder import FolderSink

    return FolderSink(Path(to), compress=compress, part_megabytes=part_megabytes)
