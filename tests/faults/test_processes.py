"""A run in several processes: it tells what one process tells, and ends as well as one, whatever happens to any of them."""

import os
import signal
from pathlib import Path
from time import monotonic, sleep

import orjson
import pytest

from collector.exit import Exit
from tests.faults.running import REGIONS, Ended, arguments, aws, ended, environment, run_to_the_end, running
from tests.faults.served import Served, served
from tests.faults.test_signals import GRACE_SECONDS, MID_RUN, coverage, is_well_cut
from tests.faults.told import Told, told
from tests.synthetic import Fault

pytestmark = pytest.mark.slow

COLLECTOR = "collector"
TWO = ("--processes", "2", "--workers", "8")
HANGING = Fault(service="ec2", operation="DescribeVpcs", region=REGIONS[0], kind="hang")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What one process tells."""
    return completed(tmp_path_factory.mktemp("alone") / "snapshot", "--processes", "1")


def completed(to: Path, *more: str) -> Told:
    """What a run tells that nothing disturbs."""
    with served(aws(items=1)) as quiet:
        last = run_to_the_end(COLLECTOR, arguments(str(to), *more), environment(quiet.url), to.with_suffix(".last"))
    assert last.status == Exit.COMPLETE, last.said
    return told(to)


def signalled(aws: Served, to: Path, signals: int) -> tuple[Ended, float]:
    """A run in two processes that gets SIGTERM in mid-run, *signals* times; how it ended, and how many seconds after the first."""
    said = to.with_suffix(".said")
    with (
        running(COLLECTOR, arguments(str(to), *TWO), environment(aws.url), said) as process,
        aws.signalling(process.pid, signal.SIGTERM, at_call=MID_RUN) as sent,
    ):
        sent.wait(60)
        at = monotonic()
        for _ in range(signals - 1):
            until_said(said, "run.interrupted")
            process.send_signal(signal.SIGTERM)
        return ended(process, said), monotonic() - at


def until_said(said: Path, event: str) -> None:
    last = monotonic() + 60
    while event not in said.read_text():
        assert monotonic() < last, f"{event} was never said"
        sleep(0.01)


def children(process: int) -> list[int]:
    """The processes that *process* started."""
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_two_processes_tell_what_one_tells(alone: Told, tmp_path: Path) -> None:
    to = tmp_path / "snapshot"

    assert completed(to, *TWO) == alone

    manifest = orjson.loads((to / "manifest.json").read_bytes())
    assert manifest["processes"] == 2
    assert manifest["bytes_received"] > 0
    assert [each["name"] for each in manifest["files"]] == [
        "resources-00001.jsonl", "resources-00002.jsonl", "coverage-00001.jsonl", "coverage-00002.jsonl",
    ]  # fmt: skip
    assert {line["account_id"] for line in map(orjson.loads, (to / "coverage-00002.jsonl").read_bytes().splitlines())} == {"222222222222"}


def test_a_signal_cuts_every_process_and_one_process_takes_the_run_up_again(alone: Told, tmp_path: Path) -> None:
    to = tmp_path / "snapshot"
    with served(aws(items=1, latency=0.02)) as running_aws:
        last, seconds = signalled(running_aws, to, signals=1)

    assert last.status == Exit.GAPS, last.said
    assert seconds < GRACE_SECONDS
    assert "Traceback" not in last.said
    is_well_cut(to, "Interrupted")
    assert completed(to, "--resume", "--processes", "1") == alone


def test_a_second_signal_ends_every_process_at_once(tmp_path: Path) -> None:
    with served(aws(items=1, latency=0.02, faults=(HANGING,))) as running_aws:
        last, seconds = signalled(running_aws, tmp_path / "snapshot", signals=2)

    assert last.status == Exit.GAPS, last.said
    assert seconds < GRACE_SECONDS / 2
    is_well_cut(tmp_path / "snapshot", "Interrupted")


def test_a_process_that_is_killed_ends_the_run_and_what_was_finished_is_kept(alone: Told, tmp_path: Path) -> None:
    to, said = tmp_path / "snapshot", tmp_path / "said"
    with (
        served(aws(items=1, faults=(HANGING,))) as running_aws,
        running(COLLECTOR, arguments(str(to), *TWO), environment(running_aws.url), said) as process,
        running_aws.signalling(process.pid, 0, at_call=MID_RUN) as sent,
    ):
        sent.wait(60)
        os.kill(children(process.pid)[0], signal.SIGKILL)
        last = ended(process, said)

    assert last.status == Exit.USAGE, last.said
    assert "of 2 was ended by SIGKILL" in last.said
    assert "Traceback" not in last.said
    assert not (to / "manifest.json").exists()
    kept = {line["scan_id"] for line in coverage(to) if not line["gaps"]}
    assert kept, "the other process stored what it had"
    assert completed(to, "--resume", *TWO) == alone
    assert kept <= {line["scan_id"] for line in coverage(to)}


def test_no_process_outlives_the_one_that_started_it(tmp_path: Path) -> None:
    with (
        served(aws(items=1, faults=(HANGING,))) as running_aws,
        running(COLLECTOR, arguments(str(tmp_path / "snapshot"), *TWO), environment(running_aws.url), tmp_path / "said") as process,
        running_aws.signalling(process.pid, 0, at_call=MID_RUN) as sent,
    ):
        sent.wait(60)
        left = children(process.pid)
        assert len(left) == 2
        process.kill()
        process.wait()
        last = monotonic() + 30
        while any(Path(f"/proc/{each}/stat").exists() and not is_dead(each) for each in left):
            assert monotonic() < last, "still there"
            sleep(0.01)


def is_dead(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_an_error_in_one_process_is_told_as_if_there_were_no_other(tmp_path: Path) -> None:
    to, said = tmp_path / "snapshot", tmp_path / "said"
    with (
        served(aws(items=1, latency=0.02)) as running_aws,
        running(COLLECTOR, arguments(str(to), *TWO), environment(running_aws.url), said) as process,
    ):
        until_said(said, "run.started")
        (to / "resources-00002.jsonl").touch()
        last = ended(process, said)

    assert last.status == Exit.USAGE, last.said
    assert last.said.splitlines()[-1] == f"collector: {to} cannot be written: File exists"
    assert "Traceback" not in last.said
