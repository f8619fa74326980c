"""A record and what its type's spec says of metrics -> the series to ask for, and those that can have no data, with the reason."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from jmespath.exceptions import JMESPathError

from collector.normalise import compiled
from collector.plan import Target
from collector.spec.model import Metrics, Resource
from collector.template import fill

_OF_A_GET = re.compile(r"supplementary\.(\w+)")


@dataclass(frozen=True, slots=True)
class Subject:
    """The resource that series are of. *target* is where CloudWatch is asked about it."""

    account_id: str
    arn: str | None
    partition: str
    region: str
    resource_id: str
    resource_type: str
    service: str
    target: Target
    is_global: bool
    """Of a service that is asked once for all regions, as S3, whatever regions were chosen."""


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one resource, in all the statistics that the spec names. *reason* tells why it cannot be asked for, if so."""

    subject: Subject
    metrics: Metrics
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    reason: str | None = None

    @property
    def statistics(self) -> tuple[str, ...]:
        return self.metrics.statistics[self.metric]


def series_of(record: Mapping[str, Any], resource: Resource) -> Iterator[Series]:
    """Every series of the resource line *record*, whose type *resource* specifies."""
    subject = _subject(record, resource)
    configuration = record["configuration"]
    members: dict[str, Any] = configuration if isinstance(configuration, dict) else {}
    view = {**members, "supplementary": record["supplementary"]}
    known = {**members, "item": configuration, **{name: record[name] for name in ("account_id", "arn", "partition", "region")}}
    for metrics in resource.metrics:
        try:
            if metrics.when is not None and not compiled(metrics.when).search(view):
                continue
            reason = next((why for condition, why in metrics.unless.items() if compiled(condition).search(view)), None)
            elements = [None] if metrics.each is None else compiled(metrics.each).search(view) or []
        except JMESPathError:
            reason, elements = "Its record is not of the shape that the spec expects.", [None]
        if _is_unread(metrics, record):
            reason, elements = "What it has a series for could not be read.", [None]
        for element in elements:
            for dimensions in _dimensions(metrics, {**known, "each": element}):
                lacking = next((name for name, value in dimensions if value is None), None)
                why = reason or (f"Its record does not tell the dimension {lacking}." if lacking else None)
                filled = tuple((name, value) for name, value in dimensions if value is not None)
                for metric in metrics.statistics:
                    yield Series(subject, metrics, metric, filled, why)


def _subject(record: Mapping[str, Any], resource: Resource) -> Subject:
    """Where a record has no region, its metrics are where it was listed, which its scan tells."""
    region = record["region"] if record["region"] != "global" else record["scan_id"].split("/")[1]
    return Subject(
        account_id=record["account_id"],
        arn=record["arn"],
        partition=record["partition"],
        region=record["region"],
        resource_id=record["resource_id"],
        resource_type=record["resource_type"],
        service=record["service"],
        target=Target(record["partition"], record["account_id"], region),
        is_global=resource.scope == "global",
    )


def _is_unread(metrics: Metrics, record: Mapping[str, Any]) -> bool:
    """Is what ``each`` looks into a question that was refused? Its key is then not in the record."""
    match = _OF_A_GET.match(metrics.each or "")
    return match is not None and match[1] not in record["supplementary"]


def _dimensions(metrics: Metrics, known: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str | None], ...]]:
    """The dimensions of each series, by name: every choice of one text for each of them."""
    names = sorted(metrics.dimensions)
    for values in product(*(metrics.dimensions[name] for name in names)):
        yield tuple((name, _text(fill(value, known))) for name, value in zip(names, values, strict=True))


def _text(value: Any) -> str | None:
    """As CloudWatch spells it; a whole number that came as 1.0 (MSK's brokers) is 1."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None or value == "" else str(value)
