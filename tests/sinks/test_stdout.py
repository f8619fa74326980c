"""Standard output, in a process of its own: a full device, a reader that went away, none at all."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WRITE = """
import asyncio, sys
from collector.errors import SinkError
from collector.sink import open_sink
from tests.sinks.lines import coverage, resource

async def main():
    async with open_sink("-") as sink:
        for task in range(3):
            await sink.write([resource(f"task-{task}", 0, ""), coverage(f"task-{task}", 1)])
        await sink.finish({})

try:
    asyncio.run(main())
except SinkError as error:
    sys.exit(f"error: {error}")
"""


def _run(**options: Any) -> subprocess.CompletedProcess[bytes]:
    root = Path(__file__).parents[2]
    return subprocess.run([sys.executable, "-c", WRITE], cwd=root, stderr=subprocess.PIPE, timeout=60, check=False, **options)


def test_both_kinds_of_line_come_in_order() -> None:
    done = _run(stdout=subprocess.PIPE)
    kinds = [b'"record":"coverage"' in each for each in done.stdout.splitlines()]
    assert kinds == [False, True] * 3
    assert (done.returncode, done.stderr) == (0, b"")


def test_full_device_is_one_clear_line() -> None:
    with Path("/dev/full").open("wb") as full:
        done = _run(stdout=full)
    assert done.stderr.decode() == "error: standard output cannot be written: No space left on device\n"
    assert done.returncode == 1


def test_reader_that_went_away_is_one_clear_line() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = _run(stdout=writing)
    finally:
        os.close(writing)
    assert done.stderr.decode() == "error: standard output cannot be written: Broken pipe\n"
    assert done.returncode == 1


@pytest.mark.parametrize("shell", [f'exec "{sys.executable}" -c "$0" >&-'])
def test_no_standard_output_at_all_is_one_clear_line(shell: str) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(["/bin/sh", "-c", shell, WRITE], cwd=root, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.stderr.decode() == "error: standard output is closed\n"
    assert done.returncode == 1
