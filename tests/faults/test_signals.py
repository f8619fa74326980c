"""SIGTERM, SIGINT and --deadline, sent to the command itself in mid-run; what is left then is done by --resume."""

import signal
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest

from collector.exit import Exit
from tests.faults.kills import HURRIED, WORKERS
from tests.faults.running import ACCOUNTS, REGIONS, TYPES, Ended, arguments, aws, ended, environment, run_to_the_end, running
from tests.faults.served import Served, served
from tests.faults.told import Told, told
from tests.synthetic import Fault

pytestmark = pytest.mark.slow

GRACE_SECONDS = 10.0
MID_RUN = 250
"""A call in the middle: some tasks are done, some are not begun."""
REGIONAL = len(TYPES) - 2
LINES = len(ACCOUNTS) * (REGIONAL * len(REGIONS) + 2)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("undisturbed")
    with served(aws(items=1)) as quiet:
        assert run_to_the_end(HURRIED, arguments(str(folder / "snapshot"), *WORKERS), environment(quiet.url), folder / "said").status == 0
    return told(folder / "snapshot")


def stopped(aws: Served, to: Path, *more: str, signals: int = 0, number: int = signal.SIGTERM) -> tuple[Ended, float]:
    """A run that gets *signals* in mid-run; how it ended, and how many seconds after the first."""
    said = to.with_suffix(".said")
    with running(HURRIED, arguments(str(to), *WORKERS, *more), environment(aws.url), said) as process:
        if not signals:
            return ended(process, said), 0.0
        with aws.signalling(process.pid, number, at_call=MID_RUN) as sent:
            sent.wait(60)
            at = monotonic()
            for _ in range(signals - 1):
                _until(said, "run.interrupted")
                process.send_signal(number)
            return ended(process, said), monotonic() - at


def _until(said: Path, event: str) -> None:
    """Two signals at once are one; the second is sent when the first was heard."""
    last = monotonic() + 30
    while event not in said.read_text():
        assert monotonic() < last, f"{event} was never said"


def coverage(to: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for file in sorted(to.glob("coverage*.jsonl")) for line in file.read_bytes().splitlines()]


def is_well_cut(to: Path, code: str) -> None:
    """Everything is told once; what is not complete says that it was cut, and why; some of both is there."""
    lines = coverage(to)
    cut = [line for line in lines if not line["complete"]]
    assert len(lines) == len({line["scan_id"].partition("@")[0] for line in lines}) == LINES
    assert 0 < len(cut) < LINES
    assert {(gap["kind"], gap["code"]) for line in cut for gap in line["gaps"]} == {("cut", code)}
    assert all(not line["gaps"] for line in lines if line["complete"])
    assert orjson.loads((to / "manifest.json").read_bytes())["exit_status"] == Exit.GAPS
    told(to)


def is_completed_by_resuming(to: Path, undisturbed: Told) -> None:
    with served(aws(items=1)) as quiet:
        last = run_to_the_end(HURRIED, arguments(str(to), *WORKERS, "--resume"), environment(quiet.url), to.with_suffix(".resumed"))
    assert last.status == Exit.COMPLETE, last.said
    assert told(to) == undisturbed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_within_the_grace_and_the_rest_is_told_as_cut(number: int, undisturbed: Told, tmp_path: Path) -> None:
    with served(aws(items=1, latency=0.02)) as running:
        last, seconds = stopped(running, tmp_path / "snapshot", signals=1, number=number)

    assert last.status == Exit.GAPS, last.said
    assert seconds < GRACE_SECONDS
    assert "Traceback" not in last.said
    is_well_cut(tmp_path / "snapshot", "Interrupted")
    if number == signal.SIGTERM:  # what is left is the same
        is_completed_by_resuming(tmp_path / "snapshot", undisturbed)


def test_calls_that_never_answer_are_cut_when_the_grace_is_over(tmp_path: Path) -> None:
    hanging = Fault(service="ec2", operation="DescribeVpcs", region=REGIONS[0], kind="hang")
    with served(aws(items=1, latency=0.02, faults=(hanging,))) as running:
        last, seconds = stopped(running, tmp_path / "snapshot", signals=1)

    assert last.status == Exit.GAPS, last.said
    assert GRACE_SECONDS - 1 < seconds < GRACE_SECONDS + 5
    is_well_cut(tmp_path / "snapshot", "Interrupted")


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    hanging = Fault(service="ec2", operation="DescribeVpcs", region=REGIONS[0], kind="hang")
    with served(aws(items=1, latency=0.02, faults=(hanging,))) as running:
        last, seconds = stopped(running, tmp_path / "snapshot", signals=2)

    assert last.status == Exit.GAPS, last.said
    assert seconds < GRACE_SECONDS / 2
    is_well_cut(tmp_path / "snapshot", "Interrupted")


def test_the_deadline_ends_the_run_and_the_rest_is_told_as_cut(undisturbed: Told, tmp_path: Path) -> None:
    with served(aws(items=1, latency=0.15)) as running:
        last, _ = stopped(running, tmp_path / "snapshot", "--deadline", "6s")

    assert last.status == Exit.GAPS, last.said
    is_well_cut(tmp_path / "snapshot", "Deadline")
    is_completed_by_resuming(tmp_path / "snapshot", undisturbed)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_the_first_task_ends_it_at_once_and_writes_nothing(number: int, tmp_path: Path) -> None:
    """As the first process of a container it would otherwise not even hear of SIGTERM."""
    to, said = tmp_path / "snapshot", tmp_path / "said"
    hanging = Fault(service="ec2", operation="DescribeRegions", kind="hang")
    with (
        served(aws(items=1, faults=(hanging,))) as unready,
        running(HURRIED, arguments(str(to)), environment(unready.url), said) as process,
        unready.signalling(process.pid, number, at_call=10) as sent,
    ):
        sent.wait(60)
        at = monotonic()
        last = ended(process, said)

    assert monotonic() - at < GRACE_SECONDS / 2
    assert last.status == Exit.USAGE
    assert last.said.splitlines()[-1] == "collector: stopped (Interrupted) before the first task was begun: nothing was read"
    assert "Traceback" not in last.said
    assert not to.exists()
