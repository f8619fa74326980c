"""Part ``plan``: the plan of a thousand accounts in seventeen regions over all specs: first task, whole count, memory.

``python -m benchmark.planning ACCOUNTS`` is the process.
"""

import json
import subprocess
import sys
import time
from typing import Any

from benchmark.cases import ALL_REGIONS
from benchmark.measure import medians_of
from benchmark.server import environment

ENOUGH = 3
"""Runs at most: there is no network in it, and a whole plan takes its time."""


def planned(number: int) -> dict[str, float]:
    from collector.aws.endpoints import PartitionEndpoints
    from collector.machine import peak_memory
    from collector.plan import Account, plan, size
    from collector.spec.check import checked_specs
    from collector.spec.select import families

    chosen = families(checked_specs(()))
    accounts = tuple(Account(f"{each:012}", "aws", ALL_REGIONS) for each in range(number))
    before, began = peak_memory(), time.perf_counter()
    tasks = plan(chosen, accounts, PartitionEndpoints("aws"))
    next(tasks)
    first = time.perf_counter() - began
    counted = 1 + sum(1 for _ in tasks)
    gone_through = time.perf_counter() - began
    began = time.perf_counter()
    computed = size(chosen, accounts)
    if computed != counted:
        sys.exit(f"{computed} tasks were computed, {counted} counted")
    return {
        "tasks": counted,
        "first_seconds": first,
        "whole_seconds": gone_through,
        "size_seconds": time.perf_counter() - began,
        "added_megabytes": (peak_memory() - before) / 1e6,
        "peak_megabytes": peak_memory() / 1e6,
    }


def planning(repeat: int, most_accounts: int) -> dict[str, Any]:
    """Figures by number of accounts."""

    def once(number: int) -> dict[str, float]:
        done = subprocess.run(
            [sys.executable, "-m", "benchmark.planning", str(number)], env=environment(), check=True, capture_output=True, timeout=600
        )
        return dict(json.loads(done.stdout))

    times = min(repeat, ENOUGH)
    return {str(number): medians_of([once(number) for _ in range(times)]) for number in sorted({min(10, most_accounts), most_accounts})}


if __name__ == "__main__":
    json.dump(planned(int(sys.argv[1])), sys.stdout)
