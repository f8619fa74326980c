"""The clients of all specs, made once (``python -m benchmark.clients``): what every process pays before, or while, it begins to read."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from benchmark.work import Carry, Work, tell
from collector.aws.session import Clients
from collector.spec.check import checked_specs
from collector.spec.permitted import permitted
from collector.spec.select import families


@asynccontextmanager
async def clients_of_all(work: Work) -> AsyncIterator[Carry]:
    chosen = families(checked_specs(()))
    allowed = permitted(chosen)
    calls = tuple(allowed)
    async with Clients("aws", None, allowed) as clients:

        async def carry(accounts: Sequence[str]) -> tuple[int, int]:
            if accounts == (work.warm,):
                return 0, 0
            for service in sorted({call.service for call in calls}):
                await clients.of(service)
                for region in work.regions[1:]:  # what it would be with a client for each region
                    made = clients._session.client(service, region_name=region, config=clients._config(service))  # noqa: SLF001
                    await clients._stack.enter_async_context(made)  # noqa: SLF001
            for call in calls:
                await clients._direct_way(call)  # noqa: SLF001
            return len(calls), 0

        yield carry


if __name__ == "__main__":
    from benchmark.without import leave_out

    leave_out(Work.told().without)
    tell(clients_of_all)
