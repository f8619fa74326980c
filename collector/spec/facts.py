"""What is known about AWS beside botocore's models: IAM actions, what must not be read, secrets in answers, type names.

Every file of ``data/`` is read once, when first asked for; none needs botocore. ``scripts/make-action-table`` and
``scripts/make-type-names`` write the tables and name their sources; ``deny.toml``, ``secret_fields.toml`` and ``metrics.toml`` are ours.
IAM does not tell capitals apart in action names, so neither do the look-ups here.
"""

import csv
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

DATA = Path(__file__).with_name("data")

Level = Literal["List", "Read", "Tagging", "Write", "Permissions management"]
Sure = Literal["direct", "mapped", "same-name", "guessed"]
Tier = Literal["halt", "redact", "review"]
Treatment = Literal["redact", "forbid"]


@dataclass(frozen=True, slots=True)
class ActionFact:
    """What IAM asks for when *operation* of *service* (a boto3 name) is called.

    ``actions`` is empty when a token of the call's own authorises it, not IAM. ``dependent`` are actions that AWS
    documents as needed for some parameters or resources of the call; they may be graver than the call itself (reading a
    launch template can ask for ssm:GetParameters), so none is granted for that reason alone. ``sure`` says where
    ``actions`` come from; see scripts/make-action-table.
    """

    service: str
    operation: str
    actions: tuple[str, ...]
    level: Level
    dependent: tuple[str, ...]
    sure: Sure


@dataclass(frozen=True, slots=True)
class IamAction:
    """An IAM action as AWS spells it. ``resources`` are the types it can be limited to; none: only to ``"*"``."""

    name: str
    level: Level
    resources: tuple[str, ...]
    required: frozenset[str]


@dataclass(frozen=True, slots=True)
class DenyFact:
    """Why an IAM action needs care. ``halt``: a role that grants it must not be used; ``redact``: its answers may be
    collected only with the secrets taken out; ``review``: it shows people or internals, which somebody should want."""

    action: str
    tier: Tier
    category: str
    why: str


@dataclass(frozen=True, slots=True)
class SecretField:
    """A secret in an answer, as a path on the whole answer in the form of the specs' ``redact``."""

    service: str
    operation: str
    path: str
    treatment: Treatment
    why: str


@dataclass(frozen=True, slots=True)
class Sources:
    """What the generated tables come from: the day of the newest source, and each package's version."""

    date: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MetricNamespace:
    """A CloudWatch namespace: its dimensions, and the unit of each metric that is known of it."""

    dimensions: tuple[str, ...]
    units: Mapping[str, str]


def actions_for(service: str, operation: str) -> ActionFact | None:
    """The IAM actions behind a call, or None when this botocore has no such operation."""
    row = _calls().get((service, operation))
    if row is None:
        return None
    actions, level, dependent, sure = row
    return ActionFact(service, operation, tuple(actions.split()), cast(Level, level), tuple(dependent.split()), cast(Sure, sure))


def action(name: str) -> IamAction | None:
    """What is known of an IAM action, ``prefix:Action`` in any capitals; None when AWS documents no such action."""
    row = _actions().get(name.lower())
    if row is None:
        return None
    types = row[2].split("|") if row[2] else []
    return IamAction(
        name=row[0],
        level=cast(Level, row[1]),
        resources=tuple(kind.rstrip("*") for kind in types),
        required=frozenset(kind[:-1] for kind in types if kind.endswith("*")),
    )


def level_of(action: str) -> Level | None:
    """The access level that AWS gives an action, or None when AWS documents no such action."""
    row = _actions().get(action.lower())
    return None if row is None else cast(Level, row[1])


@cache
def all_actions() -> tuple[str, ...]:
    """Every IAM action as AWS spells it, sorted."""
    return tuple(row[0] for row in _actions().values())


def actions_of(prefix: str) -> tuple[str, ...]:
    """Every action of one IAM prefix (``"s3"``), sorted; none when there is no such prefix."""
    return _by_prefix().get(prefix.lower(), ())


def denied(action: str) -> DenyFact | None:
    """Why *action* needs care, or None when it does not."""
    return _denied().get(action.lower())


def deny_facts() -> tuple[DenyFact, ...]:
    """The whole deny list, in the order of the file: gravest tier first."""
    return tuple(_denied().values())


def secret_fields(service: str, operation: str) -> tuple[SecretField, ...]:
    """The secrets that the answer of *operation* is known to hold, whether or not AWS marks them ``sensitive``."""
    return _secret_fields().get((service, operation), ())


def all_secret_fields() -> tuple[SecretField, ...]:
    """Every curated secret field, sorted by service, operation and path."""
    return tuple(field for key in sorted(_secret_fields()) for field in _secret_fields()[key])


@cache
def type_names() -> frozenset[str]:
    """Every resource type name that CloudFormation has in any region."""
    return frozenset((DATA / "cloudformation_types.txt").read_text(encoding="utf-8").split())


def arn_formats(prefix: str) -> Mapping[str, str]:
    """The ARN format of each resource type of an IAM prefix: ``{"bucket": "arn:${Partition}:s3:::${BucketName}"}``."""
    return _arn_formats().get(prefix.lower(), {})


@cache
def metric_namespaces() -> Mapping[str, MetricNamespace]:
    """What is known of CloudWatch's metrics, by namespace; ``data/metrics.toml`` is ours."""
    return {name: MetricNamespace(tuple(each["dimensions"]), each["units"]) for name, each in _toml("metrics.toml").items()}


@cache
def sources() -> Sources:
    """Where the generated tables come from."""
    read = json.loads((DATA / "sources.json").read_text(encoding="utf-8"))
    return Sources(read.pop("date"), read)


def forget() -> None:
    """Let go of the large tables, some 17 MB: they are needed before a run, not while it goes on. Whoever asks again reads them again."""
    for table in (all_actions, _calls, _actions, _by_prefix, _arn_formats):
        table.cache_clear()


# --- reading ---


def _rows(name: str) -> Iterator[list[str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        yield from rows


@cache
def _calls() -> dict[tuple[str, str], tuple[str, str, str, str]]:
    return {(row[0], row[1]): (row[2], row[3], row[4], row[5]) for row in _rows("actions.csv")}


@cache
def _actions() -> dict[str, list[str]]:
    return {row[0].lower(): row for row in _rows("action_levels.csv")}


@cache
def _by_prefix() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name in all_actions():
        found.setdefault(name.partition(":")[0], []).append(name)
    return {prefix: tuple(names) for prefix, names in found.items()}


@cache
def _arn_formats() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for prefix, resource, arn in _rows("arn_formats.csv"):
        found.setdefault(prefix, {})[resource] = arn
    return found


@cache
def _denied() -> dict[str, DenyFact]:
    tiers: dict[Tier, dict[str, list[dict[str, Any]]]] = _toml("deny.toml")
    return {
        name.lower(): DenyFact(name, tier, category, entry["why"])
        for tier, categories in tiers.items()
        for category, entries in categories.items()
        for entry in entries
        for name in entry["actions"]
    }


@cache
def _secret_fields() -> dict[tuple[str, str], tuple[SecretField, ...]]:
    found: dict[tuple[str, str], list[SecretField]] = {}
    treatments: tuple[Treatment, ...] = ("redact", "forbid")
    for service, entries in _toml("secret_fields.toml").items():
        for entry in entries:
            for treatment in treatments:
                for operation, paths in entry.get(treatment, {}).items():
                    fields = found.setdefault((service, operation), [])
                    fields += (SecretField(service, operation, path, treatment, entry["why"]) for path in paths)
    return {key: tuple(sorted(fields, key=lambda field: field.path)) for key, fields in found.items()}


def _toml(name: str) -> dict[Any, Any]:
    return tomllib.loads((DATA / name).read_text(encoding="utf-8"))
