"""Whole commands, from start to end: the collector's in one and in several processes, and those of peers."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmark.cases import ALL_REGIONS, CASES
from benchmark.measure import medians_of, progress
from benchmark.server import Aws, served
from benchmark.work import ROLE

SAID = "said"


def ran(aws: Aws, command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None) -> dict[str, float]:
    """What *command* took, all its processes together, and how many calls the server saw. Its words go to a file in *folder*."""
    before = aws.stats()
    said = folder / SAID
    with said.open("wb") as words:
        began = time.perf_counter()
        process = subprocess.Popen([*command], env=aws.environment() | (environment or {}), stdout=words, stderr=words, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
    if process.returncode:
        sys.exit(f"{command[0]} ended in {process.returncode}:\n{said.read_text(errors='replace')[-3000:]}")
    after = aws.stats()
    calls = after["total"] - before["total"]
    return {
        "calls": calls,
        "wall_seconds": wall,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_megabytes": usage.ru_maxrss / 1000,
        "calls_per_second": calls / wall,
        "cpu_ms": 1000 * (usage.ru_utime + usage.ru_stime) / calls,
        "connections": after["connections"] - before["connections"],
        "server_seconds": after["cpu_seconds"] - before["cpu_seconds"],
    }


def collector_run(folder: Path, accounts: Sequence[str], regions: Sequence[str], *more: str) -> list[str | Path]:
    """The command that reads *accounts* in *regions* into *folder*."""
    listed = [part for flag, values in (("--account", accounts), ("--region", regions)) for value in values for part in (flag, value)]
    return [sys.executable, "-m", "collector", "run", "--role", ROLE, *listed, "--to", folder / "snapshot", *more]


def processes(repeat: int, most_accounts: int) -> dict[str, Any]:
    """Figures of the mix's services, whole, over eight accounts in seventeen regions, by number of processes; with all that a run does.

    Of fewer, two processes ask each account so much at a time that the collector's own pace holds them back.
    """
    mix = CASES["mix"]
    accounts = [f"{number:012}" for number in range(1, min(8, most_accounts) + 1)]
    services = [part for service in mix.services for part in ("--service", service)]
    runs: dict[str, list[dict[str, float]]] = {"1": [], "2": []}
    with served(sizes=mix.sizes, items=1, regions=ALL_REGIONS) as aws:
        for _ in range(repeat):
            for number, each in runs.items():
                progress(f"{len(accounts)} accounts by {number} processes")
                with tempfile.TemporaryDirectory() as folder:
                    command = collector_run(Path(folder), accounts, ALL_REGIONS, *services, "--processes", number)
                    cost = ran(aws, command, Path(folder))
                    each.append(cost | {"reading_seconds": _reading_seconds((Path(folder) / SAID).read_text())})
    return {number: medians_of(each) for number, each in runs.items()}


def _reading_seconds(said: str) -> float:
    """From the moment at which all accounts are known and checked to the last line, by what the collector *said*."""
    moments = {event["event"]: datetime.fromisoformat(event["timestamp"]) for event in map(json.loads, said.splitlines())}
    return (moments["run.finished"] - moments["run.started"]).total_seconds()
