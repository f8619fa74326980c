"""Secrets in errors, and in answers that are no answers: none may be written, logged or quoted.

That ordinary answers show none is a test of the synthetic ring, which reads them all. Here every operation of every spec is asked once for
each way in which an answer can go wrong.
"""

import json
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import anyio
import pytest
import structlog
from botocore.model import OperationModel

from collector.aws import gateway
from collector.aws.api_error import ApiError
from collector.aws.page import Tally
from collector.record import line
from collector.spec.api import Node, item_of, service_model
from collector.spec.model import Call, Service
from tests.model.in_process import HERE, gateway_to, synthetic
from tests.model.ring import calls_of, read_service, settings_for, specs
from tests.synthetic import models
from tests.synthetic.answer import CANARY
from tests.synthetic.asking import smallest
from tests.synthetic.route import Request
from tests.synthetic.server import Outcome, Server, _http
from tests.synthetic.wire import error_reply

MARK = "CANARY-7777777777"
PAGE = f"<html><head><title>{MARK}</title></head><body>{MARK}<p>".encode()

QUICK = frozenset({"ec2", "ecs", "lambda", "rds", "route53", "s3", "sns"})
"""One service or two of each protocol; the others are `slow`."""

Spoil: TypeAlias = Callable[[OperationModel, bytes], bytes | None]
"""From an operation and the HTTP response that it gave to the one it gives instead; None when it cannot go wrong in this way."""


EVERY_SERVICE = [pytest.param(specs()[name], id=name, marks=() if name in QUICK else pytest.mark.slow) for name in sorted(specs())]


def error(code: str, status: int, operation: OperationModel, given: bytes) -> bytes:
    """An error that quotes a secret in its message, in members that its model may know, and in members that nobody knows."""
    reply = error_reply(operation.service_model.service_name, code, status, f"User {MARK} is not authorized because of {MARK}")
    body = reply.body
    if body.startswith(b"{"):
        body = json.dumps({**json.loads(body), "Reason": MARK, "resourceId": MARK, "Fields": [{"secret": MARK}]}).encode()
    else:
        body = body.replace(b"<Code>", f"<Detail>{MARK}</Detail><Reason>{MARK}</Reason><Code>".encode())
    return _http(reply.status, reply.headers, body)


def instead(status: int, kind: str, body: bytes, operation: OperationModel, given: bytes) -> bytes | None:
    """Something that is no answer at all; where an answer is one text as it is (a bucket's policy), nobody can tell."""
    shape: Any = operation.output_shape
    payload = shape.serialization.get("payload") if shape is not None else None
    if status < 300 and payload is not None and shape.members[payload].type_name in ("string", "blob"):
        return None
    return _http(status, (("Content-Type", kind),), body)


def cut_off(operation: OperationModel, given: bytes) -> bytes | None:
    """The first half of the true answer, announced as if it were the whole."""
    return instead(200, _kind_of(given), _body_of(given)[: len(_body_of(given)) // 2], operation, given)


def of_other_kinds(operation: OperationModel, given: bytes) -> bytes | None:
    """Text where the model has objects. Only JSON can be wrong in this way; in XML all is text."""
    body = _body_of(given)
    if not body.startswith(b"{"):
        return None
    shape: Any = operation.output_shape
    wrong = {each.serialization.get("name", name) for name, each in shape.members.items() if _cannot_be_text(each)}
    answer = json.loads(body)
    if not wrong & set(answer):
        return None
    return _http(200, (("Content-Type", _kind_of(given)),), json.dumps({**answer, **dict.fromkeys(wrong & set(answer), MARK)}).encode())


def _cannot_be_text(shape: Any) -> bool:
    kind: str = shape.type_name
    if kind == "structure":
        return not getattr(shape, "is_document_type", False)
    return kind == "map" or (kind == "list" and shape.member.type_name == "structure")


def _body_of(response: bytes) -> bytes:
    return response.partition(b"\r\n\r\n")[2]


def _kind_of(response: bytes) -> str:
    found = re.search(rb"content-type: ([^\r]+)", response, re.IGNORECASE)
    return found[1].decode() if found else "text/plain"


ERRORS: Mapping[str, Spoil] = {
    "denied": partial(error, "AccessDeniedException", 403),
    "unknown": partial(error, "SomethingElse", 400),
    "a code that is none": partial(error, f"{MARK} is not a code!", 400),
    "of the server": partial(error, "InternalFailure", 500),
    "of a proxy": partial(instead, 502, "text/html", PAGE),
}
NO_ANSWERS: Mapping[str, Spoil] = {
    "a proxy's page": partial(instead, 200, "text/html", PAGE),
    "text": partial(instead, 200, "application/json", f'"{MARK}"'.encode()),
    "a list": partial(instead, 200, "application/json", f'["{MARK}"]'.encode()),
    "cut off": cut_off,
    "of other kinds": of_other_kinds,
}


def made_up(value: Any, shape: Any, name: str) -> Any:
    """*value* of a spec's parameters, with something in place of every reference."""
    if isinstance(value, str) and "{" in value:
        if shape.type_name == "string" and name.lower().endswith("arn"):
            return "arn:aws:asked:eu-west-1:111122223333:stream/asked"
        return smallest(shape) if re.fullmatch(r"\{[^{}]*\}", value) else re.sub(r"\{[^{}]*\}", "asked", value)
    if isinstance(value, Mapping):
        return {
            key: made_up(each, shape.members[key] if shape.type_name == "structure" else shape.value, key) for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [made_up(each, shape.member, name) for each in value]
    return value


def parameters_of(call: Call) -> dict[str, Any]:
    """Parameters with which *call* may be made."""
    shape: Any = service_model(call.service).operation_model(call.operation).input_shape
    filled = {name: made_up(value, shape.members[name], name) for name, value in call.params.items()}
    return {**filled, **{name: values[0] for name, values in call.over.items()}}


async def spoilt(service: Service, ways: Mapping[str, Spoil]) -> list[tuple[str, Exception | None, str]]:
    """(operation and way, what was raised, what was logged) of every call of *service* in every way of *ways*."""
    server = Server(replace(settings_for(service), items=1, nested=1, sizes={}))  # one of everything is enough to go wrong
    spoil: Callable[[bytes], bytes | None]
    applies = True

    def respond(request: Request, now: float) -> Outcome:
        nonlocal applies
        given = server.respond(request, now).data
        instead_of_it = spoil(given)
        applies = instead_of_it is not None
        return Outcome(instead_of_it or given)

    calls = list({(call.operation, str(call.params)): call for _, call in calls_of(service)}.values())
    found: list[tuple[str, Exception | None, str]] = []
    async with gateway_to(synthetic(respond), calls) as asks:
        for number, call in enumerate(calls):
            operation = models.operation_model(call.service, call.operation)
            for position, (name, way) in enumerate(ways.items()):
                spoil = partial(way, operation)
                # Another account each time: what was refused once is not asked again.
                target = replace(HERE, account_id=f"{number:08d}{position:04d}")
                raised: Exception | None = None
                with structlog.testing.capture_logs() as events:
                    try:
                        await asks.once(call, target, parameters_of(call), Tally())
                    except Exception as error:  # noqa: BLE001
                        raised = error
                if applies:
                    found.append((f"{call.operation}, {name}", raised, repr(events)))
    return found


def quoted(raised: Exception, logged: str) -> list[str]:
    """The secrets in what is shown of an error: its text, its traceback, the gap it becomes, the log."""
    gap = repr(raised.gap("a:Action", "arn")) if isinstance(raised, ApiError) else ""
    return CANARY.findall("".join((str(raised), repr(raised), *traceback.format_exception(raised), gap, logged)))


@pytest.fixture(autouse=True)
def _one_attempt_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "ATTEMPTS", {})


@pytest.mark.parametrize("service", EVERY_SERVICE)
def test_errors_and_what_is_no_answer_quote_no_secret(service: Service) -> None:
    """An empty list would say that there is nothing, and any error but an ApiError ends the run and shows its message."""
    found = anyio.run(spoilt, service, {**ERRORS, **NO_ANSWERS})
    assert len(found) >= len(ERRORS)
    for what, raised, logged in found:
        assert isinstance(raised, ApiError), f"{what}: {raised!r}"
        assert quoted(raised, logged) == [], what


WITH_FAILURES = [service for service in specs().values() if any(call.failures for _, call in calls_of(service))]


@pytest.mark.parametrize("service", [pytest.param(service, id=service.name) for service in WITH_FAILURES])
def test_failures_inside_answers_become_gaps_that_quote_no_secret(service: Service) -> None:
    reading = anyio.run(read_service, service, replace(settings_for(service), fill_failures=True))

    assert any(coverage.gaps for coverage in reading.coverage)
    written = b"".join(map(line, reading.coverage)).decode() + repr(reading.log)
    assert set(CANARY.findall(written)) & reading.server.secrets(service) == set()


def test_secrets_in_shapes_that_hold_themselves_are_treated() -> None:
    """A statement may hold a statement: what is a secret in the outer one is one in the inner one, under a path of its own."""
    shown = []
    for service in specs().values():
        for resource, call in calls_of(service):
            treated = {*call.redact, *call.reveal}
            item = item_of(call.take, service_model(call.service).operation_model(call.operation))
            for path in _secrets(item, (), {}):
                names = ".".join(path) or "@"
                above = {".".join(path[:length]) for length in range(1, len(path) + 1)}
                if not treated & {names, f"{names}.*", *above}:
                    shown.append(f"{service.name}.toml [{resource.key}] {call.operation}: {names}")
    assert shown == []


def _secrets(node: Node, path: tuple[str, ...], times: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    """The paths of secrets under *node*, each shape entered at most twice on the way."""
    while node.is_list() and node.secret is None:
        node = node.items()
    if node.secret is not None:
        yield path
        return
    name = node.shape.name if node.shape is not None and node.shape.type_name == "structure" else ""
    if times.get(name, 0) >= 2:
        return
    for member, below in node.members().items():
        yield from _secrets(below, (*path, member), {**times, name: times.get(name, 0) + 1} if name else times)
