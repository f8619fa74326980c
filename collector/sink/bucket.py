"""The prefix of a snapshot in S3: the few calls that are made for it, and a file there while it is written."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import aioboto3
import aiohttp
import anyio
import anyio.to_thread
import structlog
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError

from collector import __version__
from collector.errors import SinkError
from collector.sink.part import Buffer, Keep, Part, rewritten, whole_lines
from collector.sink.stream import ABOUT, MANIFEST, about_text

log = structlog.get_logger()

UPLOAD_BYTES = 8 << 20
"""One part of an upload. S3 takes 5 MiB and more (the last may be smaller), and 10,000 parts.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""
PARTS_OF_ONE_SIZE = 2_500
CONNECT_SECONDS = 10
ABORT_SECONDS = 5.0
"""What a run that is ending gives S3 to abort one upload, of two at most; a container that is being stopped has 30 seconds in all."""

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html and object-keys.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_SEGMENT = re.compile(r"[\w!\-.'()=:@+, ]+")
_LONGEST_PREFIX = 900
"""Bytes, of the 1,024 that a key may have."""


def read_url(url: str) -> tuple[str, str]:
    """Bucket and prefix of ``s3://bucket/prefix``; the prefix is empty or ends in a slash. Raises SinkError."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    prefix = prefix.removesuffix("/")
    if not _BUCKET.fullmatch(bucket):
        raise SinkError(f'{url}: "{bucket}" is not the name of a bucket; write s3://bucket/prefix')
    for segment in prefix.split("/") if prefix else ():
        if not _SEGMENT.fullmatch(segment) or segment in (".", ".."):
            raise SinkError(f'{url}: "{segment}" cannot stand in the prefix; write s3://bucket/prefix, without wildcards and empty parts')
    if len(prefix.encode()) > _LONGEST_PREFIX:
        raise SinkError(f"{url}: the prefix is longer than {_LONGEST_PREFIX} bytes")
    return bucket, f"{prefix}/" if prefix else ""


class Bucket:
    """The few calls that are made to S3, and what is common to them."""

    def __init__(self, url: str, kms_key: str | None) -> None:
        self.url = url
        self._name, self._prefix = read_url(url)
        if kms_key is None:
            self._encryption = {}
        elif kms_key == "AES256":
            self._encryption = {"ServerSideEncryption": "AES256"}
        else:
            self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}
        self._client: Any = None

    async def connect(self, stack: AsyncExitStack, profile: str | None) -> None:
        config = AioConfig(connect_timeout=CONNECT_SECONDS, user_agent_extra=f"aws-service-inventory-collector/{__version__}")
        try:
            self._client = await stack.enter_async_context(aioboto3.Session(profile_name=profile).client("s3", config=config))
        except (BotoCoreError, ValueError, OSError) as error:
            raise SinkError(f"{self.url} cannot be written: {error}") from error

    async def first_name(self) -> str | None:
        """An object under the prefix; None when nothing is there."""
        # The console marks a folder with an empty object of the prefix's own name: the listing starts after it.
        after = {"StartAfter": self._prefix} if self._prefix else {}
        listed = await self._ask("list_objects_v2", Prefix=self._prefix, MaxKeys=1, **after)
        return next((str(item["Key"]).removeprefix(self._prefix) for item in listed.get("Contents", ())), None)

    async def refuse_if_used(self) -> None:
        if (name := await self.first_name()) is not None:
            raise SinkError(f"{self.url} is not empty ({name}): name a new prefix, or --resume")

    async def refuse_if_not_writable(self) -> None:
        """An upload begun and aborted asks for the same permissions, of the bucket and of the key, as the writing hours later."""
        await self.abort(MANIFEST, await self.begin(MANIFEST))

    async def put_once(self, name: str, body: BytesIO) -> None:
        """The whole object at once. One that is there already is another run's, and stays."""
        await self._put(name, body, IfNoneMatch="*")

    async def put(self, name: str, text: bytes) -> None:
        """The whole object at once, in place of the one that is there."""
        await self._put(name, BytesIO(text))

    async def claim(self, about: Mapping[str, Any]) -> str:
        """Write *about* with a mark of our own, which takes the prefix from whoever writes there still. S3 has no locks: two runs may be at
        it, yesterday's and today's --resume. What comes back is the ETag by which the claim is known again.
        """
        answer = await self._put(ABOUT, BytesIO(about_text({**about, "claim": uuid4().hex})))
        return str(answer["ETag"])

    async def require_claim(self, etag: str) -> None:
        """Raises SinkError when another run has claimed the prefix since: it has changed our files."""
        listed = await self._ask("list_objects_v2", Prefix=self._prefix + ABOUT, MaxKeys=1)
        if [item["ETag"] for item in listed.get("Contents", ())] != [etag]:
            raise SinkError(f"{self.url}: another run has taken up what this one began; the snapshot will be that one's")

    async def _put(self, name: str, body: BytesIO, **params: Any) -> dict[str, Any]:
        checksum = await _checksum(body)
        return await self._ask(
            "put_object", name, Body=body, ChecksumAlgorithm="SHA256", ChecksumSHA256=checksum, **params, **self._encryption
        )

    async def names(self) -> list[str]:
        """The objects under the prefix, without it."""
        found: list[str] = []
        more: dict[str, Any] = {}
        while True:
            listed = await self._ask("list_objects_v2", Prefix=self._prefix, **more)
            found += [item["Key"].removeprefix(self._prefix) for item in listed.get("Contents", ())]
            if not listed.get("IsTruncated"):
                return found
            more = {"ContinuationToken": listed["NextContinuationToken"]}

    async def read(self, name: str) -> bytes | None:
        """The object's bytes; None when it is not there."""
        if name not in await self.names():
            return None
        answer = await self._ask("get_object", name)
        async with answer["Body"] as body:
            return bytes(await body.read())

    async def fetch(self, name: str, to: Path) -> bool:
        """Bring the object to the local file *to*; False when it is not there."""
        if name not in await self.names():
            return False
        answer = await self._ask("get_object", name)
        try:
            async with answer["Body"], await anyio.open_file(to, "wb") as file:
                while piece := await answer["Body"].read(UPLOAD_BYTES):
                    await file.write(piece)
        except (BotoCoreError, aiohttp.ClientError) as error:
            raise SinkError(f"{self.url} cannot be read: {type(error).__name__}: {_one_line(str(error))}") from error
        except OSError as error:
            raise SinkError(f"{to.parent} cannot be written: {error.strerror}") from error
        return True

    async def each_line(self, name: str, tell: Callable[[bytes], None]) -> None:
        for line in whole_lines([await self.read(name) or b""], compressed=name.endswith(".zst")):
            tell(line)

    async def rewrite(self, name: str, keep: Keep) -> dict[str, Any]:
        """A file is at most what PART_SECONDS bring, so it is rewritten in memory."""
        part = Part(name, name.endswith(".zst"))
        await self.put(name, b"".join(rewritten(part, [await self.read(name) or b""], keep)))
        return part.described()

    async def remove(self, name: str) -> None:
        await self._ask("delete_object", name)

    async def publish(self, written: Path, name: str) -> None:
        if name in await self.names():
            await self.remove(name)
        object = BucketObject(self, name)
        try:
            with written.open("rb") as file:
                while chunk := await anyio.to_thread.run_sync(file.read, UPLOAD_BYTES):
                    await object.append(chunk)
            await object.end()
        finally:
            with anyio.CancelScope(shield=True):
                await object.abandon()

    async def begin(self, name: str) -> str:
        """Begin a multipart upload; its id."""
        with anyio.CancelScope(shield=True):  # an upload whose id never came back could not be aborted
            begun = await self._ask("create_multipart_upload", name, ChecksumAlgorithm="SHA256", **self._encryption)
        return str(begun["UploadId"])

    async def upload(self, name: str, upload: str, number: int, body: BytesIO) -> dict[str, Any]:
        """One part of an upload; what completing it will ask for."""
        checksum = await _checksum(body)
        answer = await self._ask(
            "upload_part", name, UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256", ChecksumSHA256=checksum
        )
        return {"ETag": answer["ETag"], "PartNumber": number, "ChecksumSHA256": checksum}

    async def complete(self, name: str, upload: str, parts: Sequence[Mapping[str, Any]]) -> None:
        await self._ask("complete_multipart_upload", name, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*")

    async def abort(self, name: str, upload: str) -> None:
        await self._ask("abort_multipart_upload", name, UploadId=upload)

    async def _ask(self, call: str, name: str | None = None, **params: Any) -> dict[str, Any]:
        """S3's answer. Raises SinkError with the destination, S3's code and its message."""
        if name is not None:
            params["Key"] = self._prefix + name
        try:
            answer: dict[str, Any] = await getattr(self._client, call)(Bucket=self._name, **params)
        except ClientError as error:
            code, said = error.response["Error"].get("Code", "?"), error.response["Error"].get("Message", "")
            if code == "PreconditionFailed":
                said = f"{name} is there already: another run writes here, or the answer that this one wrote it was lost"
            raise SinkError(f"{self.url} cannot be written: {error.operation_name}: {code}: {_one_line(said)}") from error
        except (BotoCoreError, aiohttp.ClientError, OSError) as error:
            raise SinkError(f"{self.url} cannot be written: {type(error).__name__}: {_one_line(str(error))}") from error
        return answer


class BucketObject:
    """A file as an object: one PutObject when it is small, a multipart upload when it is not. Holds one part of an upload in memory."""

    def __init__(self, bucket: Bucket, name: str) -> None:
        self._bucket, self._name = bucket, name
        self._waiting = BytesIO()
        self._upload: str | None = None
        self._parts: list[dict[str, Any]] = []

    async def append(self, stored: Buffer) -> None:
        self._waiting.write(stored)
        if self._waiting.tell() >= upload_bytes(len(self._parts)):
            await self._send()

    async def end(self) -> None:
        if self._upload is None:
            await self._bucket.put_once(self._name, self._waiting)
            return
        if self._waiting.tell():
            await self._send()
        await self._bucket.complete(self._name, self._upload, self._parts)
        self._upload = None

    async def abandon(self) -> None:
        if self._upload is not None:
            upload, self._upload = self._upload, None
            try:
                with anyio.fail_after(ABORT_SECONDS):
                    await self._bucket.abort(self._name, upload)
            except (SinkError, TimeoutError) as error:
                # What ended the run is the error to tell; this one costs storage until somebody aborts the upload.
                log.warning("upload.left_open", to=self._bucket.url, file=self._name, upload_id=upload, error=str(error) or "no answer")

    async def _send(self) -> None:
        if self._upload is None:
            self._upload = await self._bucket.begin(self._name)
        self._parts.append(await self._bucket.upload(self._name, self._upload, len(self._parts) + 1, self._waiting))
        self._waiting = BytesIO()


def upload_bytes(parts: int) -> int:
    """How large the next part of an upload is that has *parts*: 8 MiB at first, four times that at last, so that 10,000 hold 200 GB."""
    return UPLOAD_BYTES * (1 + parts // PARTS_OF_ONE_SIZE)


async def _checksum(body: BytesIO) -> str:
    """The SHA-256 of *body* as S3 wants it, made from our own memory and not by the SDK: it also covers the way through the SDK."""
    body.seek(0)
    digest = await anyio.to_thread.run_sync(hashlib.sha256, body.getbuffer())
    return b64encode(digest.digest()).decode()


def _one_line(said: str) -> str:
    return " ".join(said.split())[:300]
