"""Read an IAM policy document, as any of the IAM calls returns it, into frozen values.

The reader is strict on purpose: what it does not understand raises. A statement read wrongly is a role judged wrongly.
Grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from collector.errors import CollectorError


class PolicyUnreadableError(CollectorError):
    """A policy document is not what IAM's grammar says; the message names the place."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a ``Condition`` block: ``StringEquals``, ``sts:ExternalId``, the values."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. Patterns are as written; an element that is not there is None, an empty list an empty tuple."""

    label: str
    """The Sid, or ``statement 2`` (counted from 1) where there is none."""
    allows: bool
    actions: tuple[str, ...] | None
    not_actions: tuple[str, ...] | None
    resources: tuple[str, ...] | None
    not_resources: tuple[str, ...] | None
    principals: tuple[tuple[str, str], ...] | None
    """Pairs of kind and value, ``("AWS", "arn:…")``; ``"Principal": "*"`` is ``("*", "*")``."""
    not_principals: tuple[tuple[str, str], ...] | None
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A policy document's statements, in order."""

    statements: tuple[Statement, ...]


_DOCUMENT_ELEMENTS = {"version", "id", "statement"}
_STATEMENT_ELEMENTS = {"sid", "effect", "condition"} | {
    prefix + element for prefix in ("", "not") for element in ("action", "resource", "principal")
}


def read_document(source: str | Mapping[str, Any]) -> Document:
    """The policy document in *source*: JSON text, URL-encoded JSON text (what IAM sends), or the decoded object.

    Element names and ``Effect`` are read in any case. Raises PolicyUnreadableError, and nothing else, for whatever IAM
    would not have stored: unknown or repeated elements, neither or both of ``Action`` and ``NotAction``, values of the
    wrong kind.
    """
    written = _elements(_decoded(source) if isinstance(source, str) else source, "the document", _DOCUMENT_ELEMENTS)
    if "statement" not in written:
        raise PolicyUnreadableError("the document has no Statement")
    statements = written["statement"]
    if not isinstance(statements, list | tuple):
        statements = [statements]
    return Document(tuple(_statement(statement, number) for number, statement in enumerate(statements, start=1)))


def _decoded(text: str) -> Any:
    json_text = text if text.lstrip().startswith("{") else unquote(text)
    try:
        return json.loads(json_text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise PolicyUnreadableError(f"the document is not JSON: {type(error).__name__}") from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON parsers differ in which of two equal keys they keep, so no reading of such a document can be trusted."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise PolicyUnreadableError("an element is written twice")
    return members


def _elements(value: Any, place: str, known: set[str]) -> dict[str, Any]:
    """The members of *value* by lower-case name."""
    if not isinstance(value, Mapping):
        raise PolicyUnreadableError(f"{place} is not an object")
    elements = {str(name).lower(): member for name, member in value.items()}
    if len(elements) < len(value):
        raise PolicyUnreadableError(f"{place}: an element is written twice")
    if unknown := elements.keys() - known:
        raise PolicyUnreadableError(f"{place}: unknown element {min(unknown)!r}")
    return elements


def _statement(value: Any, number: int) -> Statement:
    place = f"statement {number}"
    written = _elements(value, place, _STATEMENT_ELEMENTS)
    effect = str(written.get("effect")).lower()
    if effect not in ("allow", "deny"):
        raise PolicyUnreadableError(f"{place}: Effect is neither Allow nor Deny")
    if ("action" in written) == ("notaction" in written):
        raise PolicyUnreadableError(f"{place}: exactly one of Action and NotAction is expected")
    if "resource" in written and "notresource" in written:
        raise PolicyUnreadableError(f"{place}: both Resource and NotResource")
    return Statement(
        label=str(written.get("sid") or place),
        allows=effect == "allow",
        actions=_texts(written, "action", place),
        not_actions=_texts(written, "notaction", place),
        resources=_texts(written, "resource", place),
        not_resources=_texts(written, "notresource", place),
        principals=_principals(written, "principal", place),
        not_principals=_principals(written, "notprincipal", place),
        conditions=_conditions(written.get("condition", {}), place),
    )


def _texts(written: Mapping[str, Any], element: str, place: str) -> tuple[str, ...] | None:
    """A string or a list of strings; each once, in the order written."""
    if element not in written:
        return None
    value = written[element]
    values = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(text, str) for text in values):
        raise PolicyUnreadableError(f"{place}: {element} is neither a string nor a list of strings")
    return tuple(dict.fromkeys(values))


def _principals(written: Mapping[str, Any], element: str, place: str) -> tuple[tuple[str, str], ...] | None:
    if element not in written:
        return None
    value = written[element]
    if isinstance(value, str):
        return ((value, value),)
    if not isinstance(value, Mapping):
        raise PolicyUnreadableError(f"{place}: {element} is neither a string nor an object")
    return tuple((str(kind), text) for kind in value for text in _texts(value, kind, place) or ())


def _conditions(value: Any, place: str) -> tuple[Condition, ...]:
    """An operator without a key stays in the list (with key ""), so that its statement still counts as conditional."""
    if not isinstance(value, Mapping):
        raise PolicyUnreadableError(f"{place}: Condition is not an object")
    conditions = []
    for operator, keys in value.items():
        if not isinstance(keys, Mapping):
            raise PolicyUnreadableError(f"{place}: the condition {operator!s:.40} is not an object")
        for key, values in (keys or {"": []}).items():
            texts = values if isinstance(values, list | tuple) else [values]
            if not all(isinstance(text, str | bool | int | float) for text in texts):
                raise PolicyUnreadableError(f"{place}: a value of the condition {operator!s:.40} is neither text nor number")
            conditions.append(Condition(str(operator), str(key), tuple(_condition_text(text) for text in texts)))
    return tuple(conditions)


def _condition_text(value: str | bool | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
