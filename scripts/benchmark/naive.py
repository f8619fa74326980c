"""What one writes first: a session for each account, a client for each account, region and service."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aioboto3
import anyio

from benchmark.shared import assumed, written
from benchmark.work import ASKS, Carry, Work, tell


@asynccontextmanager
async def straightforward(work: Work) -> AsyncIterator[Carry]:
    keys = await assumed((work.warm, *work.timed))
    with tempfile.TemporaryFile("w") as out:

        async def carry(accounts: Sequence[str]) -> tuple[int, int]:
            limit = anyio.CapacityLimiter(work.abreast)
            counts = [0, 0]
            sessions = {account: aioboto3.Session(**keys[account]) for account in accounts}

            async def one(account: str, region: str, service: str) -> None:
                async with limit, sessions[account].client(service, region_name=region) as client:
                    ask = ASKS[service]
                    answer = await getattr(client, ask.method)(**dict(ask.parameters))
                    counts[0] += 1
                    counts[1] += written(out, account, region, answer.get(ask.results, []))

            async with anyio.create_task_group() as group:
                for cell in work.cells(accounts):
                    group.start_soon(one, *cell)
            return counts[0], counts[1]

        yield carry


if __name__ == "__main__":
    tell(straightforward)
