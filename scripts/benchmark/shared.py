"""aioboto3 as it comes, used well: credentials once for each account, one client for each service and region kept open."""

import json
from contextlib import AsyncExitStack
from typing import Any

import aioboto3
import anyio

from benchmark.work import ABREAST, CALLS, ROLE, cells, tell


async def assumed(session: aioboto3.Session, account: str) -> dict[str, str]:
    """The role's credentials in *account*."""
    async with session.client("sts", region_name="us-east-1") as sts:
        answer = await sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/{ROLE}", RoleSessionName="bench")
    keys = answer["Credentials"]
    return {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }


def written(account: str, region: str, items: list[Any]) -> int:
    """Make a line of each item, as any inventory would; the number of items."""
    for item in items:
        json.dumps({"account": account, "region": region, "item": item}, default=str)
    return len(items)


async def work() -> tuple[int, int]:
    limit = anyio.CapacityLimiter(ABREAST)
    counts = [0, 0]
    session = aioboto3.Session()
    async with AsyncExitStack() as stack:
        # Nothing but the signer differs from account to account: one client for each service and region, handed the account's keys.
        clients: dict[tuple[str, str], Any] = {}
        keys: dict[str, dict[str, str]] = {}
        for account, region, service in cells():
            if account not in keys:
                keys[account] = await assumed(session, account)
                counts[0] += 1
            if (region, service) not in clients:
                clients[region, service] = await stack.enter_async_context(session.client(service, region_name=region, **keys[account]))

        async def one(account: str, region: str, service: str) -> None:
            async with limit:
                call, member = CALLS[service]
                answer = await getattr(clients[region, service], call)()
                counts[0] += 1
                counts[1] += written(account, region, answer[member])

        async with anyio.create_task_group() as group:
            for cell in cells():
                group.start_soon(one, *cell)
    return counts[0], counts[1]


if __name__ == "__main__":
    tell(work)
