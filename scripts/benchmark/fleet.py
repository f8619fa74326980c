"""Part ``fleet``: the memory of one process over all specs in seventeen regions, for ten accounts and for a thousand.

The whole of it is fourteen million tasks. What is run is a sample of them, about as many in both, evenly over all specs, regions and
accounts; the plan is gone through to its end. ``python -m benchmark.fleet TASKS`` is the process.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from math import gcd
from typing import Any

from benchmark.cases import ALL_REGIONS
from benchmark.measure import medians_of, progress, told
from benchmark.server import served
from benchmark.work import HOME, ROLE, Work
from collector.plan import Task
from collector.portion import WORKERS

ABREAST = WORKERS


def sampled(tasks: Iterator[Task], total: int, wanted: int) -> Iterator[Task]:
    """About *wanted* of *total* tasks, at a stride that meets every account and region."""
    stride = max(1, total // wanted)
    while gcd(stride, total) > 1:
        stride += 1
    return islice(tasks, 0, None, stride)


async def read(work: Work, wanted: int) -> dict[str, float]:
    from collector import log
    from collector.aws.endpoints import PartitionEndpoints
    from collector.connect import connected
    from collector.machine import peak_memory
    from collector.plan import plan, size
    from collector.run import run
    from collector.settings import RunSettings
    from collector.sink import open_sink
    from collector.spec import facts
    from collector.spec.check import checked_specs
    from collector.spec.select import families

    log.set_up(quiet=True)
    settings = RunSettings(account=work.timed, role=ROLE, region=work.regions)
    chosen = families(checked_specs(()))
    cpu, wall = time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        async with connected(settings, chosen) as connection, open_sink(f"{folder}/out", compress=True) as sink:
            facts.forget()
            connected_peak = peak_memory()
            total = size(chosen, connection.accounts)
            tasks = sampled(plan(chosen, connection.accounts, PartitionEndpoints(connection.partition)), total, wanted)
            progress = await run(tasks, connection.gateway, sink, workers=work.abreast)
            await sink.finish({})
            return {
                "planned": total,
                "tasks": progress.tasks,
                "calls": connection.gateway.counts.calls,
                "resources": sum(progress.resources.values()),
                "gaps": sum(number for kind, number in progress.gaps.items() if kind != "unavailable"),
                "connected_megabytes": connected_peak / 1e6,
                "peak_megabytes": peak_memory() / 1e6,
                "cpu_seconds": time.process_time() - cpu,
                "wall_seconds": time.perf_counter() - wall,
            }


def fleet(repeat: int, most_accounts: int, tasks: int, items: int = 1) -> dict[str, Any]:
    """Figures by number of accounts."""
    figures: dict[str, Any] = {}
    regions = ALL_REGIONS if most_accounts > 1 else (HOME,)
    with served(items=items, regions=regions) as aws:
        for number in sorted({min(10, most_accounts), most_accounts}):
            progress(f"{tasks} tasks over {number} accounts")
            runs = [told("fleet", aws, Work((), regions, number, ABREAST), str(tasks)) for _ in range(repeat)]
            figures[str(number)] = medians_of(runs)
    return figures


if __name__ == "__main__":
    from collector.event_loop import in_event_loop

    json.dump(in_event_loop(read, Work.told(), int(sys.argv[1])), sys.stdout)
