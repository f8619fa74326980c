"""Item -> record. Secrets leave here, at the first line; what AWS answered is otherwise kept as it is."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import jmespath
from jmespath.parser import ParsedResult

from collector.record import REDACTED, ResourceRecord, timestamp
from collector.spec.model import Call, Resource
from collector.template import Known, fill

_TAG_NAMES = (("Key", "Value"), ("key", "value"), ("TagKey", "TagValue"), ("tagKey", "tagValue"))


@lru_cache(maxsize=8192)
def compiled(expression: str) -> ParsedResult:
    """The JMESPath *expression*, parsed once."""
    return jmespath.compile(expression)


_LISTED = re.compile(r"[A-Za-z_]\w*\[\]", re.ASCII)


@lru_cache(maxsize=8192)
def _form(expression: str) -> tuple[Literal["name", "list", "any"], str]:
    """What is asked most is one name, or one name whose list is taken: these need no interpreter."""
    if expression.isidentifier() and expression.isascii():
        return "name", expression
    return ("list", expression[:-2]) if _LISTED.fullmatch(expression) else ("any", expression)


def searched(expression: str, value: Any) -> Any:
    """What the JMESPath *expression* gives when it is asked of *value*."""
    form, name = _form(expression)
    if form == "any" or type(value) is not dict:
        return compiled(expression).search(value)
    found = value.get(name)
    if form == "name":
        return found
    if type(found) is not list:
        return None
    if any(type(each) is list for each in found):
        return compiled(expression).search(value)
    return [each for each in found if each is not None]


def taken(call: Call, answer: Mapping[str, Any]) -> Any:
    """The part of *answer* that *call* wants, its secrets already gone. The answer must not be used any more."""
    part = searched(call.take, answer)
    for path in call.redact:
        part = redacted(part, tuple(path.split(".")))
    return part


def items_of(part: Any) -> list[Any]:
    """What was taken, as a list: nothing is an empty one, one thing a list of it; nulls in a list are no items."""
    if part is None:
        return []
    return [item for item in part if item is not None] if isinstance(part, list) else [part]


def redacted(value: Any, path: tuple[str, ...]) -> Any:
    """*value* with what lies at *path* replaced, in place where it can be. Lists are passed through; ``*`` is every value of a map."""
    if not path or path == ("@",):
        return _replaced(value)
    if isinstance(value, list):
        for each in value:
            redacted(each, path)
    elif isinstance(value, dict):
        name, *_ = path
        if name in value or name == "*" or ":" in name:
            below = path[1:]
            for key in _names(value, name):
                value[key] = redacted(value[key], below)
    return value


def _replaced(value: Any) -> Any:
    if isinstance(value, list):
        value[:] = [_replaced(each) for each in value]
        return value
    return None if value is None else REDACTED


def _names(value: Mapping[str, Any], name: str) -> list[str]:
    """The keys of *value* that *name* means. IAM's condition keys (``sts:ExternalId``) are the same in any capitals."""
    if name == "*":
        return list(value)
    if ":" in name:
        return [key for key in value if key.lower() == name.lower()]
    return [name]


def tag_map(tags: Any) -> dict[str, str]:
    """AWS's tags in any of its forms, as one map: a map, a list of maps, or a list of ``Key``/``Value`` pairs in four spellings."""
    if isinstance(tags, dict):
        return {str(key): "" if value is None else str(value) for key, value in tags.items()}
    found: dict[str, str] = {}
    for tag in tags if isinstance(tags, list) else ():
        if not isinstance(tag, dict):
            continue
        for key, value in _TAG_NAMES:
            if key in tag:
                found[str(tag[key])] = str(tag.get(value) or "")
                break
        else:
            found |= tag_map(tag)
    return found


def moment(value: Any) -> str | None:
    """When something was created, from AWS's many ways to say it: a datetime, ISO 8601 text, or seconds or milliseconds since 1970."""
    try:
        if isinstance(value, datetime):
            return timestamp(value)
        if isinstance(value, int | float) or (isinstance(value, str) and value.replace(".", "", 1).isdigit()):
            number = float(value)
            return timestamp(datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS else number, UTC))
        if isinstance(value, str) and value:
            read = datetime.fromisoformat(value)
            if len(value) == 20 and value[19] == "Z" and value[5] != "W" and value[10] == "T":  # as most are
                return f"{value[:19]}.000Z"
            return timestamp(read if read.tzinfo else read.replace(tzinfo=UTC))
    except (ValueError, OverflowError, OSError):
        pass
    return None


_MILLISECONDS = 1e11
"""As seconds that would be the year 5138; as milliseconds it is 1973, before there was anything to list."""


def text(value: Any) -> str | None:
    """*value* as text, or None when AWS said nothing."""
    return None if value is None or value == "" else value if type(value) is str else str(value)


def normalise(
    resource: Resource,
    known: Known,
    *,
    scan_id: str,
    parent_arn: str | None,
    region: str,
    observed_at: str,
    supplementary: Mapping[str, Any],
) -> ResourceRecord | None:
    """The record of the item that *known* knows, its ``tags`` among it, or None when it has no identity."""
    arn = text(known.get("arn")) if resource.arn else None
    identity = text(fill(resource.id, known))
    if identity is None:
        return None
    return ResourceRecord(
        account_id=known["account_id"],
        arn=arn,
        configuration=known["item"],
        created_at=moment(fill(resource.created, known)) if resource.created else None,
        name=text(fill(resource.name, known)) if resource.name else None,
        observed_at=observed_at,
        parent_arn=parent_arn,
        partition=known["partition"],
        region=region,
        resource_id=identity,
        resource_type=resource.type,
        scan_id=scan_id,
        service=resource.service,
        state=text(fill(resource.state, known)) if resource.state else None,
        supplementary=supplementary,
        tags=known["tags"],
    )


def joined_tags(entries: Iterable[Any]) -> dict[str, dict[str, str]]:
    """Tags of a batch by what they belong to: each entry has a ``key`` and, as its ``value``, the tags."""
    return {str(entry["key"]): tag_map(entry.get("value")) for entry in entries if isinstance(entry, Mapping) and entry.get("key")}
