"""aioboto3 as it comes, used well: credentials once for each account, one client for each service and region kept open for all of them."""

import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import Any, TextIO

import aioboto3
import anyio
from aiobotocore.credentials import AioCredentials
from botocore.credentials import ReadOnlyCredentials

from benchmark.work import ASKS, ROLE, Carry, Work, tell

KEYS: ContextVar[ReadOnlyCredentials] = ContextVar("keys")


class OfTheAccount(AioCredentials):
    """The keys of whichever account is being read."""

    def __init__(self) -> None:
        super().__init__("none", "none", "none")

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return KEYS.get()


async def assumed(accounts: Sequence[str]) -> dict[str, dict[str, str]]:
    """The role's credentials in each of *accounts*."""
    found: dict[str, dict[str, str]] = {}
    async with aioboto3.Session().client("sts", region_name="us-east-1") as sts:
        for account in accounts:
            answer = await sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/{ROLE}", RoleSessionName="bench")
            keys = answer["Credentials"]
            found[account] = {
                "aws_access_key_id": keys["AccessKeyId"],
                "aws_secret_access_key": keys["SecretAccessKey"],
                "aws_session_token": keys["SessionToken"],
            }
    return found


def written(out: TextIO, account: str, region: str, items: list[Any]) -> int:
    """Make a line of each item, as any inventory would; the number of items."""
    for item in items:
        out.write(json.dumps({"account": account, "region": region, "item": item}, default=str) + "\n")
    return len(items)


@asynccontextmanager
async def shared_clients(work: Work) -> AsyncIterator[Carry]:
    session = aioboto3.Session()
    session._session._credentials = OfTheAccount()  # noqa: SLF001
    keys = {account: ReadOnlyCredentials(*each.values()) for account, each in (await assumed((work.warm, *work.timed))).items()}
    async with AsyncExitStack() as stack:
        out = stack.enter_context(tempfile.TemporaryFile("w"))  # noqa: SIM115
        clients = {
            (region, service): await stack.enter_async_context(session.client(service, region_name=region))
            for _, region, service in work.cells((work.warm,))
        }

        async def carry(accounts: Sequence[str]) -> tuple[int, int]:
            limit = anyio.CapacityLimiter(work.abreast)
            counts = [0, 0]

            async def one(account: str, region: str, service: str) -> None:
                async with limit:
                    KEYS.set(keys[account])
                    ask = ASKS[service]
                    answer = await getattr(clients[region, service], ask.method)(**dict(ask.parameters))
                    counts[0] += 1
                    counts[1] += written(out, account, region, answer.get(ask.results, []))

            async with anyio.create_task_group() as group:
                for cell in work.cells(accounts):
                    group.start_soon(one, *cell)
            return counts[0], counts[1]

        yield carry


if __name__ == "__main__":
    tell(shared_clients)
