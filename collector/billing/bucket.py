"""The billing bucket: listed folder by folder, manifests read, data files brought to the disk. Everything goes through the gateway."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import anyio
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_base

from collector.aws.api_error import ApiError
from collector.aws.gateway import BACKOFF
from collector.aws.page import Asks, Tally, pages
from collector.aws.stored import BrokenOffError, stored
from collector.billing.place import BillingError, Place
from collector.plan import Target

T = TypeVar("T")

ATTEMPTS = 4
"""How often a file is fetched whose bytes stop coming; each begins anew."""
GONE = frozenset({"NoSuchKey", "PreconditionFailed", "HTTP404", "HTTP412"})
"""Codes of an object that is not there any more, or not the one that was listed."""


class ChangedError(Exception):
    """An object is gone, or another one, since it was listed: a refresh is under way."""


@dataclass(frozen=True, slots=True)
class Object:
    """What a listing says of an object. *etag* is in quotes, as S3 writes and takes it."""

    key: str
    etag: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Folder:
    """What lies directly under a prefix: the folders, each with its slash, and the objects."""

    folders: tuple[str, ...]
    objects: tuple[Object, ...]


@dataclass(slots=True)
class Bucket:
    """The part of the bucket that is *place*, asked in the bucket's own region."""

    gateway: Asks
    place: Place
    target: Target
    backoff: wait_base = BACKOFF
    tally: Tally = field(default_factory=Tally)

    async def folder(self, prefix: str) -> Folder:
        """What lies under *prefix*. Raises BillingError."""
        folders: list[str] = []
        objects: list[Object] = []
        params = {"Bucket": self.place.bucket, "Prefix": self.place.require(self.place.bucket, prefix, "a listing"), "Delimiter": "/"}
        try:
            async for page in pages(self.gateway, self.place.listing, self.target, params, self.tally):
                folders += [each["Prefix"] for each in page.get("CommonPrefixes", ())]
                objects += [
                    Object(each["Key"], each["ETag"], each["Size"], datetime.fromisoformat(each["LastModified"]))
                    for each in page.get("Contents", ())
                ]
        except ApiError as error:
            raise self.refused(error, "s3:ListBucket") from error
        except (KeyError, TypeError, ValueError) as error:
            raise BillingError(f"{self.place} cannot be listed: S3's answer cannot be read") from error
        return Folder(tuple(folders), tuple(objects))

    async def text(self, wanted: Object, largest: int) -> bytes:
        """A small object. Raises BillingError, and ChangedError when it is not there as it was listed."""
        if wanted.size > largest:
            raise BillingError(f"{wanted.key} has {wanted.size:,} bytes; a manifest has {largest:,} at most")

        async def receive(pieces: AsyncIterator[bytes]) -> bytes:
            return b"".join([piece async for piece in pieces])

        return await self._fetch(wanted, receive)

    async def download(self, wanted: Object, path: Path, told: Callable[[int], None]) -> None:
        """Bring an object to *path*; *told* is told of the bytes of each piece. Raises BillingError and ChangedError."""

        async def receive(pieces: AsyncIterator[bytes]) -> None:
            async with await anyio.open_file(path, "wb") as file:
                async for piece in pieces:
                    await file.write(piece)
                    told(len(piece))

        await self._fetch(wanted, receive)

    async def _fetch(self, wanted: Object, receive: Callable[[AsyncIterator[bytes]], Awaitable[T]]) -> T:
        params = {
            "Bucket": self.place.bucket,
            "Key": self.place.require(self.place.bucket, wanted.key, "a listing"),
            "IfMatch": wanted.etag,
        }
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(BrokenOffError),
            stop=stop_after_attempt(ATTEMPTS),
            wait=self.backoff,
            sleep=anyio.sleep,
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    async with stored(self.gateway, self.place.reading, self.target, params, self.tally) as pieces:
                        return await receive(pieces)
        except ApiError as error:
            if error.code in GONE:
                raise ChangedError(wanted.key) from error
            raise self.refused(error, "s3:GetObject", wanted.key) from error
        except OSError as error:
            raise BillingError(f"a billing file cannot be kept on the disk: {error.strerror}") from error
        raise AssertionError("tenacity either returns or raises")

    def refused(self, error: ApiError, action: str, key: str = "") -> BillingError:
        """The error of a call that was not answered, and what helps."""
        fix = {
            "denied": "the role needs the billing template's permissions on this bucket and prefix, and on its KMS key if it has one",
            "unreachable": "check the network and AWS_ENDPOINT_URL",
        }.get(error.kind, "try again later")
        what = f"s3://{self.place.bucket}/{key}" if key else str(self.place)
        return BillingError(f"{what} cannot be read ({error.asked or action}: {error.kind}: {error.code}): {fix}")
