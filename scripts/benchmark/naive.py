"""What one writes first: a session for each account, a client for each cell."""

import aioboto3
import anyio

from benchmark.shared import assumed, written
from benchmark.work import ABREAST, CALLS, cells, tell


async def work() -> tuple[int, int]:
    limit = anyio.CapacityLimiter(ABREAST)
    counts = [0, 0]

    async def one(account: str, region: str, service: str) -> None:
        async with limit:
            keys = await assumed(aioboto3.Session(), account)
            session = aioboto3.Session(**keys)
            async with session.client(service, region_name=region) as client:
                call, member = CALLS[service]
                answer = await getattr(client, call)()
            counts[0] += 2
            counts[1] += written(account, region, answer[member])

    async with anyio.create_task_group() as group:
        for cell in cells():
            group.start_soon(one, *cell)
    return counts[0], counts[1]


if __name__ == "__main__":
    tell(work)
