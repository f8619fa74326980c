"""Fill ``{braces}``: ``"arn:{partition}:s3:::{Name}"`` and the values that are known give ``"arn:aws:s3:::logs"``."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

Known: TypeAlias = Mapping[str, Any]
"""What is known by name; a value may itself be a mapping, which a dotted reference looks into."""

_REFERENCE = re.compile(r"\{([^{}]*)\}")


@lru_cache(maxsize=8192)
def parsed(template: str) -> tuple[str | tuple[str, ...], ...]:
    """The parts of *template* in order: literal text as ``str``, a reference as the tuple of its dotted names."""
    parts: list[str | tuple[str, ...]] = []
    position = 0
    for match in _REFERENCE.finditer(template):
        if match.start() > position:
            parts.append(template[position : match.start()])
        parts.append(tuple(match[1].split(".")))
        position = match.end()
    if position < len(template):
        parts.append(template[position:])
    return tuple(parts)


def references(value: Any) -> Iterator[tuple[str, ...]]:
    """Every reference inside *value*, which may nest lists and tables."""
    if isinstance(value, str):
        yield from (part for part in parsed(value) if isinstance(part, tuple))
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list | tuple):
        for element in value:
            yield from references(element)


ARN_PARTS = ("name", "id", "resource")


def look_up(path: tuple[str, ...], known: Known) -> Any:
    """The value at the dotted *path*, or None where any step of it is missing."""
    value: Any = known
    for name in path:
        if type(value) is dict or isinstance(value, Mapping):  # an abstract class is asked at ten times the price
            value = value.get(name)
        else:
            value = getattr(Arn(value), name) if isinstance(value, str) and name in ARN_PARTS else None
        if value is None:
            return None
    return value


def fill(template: str, known: Known) -> Any:
    """*template* with its references filled from *known*.

    A template that is only one reference keeps the value's type. None when any reference is missing: half an ARN is no ARN.
    """
    return _filler(template)(known)


@lru_cache(maxsize=8192)
def _filler(template: str) -> Callable[[Known], Any]:
    """What fills *template*."""
    parts = parsed(template)
    paths = [part for part in parts if isinstance(part, tuple)]
    if len(parts) == 1 and paths:
        return _reference(paths[0])
    form = "".join("%s" if isinstance(part, tuple) else part.replace("%", "%%") for part in parts)
    references = [_reference(path) for path in paths]

    def filled(known: Known) -> str | None:
        values = tuple([reference(known) for reference in references])
        return None if None in values else form % values

    return filled


def _reference(path: tuple[str, ...]) -> Callable[[Known], Any]:
    if len(path) == 1:
        (name,) = path
        return lambda known: known.get(name)
    return lambda known: look_up(path, known)


def fill_all(value: Any, known: Known) -> Any:
    """*value* with every string inside it filled; tables and lists keep their shape."""
    if isinstance(value, str):
        return fill(value, known) if "{" in value else value
    if isinstance(value, Mapping):
        return {name: fill_all(member, known) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [fill_all(element, known) for element in value]
    return value


class Arn(str):
    """An Amazon Resource Name, or a path like ``/hostedzone/Z1``, with the parts that a reference may ask for: ``{arn.name}``,
    ``{Id.name}``.
    """

    __slots__ = ()

    @property
    def resource(self) -> str:
        """What follows the account: ``role/team/deploy``."""
        return self.split(":", 5)[-1]

    @property
    def name(self) -> str:
        """What follows the last ``/`` or ``:``: ``deploy``."""
        return re.split(r"[/:]", self)[-1]

    @property
    def id(self) -> str:
        """What follows the first ``/`` or ``:`` of the resource part: ``team/deploy``."""
        return re.split(r"[/:]", self.resource, maxsplit=1)[-1]
