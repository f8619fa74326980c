"""Connections that break: each in a service and region of its own, in one run, in which everything else is complete."""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from collector.aws import connections
from collector.aws.exchange import Response, exchange
from collector.exit import Exit
from tests.faults.inside import Ran, ran
from tests.faults.running import ACCOUNTS, REGIONS, aws
from tests.synthetic import Fault

HURT, WHOLE = REGIONS
EACH = 4
TYPES = (
    "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::Kinesis::Stream", "AWS::Lambda::Function", "AWS::DynamoDB::Table", "AWS::ECR::Repository",
)  # fmt: skip
BROKEN = {
    "sqs": (Fault(service="sqs", region=HURT, kind="reset"), True),
    "sns": (Fault(service="sns", region=HURT, kind="truncate"), True),
    "kinesis": (Fault(service="kinesis", region=HURT, kind="hang"), True),
    "dynamodb": (Fault(service="dynamodb", region=HURT, kind="reset", first=1), False),
    "ecr": (Fault(service="ecr", region=HURT, kind="truncate", first=1), False),
}
"""A fault, and whether it lasts."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broken(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return await ran(
        aws(items=2, pages=2, faults=tuple(fault for fault, _ in BROKEN.values())),
        tmp_path_factory.mktemp("broken") / "snapshot",
        patches={"collector.aws.connections.READ_SECONDS": 0.5},
        account=ACCOUNTS,
        region=REGIONS,
        type=TYPES,
    )


@pytest.mark.parametrize(("service", "lasts"), [(service, lasts) for service, (_, lasts) in BROKEN.items()])
@pytest.mark.parametrize("account", ACCOUNTS)
def test_what_lasts_is_unreachable_and_what_passes_is_made_good(broken: Ran, account: str, service: str, lasts: bool) -> None:
    line = broken.coverage[account, HURT, service]

    assert line["complete"] is not lasts
    assert {kind for kind, _ in broken.gaps(account, HURT, service)} == ({"unreachable"} if lasts else set())
    assert line["resources"] == broken.resources[account, HURT, service] == (0 if lasts else EACH)


def test_what_was_not_hit_is_complete(broken: Ran) -> None:
    others = {key: line for key, line in broken.coverage.items() if key[1] == WHOLE or key[2] not in BROKEN}

    assert len(others) == len(ACCOUNTS) * (len(TYPES) + 1)
    assert {(line["complete"], line["resources"], len(line["gaps"])) for line in others.values()} == {(True, EACH, 0)}
    assert broken.snapshot.exit_status is Exit.GAPS
    assert not broken.tracebacks


WORKERS = 16
MANY = tuple(f"{number:012}" for number in range(1, 41))
"""More accounts than workers: the services of a dead region come one after the other."""
DEAD_MAY_COST = 15.0
"""Seconds of the whole run, in which all workers wait."""


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address that never accepts: the queue of those who wait is full, so further connections are not even refused."""
    waiting = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting.append(caller := socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for caller in waiting:
            caller.close()


@pytest.fixture
def refusing() -> str:
    """An address that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@dataclass
class Attempts:
    """Attempts to reach the dead region: how many, and how many seconds workers waited for them, all together."""

    number: int = 0
    seconds: float = 0.0


@pytest.fixture(params=["black_hole", "refusing"])
def dead(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Attempts:
    """A region whose every endpoint is such an address."""
    address = URL(request.getfixturevalue(request.param))
    attempts = Attempts()

    async def astray(session: aiohttp.ClientSession, method: str, url: URL, headers: Mapping[str, str], body: bytes) -> Response:
        if f"/{HURT}/" not in headers["Authorization"]:
            return await exchange(session, method, url, headers, body)
        attempts.number += 1
        began = monotonic()
        try:
            return await exchange(session, method, address, headers, body)
        finally:
            attempts.seconds += monotonic() - began

    monkeypatch.setattr(connections, "exchange", astray)
    return attempts


@pytest.mark.slow
async def test_a_dead_region_costs_seconds_and_the_others_are_complete(dead: Attempts, tmp_path: Path) -> None:
    found = await ran(aws(items=1, pages=1), tmp_path / "snapshot", account=MANY, region=REGIONS, type=TYPES, workers=WORKERS)

    lines = [line for key, line in found.coverage.items() if key[1] == HURT]
    assert len(lines) == len(MANY) * len(TYPES)
    assert {(line["complete"], *{gap["kind"] for gap in line["gaps"]}) for line in lines} == {(False, "unreachable")}
    assert all(line["complete"] for key, line in found.coverage.items() if key[1] != HURT)
    cost = dead.seconds / WORKERS
    assert cost < DEAD_MAY_COST
    print(f"a dead region: {dead.number} attempts, which cost the run {cost:.1f} s")


async def test_a_hiccup_of_all_connections_of_a_service_is_no_dead_endpoint(tmp_path: Path) -> None:
    """Every connection that is open at one moment is cut at once; the same calls, made again, are answered."""
    hiccup = Fault(service="sqs", operation="ListQueues", region=WHOLE, kind="reset", first=40)

    found = await ran(
        aws(items=1, pages=1, faults=(hiccup,), latency=0.2), tmp_path / "snapshot", account=MANY, region=(WHOLE,), type=TYPES[:1]
    )

    assert {(line["complete"], line["resources"]) for line in found.coverage.values()} == {(True, 1)}
