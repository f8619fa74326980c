"""Token buckets for each (account, region, service), as AWS has them: the run finds their rate and keeps to it. `scripts/soak throttle`
takes more.
"""

from pathlib import Path

import pytest

from collector.exit import Exit
from tests.faults.throttling import measure

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("accounts", "rate"), [(1, 20.0), (10, 5.0)])
def test_a_run_comes_near_what_the_buckets_allow_and_is_seldom_throttled(accounts: int, rate: float, tmp_path: Path) -> None:
    figures = measure(accounts, rate=rate, seconds=40, folder=tmp_path)

    print(figures)
    assert figures.status == Exit.COMPLETE
    assert figures.seconds > 15
    assert figures.used >= 0.85
    assert figures.throttled < 0.05
