"""Destinations that fail under a whole run: one clear line, status 2, nothing that looks finished, and a run that can be taken up again."""

import subprocess
import sys
from pathlib import Path

import pytest

from collector.exit import Exit
from tests.faults.kills import HURRIED, WORKERS
from tests.faults.running import LONGEST, ROOT, arguments, aws, environment, run_to_the_end
from tests.faults.served import served
from tests.faults.told import told

pytestmark = pytest.mark.slow

ROOM = 500
"""Kilobytes that a file may have: half of what the run writes."""


def said_in_words(said: str) -> list[str]:
    """What was said, without the events."""
    return [line for line in said.splitlines() if not line.startswith("{")]


def test_a_full_disk_ends_the_run_and_it_is_taken_up_when_there_is_room_again(tmp_path: Path) -> None:
    to, said = tmp_path / "snapshot", tmp_path / "said"
    with served(aws(items=1)) as running:
        env = environment(running.url)
        # What the system says of a file that may not grow is what it says of a full disk, but for the reason.
        limited = ["bash", "-c", f'ulimit -f {ROOM}; exec "$@"', "bash", sys.executable, "-m", HURRIED, *arguments(str(to), *WORKERS)]
        full = subprocess.run(limited, cwd=ROOT, env=env, capture_output=True, text=True, timeout=LONGEST, check=False)

        assert full.returncode == Exit.USAGE, full.stderr
        assert said_in_words(full.stderr) == [f"collector: {to} cannot be written: File too large"]
        assert not (to / "manifest.json").exists()
        assert (to / "coverage.jsonl").stat().st_size > 0

        last = run_to_the_end(HURRIED, arguments(str(to), *WORKERS, "--resume"), env, said)
    assert last.status == Exit.COMPLETE, last.said
    assert told(to).totals["exit_status"] == Exit.COMPLETE


def test_a_reader_that_goes_away_ends_the_run(tmp_path: Path) -> None:
    with served(aws(items=1)) as running:
        command = [sys.executable, "-m", HURRIED, *arguments("-", *WORKERS)]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment(running.url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline().startswith("{")
            process.stdout.close()
            said = process.stderr.read()

    assert process.returncode == Exit.USAGE
    assert said_in_words(said) == ["collector: standard output cannot be written: Broken pipe"]
