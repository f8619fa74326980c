"""What collecting metrics will come to, before the first call."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from collector.metrics.batches import QUERIES
from collector.metrics.price import Budget
from collector.metrics.series import Series
from collector.plan import Target


@dataclass(frozen=True, slots=True)
class Estimate:
    """Metrics to ask for, calls of GetMetricData, and US dollars; *by_type* counts the metrics."""

    metrics: int
    calls: int
    dollars: float
    by_type: dict[str, int]


def estimate(series: Iterable[Series], per_thousand: float) -> Estimate:
    """The estimate for *series*. Metrics and dollars are exact, as far as every call is answered; more calls are made where pages are short
    or calls repeated, which costs nothing more.
    """
    queries: Counter[tuple[Target, int]] = Counter()
    by_type: Counter[str] = Counter()
    for each in series:
        if each.reason is None:
            queries[each.subject.target, each.metrics.lookback] += len(each.statistics)
            by_type[each.subject.resource_type] += 1
    metrics = by_type.total()
    calls = sum(ceil(number / QUERIES) for number in queries.values())
    return Estimate(metrics, calls, round(Budget(per_thousand).dollars(metrics), 6), dict(sorted(by_type.items())))
