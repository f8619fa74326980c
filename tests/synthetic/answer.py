"""A request's parameters and a shape -> the values of the answer, with stand-ins for account, region and partition.

Every member is filled, unless its shape contains itself. The same request gives the same values, always.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from botocore.model import OperationModel

from tests.synthetic import models, truths
from tests.synthetic.asked import digest_of, texts
from tests.synthetic.echo import Echo, echo_of, put_path
from tests.synthetic.leaf import Where, scalar, scope_of, singular, tells_failures, text, unscoped
from tests.synthetic.paging import asked_page, finish, longest_least, rule_for, says_more, token
from tests.synthetic.placeholders import filled
from tests.synthetic.settings import MAP_KEYS, PagingRule, Settings

_LEFT_OUT = object()
# Lists so called are named by what is in them.
_NAMELESS = frozenset({"item", "list", "member", "result", "summary"})
CANARY = re.compile(r"CANARY-\d+")


@dataclass(frozen=True, slots=True)
class Canary:
    """A planted secret: its *text* (with stand-ins, if it had to look like an ARN) and its *path* in spec words."""

    text: str
    path: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The values of one answer and what is known about them."""

    service: str
    operation: OperationModel
    values: dict[str, Any]
    canaries: tuple[Canary, ...]
    cut: frozenset[str]  # paths left out because the answer would be too large
    next_page: int | None


def answer_of(settings: Settings, service: str, operation: OperationModel, params: dict[str, Any]) -> Answer:
    """The answer to *operation* asked with *params*. Raises UnknownTokenError for a paging token we did not give."""
    rule = rule_for(settings, service, operation)
    asked = (texts(operation.input_shape, params) or {}) if operation.input_shape else {}
    digest = digest_of(service, operation.name, asked, rule)
    shape = operation.output_shape
    _, pages = settings.sizes.get((service, operation.name), (settings.items, settings.pages))
    pages = truths.pages_of(settings, service, operation.name) or pages
    token_digest = digest.ljust(longest_least(rule, operation) - len(token("", 0)), "0")
    page = asked_page(rule, params, token_digest, pages)
    if shape is None:
        return Answer(service, operation, {}, (), frozenset(), None)
    echo = echo_of(asked, operation.input_shape, shape, rule)
    build = _Build(settings, service, operation, echo, rule, digest, page)
    values = build.structure(shape, _Place())
    for number, row in enumerate(echo.batch):
        for path, value in row.items():
            put_path(_at(values, echo.batch_list or ())[number], path, value)
    more = rule is not None and not echo.single_page and page + 1 < pages
    if rule is not None and rule.when is not None and rule.when not in params:
        more = False
    next_page = page + 1 if more else None
    truths.tell(settings, service, operation.name, params, values, page)
    for put in settings.puts:
        if put.service == service and put.operation == operation.name:
            put_path(values, tuple(put.path.split(".")), put.value)
    if rule is not None:
        finish(rule, shape, values, token_digest, next_page)
    planted = _still_there(build.canaries, values)
    return Answer(service, operation, values, planted, frozenset(build.cut), next_page)


def canaries_of(settings: Settings, service: str, operation: str, params: dict[str, Any], account: str, region: str) -> list[Canary]:
    """Every canary in the answer that *account* in *region* gets to *operation* asked with *params*."""
    found = answer_of(settings, service, models.operation_model(service, operation), params)
    return [Canary(filled(canary.text, account, region), canary.path) for canary in found.canaries]


def _still_there(canaries: list[Canary], values: dict[str, Any]) -> tuple[Canary, ...]:
    """The canaries that no truth, setting or echo has overwritten."""
    if not canaries:
        return ()
    seen: set[str] = set()
    waiting: list[Any] = [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, bytes):
            seen.add(value.decode())
        elif isinstance(value, str):
            seen.add(value)
    return tuple(canary for canary in canaries if canary.text in seen)


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        values = values[name]
    return values


@lru_cache(maxsize=4096)
def _places(canaries: frozenset[tuple[str, str, str]], service: str, operation: str) -> frozenset[tuple[str, ...]]:
    """Where in an answer of *operation* secrets are planted."""
    return frozenset(tuple(path.split(".")) for *of, path in canaries if of == [service, operation])


@lru_cache(maxsize=65536)
def _holder(path: tuple[str, ...]) -> int:
    """A number for what holds the member at *path*: two holders in one item have different ids."""
    return zlib.crc32(".".join(path[:-1]).encode()) & 0xFFFF


class _Place(NamedTuple):
    """Where a value stands in its answer."""

    path: tuple[str, ...] = ()  # member names; lists add nothing, maps add `*`
    indexes: tuple[int, ...] = ()  # of the enclosing lists and maps
    name: str = ""
    stem: str = ""
    above: frozenset[str] = frozenset()  # names of the shapes around it
    secret: bool = False
    lists: int = 0


@dataclass(slots=True)
class _Build:
    settings: Settings
    service: str
    operation: OperationModel
    echo: Echo
    rule: PagingRule | None
    digest: str
    page: int
    canaries: list[Canary] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    nodes: int = 0
    arn_service: str = ""
    scope: str = ""
    items: int = 0
    secrets: frozenset[tuple[str, ...]] = frozenset()
    kinds: dict[tuple[str, ...], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.secrets = _places(self.settings.canaries, self.service, self.operation.name)
        self.kinds = {
            tuple(path.split(".")): kind for (*of, path), kind in self.settings.kinds.items() if of == [self.service, self.operation.name]
        }
        self.items, _ = self.settings.sizes.get((self.service, self.operation.name), (self.settings.items, 0))
        facts = models.by_name()[self.service]
        self.arn_service = facts.signing_name
        self.scope = scope_of(self.service)

    def value(self, shape: Any, place: _Place) -> Any:
        self.nodes += 1
        if not place.secret and ((self.secrets and place.path in self.secrets) or shape.metadata.get("sensitive")):
            # Without what is above: a secret place that repeats a shape around it (statements in statements) holds its secrets too.
            place = _Place(place.path, place.indexes, place.name, place.stem, frozenset(), True, place.lists)
        kind = shape.type_name
        if kind in ("structure", "list", "map"):
            if shape.name in place.above:
                return _LEFT_OUT
            if self.nodes > self.settings.max_nodes and place.path:
                self.cut.add(".".join(place.path))
                return _LEFT_OUT
            if kind == "structure":
                return self.structure(shape, place)
            return self.elements(shape, place) if kind == "list" else self.entries(shape, place)
        return self.leaf(shape, place)

    def structure(self, shape: Any, place: _Place) -> Any:
        if shape.is_document_type:
            return {"synthetic": self.plant("document", place) if place.secret else "document"}
        above = place.above | {shape.name}
        values: dict[str, Any] = {}
        members = shape.members.items()
        if shape.is_tagged_union:
            members = self.chosen(shape, above, place)
        for name, member in members:
            if member.serialization.get("eventstream"):
                continue
            if member.serialization.get("location") == "statusCode":
                status = int(self.operation.http.get("responseCode") or 200)
                values[name] = 200 if status == 204 else status  # 204 could carry no body
                continue
            inner = _Place((*place.path, name), place.indexes, name, place.name or place.stem, above, place.secret, place.lists)
            value = self.value(member, inner)
            if value is not _LEFT_OUT:
                values[name] = value
        if isinstance(values.get("Quantity"), int) and isinstance(values.get("Items"), list):
            values["Quantity"] = len(values["Items"])  # CloudFront counts every list beside it
        return values

    def chosen(self, shape: Any, above: frozenset[str], place: _Place) -> Any:
        """The one member of a union: a later one for each later item, so that a page shows them all."""
        usable = [(n, m) for n, m in shape.members.items() if not self.contains_itself(m, above)]
        usable = usable or list(shape.members.items())
        return [usable[(place.indexes[0] if place.indexes else 0) % len(usable)]]

    @staticmethod
    def contains_itself(shape: Any, above: frozenset[str]) -> bool:
        while shape.type_name in ("list", "map"):
            if shape.name in above:
                return True
            shape = shape.member if shape.type_name == "list" else shape.value
        return shape.name in above

    def length(self, place: _Place) -> int:
        asked = None
        if place.lists == 0:
            asked = self.echo.length(place.path)
        if asked is None and len(place.path) == 1:
            asked = truths.items_of(self.settings, self.service, self.operation.name, self.page)
        if asked is not None:
            return asked
        primary = place.lists == 0 and (len(place.path) == 1 or (self.rule is not None and ".".join(place.path) in self.rule.results))
        if primary:
            return self.items
        return self.settings.nested if place.lists <= 1 else 1

    def elements(self, shape: Any, place: _Place) -> Any:
        if len(place.path) == 1 and tells_failures(place.name) and not self.settings.fill_failures:
            return _LEFT_OUT if shape.serialization.get("flattened") else []
        above = place.above | {shape.name}
        if self.contains_itself(shape.member, above):
            return _LEFT_OUT
        values = []
        name = singular(place.name)
        if name.lower() in _NAMELESS:
            name = shape.member.name
        for index in range(self.length(place)):
            if place.lists == 0:
                self.nodes = 0
            inner = _Place(place.path, (*place.indexes, index), name, name, above, place.secret, place.lists + 1)
            value = self.value(shape.member, inner)
            if value is not _LEFT_OUT:
                values.append(value)
        return values if values or not shape.serialization.get("flattened") else _LEFT_OUT

    def entries(self, shape: Any, place: _Place) -> Any:
        if len(place.path) == 1 and tells_failures(place.name) and not self.settings.fill_failures:
            return _LEFT_OUT if shape.serialization.get("flattened") else {}
        above = place.above | {shape.name}
        if self.contains_itself(shape.value, above):
            return _LEFT_OUT
        values = {}
        name = singular(place.name)
        keys = self.keys(shape, place, name)
        for index, key in enumerate(keys):
            named = name if key.startswith("key-") else key
            own = (*place.path, key)
            path = own if own in self.secrets else (*place.path, "*")
            inner = _Place(path, (*place.indexes, index), named, name, above, place.secret, place.lists + 1)
            value = self.value(shape.value, inner)
            if value is not _LEFT_OUT:
                values[key] = value
        return values if values or not shape.serialization.get("flattened") else _LEFT_OUT

    def keys(self, shape: Any, place: _Place, name: str) -> list[str]:
        """A map's keys: the enum's, else what the settings know of it, else made up."""
        enum = shape.key.metadata.get("enum")
        if enum:
            return [key for key in enum if key != "All"]
        at = (self.service, self.operation.name, ".".join(place.path))
        known = self.settings.map_keys.get(at) or MAP_KEYS.get(at)
        if known:
            return list(known)
        count = self.length(place)
        first = "Name" if name.lower().endswith("tag") else "key-0"
        return [first, *(f"key-{index}" for index in range(1, count))]

    def leaf(self, shape: Any, place: _Place) -> Any:
        indexes = "".join(f"{index:03x}" for index in place.indexes)
        holder = _holder(place.path)
        index = place.indexes[-1] if place.indexes else 0
        if place.lists == 1:
            index += self.page * self.items
        unique = f"{self.scope}{self.digest}{holder:04x}{self.page:02x}{indexes}"
        kind = self.kinds.get(place.path, "") if self.kinds else ""
        where = Where(self.service, self.arn_service, place.name, place.stem, unique, index, kind)
        if shape.type_name in ("string", "character"):
            asked = self.echo.scalar(place.name, place.stem, place.lists > 0)
            if asked is not None and not place.secret:
                return asked
            value = text(where, shape)
            return self.plant(value, place) if place.secret else value
        if shape.type_name == "blob" and place.secret:
            return self.plant(unscoped(unique), place).encode()
        if shape.type_name == "boolean" and says_more(place.name):
            return False
        return scalar(where, shape)

    def plant(self, value: str, place: _Place) -> str:
        """*value* with a canary in it: at its start, or, in an ARN, before its last part."""
        spot = f"{self.digest}.{self.page}.{place.path}.{place.indexes}"
        mark = f"CANARY-{zlib.crc32(spot.encode()):010d}-"
        head, slash, tail = value.rpartition("/") if value.startswith(("arn:", "https:")) else ("", "", value)
        planted = f"{head}{slash}{mark}{tail}"
        self.canaries.append(Canary(planted, ".".join(place.path)))
        return planted
