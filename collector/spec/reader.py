"""TOML -> model. Says everything that is wrong with a file at once, and what was probably meant."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from math import inf
from pathlib import Path
from typing import Any

from collector.errors import SpecError
from collector.spec.model import LOOKBACK, Call, Metrics, Page, Resource, Service
from collector.spelling import did_you_mean

LARGEST_FILE = 1_000_000
"""Bytes. The longest of our own files is a twentieth of this; anything larger is not a spec."""

_SERVICE_KEYS: dict[str, Any] = {"scope": str, "iam_prefix": str, "home": str, "rate": (int, float)}
_RESOURCE_KEYS: dict[str, Any] = {
    "type": str,
    "ours": bool,
    "scope": str,
    "parent": str,
    "list": dict,
    "describe": dict,
    "tags": (str, dict),
    "get": dict,
    "arn": str,
    "id": str,
    "name": str,
    "created": str,
    "state": str,
    "region": str,
    "volatile": list,
    "metrics": list,
}
_CALL_KEYS: dict[str, Any] = {
    "call": str,
    "params": dict,
    "take": str,
    "over": dict,
    "batch": int,
    "of": str,
    "failures": str,
    "absent": list,
    "not_enabled": list,
    "redact": list,
    "reveal": dict,
    "page": dict,
    "action": str,
    "resources": list,
    "why": str,
}
_METRICS_KEYS: dict[str, Any] = {
    "namespace": str,
    "dimensions": dict,
    "missing": str,
    "lookback": int,
    "when": str,
    "unless": dict,
    "each": str,
    "statistics": dict,
}
_PAGE_KEYS: dict[str, Any] = {"input": str, "output": str, "more": str}
_SCOPES = ("regional", "global")
_MISSING = ("zero", "unknown")
LONGEST_LOOKBACK = 455
"""Days that CloudWatch keeps hourly points, of which daily ones are made."""


def our_specs() -> Traversable:
    """The folder of the specs that come with the collector."""
    return files("service_specs")


def read_specs(folders: Iterable[Path] = ()) -> dict[str, Service]:
    """Every service by name: ours, then those of *folders*, where a file of the same name replaces an earlier one.

    Raises SpecError with one line for each problem in any file.
    """
    found: dict[str, Traversable | Path] = {}
    for folder in (our_specs(), *folders):
        if not folder.is_dir():
            raise SpecError([f"{folder}: no such folder of specs"])
        found.update((file.name[:-5], file) for file in folder.iterdir() if file.name.endswith(".toml"))
    services: dict[str, Service] = {}
    problems: list[str] = []
    for name in sorted(found):
        try:
            services[name] = read_spec(name, _text_of(found[name]))
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return services


def _text_of(file: Traversable | Path) -> str:
    try:
        text = file.read_bytes()
        if len(text) > LARGEST_FILE:
            raise SpecError([f"{file.name}: {len(text):,} bytes; a spec has at most {LARGEST_FILE:,}"])
        return text.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError([f"{file.name}: cannot be read: {error}"]) from error


def read_spec(name: str, text: str) -> Service:
    """The service that *text* specifies; *name* is the boto3 service. Raises SpecError."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also of a number with thousands of digits
        raise SpecError([f"{name}.toml: not TOML: {error}"]) from error
    reading = _Reading(name)
    service = reading.service(document)
    if reading.problems:
        raise SpecError(reading.problems)
    return service


class _Reading:
    """One file being read; *problems* grows as it goes, and the values returned beside a problem are never used."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.prefix = name
        self.problems: list[str] = []

    def problem(self, place: str, what: str) -> None:
        self.problems.append(f"{self.name}.toml{f' [{place}]' if place else ''}: {what}")

    def service(self, document: dict[str, Any]) -> Service:
        top = {key: value for key, value in document.items() if not isinstance(value, dict)}
        self.keys(top, _SERVICE_KEYS, "")
        self.prefix = str(top.get("iam_prefix", self.name))
        scope = self.scope(top, "", "regional")
        rate = top.get("rate")
        if isinstance(rate, int | float) and not 0 < rate < inf:
            self.problem("", f"rate {rate}: calls per second, more than none")
        tables = {key: value for key, value in document.items() if isinstance(value, dict)}
        if not tables:
            self.problem("", "no resource; write at least one [table] with type and list")
        resources = {key: self.resource(key, table, scope, top) for key, table in tables.items()}
        for resource in resources.values():
            self.parent(resource, tables[resource.key], resources)
        return Service(self.name, {key: replace(each, scope=_root(each, resources).scope) for key, each in resources.items()})

    def keys(self, table: Mapping[str, Any], known: Mapping[str, Any], place: str) -> None:
        """Refuse keys that the language does not have, and values of the wrong kind."""
        for key, value in table.items():
            if key not in known:
                self.problem(place, f'unknown key "{key}"{did_you_mean(key, known)}')
            elif not isinstance(value, known[key]) or (isinstance(value, bool) and known[key] is not bool):
                self.problem(place, f'"{key}" must be {_kind(known[key])}, not {_kind(type(value))}')

    def scope(self, table: Mapping[str, Any], place: str, otherwise: str) -> Any:
        scope = table.get("scope", otherwise)
        if scope not in _SCOPES:
            self.problem(place, f'scope "{scope}"; it is "regional" or "global"')
        return scope

    def resource(self, key: str, table: dict[str, Any], scope: str, top: Mapping[str, Any]) -> Resource:
        self.keys(table, _RESOURCE_KEYS, key)
        good: dict[str, Any] = {name: value for name, value in table.items() if isinstance(value, _RESOURCE_KEYS.get(name, ()))}
        for needed in ("type", "list"):
            if needed not in table:
                self.problem(key, f'"{needed}" is missing')
        if "arn" not in table and "id" not in table:
            self.problem(key, 'neither "arn" nor "id" is there: a record must have an identity')
        tags = good.get("tags")
        return Resource(
            service=self.name,
            key=key,
            type=good.get("type", ""),
            ours=good.get("ours", False),
            scope=self.scope(good, key, scope),
            rate=top.get("rate"),
            home=top.get("home"),
            parent=good.get("parent"),
            list=self.call(good.get("list", {"call": ""}), f"{key}.list"),
            describe=self.call(good["describe"], f"{key}.describe") if "describe" in good else None,
            tags=self.call(tags, f"{key}.tags") if isinstance(tags, dict) else tags,
            get={
                name: self.call(call, f"{key}.get.{name}")
                for name, call in good.get("get", {}).items()
                if self.is_table(call, f"{key}.get.{name}")
            },
            arn=good.get("arn"),
            id=good.get("id", "{arn}"),
            name=good.get("name"),
            created=good.get("created"),
            state=good.get("state"),
            region=good.get("region"),
            volatile=self.strings(good, "volatile", key),
            metrics=tuple(self.metrics(each, f"{key}.metrics") for each in self.tables(good, "metrics", key)),
        )

    def call(self, table: dict[str, Any], place: str) -> Call:
        self.keys(table, _CALL_KEYS, place)
        good: dict[str, Any] = {name: value for name, value in table.items() if isinstance(value, _CALL_KEYS.get(name, ()))}
        if "call" not in good:
            self.problem(place, '"call" is missing')
        operation = good.get("call", "")
        if "batch" in good and good["batch"] < 1:
            self.problem(place, '"batch" must be at least 1')
        for name, values in good.get("over", {}).items():
            if not isinstance(values, list) or not values:
                self.problem(place, f'"over.{name}" must be a list of the values to ask in turn')
        for path, reason in good.get("reveal", {}).items():
            if not isinstance(reason, str) or not reason.strip():
                self.problem(place, f'"reveal" of {path} needs its reason in words')
        return Call(
            service=self.name,
            operation=operation,
            action=good.get("action", f"{self.prefix}:{operation}"),
            params=good.get("params", {}),
            take=good.get("take", "@"),
            over={name: tuple(values) for name, values in good.get("over", {}).items() if isinstance(values, list)},
            batch=good.get("batch"),
            of=good.get("of", "{item}"),
            failures=good.get("failures"),
            absent=self.strings(good, "absent", place),
            not_enabled=self.strings(good, "not_enabled", place),
            redact=self.strings(good, "redact", place),
            reveal=good.get("reveal", {}),
            page=self.page(good["page"], place) if "page" in good else None,
            resources=self.strings(good, "resources", place),
            why=good.get("why"),
        )

    def page(self, table: dict[str, Any], place: str) -> Page | None:
        self.keys(table, _PAGE_KEYS, f"{place}.page")
        if not all(isinstance(table.get(key), str) for key in ("input", "output")):
            self.problem(place, '"page" needs "input" and "output"')
            return None
        return Page(table["input"], table["output"], table.get("more"))

    def metrics(self, table: dict[str, Any], place: str) -> Metrics:
        self.keys(table, _METRICS_KEYS, place)
        good: dict[str, Any] = {name: value for name, value in table.items() if isinstance(value, _METRICS_KEYS.get(name, ()))}
        for needed in ("namespace", "dimensions", "statistics", "missing"):
            if not good.get(needed):
                self.problem(place, f'"{needed}" is missing')
        if good.get("missing", "zero") not in _MISSING:
            self.problem(place, f'missing "{good["missing"]}"; it is "zero" or "unknown"{did_you_mean(good["missing"], _MISSING)}')
        if not 1 <= good.get("lookback", LOOKBACK) <= LONGEST_LOOKBACK:
            self.problem(place, f"lookback {good['lookback']}: days, 1 to {LONGEST_LOOKBACK}")
        for condition, reason in good.get("unless", {}).items():
            if not isinstance(reason, str) or not reason.strip():
                self.problem(place, f'"unless" {condition} needs its reason in words')
        dimensions = {name: [value] if isinstance(value, str) else value for name, value in good.get("dimensions", {}).items()}
        for name, values in (*dimensions.items(), *good.get("statistics", {}).items()):
            if not isinstance(values, list) or not values or not all(isinstance(each, str) for each in values):
                self.problem(place, f'"{name}" must be {"text or " if name in dimensions else ""}a list of texts')
        return Metrics(
            namespace=good.get("namespace", ""),
            dimensions={name: tuple(values) for name, values in dimensions.items() if isinstance(values, list)},
            statistics={name: tuple(values) for name, values in good.get("statistics", {}).items() if isinstance(values, list)},
            missing=good.get("missing", "unknown"),
            lookback=good.get("lookback", LOOKBACK),
            when=good.get("when"),
            unless=good.get("unless", {}),
            each=good.get("each"),
        )

    def tables(self, table: Mapping[str, Any], key: str, place: str) -> list[dict[str, Any]]:
        """A list of tables, ``[[place.key]]``."""
        values = table.get(key, [])
        if not all(isinstance(value, dict) for value in values):
            self.problem(place, f'"{key}" must be tables: [[{place}.{key}]]')
        return [value for value in values if isinstance(value, dict)]

    def strings(self, table: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
        values = table.get(key, [])
        if not all(isinstance(value, str) for value in values):
            self.problem(place, f'"{key}" must be a list of strings')
        return tuple(values)

    def is_table(self, value: Any, place: str) -> bool:
        if not isinstance(value, dict):
            self.problem(place, "must be a call: { call = … }")
        return isinstance(value, dict)

    def parent(self, resource: Resource, table: Mapping[str, Any], resources: Mapping[str, Resource]) -> None:
        """Refuse a parent that is not there, a chain of parents that ends in itself, and a scope that is not the root's to say."""
        seen = {resource.key}
        step = resource
        while step.parent is not None:
            if step.parent not in resources:
                self.problem(step.key, f'no resource "{step.parent}"{did_you_mean(step.parent, resources)}')
                return
            if step.parent in seen:
                self.problem(resource.key, f'"parent" leads back to "{step.parent}"')
                return
            seen.add(step.parent)
            step = resources[step.parent]
        if step is not resource and "scope" in table:
            self.problem(resource.key, f'"scope" is said on the root of the family, "{step.key}"')


def _root(resource: Resource, resources: Mapping[str, Resource]) -> Resource:
    """The resource that the family of *resource* begins with, as far as parents can be followed."""
    for _ in resources:
        resource = resources.get(resource.parent or "", resource)
    return resource


_KINDS = {str: "text", dict: "a table", list: "a list", bool: "true or false", int: "a whole number", float: "a number"}


def _kind(kind: Any) -> str:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join(_KINDS.get(each, each.__name__) for each in kinds)
