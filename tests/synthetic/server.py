"""A request in, the bytes to send out: who asks, which prepared answer, and whether anything goes wrong on purpose.

START READING HERE. No sockets: `connection.py` has those.
"""

from __future__ import annotations

import http
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal
from xml.etree.ElementTree import ParseError

import orjson

from tests.synthetic import truths, wire
from tests.synthetic.answer import Answer, answer_of
from tests.synthetic.paging import UnknownTokenError
from tests.synthetic.placeholders import Caller, Template, fillings, neutral
from tests.synthetic.route import NoRouteError, Request, Route, hinted_service, route
from tests.synthetic.settings import ANY, Fault, Settings
from tests.synthetic.stats import Stats
from tests.synthetic.throttle import Buckets

# AWS4-HMAC-SHA256 Credential=KEY/date/region/service/aws4_request; the asymmetric form has no region.
_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d{8}/(?:([^/,]+)/)?([^/,]+)/aws4_request")
_KEY_WITH_ACCOUNT = re.compile(r"[A-Z]{4}(\d{12})")
_SIGNATURE_V2 = re.compile(rb"AWSAccessKeyId=([A-Z0-9]+)")
# Headers in x-amz that say nothing about what is asked.
_SILENT_HEADERS = frozenset({"x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-region-set", "x-amz-user-agent"})
_DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the connection does: send *data* after *delay* seconds, and close if *close*; or nothing (``hang``)."""

    data: bytes
    delay: float = 0.0
    close: bool = False
    kind: Literal["send", "reset", "hang"] = "send"


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A reply made once: *head* lacks only Content-Length."""

    service: str
    operation: str
    head: Template
    body: Template


@dataclass(slots=True)
class Server:
    """One synthetic AWS. Its counters, buckets and prepared answers are the only things that change."""

    settings: Settings
    stats: Stats = field(default_factory=Stats)
    _prepared: dict[object, _Prepared] = field(default_factory=dict)
    _prepared_bytes: int = 0
    _buckets: Buckets = field(init=False)
    _fault_calls: Counter[Fault] = field(default_factory=Counter)
    _chance: random.Random = field(default_factory=lambda: random.Random(0))

    def __post_init__(self) -> None:
        self._buckets = Buckets(self.settings.throttle)

    def caller(self, request: Request) -> Caller:
        """Account, region and signing name that *request* is signed for; defaults where it is not signed."""
        found = _CREDENTIAL.search(request.headers.get("authorization") or request.target.replace("%2F", "/"))
        if found is None:
            old = _SIGNATURE_V2.search(request.body)
            key = old.group(1).decode() if old else ""
            return Caller(self._account(key), _DEFAULT_REGION)
        region = found.group(2) or request.headers.get("x-amz-region-set", "").split(",")[0]
        if region in ("", "*"):
            region = _DEFAULT_REGION
        return Caller(self._account(found.group(1)), region, found.group(3))

    def _account(self, key: str) -> str:
        found = _KEY_WITH_ACCOUNT.match(key)
        return self.settings.access_keys.get(key) or (found.group(1) if found else self.settings.account)

    def respond(self, request: Request, now: float) -> Outcome:
        """The outcome of *request* at *now* (seconds, any steady clock)."""
        if request.target.startswith("/_synthetic/"):
            return Outcome(_http(200, (("Content-Type", "application/json"),), orjson.dumps(self.stats.plain())))
        caller = self.caller(request)
        account, region = caller.account, caller.region
        settings = self.settings
        delay = settings.latency + (self._chance.random() * settings.jitter if settings.jitter else 0.0)
        prepared = self._find(request, caller)
        if prepared is None:
            return Outcome(self._error("", "UnknownOperationException", 404, "no operation fits this request"), delay)
        stats = self.stats
        stats.calls[prepared.service, prepared.operation] += 1
        stats.callers.add((account, region))
        if settings.throttle and not self._buckets.take(account, region, prepared.service, now):
            stats.throttled[prepared.service] += 1
            code, status = wire.throttled(prepared.service)
            return Outcome(self._error(prepared.service, code, status, "Rate exceeded"), delay)
        known = fillings(account, region)
        body = prepared.body.fill(known)
        data = b"%bContent-Length: %d\r\n\r\n" % (prepared.head.fill(known), len(body))
        if request.method != "HEAD":
            data += body
        for fault in settings.faults:
            if self._matches(fault, prepared, caller, request):
                stats.faults[fault.kind if fault.kind != "error" else fault.code] += 1
                return self._faulty(fault, prepared, data, len(body), delay)
        return Outcome(data, delay)

    def _find(self, request: Request, caller: Caller) -> _Prepared | None:
        account, region = caller.account, caller.region
        own = {}
        for name, value in request.headers.items():
            if name.startswith("x-amz") and name not in _SILENT_HEADERS and not name.startswith("x-amzn-trace"):
                own[name] = neutral(value.encode(), account, region).decode()
        target = neutral(request.target.encode(), account, region)
        body = neutral(request.body, account, region)
        hint = hinted_service(request)
        key = (request.method, target, body, caller.signing_name, hint, *own.items())
        prepared = self._prepared.get(key)
        if prepared is None:
            asked = Request(request.method, target.decode(), {**request.headers, **own}, body)
            prepared = self._make(asked, caller, key)
        return prepared

    def _make(self, asked: Request, caller: Caller, key: object) -> _Prepared | None:
        try:
            found = route(asked, caller.signing_name)
        except (NoRouteError, ValueError, ParseError) as error:  # the last two: a body that is no JSON, form or XML
            self.stats.not_routed(f"{asked.method} {asked.target}: {error}")
            return None
        prepared = _prepare(found.service, found.operation.name, self.reply(found))
        timely = found.service == "sts" and found.operation.name in truths.TIMELY
        if not (timely and self.settings.credential_seconds is not None):
            self._keep(key, prepared)
        return prepared

    def answer(self, found: Route) -> Answer:
        """The answer to a routed request. Raises UnknownTokenError."""
        return answer_of(self.settings, found.service, found.operation, found.params)

    def reply(self, found: Route) -> wire.Reply:
        """The reply to a routed request, with stand-ins for account and region; also an error about its token."""
        try:
            return wire.reply_of(self.answer(found))
        except UnknownTokenError as error:
            code = next(
                (
                    str(shape.metadata.get("error", {}).get("code") or shape.name)
                    for shape in found.operation.error_shapes
                    if re.search("Token|Pagination|Marker", shape.name)
                ),
                "InvalidNextToken",
            )
            return wire.error_reply(found.service, code, 400, f"The value of {error} was not given by this server")

    def _keep(self, key: object, prepared: _Prepared) -> None:
        self._prepared[key] = prepared
        self._prepared_bytes += len(prepared.body.text)
        while self._prepared_bytes > self.settings.cache_bytes and len(self._prepared) > 1:
            oldest = next(iter(self._prepared))
            self._prepared_bytes -= len(self._prepared.pop(oldest).body.text)

    def _error(self, service: str, code: str, status: int, message: str) -> bytes:
        reply = wire.error_reply(service, code, status, message)
        return _http(reply.status, reply.headers, reply.body)

    def _matches(self, fault: Fault, prepared: _Prepared, caller: Caller, request: Request) -> bool:
        if (
            fault.service not in (ANY, prepared.service)
            or fault.operation not in (ANY, prepared.operation)
            or fault.account not in (ANY, caller.account)
            or fault.region not in (ANY, caller.region)
        ):
            return False
        if fault.containing and fault.containing.encode() not in request.body + request.target.encode():
            return False
        self._fault_calls[fault] += 1
        number = self._fault_calls[fault]
        return fault.after < number and (fault.first is None or number <= fault.first) and number % fault.every == 0

    def _faulty(self, fault: Fault, prepared: _Prepared, data: bytes, length: int, delay: float) -> Outcome:
        if fault.kind == "reset":
            return Outcome(b"", delay, kind="reset")
        if fault.kind == "hang":
            return Outcome(b"", kind="hang")
        if fault.kind == "truncate":
            return Outcome(data[: len(data) - (length + 1) // 2], delay, close=True)
        if fault.kind == "raw":
            return Outcome(_http(fault.status, (("Content-Type", "text/plain"),), fault.body), delay)
        return Outcome(self._error(prepared.service, fault.code, fault.status, fault.message), delay)


def _head(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Synthetic"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    return "".join(line + "\r\n" for line in lines).encode()


def _http(status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> bytes:
    return _head(status, headers) + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def _prepare(service: str, operation: str, reply: wire.Reply) -> _Prepared:
    return _Prepared(service, operation, Template.of(_head(reply.status, reply.headers)), Template.of(reply.body))
