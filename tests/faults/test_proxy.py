"""The same matrix from another hand: a protocol-aware proxy between the collector and a server that answers well.

Faults of answers each hit the lists of one account in one region; faults of connections each hit one service in the other region.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
import pytest_asyncio
import structlog

from collector.exit import Exit
from collector.inventory import take_snapshot
from collector.settings import RunSettings
from tests.faults.inside import Ran, led_to, read
from tests.faults.proxied import fired, proxied
from tests.faults.running import aws
from tests.faults.test_answers import EACH, LISTS, UNREADABLE, WITNESS
from tests.synthetic import serving

pytestmark = pytest.mark.slow

ANSWERS, CONNECTIONS = "us-east-1", "eu-west-1"


def error(code: str, **more: Any) -> Mapping[str, Any]:
    return {"error": {"code": code, **more}}


FAULTS: Mapping[str, tuple[Mapping[str, Any], str | None, str | None]] = {
    "a throttle": (error("Throttling"), "throttled", "Throttling"),
    "another throttle": (error("ThrottlingException"), "throttled", "ThrottlingException"),
    "a slow down": (error("SlowDown", status=503), "throttled", "SlowDown"),
    "too many requests": (error("TooManyRequestsException"), "throttled", "TooManyRequestsException"),
    "one throttle": ({**error("Throttling"), "times": 1}, None, None),
    "an internal error": (error("InternalFailure", status=500), "failed", "InternalFailure"),
    "an unavailable service": (error("ServiceUnavailable", status=503), "failed", "ServiceUnavailable"),
    "one internal error": ({**error("InternalFailure", status=500), "times": 1}, None, None),
    "an expired token": (error("ExpiredTokenException", status=400), "failed", "ExpiredTokenException"),
    "a token that expires in mid-run": ({**error("ExpiredTokenException", status=400), "times": 1}, None, None),
    "a clock that is wrong": (error("RequestTimeTooSkewed", status=403), "failed", "RequestTimeTooSkewed"),
    "a signature that is wrong": (error("SignatureDoesNotMatch", status=403), "failed", "SignatureDoesNotMatch"),
    "a denial": (error("AccessDenied", status=403), "denied", "AccessDenied"),
    "half a body": ({"response": {"truncate_frac": 0.5}}, "failed", UNREADABLE),
    "a corrupt body": ({"response": {"corrupt_bytes": 16}}, "failed", UNREADABLE),
    "half a body, once": ({"response": {"truncate_frac": 0.5}, "times": 1}, None, None),
    "the wrong content type": ({"response": {"set_headers": {"Content-Type": "text/plain"}}}, None, None),
    "a slow answer": ({"latency": 700}, None, None),
    "a slow line": ({"response": {"bandwidth_kbps": 4}}, None, None),
    "a gateway that gives up": ({"timeout_ms": 300}, "failed", None),
}
"""What the proxy does, and the gap that it leaves: its kind and its code, or none."""
HIT = {f"{number:012}": name for number, name in enumerate(FAULTS, 1)}
BROKEN = {"sqs": {"reset": True}, "sns": {"response": {"abort_frac": 0.3}}, "ec2": {"reset": True, "times": 1}}


def rules() -> list[dict[str, Any]]:
    of_answers = [
        {
            "service": service, "operation": LISTS[service][1], "region": ANSWERS,
            "headers": {"authorization": f"ASIA{account}SYNT"}, **FAULTS[name][0],
        }
        for (account, name), service in product(HIT.items(), LISTS)
    ]  # fmt: skip
    return [
        *of_answers,
        *({"service": service, "operation": LISTS[service][1], "region": CONNECTIONS, **fault} for service, fault in BROKEN.items()),
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def through(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Counter[str]]:
    """One run through the proxy, and what that has done, by action."""
    folder = tmp_path_factory.mktemp("through")
    to = folder / "snapshot"
    async with serving(aws(items=1, pages=2, regions=(ANSWERS, CONNECTIONS))) as running:
        with proxied(running.url, rules(), folder) as url:
            with led_to(url) as patch, structlog.testing.capture_logs() as events:
                patch.setattr("collector.aws.gateway.ATTEMPTS", {"throttled": 2, "failed": 2, "unreachable": 2})
                settings = RunSettings(
                    role="Inventory",
                    to=str(to),
                    account=tuple(HIT),
                    region=(ANSWERS, CONNECTIONS),
                    type=(*(type for _, _, type in LISTS.values()), WITNESS[1]),
                )
                snapshot = await take_snapshot(settings)
            done = Counter(str(each["action"]).partition(":")[0] for each in fired(url))
    return read(snapshot, to, events, running.stats), done


@pytest.mark.parametrize(
    ("account", "name", "service"),
    [pytest.param(*hit, service, id=f"{hit[1]} ({LISTS[service][0]})") for hit, service in product(HIT.items(), LISTS)],
)
def test_coverage_says_what_became_of_the_answer(through: tuple[Ran, Counter[str]], account: str, name: str, service: str) -> None:
    found, _ = through
    _, kind, code = FAULTS[name]
    line, gaps = found.coverage[account, ANSWERS, service], found.gaps(account, ANSWERS, service)

    assert line["complete"] is (kind is None)
    assert [kind for kind, _ in gaps] == ([kind] if kind else [])
    assert code is None or [told.rpartition(".")[2] for _, told in gaps] == [code]
    assert kind is not None or line["resources"] == EACH


def test_connections_that_break_are_unreachable_and_one_that_breaks_once_is_made_good(through: tuple[Ran, Counter[str]]) -> None:
    found, _ = through
    told = {service: {(line["complete"], *(gap["kind"] for gap in line["gaps"])) for key, line in found.coverage.items() if key[1:] == (CONNECTIONS, service)}
            for service in BROKEN}  # fmt: skip

    assert told == {"sqs": {(False, "unreachable")}, "sns": {(False, "unreachable")}, "ec2": {(True,)}}


def test_what_was_not_hit_is_complete(through: tuple[Ran, Counter[str]]) -> None:
    found, _ = through
    hit = {ANSWERS: LISTS, CONNECTIONS: BROKEN}
    others = [line for (_, region, service), line in found.coverage.items() if service not in hit[region]]

    assert {(line["complete"], line["resources"], len(line["gaps"])) for line in others} == {(True, EACH, 0)}
    assert len(others) == len(HIT) * 3  # the witness in both regions, Lambda in one
    assert found.snapshot.exit_status is Exit.GAPS
    assert not found.tracebacks


def test_the_proxy_did_what_it_was_told(through: tuple[Ran, Counter[str]]) -> None:
    _, done = through

    assert set(done) >= {"error", "response", "latency", "timeout", "reset"}
