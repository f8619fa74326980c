"""Two snapshots -> what appeared, changed and vanished between them, and of what that cannot be said.

Absence means something only where the listing is complete: a resource that one snapshot lacks, in a scan that could not look, or was not
asked for, is ``unknown``. Memory: some 250 bytes for each resource of the older snapshot, and the new lines of those that changed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, TypeAlias

import orjson

from collector.errors import SnapshotError
from collector.snapshot import Snapshot

Change: TypeAlias = Literal["appeared", "changed", "vanished", "unknown"]
Line: TypeAlias = dict[str, Any]

_IDENTITY = ("partition", "account_id", "region", "service", "resource_type", "resource_id")
_COMPARED = ("arn", "configuration", "created_at", "name", "parent_arn", "state", "supplementary", "tags")
_NEEDED = frozenset({*_IDENTITY, *_COMPARED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What became of one resource. *fields*, of a changed one: the old and the new value, by the field's dotted name."""

    account_id: str
    arn: str | None
    change: Change
    fields: Mapping[str, tuple[Any, Any]]
    lacking_in: Literal["old", "new"] | None
    """The snapshot that does not have it."""
    partition: str
    region: str
    resource_id: str
    resource_type: str
    service: str


def differences(
    old: Snapshot, new: Snapshot, volatile: Mapping[tuple[str, str], tuple[str, ...]], *, wants: Callable[[Line], bool] = lambda _: True
) -> Iterator[Difference]:
    """The differences from *old* to *new*, of the resources that *wants* chooses.

    *volatile*, by service and type: the fields that change by themselves, which are left out (``service_specs/README.md``). So is what
    could not be read on one side. The order of a list is no difference, for AWS gives most in none. Raises SnapshotError.
    """
    before = {_key(line): _fingerprint(line, volatile) for line in _resources(old, wants)}
    looked_before, looked_now = _complete_scans(old), _complete_scans(new)
    differing: dict[bytes, Line] = {}
    for line in _resources(new, wants):
        was = before.pop(_key(line), None)
        if was is None:
            yield _difference(line, "appeared" if _scan(line) in looked_before else "unknown", "old")
        elif was != _fingerprint(line, volatile):
            differing[_key(line)] = line
    for line in _resources(old, wants):
        if before.pop(_key(line), None) is not None:
            yield _difference(line, "vanished" if _scan(line) in looked_now else "unknown", "new")
        elif (now := differing.pop(_key(line), None)) is not None and (
            fields := dict(_changes(_compared(line, volatile), _compared(now, volatile)))
        ):
            yield _difference(now, "changed", None, fields)


def _resources(snapshot: Snapshot, wants: Callable[[Line], bool]) -> Iterator[Line]:
    for line in snapshot.resources():
        if not line.keys() >= _NEEDED:
            raise SnapshotError(f"{snapshot.folder}: a line of {line['scan_id']} is not a resource as the collector writes it")
        if wants(line):
            yield line


def _difference(
    line: Line, change: Change, lacking_in: Literal["old", "new"] | None, fields: Mapping[str, tuple[Any, Any]] | None = None
) -> Difference:
    return Difference(
        change=change, lacking_in=lacking_in, fields=fields or {}, arn=line["arn"], **{name: line[name] for name in _IDENTITY}
    )


def _scan(line: Line) -> str:
    """The account, region and type in which it was listed: a scan's name without its moment."""
    return str(line["scan_id"]).partition("@")[0]


def _complete_scans(snapshot: Snapshot) -> frozenset[str]:
    return frozenset(_scan(line) for line in snapshot.coverage() if line.get("complete"))


def _key(line: Line) -> bytes:
    return _digest([line[name] for name in _IDENTITY])


def _fingerprint(line: Line, volatile: Mapping[tuple[str, str], tuple[str, ...]]) -> bytes:
    return _digest(_compared(line, volatile))


def _digest(value: Any) -> bytes:
    return blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def _compared(line: Line, volatile: Mapping[tuple[str, str], tuple[str, ...]]) -> Line:
    """What of *line* is compared: without what changes by itself, and with its lists in an order."""
    for path in volatile.get((line["service"], line["resource_type"]), ()):
        first, _, rest = path.partition(".")
        under, names = (line["supplementary"], rest) if first == "supplementary" else (line["configuration"], path)
        _remove(under, names.split("."))
    return {name: _in_order(line[name]) for name in _COMPARED}


def _remove(value: Any, path: list[str]) -> None:
    """Take what lies at *path* out of *value*; lists are passed through, ``*`` is every member."""
    if isinstance(value, list):
        for each in value:
            _remove(each, path)
    elif isinstance(value, dict):
        name, *below = path
        for key in list(value) if name == "*" else [name] if name in value else []:
            if below:
                _remove(value[key], below)
            else:
                del value[key]


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_order(below) for name, below in value.items()}
    if isinstance(value, list):
        return sorted(map(_in_order, value), key=lambda each: orjson.dumps(each, option=orjson.OPT_SORT_KEYS))
    return value


def _changes(old: Line, new: Line) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """The fields that differ, of those that could be read on both sides."""
    for name in _COMPARED:
        was, now = old[name], new[name]
        if name == "tags" and None in (was, now):
            continue
        if name == "supplementary":
            both = was.keys() & now.keys()
            was, now = {key: was[key] for key in both}, {key: now[key] for key in both}
        yield from _differing(name, was, now)


def _differing(name: str, was: Any, now: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted(was.keys() | now.keys()):
            yield from _differing(f"{name}.{key}", was.get(key), now.get(key))
    elif was != now:
        yield name, (was, now)
