"""Tables of a spec as TOML, in the house's order of keys and with its alignment."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Table: TypeAlias = dict[str, Any]

LONGEST_LINE = 120
_FIELDS = ("type", "ours", "parent", "list", "arn", "id", "name", "created", "state", "region", "tags", "volatile")
_CALL = ("call", "params", "take", "over", "batch", "of", "failures", "absent", "redact", "reveal", "page", "action", "why")
_CALLS = ("list", "describe", "tags", "get")
_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class Unsure:
    """A value that a person must look at; *why* becomes the comment on its line."""

    value: Any
    why: str


def resource_text(key: str, table: Mapping[str, Any]) -> str:
    """One resource with its calls; a call that is short and sure goes into one line of the resource's own table."""
    own: Table = {}
    calls: Table = {}
    for name in _FIELDS:
        value = table.get(name)
        if isinstance(value, dict) and not _in_line(name, value):
            calls[name] = value
        elif value is not None:
            own[name] = value
    calls |= {"describe": table["describe"]} if "describe" in table else {}
    calls |= {f"get.{name}": call for name, call in table.get("get", {}).items()}
    parts = [f"[{key}]", *lines(own)]
    for name, call in sorted(calls.items(), key=lambda pair: _CALLS.index(pair[0].partition(".")[0])):
        parts += ["", f"[{key}.{name}]", *lines({each: call[each] for each in _CALL if each in call})]
    return "\n".join(parts)


def lines(table: Mapping[str, Any]) -> list[str]:
    """A line for each key, the equals signs under one another; a list that is too long for a line takes one for each element."""
    width = max((len(key) for key in table), default=0)
    written = []
    for key, value in table.items():
        comment = f"   # {value.why}" if isinstance(value, Unsure) else ""
        value = sure(value)
        line = f"{key:<{width}} = {inline(value)}"
        if len(line) > LONGEST_LINE and isinstance(value, list):
            line = f"{key:<{width}} = [\n" + "".join(f"    {inline(each)},\n" for each in value) + "]"
        written.append(line + comment)
    return written


def inline(value: Any) -> str:
    """*value* as TOML in one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        pairs = (f"{key if _BARE.match(key) else inline(key)} = {inline(below)}" for key, below in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def sure(value: Any) -> Any:
    """*value* without what is said about its being unsure, at any depth."""
    if isinstance(value, Unsure):
        return sure(value.value)
    if isinstance(value, Mapping):
        return {key: sure(below) for key, below in value.items()}
    return [sure(each) for each in value] if isinstance(value, list) else value


def _in_line(name: str, call: Mapping[str, Any]) -> bool:
    unsure: Iterable[Any] = (each for each in call.values() if isinstance(each, Unsure))
    ordered = {each: call[each] for each in _CALL if each in call}
    return not any(unsure) and "why" not in call and len(f"{name} = {inline(ordered)}") <= LONGEST_LINE - 10
