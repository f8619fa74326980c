"""One batch -> one call of GetMetricData, read to its last page -> a line for each series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from collector.aws.api_error import NOT_AS_MODELLED, UNREADABLE, ApiError
from collector.aws.page import Asks, Tally, pages
from collector.metrics.batches import Batch
from collector.metrics.series import Series
from collector.record import Status, UtilisationRecord, now, timestamp
from collector.spec import facts
from collector.spec.model import METRIC_DATA

DAY = 86_400
"""Seconds. A day's point costs no more than an hour's, and rules such as "on 4 of 14 days" need no finer one."""
COMPLETE = "Complete"
"""CloudWatch's word for a query that is answered in full."""


@dataclass(frozen=True, slots=True)
class Window:
    """Whole days in UTC: *days* of them, up to and without *end*."""

    end: date
    days: int

    @property
    def start(self) -> date:
        return self.end - timedelta(days=self.days)

    def index(self, moment: str) -> int | None:
        """Which of the days *moment* is in; None when it is in none."""
        day = datetime.fromisoformat(moment).astimezone(UTC).date()
        return (day - self.start).days if self.start <= day < self.end else None


@dataclass(slots=True)
class Result:
    """What CloudWatch answers to one query, page after page."""

    code: str = "NoAnswer"
    values: list[float | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answer:
    """The lines of a batch, and the error that kept some of them from being answered, if there was one."""

    lines: list[UtilisationRecord]
    answered: int
    """Series that were answered, which is what is billed."""
    error: ApiError | None = None
    codes: frozenset[str] = frozenset()
    """What CloudWatch says of single queries that it could not answer in full."""


async def ask(batch: Batch, gateway: Asks, tally: Tally, *, scan_id: str, end: date) -> Answer:
    """Ask for all of *batch*. Where CloudWatch refuses the whole because it cannot take one of its names, halves of it are asked for."""
    window = Window(end, batch.days)
    try:
        results = await _results(batch, gateway, tally, window)
    except ApiError as error:
        if error.code in _ABOUT_A_QUERY and len(batch.series) > 1:
            return _joined([await ask(half, gateway, tally, scan_id=scan_id, end=end) for half in _halves(batch)])
        reason = f"{error.kind}: {error.code}"
        return Answer([line(each, window, scan_id, "error", reason) for each in batch.series], 0, error)
    lines = []
    number = 0
    for each in batch.series:
        told = {statistic: results[f"m{number + index}"] for index, statistic in enumerate(each.statistics)}
        number += len(told)
        lines.append(_line_of(each, window, scan_id, told))
    return Answer(lines, len(batch.series), codes=frozenset(result.code for result in results.values()) - {COMPLETE})


_ABOUT_A_QUERY = frozenset({"InvalidFormat", "InvalidParameterValue", "ParamValidationError", "ValidationError", "ValidationException"})
"""CloudWatch's refusals of a whole call for one of its queries (a name outside ASCII, say), and botocore's own."""


def _halves(batch: Batch) -> list[Batch]:
    middle = len(batch.series) // 2
    parts = (batch.series[:middle], batch.series[middle:])
    return [
        Batch(batch.target, batch.days, askable=True, series=part, queries=sum(len(each.statistics) for each in part)) for part in parts
    ]


def _joined(answers: Sequence[Answer]) -> Answer:
    error = next((each.error for each in answers if each.error is not None), None)
    codes = frozenset(code for each in answers for code in each.codes)
    return Answer([line for each in answers for line in each.lines], sum(each.answered for each in answers), error, codes)


async def _results(batch: Batch, gateway: Asks, tally: Tally, window: Window) -> dict[str, Result]:
    """The result of every query, by its id. Raises ApiError."""
    queries = [_query(each, statistic) for each in batch.series for statistic in each.statistics]
    for number, query in enumerate(queries):
        query["Id"] = f"m{number}"
    params = {
        "MetricDataQueries": queries,
        "StartTime": datetime.combine(window.start, time(), UTC),
        "EndTime": datetime.combine(window.end, time(), UTC),
        "ScanBy": "TimestampAscending",
    }
    results = {query["Id"]: Result() for query in queries}
    try:
        async for answer in pages(gateway, METRIC_DATA, batch.target, params, tally):
            for told in answer.get("MetricDataResults", ()):
                _add(results[told["Id"]], told, window)
    except NOT_AS_MODELLED as error:
        raise ApiError("failed", UNREADABLE) from error
    return results


def _query(series: Series, statistic: str) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in series.dimensions]
    metric = {"Namespace": series.metrics.namespace, "MetricName": series.metric, "Dimensions": dimensions}
    return {"MetricStat": {"Metric": metric, "Period": DAY, "Stat": statistic}, "ReturnData": True}


def _add(result: Result, told: Mapping[str, Any], window: Window) -> None:
    """What one page tells of a query; the status of the last page is the one that counts."""
    result.code = told.get("StatusCode", "NoStatus")
    result.values = result.values or [None] * window.days
    for moment, value in zip(told.get("Timestamps", ()), told.get("Values", ()), strict=True):
        day = window.index(moment)
        if day is not None:
            result.values[day] = float(value)


def _line_of(series: Series, window: Window, scan_id: str, told: Mapping[str, Result]) -> UtilisationRecord:
    values = {statistic: tuple(result.values) for statistic, result in told.items() if any(value is not None for value in result.values)}
    wrong = sorted({result.code for result in told.values()} - {COMPLETE})
    if wrong:
        return line(series, window, scan_id, "error", f"CloudWatch: {wrong[0]}", values)
    return line(series, window, scan_id, "ok" if values else "no_data", None, values)


def line(
    series: Series,
    window: Window,
    scan_id: str,
    status: Status,
    reason: str | None,
    values: Mapping[str, tuple[float | None, ...]] | None = None,
) -> UtilisationRecord:
    """The line of *series*, whatever became of it."""
    subject = series.subject
    namespace = facts.metric_namespaces().get(series.metrics.namespace)
    return UtilisationRecord(
        account_id=subject.account_id,
        arn=subject.arn,
        dimensions=dict(series.dimensions),
        end=_midnight(window.end),
        metric=series.metric,
        missing=series.metrics.missing,
        namespace=series.metrics.namespace,
        observed_at=now(),
        partition=subject.partition,
        period=DAY,
        reason=reason,
        region=subject.region,
        resource_id=subject.resource_id,
        resource_type=subject.resource_type,
        scan_id=scan_id,
        service=subject.service,
        start=_midnight(window.start),
        status=status,
        unit=namespace.units.get(series.metric) if namespace else None,
        values=values or {},
    )


def _midnight(day: date) -> str:
    return timestamp(datetime.combine(day, time(), UTC))
