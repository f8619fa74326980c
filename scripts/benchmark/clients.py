"""The clients of all specs, made once (``python -m benchmark.clients``): what every process pays before, or while, it begins to read."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import groupby

from benchmark.work import Carry, Work, tell
from collector.aws.session import Clients
from collector.machine import seldom_collected
from collector.spec.check import checked_specs
from collector.spec.permitted import permitted
from collector.spec.select import families


@asynccontextmanager
async def clients_of_all(work: Work) -> AsyncIterator[Carry]:
    chosen = families(checked_specs(()))
    allowed = permitted(chosen)
    calls = sorted(allowed, key=lambda call: call.service)
    with seldom_collected():
        async with Clients("aws", None, allowed) as clients, AsyncExitStack() as others:

            async def carry(accounts: Sequence[str]) -> tuple[int, int]:
                if accounts == (work.warm,):
                    return 0, 0
                for service, of_service in groupby(calls, lambda call: call.service):
                    await clients.of(service)
                    for region in work.regions[1:]:  # what it would be with a client for each region
                        made = clients._session.client(service, region_name=region, config=clients._config(service))  # noqa: SLF001
                        await others.enter_async_context(made)
                    for call in of_service:
                        await clients._direct_way(call)  # noqa: SLF001
                return len(calls), 0

            yield carry


if __name__ == "__main__":
    from benchmark.without import leave_out

    leave_out(Work.told().without)
    tell(clients_of_all)
