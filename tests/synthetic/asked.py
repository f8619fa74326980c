"""What a request asks, as far as it decides what the answer says."""

from __future__ import annotations

import zlib
from typing import Any

from tests.synthetic.settings import PagingRule


def texts(shape: Any, value: Any) -> Any:
    """What *value* says in strings: numbers, switches and times, of which the wire keeps no type, are left out."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = shape.members
        inner = {name: texts(members[name], member) for name, member in value.items() if name in members}
        return {name: member for name, member in inner.items() if member is not None} or None
    if kind == "list" and isinstance(value, list):
        elements = [texts(shape.member, element) for element in value]
        return [element for element in elements if element is not None] or None
    if kind == "map" and isinstance(value, dict):
        return {key: texts(shape.value, element) for key, element in value.items()} or None
    return value if kind == "string" and isinstance(value, str) else None


def digest_of(service: str, operation: str, asked: dict[str, Any], rule: PagingRule | None) -> str:
    """Ten or sixteen hexadecimal digits of what is asked: the operation and its parameters, without tokens."""
    tokens = set(rule.input) if rule else set()
    said = sorted((name, value) for name, value in asked.items() if name not in tokens)
    base = f"{service}.{operation}".encode()
    return f"{zlib.crc32(base):08x}" + (f"{zlib.crc32(repr(said).encode(), 7):08x}" if said else "00")
