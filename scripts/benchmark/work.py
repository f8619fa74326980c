"""The work of the benchmark, and how a contender tells what it cost."""

import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SPECS = Path(__file__).with_name("specs")
CALLS = {
    "ec2": ("describe_instances", "Reservations"),
    "iam": ("list_roles", "Roles"),
    "lambda": ("list_functions", "Functions"),
    "dynamodb": ("list_tables", "TableNames"),
    "sns": ("list_topics", "Topics"),
    "sqs": ("list_queues", "QueueUrls"),
}
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2", "us-west-2")
ABREAST = 32
ROLE = "Inventory"


@dataclass(frozen=True)
class Cost:
    """What a contender did, and what it took: the work only, without starting Python and importing."""

    calls: int
    resources: int
    cpu_seconds: float
    wall_seconds: float
    peak_megabytes: float


def accounts() -> list[str]:
    return [f"{n:012}" for n in range(1, int(os.environ["BENCH_ACCOUNTS"]) + 1)]


def cells() -> list[tuple[str, str, str]]:
    """(account, region, service): each is one list call. IAM has one region."""
    return [
        (account, region, service)
        for service in CALLS
        for region in (REGIONS[:1] if service == "iam" else REGIONS)
        for account in accounts()
    ]


def tell(work: Callable[[], Awaitable[tuple[int, int]]]) -> None:
    """Do *work*, which gives (calls, resources), and print what it took as JSON."""
    import anyio

    cpu, wall = time.process_time(), time.perf_counter()
    calls, resources = anyio.run(work)
    cost: dict[str, Any] = asdict(
        Cost(
            calls=calls,
            resources=resources,
            cpu_seconds=time.process_time() - cpu,
            wall_seconds=time.perf_counter() - wall,
            peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )
    )
    json.dump(cost, sys.stdout)
