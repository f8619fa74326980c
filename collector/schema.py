"""The JSON Schema of the lines, made from the records themselves so that the two cannot differ."""

from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import orjson

from collector.record import SCHEMA, CostRecord, CoverageRecord, Gap, ResourceRecord, Source, UtilisationRecord

_MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
_ACCOUNT = {"type": "string", "pattern": r"^\d{12}$"}
_DECIMAL = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "format": "decimal"}
_DECIMAL_OR_NOTHING = {"anyOf": [_DECIMAL, {"type": "null"}]}
_FORMS: dict[str, dict[str, Any]] = {
    "account_id": _ACCOUNT,
    "billed_cost": _DECIMAL,
    "billing_account_id": _ACCOUNT,
    "consumed_quantity": _DECIMAL_OR_NOTHING,
    "created_at": {"anyOf": [_MOMENT, {"type": "null"}]},
    "effective_cost": _DECIMAL_OR_NOTHING,
    "end": _MOMENT,
    "list_cost": _DECIMAL_OR_NOTHING,
    "observed_at": _MOMENT,
    "start": _MOMENT,
    "scan_id": {"type": "string", "pattern": r"^\d{12}/[a-z0-9-]+/[a-z0-9-]+\.[a-z0-9_]+@\d{8}T\d{6}\.\d{3}Z$"},
    "schema": {"const": SCHEMA},
}


_RESOURCE_FORMS: dict[str, dict[str, Any]] = {"resource_id": {"type": "string", "minLength": 1}}
_COST_FORMS: dict[str, dict[str, Any]] = {"period": {"type": "string", "pattern": r"^\d{4}-\d\d$"}}
_KINDS: dict[str, type] = {
    "resources": ResourceRecord,
    "coverage": CoverageRecord,
    "metrics": UtilisationRecord,
    "billing": CostRecord,
}


def schema() -> str:
    """The schema as text: JSON Schema, draft 2020-12; a line is one of the records."""
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a snapshot",
        "oneOf": [_record(kind) for kind in _KINDS.values()],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE).decode()


def _record(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    forms = {**_FORMS, **(_COST_FORMS if kind is CostRecord else _RESOURCE_FORMS)}
    properties = {each.name: forms.get(each.name) or _type(hints[each.name]) for each in fields(kind)}
    return {"title": kind.__name__, "type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


_PLAIN: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def _type(hint: Any) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return {}
    if hint in (Gap, Source):
        return _record(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, UnionType):
        return {"anyOf": [_type(each) for each in arguments]}
    if origin is tuple:
        return {"type": "array", "items": _type(arguments[0])}
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    return {"type": "object", "additionalProperties": _type(arguments[1])}


_COLUMNS: dict[str, str] = {"string": "varchar", "integer": "bigint", "number": "double", "boolean": "boolean"}


def columns(stream: str) -> dict[str, str]:
    """SQL types of the columns of ``resources``, ``coverage``, ``metrics`` or ``billing``; what nests is JSON."""
    return {name: _column(form) for name, form in _record(_KINDS[stream])["properties"].items()}


def _column(form: dict[str, Any]) -> str:
    forms = [each for each in form.get("anyOf", [form]) if each.get("type") != "null"]
    if forms[0].get("format") == "decimal":
        return "decimal(38,18)"
    kind = forms[0].get("type") or ("string" if all(isinstance(each, str) for each in forms[0].get("enum", [1])) else "")
    return "bigint" if "const" in forms[0] else _COLUMNS.get(kind, "json")
