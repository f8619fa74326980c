"""The pace against simulated token buckets, in a simulated time."""

import heapq
import random

import pytest

from collector.aws.pace import LEARNT, REMEMBERED, Key, Pace, Paces


def simulated(limit: float, burst: float, *, declared: float | None, workers: int, latency: float, seconds: float) -> tuple[float, float]:
    """(share of the allowed calls that were answered, share of calls that were throttled), both after the first ten seconds."""
    chance = random.Random(7)
    pace = Pace(declared, declared) if declared else Pace()
    tokens, last = burst, 0.0
    answered = throttled = 0
    taken = dict.fromkeys(range(workers), 0.0)
    events = [(0.0, worker, "ask") for worker in range(workers)]
    while events:
        moment, worker, what = heapq.heappop(events)
        if moment > seconds:
            break
        if what == "ask":
            taken[worker] = moment
            heapq.heappush(events, (moment + pace.wait(moment), worker, "send"))
        elif what == "send":
            tokens, last = min(burst, tokens + (moment - last) * limit), moment
            allowed = tokens >= 1
            tokens -= allowed
            heapq.heappush(events, (moment + latency, worker, "answered" if allowed else "refused"))
        elif what == "answered":
            pace.answered()
            answered += moment > 10
            heapq.heappush(events, (moment, worker, "ask"))
        else:
            pace.refused(taken[worker], moment)
            throttled += moment > 10
            heapq.heappush(events, (moment + chance.uniform(0, 0.5), worker, "ask"))
    return answered / ((seconds - 10) * limit), throttled / max(1, answered + throttled)


@pytest.mark.parametrize(
    ("limit", "burst", "declared"), [(2, 5, None), (5, 5, 5), (5, 10, None), (10, 10, 10), (20, 100, None), (50, 50, None)]
)
@pytest.mark.parametrize("latency", [0.05, 0.2])
def test_nearly_all_that_is_allowed_is_used_and_little_is_throttled(
    limit: float, burst: float, declared: float | None, latency: float
) -> None:
    used, throttled = simulated(limit, burst, declared=declared, workers=16, latency=latency, seconds=180)

    assert used >= 0.85
    assert throttled < 0.05


def test_a_burst_goes_at_once_and_then_one_by_one() -> None:
    pace = Pace(rate=10, burst=3)

    assert [round(pace.wait(100.0), 3) for _ in range(6)] == [0, 0, 0, 0.1, 0.2, 0.3]


def test_throttles_of_one_moment_slow_down_once() -> None:
    pace = Pace(rate=20, burst=20)
    for _ in range(10):
        pace.wait(100.0)
    for _ in range(10):
        pace.refused(100.0, 100.5)

    assert pace.rate >= 10
    assert pace.throttled == 10


def throttled(paces: Paces, key: Key) -> Pace:
    pace = paces.of(key)
    pace.wait(1.0)
    pace.refused(1.0, 2.0)
    return pace


def test_the_memory_of_paces_is_bounded_and_keeps_what_was_learnt() -> None:
    paces = Paces()
    slow = throttled(paces, ("000000000000", "eu-west-1", "sns"))
    for n in range(2 * REMEMBERED):
        paces.of((f"{n:012}", "us-east-1", "sns"))

    assert len(paces._paces) == REMEMBERED
    assert paces.of(("000000000000", "eu-west-1", "sns")) is slow
    assert paces.of(("000000000000", "eu-west-1", "sns")) is slow


def test_what_was_learnt_is_bounded_as_well_and_the_longest_unused_goes_first() -> None:
    paces = Paces()
    first, second = (throttled(paces, (f"{n:012}", "eu-west-1", "sns")) for n in range(2))
    for n in range(2, LEARNT + REMEMBERED):
        throttled(paces, (f"{n:012}", "eu-west-1", "sns"))
    assert paces.of((f"{0:012}", "eu-west-1", "sns")) is first
    throttled(paces, ("999999999999", "eu-west-1", "sns"))

    assert len(paces._paces) + len(paces._learnt) == LEARNT + REMEMBERED
    assert paces.of((f"{1:012}", "eu-west-1", "sns")) is not second
    assert paces.of((f"{0:012}", "eu-west-1", "sns")) is first
