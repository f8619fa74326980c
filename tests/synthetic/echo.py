"""What an answer repeats from its request: the identifier that was asked about, one item for each that was listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.model import Shape

from tests.synthetic.leaf import singular, split_name, tells_failures
from tests.synthetic.settings import PagingRule

_DEEPEST = 4
_BARE = frozenset({"id", "arn", "name", "identifier", "url", "uri", "key"})


@dataclass(slots=True)
class Echo:
    """*scalars*: lower-case member name -> value; *batch*: one value for each item of the list at *batch_list*.

    A batch value is a dict of lower-case path (from the item) -> text. *own*: the list that holds only what was asked
    about, so there is one item and one page.
    """

    scalars: dict[str, str] = field(default_factory=dict)
    batch_list: tuple[str, ...] | None = None
    batch: list[dict[tuple[str, ...], str]] = field(default_factory=list)
    own: tuple[str, ...] | None = None

    @property
    def single_page(self) -> bool:
        """Whether the request names what it wants, so that there is nothing to page through."""
        return self.batch_list is not None or self.own is not None

    def length(self, path: tuple[str, ...]) -> int | None:
        """How many items the list at *path* must have, where the request decides that."""
        if path == self.batch_list:
            return len(self.batch)
        return 1 if path == self.own else None

    def scalar(self, name: str, stem: str, in_list: bool) -> str | None:
        """The requested value that the member *name* of something called *stem* carries, if it carries one."""
        lowered = name.lower()
        if lowered in _BARE:
            return self.scalars.get(stem.lower() + lowered) or (None if in_list else self.scalars.get(lowered))
        return self.scalars.get(lowered)


_WORDS = frozenset({"all", "self"})
"""What stands in lists of accounts (``OwnerIds``) and names none."""


def echo_of(params: dict[str, Any], asked: Any, output: Shape | None, rule: PagingRule | None) -> Echo:
    """Work out what the answer of shape *output* repeats of *params*, which are of shape *asked*."""
    found = Echo()
    if output is None:
        return found
    tokens = set(rule.input) if rule else set()
    lists = list(_lists(output, ()))
    for name, value in params.items():
        if name in tokens or "token" in name.lower() or "marker" in name.lower():
            continue
        if isinstance(value, str) and value:
            found.scalars.update(_names(name, value))
            if found.own is None:
                found.own = _own_list(name, lists)
        elif isinstance(value, list) and value and found.batch_list is None and not _chooses(value, asked.members[name]):
            _batch(found, name, value, lists)
    return found


def _chooses(values: list[Any], shape: Any) -> bool:
    """Whether *values*, a parameter of *shape*, say which kind of item is wanted, and not which items."""
    return bool(getattr(shape.member, "enum", None)) or any(isinstance(value, str) and value in _WORDS for value in values)


def _names(name: str, value: str) -> dict[str, str]:
    """The member names under which *value* of the parameter *name* may come back."""
    stem, kind = split_name(name)
    is_arn = value.startswith("arn:")
    names = {name.lower(): value}
    if not kind:
        names.update({name.lower() + "arn": value} if is_arn else {name.lower() + k: value for k in ("name", "id")})
    elif is_arn and kind != "arn" and stem:
        names = {stem.lower() + "arn": value, name.lower(): value.rsplit("/", 1)[-1].rsplit(":", 1)[-1]}
    return names


def _lists(shape: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The lists of an answer that are not inside another list, with their element shapes."""
    if shape.type_name != "structure" or len(path) > 2:
        return
    for name, member in shape.members.items():
        if member.type_name == "list" and not tells_failures(name):
            yield (*path, name), member.member
        elif member.type_name == "structure" and len(path) < 2:
            yield from _lists(member, (*path, name))


def _own_list(name: str, lists: list[tuple[tuple[str, ...], Any]]) -> tuple[str, ...] | None:
    """The list whose items are what the parameter *name* identifies: DBInstanceIdentifier and DBInstances."""
    stem, kind = split_name(name)
    if not kind or not stem:
        return None
    for path, element in lists:
        if element.type_name == "structure" and singular(path[-1]).lower() == stem.lower():
            return path
    return None


def _batch(found: Echo, name: str, values: list[Any], lists: list[tuple[tuple[str, ...], Any]]) -> None:
    best = 0
    for path, element in lists:
        if element.type_name != "structure":
            continue
        if all(isinstance(value, str) for value in values):
            score, inner = _identity(name, values[0], path[-1], element)
            if score > best:
                best, found.batch_list = score, path
                found.batch = [{inner: value} for value in values]
        elif all(isinstance(value, dict) for value in values):
            known = {member.lower(): member for member in element.members}
            rows: list[dict[tuple[str, ...], str]] = [
                {(known[key.lower()],): text for key, text in value.items() if key.lower() in known and isinstance(text, str)}
                for value in values
            ]
            if all(rows) and best < 2:
                best, found.batch_list, found.batch = 2, path, rows


def _identity(name: str, value: str, list_name: str, element: Any) -> tuple[int, tuple[str, ...]]:
    """How well, and by which member, items of *list_name* are identified by the list parameter *name*."""
    name = name.removesuffix("List") or name
    wanted = singular(name).lower()
    stem, kind = split_name(name)
    best: tuple[int, tuple[str, ...]] = (0, ())
    for path, holder in _strings(element, (), singular(list_name), ()):
        member = path[-1].lower()
        score = 0
        if member == wanted:
            score = 9
        elif kind and ((member in _BARE and holder.lower() + member == wanted) or (not stem and member == holder.lower() + kind)):
            score = 8
        elif not kind and member == wanted + ("arn" if value.startswith("arn:") else "name"):
            score = 7
        elif not kind and member == wanted + "id" and not value.startswith("arn:"):
            score = 6
        if score and score - len(path) > best[0]:
            best = (score - len(path), path)
    return best


def _strings(shape: Any, path: tuple[str, ...], stem: str, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Paths to the string members under *shape*, through lists, with the stem of what holds each."""
    if len(path) >= _DEEPEST or shape.name in above:
        return
    if shape.type_name == "list":
        yield from _strings(shape.member, path, singular(stem), above)
        return
    if shape.type_name != "structure":
        return
    for name, member in shape.members.items():
        if member.type_name == "string":
            yield (*path, name), stem
        elif member.type_name in ("structure", "list"):
            yield from _strings(member, (*path, name), name, (*above, shape.name))


def put_path(value: Any, path: tuple[str, ...], text: Any) -> None:
    """Write *text* at *path* under *value*, through lists and, with ``*``, maps; a tuple gives its values in turn, None takes away."""
    if isinstance(value, list):
        for number, element in enumerate(value):
            put_path(element, path, text[number % len(text)] if isinstance(text, tuple) else text)
    elif isinstance(value, dict):
        names = list(value) if path[0] == "*" else [path[0]]
        for name in names:
            if len(path) == 1 and text is None:
                value.pop(name, None)
            elif len(path) == 1:
                value[name] = text
            else:
                put_path(value.get(name), path[1:], text)
