"""What is written: one line for each resource, and one for each type that was asked for in a target, saying what may be concluded; where
metrics are asked for, one for each metric of a resource; from billing files, one for each cost.

Envelope keys are ours, snake_case and always there; inside ``configuration`` and ``supplementary`` AWS's spelling stays. Fields stand
in alphabetical order because that is the order in which they are written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from time import time_ns
from typing import Any, Literal, TypeAlias

import orjson

SCHEMA = 1
"""Goes up when a reader of the old lines would misread the new ones."""

REDACTED = "<redacted>"

Kind: TypeAlias = Literal["denied", "unavailable", "throttled", "unreachable", "failed", "cut", "halted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that could not be read: which permission was asked for, what AWS said, and *count* such refusals, of which *arn* is one
    (the first in order).
    """

    action: str
    arn: str | None = None
    code: str
    count: int = 1
    kind: Kind
    reason: str | None = None


# Records are neither frozen nor slotted, for there may be millions: frozen ones are made at four times the price, and those with slots are
# written at more than twice (orjson asks for each field by name). Nobody changes one.
@dataclass(kw_only=True)
class ResourceRecord:
    """One resource as it was seen at *observed_at*. ``tags`` is None when they could not be read, empty when there are none."""

    account_id: str
    arn: str | None
    configuration: Any
    created_at: str | None
    name: str | None
    observed_at: str
    parent_arn: str | None
    partition: str
    record: Literal["resource"] = "resource"
    region: str
    resource_id: str
    resource_type: str
    scan_id: str
    schema: int = SCHEMA
    service: str
    state: str | None
    supplementary: Mapping[str, Any]
    tags: Mapping[str, str] | None


@dataclass(kw_only=True)
class CoverageRecord:
    """What one listing of one type in one target is worth. *complete* tells whether a resource's absence may be believed."""

    account_id: str
    calls: int
    complete: bool
    gaps: tuple[Gap, ...]
    observed_at: str
    partition: str
    record: Literal["coverage"] = "coverage"
    region: str
    resource_type: str
    resources: int
    retries: int
    scan_id: str
    schema: int = SCHEMA
    seconds: float
    service: str


Status: TypeAlias = Literal["ok", "no_data", "error", "not_collected"]


@dataclass(kw_only=True)
class UtilisationRecord:
    """One metric of one resource: a value for each whole day in UTC from *start* up to *end*, by statistic.

    *status* is ``ok`` (there are values; None for a day without), ``no_data`` (CloudWatch was asked and has none: *missing* says what that
    means), ``error`` or ``not_collected``; *reason* tells why of the last two.
    """

    account_id: str
    arn: str | None
    dimensions: Mapping[str, str]
    end: str
    metric: str
    missing: Literal["zero", "unknown"]
    namespace: str
    observed_at: str
    partition: str
    period: int
    """Seconds."""
    reason: str | None
    record: Literal["utilisation"] = "utilisation"
    region: str
    resource_id: str
    resource_type: str
    scan_id: str
    schema: int = SCHEMA
    service: str
    start: str
    status: Status
    unit: str | None
    """CloudWatch's, where its documentation tells it."""
    values: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Which delivery of which billing files a cost was read from: *manifest_etag* changes with each refresh."""

    execution_id: str | None
    export: str
    format: str
    manifest_etag: str


@dataclass(kw_only=True)
class CostRecord:
    """What was charged in one billing period for one resource, or for none, in one way. FOCUS's concepts have FOCUS's names.

    Amounts are decimal numbers as text. A cost is None when the files do not tell it; *consumed_quantity* where nothing is consumed.
    https://focus.finops.org/focus-specification/
    """

    account_id: str
    arn: str | None
    billed_cost: str
    billing_account_id: str
    billing_currency: str | None
    charge_category: str
    commitment_discount_id: str | None
    commitment_discount_type: str | None
    consumed_quantity: str | None
    consumed_unit: str | None
    effective_cost: str | None
    line_items: int
    list_cost: str | None
    partition: str
    period: str
    period_state: Literal["estimated", "settled", "final"]
    pricing_category: str | None
    record: Literal["cost"] = "cost"
    region: str | None
    resource_id: str | None
    resource_type: str | None
    schema: int = SCHEMA
    service_code: str | None
    service_name: str | None
    source: Source
    tags: Mapping[str, str] | None


Record: TypeAlias = ResourceRecord | CoverageRecord | UtilisationRecord | CostRecord


def line(record: Record) -> bytes:
    """The line of *record*: JSON with sorted keys, ending in a newline.

    A blob becomes its length, a moment its text. Numbers beyond 64 bits and text that is not Unicode cannot stand in JSON as such; they are
    written as text, never lost with their line.
    """
    try:
        return orjson.dumps(record, default=_plain, option=_OPTIONS)
    except TypeError:
        return orjson.dumps(_repaired(record), option=_OPTIONS)


# Without OPT_NON_STR_KEYS, which makes every object a third dearer: AWS's keys are text, and if one is not, it is repaired.
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE | orjson.OPT_PASSTHROUGH_DATETIME


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return {"bytes": len(value)}
    if isinstance(value, datetime):
        return timestamp(value)
    raise TypeError(f"a {type(value).__name__} in a record")


def _repaired(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, Mapping):
        return {str(_repaired(key)): _repaired(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_repaired(below) for below in value]
    if isinstance(value, Gap | ResourceRecord | CoverageRecord | UtilisationRecord | CostRecord | Source):
        return _repaired({field.name: getattr(value, field.name) for field in fields(value)})
    return value if isinstance(value, float) else _plain(value)


def timestamp(moment: datetime) -> str:
    """``2026-11-23T18:29:58.799Z``: RFC 3339 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    """This moment as a timestamp."""
    seconds, milliseconds = divmod(time_ns() // 1_000_000, 1000)
    return f"{_to_the_second(seconds)}.{milliseconds:03}Z"


@lru_cache(maxsize=1)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
