"""Values -> XML bytes, as the query, ec2 and rest-xml protocols write a shape."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from tests.synthetic.wire_json import timestamp

_XSI = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def members_xml(shape: Any, values: dict[str, Any], skip: frozenset[str] = frozenset()) -> str:
    """The elements for the members of a structure, without an element around them."""
    parts: list[str] = []
    members = shape.members
    for name, value in values.items():
        if name not in skip and not members[name].serialization.get("xmlAttribute"):
            _write(members[name], value, _member_name(members[name], name), parts)
    return "".join(parts)


def element_xml(shape: Any, value: Any, tag: str, attributes: str = "") -> str:
    """One element *tag* holding *value*; *attributes* are written as they are."""
    parts: list[str] = []
    _write(shape, value, tag, parts, attributes)
    return "".join(parts)


def _member_name(shape: Any, name: str) -> str:
    """The element of a member; a flattened list goes by its elements' name when they have one (botocore does so)."""
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        own = shape.member.serialization.get("name")
        if own is not None:
            return str(own)
    return str(shape.serialization.get("name", name))


def _write(shape: Any, value: Any, tag: str, parts: list[str], attributes: str = "") -> None:
    kind = shape.type_name
    flattened = shape.serialization.get("flattened")
    if kind == "structure":
        marks = "".join(
            f"{_XSI} {member.serialization['name']}={quoteattr(str(value[name]))}"
            for name, member in shape.members.items()
            if member.serialization.get("xmlAttribute") and name in value
        )
        parts.append(f"<{tag}{attributes}{marks}>{members_xml(shape, value)}</{tag}>")
    elif kind == "list":
        inner = tag if flattened else str(shape.member.serialization.get("name", "member"))
        if not flattened:
            parts.append(f"<{tag}{attributes}>")
        for element in value:
            _write(shape.member, element, inner, parts)
        if not flattened:
            parts.append(f"</{tag}>")
    elif kind == "map":
        key_tag = str(shape.key.serialization.get("name", "key"))
        value_tag = str(shape.value.serialization.get("name", "value"))
        entry = tag if flattened else "entry"
        if not flattened:
            parts.append(f"<{tag}{attributes}>")
        for key, element in value.items():
            parts.append(f"<{entry}>")
            _write(shape.key, key, key_tag, parts)
            _write(shape.value, element, value_tag, parts)
            parts.append(f"</{entry}>")
        if not flattened:
            parts.append(f"</{tag}>")
    else:
        parts.append(f"<{tag}{attributes}>{escape(scalar_text(shape, value, 'iso8601'))}</{tag}>")


def scalar_text(shape: Any, value: Any, time_form: str) -> str:
    """A scalar as text, as in XML or a header; *time_form* is for shapes that name no format."""
    kind = shape.type_name
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return str(timestamp(value, shape.serialization.get("timestampFormat", time_form)))
    if kind == "blob":
        return b64encode(value).decode()
    return str(value)
