"""The collector's own way to AWS without sockets: real gateway, clients, guard, endpoints, signatures and parsers.

Where a request would go out over a connection, the bytes of an emulated AWS are handed over. All that comes before and after that moment is
what a run does.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import anyio
from botocore.credentials import ReadOnlyCredentials
from tenacity import wait_none
from yarl import URL

from collector.aws.api_error import ApiError
from collector.aws.connections import Connections, Received
from collector.aws.endpoints import PartitionEndpoints
from collector.aws.gateway import Gateway
from collector.aws.pace import Key, Pace, Paces
from collector.aws.page import Asks
from collector.aws.session import CALLER, Clients
from collector.collect import collect
from collector.plan import Account, Target, plan
from collector.record import CoverageRecord, Record, ResourceRecord
from collector.spec.model import Call, Family
from collector.spec.permitted import Permitted
from tests.synthetic.route import Request
from tests.synthetic.server import Outcome

HERE = Target("aws", "111122223333", "eu-west-1")
UNHURRIED = 1e9
"""Calls per second: nobody is at the other end who would count them."""

Answers: TypeAlias = Callable[[str, str, Mapping[str, str], bytes], bytes]
"""Method, URL, headers and body of a request -> the bytes of the response."""
Respond: TypeAlias = Callable[[Request, float], Outcome]
"""What ``tests.synthetic.server.Server.respond`` is."""


class Unpaced(Paces):
    """Paces that make nobody wait."""

    def of(self, key: Key, start: float | None = None) -> Pace:
        return Pace(UNHURRIED, UNHURRIED)


class KeysOf:
    """Credentials whose access key id carries its account, as the synthetic server reads it."""

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return ReadOnlyCredentials(f"AKIA{self.account_id}TEST", "a-key-of-nobody", "a-token-of-nobody")


class EveryAccount:
    """Signs for every account."""

    async def of(self, account_id: str) -> KeysOf:
        return KeysOf(account_id)

    def renew(self, account_id: str, expired: Any) -> None:
        """Nothing is kept that could expire."""

    def require_renewable(self, account_id: str, error: ApiError) -> None:
        """They are."""


class Answered:
    """A response as aiohttp gives one, to ``await`` or to use in ``async with``."""

    def __init__(self, url: Any, sent: bytes) -> None:
        head, _, self._body = sent.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        self.url = url
        self.status = int(first.split()[1])
        self.raw_headers = tuple((name, value) for name, _, value in (line.partition(b": ") for line in lines))

    async def read(self) -> bytes:
        return self._body

    def __await__(self) -> Generator[Any, None, "Answered"]:
        return self.__aenter__().__await__()

    async def __aenter__(self) -> "Answered":
        return self

    async def __aexit__(self, *_: object) -> None:
        """There is nothing to give back."""


@dataclass(frozen=True, slots=True)
class AnswersAsSession:
    """What the collector asks of aiohttp's session, and an emulated AWS instead of it."""

    answers: Answers

    def request(self, method: str, url: Any, *, headers: Mapping[str, str], data: bytes | str | None = None, **_: Any) -> Answered:
        body = data.encode() if isinstance(data, str) else bytes(data or b"")
        return Answered(url, self.answers(method, str(url), headers, body))


class InProcess(Connections):
    """Connections that lead to *answers*."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self._server: Any = AnswersAsSession(answers)

    def session(self) -> Any:
        return self._server

    async def send(self, method: str, url: URL, headers: Mapping[str, str], body: bytes, proxy: str | None = None) -> Received:
        assert proxy is None
        answered = await self._server.request(method, url, headers=headers, data=body)
        return Received(
            answered.status, {name.decode().lower(): value.decode() for name, value in answered.raw_headers}, await answered.read()
        )


def synthetic(respond: Respond) -> Answers:
    """The answers of a synthetic server."""

    def answers(method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        outcome = respond(request_of(method, url, headers, body), anyio.current_time())
        assert outcome.kind == "send", "what happens to connections needs connections"
        return outcome.data

    return answers


def request_of(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Request:
    """What is sent, as the server sees it. S3's bucket goes from the host's name into the path, as it does on loopback."""
    service = CALLER.get().call.service
    parts = urlsplit(url)
    bucket, between, _ = (parts.hostname or "").partition(".s3.")
    path = f"/{bucket}{parts.path}".rstrip("/") if between and service == "s3" else parts.path
    lower = {name.lower(): value for name, value in headers.items()} | {"x-synthetic-service": service}
    return Request(method, urlunsplit(("", "", path, parts.query, "")), lower, body)


@asynccontextmanager
async def gateway_to(answers: Answers, calls: Iterable[Call]) -> AsyncIterator[Gateway]:
    """A gateway that may make *calls* and is given *answers*. Nothing is ever sent."""
    permitted = Permitted(calls)
    async with Clients(HERE.partition, None, permitted) as clients:
        clients.connections = InProcess(answers)
        yield Gateway(clients, EveryAccount(), permitted, backoff=wait_none(), paces=Unpaced())


Records: TypeAlias = Mapping[str, Sequence[ResourceRecord]]
"""By type."""


async def read_families(families: Iterable[Family], gateway: Asks, target: Target = HERE) -> tuple[Records, list[CoverageRecord]]:
    """What a run reads of *families* in *target*. Where botocore knows a service in other regions only, it is asked here all the same."""
    records: defaultdict[str, list[ResourceRecord]] = defaultdict(list)
    coverage: list[CoverageRecord] = []

    async def emit(written: Sequence[Record]) -> None:
        for record in written:
            if isinstance(record, ResourceRecord):
                records[record.resource_type].append(record)

    account = Account(target.account_id, target.partition, (target.region,))
    for task in plan(families, [account], PartitionEndpoints(target.partition)):
        coverage += await collect(replace(task, gap=None), gateway, emit)
    return records, coverage
