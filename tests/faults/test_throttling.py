"""Token buckets for each (account, region, service), as AWS has them: the run finds their rate and keeps to it. `scripts/soak throttle`
takes more.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from collector.exit import Exit
from tests.faults.throttling import Figures, measure

pytestmark = pytest.mark.slow

SECONDS = 30.0
"""How long the buckets keep a run busy; the first ten of them do not count."""

TRIALS = {1: 20.0, 10: 5.0}
"""Accounts, and the calls a second that each of them is allowed."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Figures]:
    """The figures of every trial. They are made at the same time, for all that a run does here is wait."""
    folder = tmp_path_factory.mktemp("throttling")
    with ThreadPoolExecutor(len(TRIALS)) as trials:
        figures = trials.map(
            lambda accounts: measure(accounts, rate=TRIALS[accounts], seconds=SECONDS, folder=folder / str(accounts)), TRIALS
        )
        return dict(zip(TRIALS, figures, strict=True))


@pytest.mark.parametrize("accounts", TRIALS)
def test_a_run_comes_near_what_the_buckets_allow_and_is_seldom_throttled(measured: dict[int, Figures], accounts: int) -> None:
    figures = measured[accounts]

    print(figures)
    assert figures.status == Exit.COMPLETE
    assert figures.seconds > SECONDS / 2
    assert figures.used >= 0.85
    assert figures.throttled < 0.05
