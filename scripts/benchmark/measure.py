"""Run contenders one after the other, several times over, and take medians: these machines are noisy, so ratios are of one run."""

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmark.server import Aws
from benchmark.work import Work

LONGEST = 900
"""Seconds that a contender may take at most."""


def told(module: str, aws: Aws, work: Work, *more: str) -> dict[str, float]:
    """What ``python -m benchmark.<module>`` tells of *work*, and what the server sent and took for it."""
    before = aws.stats()
    environment = aws.environment() | {"BENCH": json.dumps(asdict(work))}
    command = [sys.executable, "-m", f"benchmark.{module}", *more]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False)
    if done.returncode or done.stderr:
        sys.exit(f"{module} failed:\n{done.stderr[-3000:]}")
    after = aws.stats()
    served = after["total"] - before["total"] or 1  # whoever only makes clients asks nothing
    return {
        **json.loads(done.stdout),
        "bytes_sent": (after["bytes_sent"] - before["bytes_sent"]) / served,
        "server_seconds": (after["cpu_seconds"] - before["cpu_seconds"]) / served,
    }


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure, and of what follows from them."""
    return medians_of([{**run, **_per_call(run)} for run in runs])


def medians_of(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def _per_call(run: Mapping[str, float]) -> dict[str, float]:
    return {
        "cpu_ms": 1000 * run["cpu_seconds"] / run["calls"],
        "calls_per_second": run["calls"] / run["wall_seconds"],
        "calls_per_core": run["calls"] / run["cpu_seconds"],
        "resources_per_core": run["resources"] / run["cpu_seconds"],
        "whole_cpu_ms": 1000 * (run["cpu_seconds"] + run["cpu_to_prepare"]) / run["calls"],
        "whole_wall_seconds": run["wall_seconds"] + run["wall_to_prepare"],
    }


def side_by_side(aws: Aws, works: Mapping[str, tuple[str, Work]], repeat: int) -> dict[str, dict[str, float]]:
    """The medians of each of *works* (name -> module and work), run in turn *repeat* times over."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in works}
    for _ in range(repeat):
        for name, (module, work) in works.items():
            runs[name].append(told(module, aws, work))
    return {name: medians(each) for name, each in runs.items()}


def progress(*parts: Any) -> None:
    """Tell the person who waits."""
    print(*parts, file=sys.stderr, flush=True)
