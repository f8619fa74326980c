"""The collector without one of its optimisations, by replacing the seam where it sits: the product needs no switches for it.

Each of `SWITCHES` says what takes its place. Part ``gains`` measures the collector with and without, in one run.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jmespath
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.loaders import create_loader
from botocore.utils import parse_timestamp

from collector import collect, normalise, record
from collector.aws import connections, direct, models, page, parse, parse_json, parse_xml, session, sign
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


def _direct() -> None:
    async def none(self: session.Clients, call: Any) -> None:
        await self.of(call.service)

    session.Clients._direct_way = none  # type: ignore[assignment]  # noqa: SLF001


def _parser() -> None:
    def raises(*_: Any) -> dict[str, Any]:
        raise parse_xml.UnforeseenError

    direct.compiled = lambda *_: raises  # type: ignore[assignment]


def _moments() -> None:
    _parser()
    direct.moment_text = parse_timestamp


def _templates() -> None:
    direct.Shared.keep = lambda *_: None  # type: ignore[method-assign,assignment]


def _endpoints() -> None:
    class Forgetful(dict[Any, Any]):
        def __setitem__(self, key: Any, value: Any) -> None:
            pass

    _templates()
    made = direct.Shared.__init__

    def init(self: direct.Shared) -> None:
        made(self)
        self.endpoints = Forgetful()

    direct.Shared.__init__ = init  # type: ignore[method-assign]


def _signature() -> None:
    async def signed(request: sign.Unsigned) -> dict[str, str]:
        caller = sign.allowed_caller(request.api, request.operation)
        keys = await caller.credentials.get_frozen_credentials()
        asked = AWSRequest(method=request.method, url=str(request.url), headers=dict(request.headers), data=request.body)
        (S3SigV4Auth if request.service == "s3" else SigV4Auth)(keys, request.service, request.region).add_auth(asked)
        return dict(asked.headers.items())

    session.signed = signed


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

    connections.Connections.send = send_apart  # type: ignore[method-assign,assignment]
    connections.Connections.close = close_all  # type: ignore[method-assign]


def _orjson() -> None:
    class Slow:
        loads = staticmethod(json.loads)

    def line(written: record.Record) -> bytes:
        values = {name: getattr(written, name) for name in written.__slots__}
        return json.dumps(values, sort_keys=True, default=lambda gap: {name: getattr(gap, name) for name in gap.__slots__}).encode() + b"\n"

    for module in (parse, parse_json):
        if hasattr(module, "orjson"):
            module.orjson = Slow  # type: ignore[attr-defined]
    stream.line = line  # type: ignore[attr-defined]


def _jmespath() -> None:
    for module in (collect, normalise, page):
        module.compiled = jmespath.compile  # type: ignore[attr-defined]


def _pruning() -> None:
    models.loader = lambda _operations, search_path=None: create_loader(search_path)


SWITCHES = {
    "direct": Switch("botocore's client makes the call, with our connections and models", _direct),
    "parser": Switch("botocore's parser reads every answer", _parser),
    "moments": Switch("botocore's parser, which reads timestamps into datetimes", _moments),
    "templates": Switch("each request is serialised anew", _templates),
    "endpoints": Switch("each request is serialised anew, its endpoint found by rules", _endpoints),
    "signature": Switch("botocore's SigV4Auth signs", _signature),
    "pool": Switch("each account has connections of its own", _pool),
    "orjson": Switch("the standard library's json reads and writes", _orjson),
    "jmespath": Switch("JMESPath is compiled for each answer", _jmespath),
    "pruning": Switch("whole models are loaded", _pruning),
}
