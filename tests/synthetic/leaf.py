"""One scalar: what a string, number or time is, from its member's name and shape."""

from __future__ import annotations

import json
import re
import zlib
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from botocore.model import Shape

from tests.synthetic.placeholders import ACCOUNT, GLOBAL, PARTITION, REGION, REGIONAL

# Services without regions in their ARNs (AWS service authorization reference). S3 has no account either.
GLOBAL_SERVICES = frozenset(
    {
        "account",
        "artifact",
        "billingconductor",
        "budgets",
        "ce",
        "cloudfront",
        "globalaccelerator",
        "iam",
        "networkmanager",
        "organizations",
        "route53",
        "route53domains",
        "s3",
        "shield",
        "sts",
        "waf",
    }
)
_SUFFIX = re.compile(r"(Arn|ARN|Id|ID|Identifier|Name|Url|URL|Uri|URI)s?$|^(arn|id|identifier|name|url|uri)s?$")
_ACCOUNT = re.compile(r"(?:.*account_?ids?|account|accounts|.*ownerid|registryid|owneraccount|accountowner)", re.IGNORECASE)
_REGION = re.compile(r"(?:.*regions?|.*region_?names?)", re.IGNORECASE)
_WHEN = re.compile(r"(Date|Time|Timestamp|At|LastModified)$|^(date|time|timestamp|Created|start|end|date[A-Z][a-z]+)$")
_CONSTANT = re.compile(
    r"(Status|State|Type|Class|Version|Reason|Protocol|Engine|Format|Mode|Description|Message)s?$|"
    r"^(status|state|type|version|description|message|protocol|engine|format|mode)s?$"
)
_NUMBER = re.compile(r"NumberOf|(Count|Seconds|Size|Timeout|Period|Percent|Delay)$")
_POLICY = re.compile(r"(Policy|PolicyDocument|PolicyText)$|^(policy|policyDocument|policyText)$")
_ADDRESS = re.compile(r"(?:.*(?:ip_?address|privateip|publicip|ipv4address)|ip)", re.IGNORECASE)

_FAILURES = re.compile(
    r"failures?|errors?|warnings?|(?:unprocessed|failed|notfound|invalid|unsuccessful|missing).*|"
    r".*(?:failures|errors|errordetails|notfound|notprocessed|unprocessed\w*)",
    re.IGNORECASE,
)
_FIRST_TIME = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{PARTITION}:iam::{ACCOUNT}:root"},
                "Action": "synthetic:Read",
                "Resource": "*",
            }
        ],
    },
    separators=(",", ":"),
)


class Where(NamedTuple):
    """Where a scalar stands: the *name* it goes by, the *stem* of what holds it, and a text *unique* to its holder."""

    service: str
    arn_service: str
    name: str
    stem: str
    unique: str
    index: int
    kind: str = ""  # what the name does not tell: "arn"; "account", another one for each; "each", another value for each


@cache
def singular(name: str) -> str:
    """``Addresses`` -> ``Address``, ``Policies`` -> ``Policy``, ``Roles`` -> ``Role``."""
    if name.endswith("ies") and len(name) > 4:
        return name[:-3] + "y"
    if name.endswith(("sses", "xes", "ches", "shes")):
        return name[:-2]
    if name.endswith("s") and not name.endswith(("ss", "us", "is")):
        return name[:-1]
    return name


@cache
def tells_failures(name: str) -> bool:
    """Whether a list at the top of an answer, so called, holds what went wrong and not what was asked for."""
    return _FAILURES.fullmatch(name) is not None


@cache
def split_name(name: str) -> tuple[str, str]:
    """Stem and kind of an identifying name: ``VpcIds`` -> (``Vpc``, ``id``); kind is empty for other names."""
    found = _SUFFIX.search(name)
    if found is None:
        return name, ""
    kind = (found.group(1) or found.group(2)).lower()
    return name[: found.start()], kind


def scope_of(service: str) -> str:
    """The stand-in that makes ids of *service* differ between accounts, and regions where it has regions."""
    return GLOBAL if service in GLOBAL_SERVICES else REGIONAL


def unscoped(unique: str) -> str:
    """*unique* without its stand-in, for blobs: on the wire they are base64, which nothing can be filled into."""
    return unique.replace(GLOBAL, "").replace(REGIONAL, "")


def text(where: Where, shape: Shape) -> str:
    """A string for *where*. Ids, names, ARNs and addresses are unique to their holder; states and types are not."""
    enum = shape.metadata.get("enum")
    if enum:
        return str(enum[where.index % len(enum)] if where.kind == "each" else enum[0])
    value = _text(where)
    shortest = int(shape.metadata.get("min", 0))
    return value.ljust(shortest, "x")


@cache
def _tells(name: str) -> str:
    """What a string called *name* is, as far as its name tells."""
    lowered = name.lower()
    kind = split_name(name)[1]
    if _ACCOUNT.fullmatch(name):
        return "account"
    if _REGION.fullmatch(name):
        return "region"
    if kind == "arn":
        return "arn"
    if kind in ("url", "uri") or name.endswith(("Endpoint", "endpoint")):
        return "url"
    if kind:
        return "own"
    for told, pattern in (("number", _NUMBER), ("when", _WHEN), ("policy", _POLICY), ("constant", _CONSTANT)):
        if pattern.search(name):
            return told
    if "availabilityzone" in lowered:
        return "zone"
    if "cidr" in lowered:
        return "cidr"
    if _ADDRESS.fullmatch(name):
        return "address"
    if lowered in ("key", "tagkey"):
        return "key"
    return "json" if lowered.endswith(("json", "templatebody")) else "own"


@cache
def _label(name: str, stem: str) -> str:
    """What ids of this name begin with: ``vpc`` for VpcId, and for the Id of a Vpc."""
    return re.sub(r"[^a-z0-9]+", "-", (split_name(name)[0] or stem or "item").lower()).strip("-") or "item"


def _text(where: Where) -> str:
    if where.kind == "account":
        return f"{zlib.crc32(where.unique.encode()):012d}"
    told = _tells(where.name)
    label = _label(where.name, where.stem)
    own = f"{label}-{where.unique}"
    if told == "account":
        return ACCOUNT
    if told == "region":
        return REGION
    if where.kind == "each":
        return own
    if where.kind == "arn" or told == "arn":
        return arn(where.arn_service, label, own)
    if where.service == "sqs" and _WHEN.search(where.name) and told in ("number", "when"):
        return str(int(when(where.index).timestamp()))  # the only service whose times are seconds in text
    match told:
        case "url":
            return f"https://{where.arn_service}.{REGION}.amazonaws.com/{ACCOUNT}/{own}"
        case "number":
            return str(where.index + 1)
        case "when":
            return when(where.index).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        case "policy":
            return POLICY
        case "constant":
            return label
        case "zone":
            return REGION + "abcdef"[where.index % 6]
        case "cidr":
            return f"10.{where.index % 256}.0.0/16"
        case "address":
            return f"10.0.{where.index // 256 % 256}.{where.index % 256}"
        case "key" if where.stem.lower().endswith(("tag", "tagset")):
            return "Name" if where.index == 0 else f"key-{where.index}"
        case "json":
            return "{}"
    return own


def arn(service: str, kind: str, own: str) -> str:
    """A well-formed ARN with stand-ins for partition, region and account."""
    if service == "s3":
        return f"arn:{PARTITION}:s3:::{own}"
    region = "" if service in GLOBAL_SERVICES else REGION
    return f"arn:{PARTITION}:{service}:{region}:{ACCOUNT}:{kind}/{own}"


def when(index: int) -> datetime:
    """A time in UTC, whole seconds, a second later for each *index*."""
    return _FIRST_TIME + timedelta(seconds=index)


def scalar(where: Where, shape: Shape) -> Any:
    """The value of any scalar shape but strings: numbers within the model's bounds, times, blobs, booleans."""
    kind = shape.type_name
    if kind == "boolean":
        return where.index % 2 == 0
    if kind == "timestamp":
        return when(where.index)
    if kind == "blob":
        return f"blob-{unscoped(where.unique)}".encode()
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 1000)
    number = min(max(where.index + 1, least), most)
    return float(number) + 0.5 if kind in ("float", "double") and number + 0.5 <= most else number
