"""What a contender is told (``BENCH``, JSON), and how it tells what it cost."""

import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from collector.machine import peak_memory

SPECS = Path(__file__).with_name("specs")
ROLE = "Inventory"
HOME = "us-east-1"


@dataclass(frozen=True)
class Ask:
    """A list call as every contender makes it, in *operation*'s own spelling; *results* is where the answer has its items."""

    operation: str
    results: str
    family: str
    everywhere: bool = True
    """Asked in each region; otherwise in one."""
    parameters: tuple[tuple[str, Any], ...] = ()

    @property
    def method(self) -> str:
        """As boto3 spells it."""
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in self.operation).lstrip("_")


ASKS = {
    "ec2": Ask("DescribeInstances", "Reservations", "ec2.instance"),
    "iam": Ask("ListRoles", "Roles", "iam.role", everywhere=False),
    "lambda": Ask("ListFunctions", "Functions", "lambda.function"),
    "s3": Ask("ListBuckets", "Buckets", "s3.bucket", everywhere=False, parameters=(("MaxBuckets", 1000),)),
    "dynamodb": Ask("ListTables", "TableNames", "dynamodb.table"),
    "sns": Ask("ListTopics", "Topics", "sns.topic"),
    "sqs": Ask("ListQueues", "QueueUrls", "sqs.queue", parameters=(("MaxResults", 1000),)),
}


@dataclass(frozen=True)
class Work:
    """What is to be done: one list call for each account, region and service."""

    services: tuple[str, ...]
    regions: tuple[str, ...]
    accounts: int
    abreast: int
    without: tuple[str, ...] = ()
    """What the collector has to do without (`without.py`)."""
    watch: bool = False
    """Watch the event loop; the costs are then no costs of the contender's own."""

    @classmethod
    def told(cls) -> "Work":
        given = json.loads(os.environ["BENCH"])
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})

    @property
    def warm(self) -> str:
        """The account that is read before the clock starts: connections are open then and models loaded, as they are in a long run."""
        return f"{0:012}"

    @property
    def timed(self) -> tuple[str, ...]:
        return tuple(f"{number:012}" for number in range(1, self.accounts + 1))

    def cells(self, accounts: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """(account, region, service). Accounts change fastest, as in the collector's own plan."""
        for service in self.services:
            for region in self.regions if ASKS[service].everywhere else (HOME,):
                for account in accounts:
                    yield account, region, service


@dataclass(frozen=True)
class Cost:
    """What a contender did and what it took: what was timed, and before that (``to_prepare``) credentials and one account to warm up."""

    calls: int
    resources: int
    cpu_seconds: float
    wall_seconds: float
    cpu_to_prepare: float
    wall_to_prepare: float
    peak_megabytes: float
    held_longest: float = 0.0
    """Seconds of CPU that one callback held the event loop, at most."""
    late_most: float = 0.0
    """Seconds that a timer came too late, at most; whatever else the machine does is in it."""
    late_seldom: float = 0.0
    """The same, but for one timer in a thousand."""


Carry: TypeAlias = Callable[[Sequence[str]], Awaitable[tuple[int, int]]]
"""Do the work in these accounts: calls made, resources written."""


def tell(contender: Callable[[Work], AbstractAsyncContextManager[Carry]], *, in_loop: Callable[..., Cost] | None = None) -> None:
    """Let *contender* do its work *in_loop*, or in asyncio's own event loop, which alone can be watched; print what it took as JSON."""
    import anyio

    from benchmark.loop import Watch

    work = Work.told()

    async def main() -> Cost:
        began = time.process_time(), time.perf_counter()
        async with contender(work) as carry:
            await carry((work.warm,))
            watch = Watch() if work.watch else None
            cpu, wall = time.process_time(), time.perf_counter()
            async with watch or nullcontext():
                calls, resources = await carry(work.timed)
            return Cost(
                calls=calls,
                resources=resources,
                cpu_seconds=time.process_time() - cpu,
                wall_seconds=time.perf_counter() - wall,
                cpu_to_prepare=cpu - began[0],
                wall_to_prepare=wall - began[1],
                peak_megabytes=peak_memory() / 1e6,
                **(watch.figures() if watch else {}),
            )

    json.dump(asdict(in_loop(main) if in_loop and not work.watch else anyio.run(main)), sys.stdout)
