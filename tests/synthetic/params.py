"""A request on the wire -> its parameters by member name: the reverse of botocore's serialisers.

Values stay as they were sent (numbers and times of query strings are text); what matters here are names and lists.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree as ET

import orjson
from botocore.model import OperationModel
from botocore.parsers import create_parser

_XML = create_parser("rest-xml")


def query_params(operation: OperationModel, form: dict[str, str], *, ec2: bool) -> dict[str, Any]:
    """Parameters of a query or ec2 request from its decoded form."""
    if operation.input_shape is None:
        return {}
    found = _from_form(operation.input_shape, form, "", ec2)
    return found if isinstance(found, dict) else {}


def _from_form(shape: Any, form: dict[str, str], prefix: str, ec2: bool) -> Any:
    """The value under *prefix*, or None when the form says nothing about it."""
    kind = shape.type_name
    if kind not in ("structure", "list", "map"):
        return form.get(prefix)
    if prefix and not any(key == prefix or key.startswith(_stem(shape, prefix, ec2)) for key in form):
        return None
    if kind == "structure":
        values = {}
        for name, member in shape.members.items():
            own = _form_name(member, name, ec2)
            value = _from_form(member, form, f"{prefix}.{own}" if prefix else own, ec2)
            if value is not None:
                values[name] = value
        return values
    if kind == "list":
        stem = _stem(shape, prefix, ec2)
        values_list: list[Any] = []
        while (value := _from_form(shape.member, form, f"{stem}{len(values_list) + 1}", ec2)) is not None:
            values_list.append(value)
        return values_list
    entries = {}
    stem = prefix if shape.serialization.get("flattened") else f"{prefix}.entry"
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    for number in range(1, len(form) + 1):
        key = form.get(f"{stem}.{number}.{key_name}")
        if key is None:
            break
        entries[key] = _from_form(shape.value, form, f"{stem}.{number}.{value_name}", ec2)
    return entries


def _form_name(shape: Any, name: str, ec2: bool) -> str:
    traits = shape.serialization
    if not ec2:
        return str(traits.get("name", name))
    if "queryName" in traits:
        return str(traits["queryName"])
    own = str(traits.get("name", name))
    return own[0].upper() + own[1:] if "name" in traits else own


def _stem(shape: Any, prefix: str, ec2: bool) -> str:
    """What the keys of the parts of *shape* begin with, when it is serialised under *prefix*."""
    if shape.type_name != "list" or ec2:
        return prefix + "."
    own = shape.member.serialization.get("name")
    if shape.serialization.get("flattened"):
        return ".".join([*prefix.split(".")[:-1], own]) + "." if own else prefix + "."
    return f"{prefix}.{own or 'member'}."


def json_params(operation: OperationModel, body: bytes) -> dict[str, Any]:
    """Parameters of a json request."""
    if not body or operation.input_shape is None:
        return {}
    found = _from_json(operation.input_shape, orjson.loads(body))
    return found if isinstance(found, dict) else {}


def _from_json(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, dict) and not shape.is_document_type:
        return {
            name: _from_json(member, value[own])
            for name, member in shape.members.items()
            if (own := member.serialization.get("name", name)) in value
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_from_json(shape.member, element) for element in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _from_json(shape.value, element) for key, element in value.items()}
    return value


def rest_params(
    operation: OperationModel, labels: dict[str, str], query: str, headers: dict[str, str], body: bytes, *, xml: bool
) -> dict[str, Any]:
    """Parameters of a REST request from its path labels, query string, headers and body."""
    shape = operation.input_shape
    if shape is None:
        return {}
    asked = parse_qsl(query, keep_blank_values=True)
    values: dict[str, Any] = {}
    claimed = {
        member.serialization.get("name", name)
        for name, member in shape.members.items()
        if member.serialization.get("location") == "querystring" and member.type_name != "map"
    }
    for name, member in shape.members.items():
        own = member.serialization.get("name", name)
        location = member.serialization.get("location")
        if location == "uri" and own in labels:
            values[name] = unquote(labels[own])
        elif location == "querystring":
            given = [value for key, value in asked if key == own]
            if given:
                values[name] = given if member.type_name == "list" else given[0]
            elif member.type_name == "map":
                rest = [pair for pair in asked if pair[0] not in claimed]
                if rest:
                    values[name] = _query_map(member, rest)
        elif location == "header" and own.lower() in headers:
            text = headers[own.lower()]
            values[name] = [part.strip() for part in text.split(",")] if member.type_name == "list" else text
    if body:
        values.update(_from_body(shape, body, xml))
    return values


def _query_map(shape: Any, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """A map that is spread over the query string; its values may be lists."""
    if shape.value.type_name != "list":
        return dict(pairs)
    found: dict[str, Any] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _from_body(shape: Any, body: bytes, xml: bool) -> dict[str, Any]:
    payload = shape.serialization.get("payload")
    inner = shape.members[payload] if payload else shape
    if inner.type_name in ("blob", "string"):
        return {}
    found = _from_xml(inner, body) if xml else _from_json(inner, orjson.loads(body))
    if payload:
        return {payload: found}
    return found if isinstance(found, dict) else {}


def _from_xml(shape: Any, body: bytes) -> Any:
    root = ET.fromstring(re.sub(rb'\sxmlns="[^"]*"', b"", body))
    return _XML._parse_shape(shape, root)
