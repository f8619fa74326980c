"""How near a run comes to what token buckets allow, and how often it is told off."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.running import arguments, aws, environment, run_to_the_end
from tests.faults.served import Sample, served
from tests.synthetic import Throttle

REGION = "us-east-1"
CONVERGED_AFTER = 10.0
"""Seconds in which limits may be found out."""
CALLS_OF_A_TOPIC = 2
"""GetTopicAttributes and ListTagsForResource."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of a run: *used* of the most that the buckets allowed, and the share of calls that were *throttled*, both in the time that
    counts.
    """

    accounts: int
    used: float
    throttled: float
    seconds: float
    status: int


def measure(accounts: int, *, rate: float, seconds: float, folder: Path) -> Figures:
    """Let a run read so many topics that each account's bucket of *rate* calls a second keeps it busy for some *seconds*."""
    burst = 2 * rate
    topics = round(rate * seconds / CALLS_OF_A_TOPIC)
    names = tuple(f"{number:012}" for number in range(1, accounts + 1))
    settings = aws(
        accounts=names,
        regions=(REGION,),
        sizes={("sns", "ListTopics"): (max(1, topics // 4), 4)},
        throttle=(Throttle(rate, burst, "sns"),),
        latency=0.005,
    )
    folder.mkdir(exist_ok=True)
    with served(settings) as running:
        given = arguments(
            str(folder / "snapshot"), "--workers", str(max(64, accounts)), accounts=names, regions=(REGION,), types=("sns.topic",)
        )
        last = run_to_the_end("collector", given, environment(running.url), folder / "said")
        samples = running.server.samples
    begin = next(each.moment for each in samples if each.calls["sns"]) + CONVERGED_AFTER
    counted = [each for each in samples if each.moment >= begin]
    first, final = counted[0], counted[-1]
    answered = _answered(final) - _answered(first)
    throttled = final.throttled["sns"] - first.throttled["sns"]
    # What a bucket would allow after its account is done, nobody wants. At the beginning a bucket may be full.
    wanted = [_last_call(counted, account) - first.moment for account in names]
    allowed = sum(rate * seconds + burst for seconds in wanted)
    return Figures(accounts, answered / allowed, throttled / (answered + throttled), max(wanted), last.status)


def _last_call(samples: Sequence[Sample], account: str) -> float:
    return next(each.moment for each in samples if each.of_account[account] == samples[-1].of_account[account])


def _answered(sample: Sample) -> int:
    return sample.calls["sns"] - sample.throttled["sns"]
