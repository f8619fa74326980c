"""Account-neutral bytes: an answer is made once with stand-ins for account, region and partition, and filled per call.

Requests are neutralised the same way before they are routed, so a thousand accounts share one prepared answer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

ACCOUNT = "909090909090"
REGION = "xx-synthetic-9"
PARTITION = "aws-xx"
REGIONAL = "5e9a1de5"  # stands for a digest of (account, region): ids differ between targets
GLOBAL = "91abe091"  # stands for a digest of the account: ids of services that are global, asked from any region

_STAND_INS = (
    (ACCOUNT.encode(), b"%(account)b"),
    (REGION.encode(), b"%(region)b"),
    (PARTITION.encode(), b"%(partition)b"),
    (REGIONAL.encode(), b"%(regional)b"),
    (GLOBAL.encode(), b"%(global)b"),
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: as the request's signature says. *signing_name* is empty when the request is not signed."""

    account: str
    region: str
    signing_name: str = ""


def partition_of(region: str) -> str:
    """The ARN partition of *region*, by AWS's naming of regions."""
    if region.startswith("cn-"):
        return "aws-cn"
    if region.startswith("us-gov-"):
        return "aws-us-gov"
    return "aws"


@lru_cache(maxsize=65536)
def fillings(account: str, region: str) -> dict[bytes, bytes]:
    """What the stand-ins become for one account and region."""
    return {
        b"account": account.encode(),
        b"region": region.encode(),
        b"partition": partition_of(region).encode(),
        b"regional": _digest(account + region),
        b"global": _digest(account),
    }


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest().encode()


def neutral(raw: bytes, account: str, region: str) -> bytes:
    """*raw*, part of a request, without what ties it to one account and region."""
    if not raw:
        return raw
    known = fillings(account, region)
    return (
        raw.replace(known[b"account"], _STAND_INS[0][0])
        .replace(known[b"regional"], _STAND_INS[3][0])
        .replace(known[b"global"], _STAND_INS[4][0])
        .replace(known[b"region"], _STAND_INS[1][0])
    )


@dataclass(frozen=True, slots=True)
class Template:
    """Bytes with stand-ins, ready to be filled; *fixed* when there are none."""

    text: bytes
    fixed: bool

    @classmethod
    def of(cls, raw: bytes) -> Template:
        """Compile *raw* once; `fill` is then one formatting call."""
        if not any(stand_in in raw for stand_in, _ in _STAND_INS):
            return cls(raw, True)
        text = raw.replace(b"%", b"%%")
        for stand_in, reference in _STAND_INS:
            text = text.replace(stand_in, reference)
        return cls(text, False)

    def fill(self, known: dict[bytes, bytes]) -> bytes:
        """The bytes for one caller; *known* comes from `fillings`."""
        return self.text if self.fixed else self.text % known


def filled(value: Any, account: str, region: str) -> Any:
    """*value* (plain data with stand-ins in its strings) as the caller will read it."""
    known = fillings(account, region)
    if isinstance(value, str):
        return Template.of(value.encode()).fill(known).decode()
    if isinstance(value, bytes):
        return Template.of(value).fill(known)
    if isinstance(value, dict):
        return {filled(key, account, region): filled(member, account, region) for key, member in value.items()}
    if isinstance(value, list):
        return [filled(member, account, region) for member in value]
    return value
