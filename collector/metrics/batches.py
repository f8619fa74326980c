"""Series -> batches, each for one call of GetMetricData. What waits for its batch to fill is bounded, however many accounts there are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from collector.metrics.series import Series
from collector.plan import Target

QUERIES = 500
"""Of one call: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html. With 90 daily points each
that is 45,000 of the 100,800 points that one answer may have.
"""
WAITING = 20_000
"""Series, some 500 bytes each, that may wait in all batches together."""


@dataclass(slots=True)
class Batch:
    """Series of one account, region and length of time, all to be asked for or none.

    All statistics of a metric are in one batch: only so are they billed as one.
    """

    target: Target
    days: int
    askable: bool
    series: list[Series] = field(default_factory=list)
    queries: int = 0


def batched(series: Iterable[Series]) -> Iterator[Batch]:
    """Batches of *series*, full ones as soon as they are, the fullest when too many series wait, the others at the end."""
    open_batches: dict[tuple[Target, int, bool], Batch] = {}
    waiting = 0
    for each in series:
        key = (each.subject.target, each.metrics.lookback, each.reason is None)
        batch = open_batches.get(key)
        if batch is not None and batch.queries + len(each.statistics) > QUERIES:
            waiting -= len(open_batches.pop(key).series)
            yield batch
            batch = None
        if batch is None:
            batch = open_batches[key] = Batch(*key)
        batch.series.append(each)
        batch.queries += len(each.statistics)
        waiting += 1
        if waiting >= WAITING:
            fullest = max(open_batches, key=lambda each: open_batches[each].queries)
            waiting -= len(open_batches[fullest].series)
            yield open_batches.pop(fullest)
    yield from open_batches.values()
