"""Values -> JSON bytes, as the json and rest-json protocols write a shape."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import orjson


def json_body(shape: Any, values: Any) -> bytes:
    """The body for *values* of *shape*."""
    return orjson.dumps(_plain(shape, values))


def timestamp(value: datetime, form: str) -> Any:
    """*value* as *form*: ``iso8601`` and ``rfc822`` are text, ``unixTimestamp`` a number of seconds."""
    if form == "iso8601":
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if form == "rfc822":
        return format_datetime(value, usegmt=True)
    return int(value.timestamp())


def _plain(shape: Any, value: Any) -> Any:
    kind = shape.type_name
    if kind == "structure":
        if shape.is_document_type:
            return value
        members = shape.members
        return {members[name].serialization.get("name", name): _plain(members[name], member) for name, member in value.items()}
    if kind == "list":
        return [_plain(shape.member, element) for element in value]
    if kind == "map":
        return {key: _plain(shape.value, element) for key, element in value.items()}
    if kind == "timestamp":
        return timestamp(value, shape.serialization.get("timestampFormat", "unixTimestamp"))
    if kind == "blob":
        return b64encode(value).decode()
    return value
