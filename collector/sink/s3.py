"""A prefix in an S3 bucket of our own. Nothing can be read before its object is complete, and the manifest is completed last.

What a file is worth while it is written: its bytes go up as parts of a multipart upload, each of 8 MB or more, and S3 shows none of them
until the upload is completed, which happens when the file ends: at the end of the run, after PART_SECONDS or `part_megabytes`. So a run
that dies keeps the files it had ended, and coverage is only ever ended after the resources that it vouches for. Uploads still open are
aborted; after a SIGKILL nobody does that: give the bucket a lifecycle rule that aborts incomplete multipart uploads.

The credentials are those of whoever runs us and need s3:ListBucket, s3:PutObject and s3:AbortMultipartUpload there, to
resume s3:GetObject and s3:DeleteObject too, with a KMS key kms:GenerateDataKey and kms:Decrypt. This is not a customer's account: the
gateway, which would refuse every PutObject, is not on this way.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from io import BytesIO
from types import TracebackType
from typing import Any, Self

import anyio

from collector.record import Record
from collector.sink.bucket import Bucket, BucketObject
from collector.sink.part import Keep
from collector.sink.stream import ABOUT, MANIFEST, File, Numbers, Streams, manifest_text

PART_SECONDS = 60.0
"""A file of each kind a minute: what a run that dies has to do again."""


class S3Sink:
    """Writes a snapshot under *to*, ``s3://bucket/prefix``, where nothing may be yet, or with *numbers* into one that this run has begun.

    *kms_key* is a KMS key's id or ARN, or ``AES256`` for S3's own keys; without it the bucket's default encrypts. *profile* is the AWS
    profile whose credentials are used, without it the usual chain.
    """

    def __init__(
        self,
        to: str,
        *,
        compress: bool = False,
        part_megabytes: int | None = None,
        kms_key: str | None = None,
        profile: str | None = None,
        resume: bool = False,
        numbers: Numbers | None = None,
    ) -> None:
        self._resume = resume
        self._is_begun = numbers is not None
        self._bucket = Bucket(to, kms_key)
        self._profile = profile
        self._streams = Streams(
            self._open_file, compress=compress, part_megabytes=part_megabytes, part_seconds=PART_SECONDS, numbers=numbers
        )
        self._client = AsyncExitStack()
        self._about: Mapping[str, Any] = {}
        self._claim: str | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._bucket.connect(self._client, self._profile)
            if not self._is_begun:
                if not (self._resume and await self._bucket.read(ABOUT) is not None):
                    await self._bucket.refuse_if_used()
                await self._bucket.refuse_if_not_writable()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._client.aclose()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with anyio.CancelScope(shield=True):
            try:
                await self._streams.abandon()
            finally:
                await self._client.aclose()

    async def begin(self, about: Mapping[str, Any]) -> dict[str, Any] | None:
        begun = await self._streams.begin(self._bucket, about)
        self._about = about if begun is None else begun
        if begun is None:
            self._claim = await self._bucket.claim(self._about)
        return begun

    async def earlier(self, tell: Callable[[bytes], None]) -> None:
        await self._streams.earlier(self._bucket, tell)

    async def resume(self, keep: Keep) -> None:
        self._claim = await self._bucket.claim(self._about)  # before the first of its files is touched
        await self._streams.resume(self._bucket, keep)

    async def write(self, records: Sequence[Record]) -> None:
        await self._streams.write(records)

    async def end(self) -> list[dict[str, Any]]:
        return await self._streams.end()

    @property
    def last_number(self) -> int:
        return self._streams.last_number

    async def finish(self, manifest: Mapping[str, Any], files: Sequence[Mapping[str, Any]] | None = None) -> None:
        text = manifest_text(manifest, await self._streams.all_files(files))
        if self._claim is not None:
            await self._bucket.require_claim(self._claim)
        await self._bucket.put_once(MANIFEST, BytesIO(text))

    async def _open_file(self, name: str) -> File:
        return BucketObject(self._bucket, name)
