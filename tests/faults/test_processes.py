"""A run in several processes: it tells what one process tells, and ends as well as one, whatever happens to any of them."""

import os
import re
import signal
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import orjson
import pytest

from collector.exit import Exit
from tests.faults.conftest import SNAPSHOTS
from tests.faults.kills import Bucket, Folder, Place
from tests.faults.running import ACCOUNTS, LONGEST, REGIONS, Ended, arguments, aws, ended, environment, run_to_the_end, running
from tests.faults.served import Served, served
from tests.faults.test_signals import GRACE_SECONDS, LINES, MID_RUN, coverage, is_well_cut
from tests.faults.told import Told, told
from tests.synthetic import Fault
from tests.terminal import on_a_terminal

pytestmark = pytest.mark.slow

COLLECTOR = "collector"
TWO = ("--processes", "2", "--workers", "8")
HANGING = Fault(service="ec2", operation="DescribeVpcs", region=REGIONS[0], kind="hang")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What one process tells."""
    return completed(tmp_path_factory.mktemp("alone") / "snapshot", "--processes", "1")


def completed(to: Path, *more: str, status: Exit = Exit.COMPLETE, faults: tuple[Fault, ...] = ()) -> Told:
    """What a run tells that nothing disturbs, or *faults* alone."""
    with served(aws(items=1, faults=faults)) as quiet:
        last = run_to_the_end(COLLECTOR, arguments(str(to), *more), environment(quiet.url), to.with_suffix(".last"))
    assert last.status == status, last.said
    return told(to)


def signalled(aws: Served, place: Place, said: Path, signals: int) -> tuple[Ended, float]:
    """A run in two processes that gets SIGTERM in mid-run, *signals* times; how it ended, and how many seconds after the first."""
    with (
        running(COLLECTOR, arguments(place.to, *TWO, *place.flags), environment(aws.url, place.environment), said) as process,
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
        last, seconds = signalled(running_aws, Folder(to), tmp_path / "said", signals=1)

    assert last.status == Exit.GAPS, last.said
    assert seconds < GRACE_SECONDS
    assert "Traceback" not in last.said
    is_well_cut(to, "Interrupted")
    assert completed(to, "--resume", "--processes", "1") == alone


def test_a_deadline_cuts_every_process_and_the_run_is_taken_up_again_in_as_many(alone: Told, tmp_path: Path) -> None:
    to = tmp_path / "snapshot"
    with served(aws(items=1, latency=0.15)) as slow:
        given = arguments(str(to), *TWO, "--deadline", "7s")
        last = run_to_the_end(COLLECTOR, given, environment(slow.url), tmp_path / "said")

    assert last.status == Exit.GAPS, last.said
    is_well_cut(to, "Deadline")
    assert {line["account_id"] for line in coverage(to) if not line["complete"]} == set(ACCOUNTS)
    assert completed(to, "--resume", *TWO) == alone


def test_an_account_that_is_halted_is_told_as_by_one_process(tmp_path: Path) -> None:
    faults = (Fault(service="iam", operation="GetRole", account=ACCOUNTS[1]),)
    one = completed(tmp_path / "one", "--processes", "1", status=Exit.HALTED, faults=faults)

    assert completed(tmp_path / "two", *TWO, status=Exit.HALTED, faults=faults) == one

    lines = coverage(tmp_path / "two")
    halted = [line for line in lines if line["gaps"]]
    assert len(lines) == LINES
    assert len(halted) == LINES // len(ACCOUNTS)
    assert {(line["account_id"], gap["kind"], gap["code"]) for line in halted for gap in line["gaps"]} == {
        (ACCOUNTS[1], "halted", "RoleNotReadable")
    }


def test_a_bucket_takes_the_files_of_every_process_however_the_run_ends(alone: Told, buckets: tuple[str, Any], tmp_path: Path) -> None:
    url, client = buckets
    place = Bucket(client, SNAPSHOTS, tmp_path.name, tmp_path / "copy", {"AWS_ENDPOINT_URL_S3": url}, ("--part-megabytes", "1"))
    with served(aws(items=1, latency=0.02)) as running_aws:
        last, seconds = signalled(running_aws, place, tmp_path / "said", signals=1)

    assert last.status == Exit.GAPS, last.said
    assert seconds < GRACE_SECONDS
    is_well_cut(place.fetched(), "Interrupted")

    with served(aws(items=1)) as quiet:
        given = arguments(place.to, *TWO, *place.flags, "--resume")
        last = run_to_the_end(COLLECTOR, given, environment(quiet.url, place.environment), tmp_path / "said")
    assert last.status == Exit.COMPLETE, last.said
    resumed = Bucket(client, SNAPSHOTS, tmp_path.name, tmp_path / "resumed", place.environment).fetched()
    assert told(resumed) == alone
    assert orjson.loads((resumed / "manifest.json").read_bytes())["processes"] == 2
    assert not client.list_multipart_uploads(Bucket=SNAPSHOTS, Prefix=place.prefix).get("Uploads")


def test_the_display_counts_all_processes_as_one_run(tmp_path: Path) -> None:
    with served(aws(items=1, latency=0.02)) as running_aws:
        status, shown = on_a_terminal(
            [sys.executable, "-m", COLLECTOR, *arguments(str(tmp_path / "snapshot"), *TWO)], environment(running_aws.url), longest=LONGEST
        )

    assert status == Exit.COMPLETE
    counts = [(int(done), int(all)) for done, all in re.findall(r"(\d+)/(\d+)", shown)]
    tasks = orjson.loads((tmp_path / "snapshot" / "manifest.json").read_bytes())["tasks"]
    assert {all for _, all in counts} == {tasks}
    assert [done for done, _ in counts] == sorted(done for done, _ in counts), "one line, which only rises"
    assert counts[-1][0] == tasks
    assert shown.count("Snapshot: ") == 1


def test_a_second_signal_ends_every_process_at_once(tmp_path: Path) -> None:
    with served(aws(items=1, latency=0.02, faults=(HANGING,))) as running_aws:
        last, seconds = signalled(running_aws, Folder(tmp_path / "snapshot"), tmp_path / "said", signals=2)

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
