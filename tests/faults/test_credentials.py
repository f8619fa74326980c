"""Credentials that end in mid-run: the role's, which is a gap with its account named, and our own, which ends the run for a --resume."""

from pathlib import Path

import orjson
import pytest

from collector.exit import Exit
from tests.faults.inside import ran
from tests.faults.kills import HURRIED
from tests.faults.running import ACCOUNTS, REGIONS, arguments, aws, environment, run_to_the_end
from tests.faults.served import served
from tests.faults.told import told
from tests.synthetic import Fault

pytestmark = pytest.mark.slow

FIRST, SECOND, THIRD = ACCOUNTS
TYPES = ("AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::ECR::Repository")
SHORT = ("sqs.queue", "sns.topic", "ecr.repository")


def expires_once(account: str) -> Fault:
    return Fault(service="sns", operation="ListTopics", region=REGIONS[1], account=account, code="ExpiredToken", first=1)


def test_our_own_credentials_that_expire_end_the_run_and_it_can_be_resumed(tmp_path: Path) -> None:
    """The sessions of all accounts are there when our credentials expire; the one that is renewed then finds out."""
    to, said = tmp_path / "snapshot", tmp_path / "said"
    ended = Fault(service="sts", operation="AssumeRole", code="ExpiredToken", after=len(ACCOUNTS))
    given = arguments(str(to), "--workers", "1", types=SHORT)

    with served(aws(items=1, faults=(expires_once(SECOND), ended))) as running:
        first = run_to_the_end(HURRIED, given, environment(running.url), said)
    assert first.status == Exit.USAGE
    assert [line for line in first.said.splitlines() if not line.startswith("{")] == [
        "collector: the credentials in use have expired (ExpiredToken): renew them; --resume carries on a run that had begun"
    ]
    assert not (to / "manifest.json").exists()
    assert (to / "coverage.jsonl").read_bytes().count(b"\n") >= 1

    with served(aws(items=1)) as running:
        last = run_to_the_end(HURRIED, [*given, "--resume"], environment(running.url), said)
        asked_again = running.server.stats.calls["ecr", "DescribeRepositories"]
    assert last.status == Exit.COMPLETE, last.said
    assert {orjson.loads(line)["complete"] for line in told(to).coverage} == {True}
    assert asked_again == 0


async def test_a_role_that_is_deleted_leaves_gaps_of_its_account_and_a_throttled_sts_leaves_none(tmp_path: Path) -> None:
    deleted = Fault(service="sts", operation="AssumeRole", containing=SECOND, code="AccessDenied", after=1)
    throttled = Fault(service="sts", operation="AssumeRole", containing=THIRD, code="Throttling", status=400, first=3)

    found = await ran(
        aws(items=1, faults=(expires_once(SECOND), deleted, throttled)),
        tmp_path / "snapshot",
        account=ACCOUNTS,
        region=REGIONS,
        type=TYPES,
        workers=1,
    )

    incomplete = {(*key, gap["kind"], gap["action"]) for key, line in found.coverage.items() for gap in line["gaps"]}
    assert {account for account, *_ in incomplete} == {SECOND}
    assert (SECOND, REGIONS[1], "sns", "denied", "sts:AssumeRole") in incomplete
    assert {line["complete"] for key, line in found.coverage.items() if key[0] != SECOND} == {True}
    assert found.asked.calls["sts", "AssumeRole"] == len(ACCOUNTS) + 3 + 1
    assert not found.tracebacks
