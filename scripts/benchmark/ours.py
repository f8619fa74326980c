"""The collector: from a plan to lines in a folder, with everything that a run does between. Only the preflight is left out, for the
others have none.
"""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from benchmark.work import ASKS, HOME, ROLE, SPECS, Carry, Work, tell
from collector import log
from collector.aws.endpoints import PartitionEndpoints
from collector.connect import connected
from collector.event_loop import in_event_loop
from collector.plan import plan
from collector.run import run
from collector.settings import RunSettings
from collector.sink import open_sink
from collector.spec.reader import read_specs
from collector.spec.select import families


@asynccontextmanager
async def collector(work: Work) -> AsyncIterator[Carry]:
    log.set_up(quiet=True)
    settings = RunSettings(account=(work.warm, *work.timed), role=ROLE, region=tuple({HOME, *work.regions}))
    chosen = families(read_specs((SPECS,)), type=tuple(ASKS[service].family for service in work.services))
    with tempfile.TemporaryDirectory() as folder:
        async with connected(settings, chosen) as connection, open_sink(f"{folder}/out") as sink:
            gateway, endpoints = connection.gateway, PartitionEndpoints(connection.partition)

            async def carry(accounts: Sequence[str]) -> tuple[int, int]:
                before = gateway.counts.calls
                wanted = frozenset(accounts)
                tasks = plan(chosen, (account for account in connection.accounts if account.id in wanted), endpoints)
                progress = await run(tasks, gateway, sink, workers=work.abreast)
                return gateway.counts.calls - before, sum(progress.resources.values())

            yield carry
            await sink.finish({})


if __name__ == "__main__":
    from benchmark.without import leave_out

    leave_out(Work.told().without)
    tell(collector, in_loop=in_event_loop)
