"""The collector without one of its optimisations, by replacing the seam where it sits: the product needs no switches for it.

Each of `SWITCHES` says what takes its place; a seam that is no longer there is an error. Part ``gains`` measures the collector with and
without, in one run.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import aiohttp
import jmespath
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.loaders import create_loader
from botocore.utils import parse_timestamp
from yarl import URL

from collector import event_loop, normalise, record
from collector.aws import connections, direct, models, parse, parse_xml, session, sign
from collector.aws.exchange import Response
from collector.sink import stream


@dataclass(frozen=True)
class Switch:
    """*about*: what does the same work instead."""

    about: str
    off: Callable[[], None]


def leave_out(names: tuple[str, ...]) -> None:
    """Do without what *names* name."""
    for name in names:
        SWITCHES[name].off()


def _uvloop() -> None:
    run = event_loop.anyio.run
    patch.object(event_loop.anyio, "run", lambda function, *arguments, **_: run(function, *arguments)).start()


def _direct() -> None:
    async def none(self: session.Clients, call: Any) -> None:
        await self.of(call.service)

    patch.object(session.Clients, "_direct_way", none).start()


def _exchange() -> None:
    async def exchange(session: aiohttp.ClientSession, method: str, url: URL, headers: Mapping[str, str], body: bytes) -> Response:
        async with session.request(method, url, headers=headers, data=body or None, allow_redirects=False) as response:
            return response.status, response.headers, await response.read()

    patch.object(connections, "exchange", exchange).start()


def _parser() -> None:
    def raises(*_: Any) -> dict[str, Any]:
        raise parse_xml.UnforeseenError

    patch.object(direct, "compiled", lambda *_: raises).start()


def _moments() -> None:
    _parser()
    patch.object(direct, "moment_text", lambda value: record.timestamp(parse_timestamp(value))).start()


def _templates() -> None:
    patch.object(direct.Shared, "keep", lambda *_: None).start()


def _endpoints() -> None:
    class Forgetful(dict[Any, Any]):
        def __setitem__(self, key: Any, value: Any) -> None:
            pass

    _templates()
    made = direct.Shared.__init__

    def init(self: direct.Shared) -> None:
        made(self)
        self.endpoints = Forgetful()

    patch.object(direct.Shared, "__init__", init).start()


def _signature() -> None:
    async def signed(request: sign.Unsigned) -> dict[str, str]:
        caller = sign.allowed_caller(request.api, request.operation)
        keys = await caller.credentials.get_frozen_credentials()
        asked = AWSRequest(method=request.method, url=str(request.url), headers=dict(request.headers), data=request.body)
        (S3SigV4Auth if request.service == "s3" else SigV4Auth)(keys, request.service, request.region).add_auth(asked)
        return dict(asked.headers.items())

    patch.object(session, "signed", signed).start()


def _pool() -> None:
    pools: dict[int, connections.Connections] = {}
    send, close = connections.Connections.send, connections.Connections.close

    async def send_apart(self: connections.Connections, *request: Any) -> connections.Received:
        caller = id(session.CALLER.get().credentials)
        if caller not in pools:
            pools[caller] = connections.Connections(self._verify)
        return await send(pools[caller], *request)

    async def close_all(self: connections.Connections) -> None:
        for pool in (self, *pools.values()):
            await close(pool)

    patch.object(connections.Connections, "send", send_apart).start()
    patch.object(connections.Connections, "close", close_all).start()


def _orjson() -> None:
    class Slow:
        loads = staticmethod(json.loads)

    def line(written: record.Record) -> bytes:
        fields = json.dumps(vars(written), sort_keys=True, default=lambda gap: {name: getattr(gap, name) for name in gap.__slots__})
        return f"{fields}\n".encode()

    patch.object(parse, "orjson", Slow).start()
    patch.object(stream, "line", line).start()


def _jmespath() -> None:
    patch.object(normalise, "compiled", jmespath.compile).start()


def _pruning() -> None:
    patch.object(models, "loader", lambda _operations, search_path=None: create_loader(search_path)).start()


def _letting_go() -> None:
    patch.object(session, "KEPT", 10_000).start()


SWITCHES = {
    "uvloop": Switch("asyncio's own event loop", _uvloop),
    "direct": Switch("botocore's client makes the call, with our connections and models", _direct),
    "exchange": Switch("aiohttp's session sends, with all that it can do", _exchange),
    "parser": Switch("botocore's parser reads every answer", _parser),
    "moments": Switch("botocore's parser, which reads each timestamp into a datetime", _moments),
    "templates": Switch("each request is serialised anew", _templates),
    "endpoints": Switch("each request is serialised anew, its endpoint found by rules", _endpoints),
    "signature": Switch("botocore's SigV4Auth signs", _signature),
    "pool": Switch("each account has connections of its own", _pool),
    "orjson": Switch("the standard library's json reads and writes", _orjson),
    "jmespath": Switch("JMESPath is compiled for each answer", _jmespath),
    "pruning": Switch("whole models are loaded", _pruning),
    "letting-go": Switch("clients stay when they are done with", _letting_go),
}
