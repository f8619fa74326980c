"""A matrix of what may go wrong with an answer, in every protocol, in one run: one account for each, and every other answer is good.

For each: the run ends, the coverage of what was hit says what happened, and what was not hit is complete.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest
import pytest_asyncio

from collector.exit import Exit
from tests.faults.inside import Ran, ran
from tests.faults.running import aws
from tests.synthetic import Fault

pytestmark = pytest.mark.slow

REGION = "us-east-1"


async def _no_direct_way(*_: Any) -> None:
    return None


WAYS: Mapping[str, Mapping[str, Any]] = {
    "direct way": {},
    "botocore's way": {"collector.aws.session.Clients._direct_way": _no_direct_way},
}
"""The two ways of a call, each with its own parsers."""

LISTS = {
    "sqs": ("json", "ListQueues", "AWS::SQS::Queue"),
    "sns": ("query", "ListTopics", "AWS::SNS::Topic"),
    "ec2": ("ec2", "DescribeVpcs", "AWS::EC2::VPC"),
    "lambda": ("rest-json", "ListFunctions", "AWS::Lambda::Function"),
    "cloudfront": ("rest-xml", "ListDistributions", "AWS::CloudFront::Distribution"),
}
"""A service of each protocol: its list, and the type that it lists."""
WITNESS = ("ecr", "AWS::ECR::Repository")
"""A service that is never hit: what is beside a fault is complete."""
JSON, XML = ("sqs", "lambda"), ("sns", "ec2", "cloudfront")
EACH = 2
"""Resources of each type in each account: two pages of one."""
HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><hr><p>proxy</body></html>"


@dataclass(frozen=True)
class Case:
    """A fault, and what coverage is to say of it: *kind* and *code* of the one gap, or nothing when the listing is complete."""

    name: str
    fault: Mapping[str, Any]
    kind: str | None = None
    code: str | None = None
    services: tuple[str, ...] = tuple(LISTS)
    resources: int = field(default=0, kw_only=True)


def error(code: str, status: int, kind: str | None, **more: Any) -> Case:
    about = "-".join([code, str(status), *(f"{name}={value}" for name, value in more.items())])
    return Case(about, {"code": code, "status": status, **more}, kind, code, resources=0 if kind else EACH)


def raw(name: str, body: bytes, kind: str | None, code: str | None, *services: str, status: int = 200, **more: Any) -> Case:
    return Case(name, {"kind": "raw", "body": body, "status": status}, kind, code, services or tuple(LISTS), **more)


UNREADABLE = "UnreadableAnswer"
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a0 "ha">' + b"".join(
    b'<!ENTITY a%d "%b">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)
)
FILE = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
TOPICS = b"<ListTopicsResponse><ListTopicsResult><Topics><member><TopicArn>%b</TopicArn></member></Topics></ListTopicsResult></ListTopicsResponse>"
CASES = (
    *(error(code, 400, "throttled") for code in ("Throttling", "ThrottlingException", "RequestLimitExceeded", "ProvisionedThroughputExceededException")),
    *(error(code, 503, "throttled") for code in ("SlowDown", "RequestLimitExceeded")),
    error("TooManyRequestsException", 429, "throttled"),
    error("NeverHeardOf", 429, "throttled"),
    error("Throttling", 400, None, first=1),
    *(error(code, status, "failed") for code, status in (("InternalError", 500), ("InternalFailure", 500), ("ServiceUnavailable", 503))),
    error("NeverHeardOf", 500, "failed"),
    error("InternalError", 500, None, first=1),
    error("NeverHeardOf", 400, "failed"),
    *(error(code, 400, "failed") for code in ("ExpiredToken", "ExpiredTokenException", "RequestExpired")),
    error("ExpiredToken", 403, None, first=1),
    error("RequestTimeTooSkewed", 403, "failed"),
    error("RequestTimeTooSkewed", 403, None, first=1),
    *(error(code, 403, "failed") for code in ("SignatureDoesNotMatch", "InvalidSignatureException")),
    *(error(code, 403, "denied") for code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "InvalidClientTokenId")),
    error("OptInRequired", 403, "unavailable"),
    raw("HTML with 502", HTML, "failed", "HTTP502", status=502),
    raw("HTML with 403", HTML, "failed", "HTTP403", status=403),
    raw("HTML with 200", HTML, "failed", UNREADABLE),
    raw("nothing with 503", b"", "failed", "HTTP503", status=503),
    raw("nothing with 200", b"", "failed", UNREADABLE),
    raw("a throttle inside a 200", b'{"__type":"com.amazon#ThrottlingException","message":"Rate exceeded"}', "throttled", "ThrottlingException", *JSON),
    raw(
        "a throttle inside a 200",
        b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>",
        "throttled", "Throttling", *XML,
    ),
    raw("an internal error inside a 200", b"<Error><Code>InternalError</Code></Error>", "failed", "InternalError", *XML),
    raw("half an object", b'{"QueueUrls": ["https://que', "failed", UNREADABLE, *JSON),
    raw("half an element", b"<ListTopicsResponse><ListTopicsRes", "failed", UNREADABLE, *XML),
    raw("a list in place of an object", b"[]", "failed", UNREADABLE, *JSON),
    raw("a number in place of an object", b"5", "failed", UNREADABLE, *JSON),
    raw("a text in place of a list", b'{"Functions": "x"}', "failed", UNREADABLE, "lambda"),
    raw("numbers in place of items", b'{"QueueUrls": [1, 2], "Functions": [1, 2]}', "failed", None, *JSON),
    raw("nulls in place of items", b'{"QueueUrls": [null], "Functions": [null]}', None, None, *JSON),
    raw("an item without members", b'{"Functions": [{}]}', "failed", "NoIdentity", "lambda"),
    raw("no members", b"{}", None, None, *JSON),
    raw("nested too deeply", b'{"QueueUrls":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "failed", UNREADABLE, *JSON),
    raw("nested too deeply", b"<a>" * 100_000 + b"</a>" * 100_000, "failed", UNREADABLE, *XML),
    raw("not UTF-8", b'{"QueueUrls": ["https://sqs/\xff\xfe"], "Functions": [{"FunctionName": "\xff"}]}', "failed", UNREADABLE, *JSON),
    raw("not UTF-8", TOPICS % b"\xff\xfe", "failed", UNREADABLE, "sns"),
    raw("entities in entities", LAUGHS + b"]>" + TOPICS % b"&a9;", "failed", UNREADABLE, *XML),
    raw("a file as an entity", FILE + TOPICS % b"&f;", "failed", UNREADABLE, *XML),
    raw("a token without end", b'{"QueueUrls": [], "NextToken": "t", "Functions": [], "NextMarker": "t"}', "failed", "RepeatedPageToken", *JSON),
    raw(
        "absurd times",
        b'{"Functions": [' + b",".join(
            b'{"FunctionName": "f", "FunctionArn": "arn:aws:lambda:us-east-1:1:function:f%d", "LastModified": %b}' % pair
            for pair in enumerate((b'"1e400"', b'"-1"', b'"99999-99-99T99:99:99Z"', b'""', b"null", b"1e300", b"-99999999999999"))
        ) + b"]}",
        None, None, "lambda", resources=7,
    ),
)  # fmt: skip
ACCOUNTS = {f"{number:012}": case for number, case in enumerate(CASES, 1)}
HIT = [(account, case, service) for account, case in ACCOUNTS.items() for service in case.services]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=WAYS)
async def matrix(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One run over all accounts, in each of which some lists are answered badly, all in the same way."""
    faults = tuple(Fault(service=service, operation=LISTS[service][1], account=account, **case.fault) for account, case, service in HIT)
    return await ran(
        aws(items=1, pages=2, regions=(REGION,), faults=faults),
        tmp_path_factory.mktemp("answers") / "snapshot",
        patches={"collector.aws.gateway.ATTEMPTS": {"throttled": 2, "failed": 2, "unreachable": 2}, **WAYS[request.param]},
        account=tuple(ACCOUNTS),
        region=(REGION,),
        type=(*(type for _, _, type in LISTS.values()), WITNESS[1]),
    )


@pytest.mark.parametrize(
    ("account", "case", "service"),
    [pytest.param(*hit, id=f"{hit[1].name} ({LISTS[hit[2]][0]})") for hit in HIT],
)
def test_coverage_says_what_became_of_the_answer(matrix: Ran, account: str, case: Case, service: str) -> None:
    line = matrix.coverage[account, REGION, service]
    gaps = matrix.gaps(account, REGION, service)

    assert line["complete"] is (case.kind is None)
    assert [kind for kind, _ in gaps] == ([case.kind] if case.kind else [])
    assert case.code is None or case.kind is None or [code for _, code in gaps] == [case.code]
    assert line["resources"] == matrix.resources[account, REGION, service] == case.resources


def test_every_task_is_told_and_the_run_ends_with_gaps(matrix: Ran) -> None:
    assert set(matrix.coverage) == set(product(ACCOUNTS, (REGION,), (*LISTS, WITNESS[0])))
    assert matrix.snapshot.exit_status is Exit.GAPS


def test_what_was_not_hit_is_complete(matrix: Ran) -> None:
    others = {key: line for key, line in matrix.coverage.items() if key[2] not in ACCOUNTS[key[0]].services}
    told = {(line["complete"], line["resources"], len(line["gaps"])) for line in others.values()}

    assert told == {(True, EACH, 0)}


def test_no_traceback_is_logged(matrix: Ran) -> None:
    assert not matrix.tracebacks
