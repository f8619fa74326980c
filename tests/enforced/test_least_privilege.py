"""Whole runs with the generated role: it is enough for everything, and each of its actions is needed for something."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from collector.iam.permissions import WITHHELD, permissions
from collector.iam.session_policy import session_policy
from collector.spec.reader import read_specs
from collector.spec.select import families
from tests.enforced.asking import client, root_of
from tests.enforced.conftest import EXACT, FORMS, ROLE, Run, World, assumed, external_id
from tests.enforced.deployment import without
from tests.enforced.seed import SECRET
from tests.enforced.served import MISNAMED

pytestmark = pytest.mark.enforced

RESOURCES = 400
"""At least so many in both accounts together; some 580 were seen."""


def gaps(coverage: list[dict[str, Any]], account: str, services: tuple[str, ...] = ()) -> set[tuple[str, str, str, str]]:
    """What could not be read in *account*: (type, kind, action, code)."""
    return {
        (line["resource_type"], gap["kind"], gap["action"], gap["code"])
        for line in coverage
        if line["account_id"] == account and (not services or line["service"] in services)
        for gap in line["gaps"]
    }


def test_a_whole_run_is_denied_nothing(read: Run) -> None:
    excused = {
        (resource.type, call.action)
        for family in families(read_specs())
        for resource in family.resources()
        for call in resource.calls()
        if (call.service, call.operation) in MISNAMED or (call.service, call.operation) in WITHHELD
    }
    for account in FORMS:
        denied = {(type, action) for type, kind, action, _ in gaps(read.coverage, account) if kind == "denied"}
        assert denied - excused == set()


def test_a_whole_run_finds_what_was_made_in_each_account(world: World, read: Run) -> None:
    assert read.manifest["resources"] > RESOURCES
    lines: dict[tuple[str, str], list[str]] = {}
    for record in read.resources:
        lines.setdefault((record["account_id"], record["resource_type"]), []).append(str(record))
    misnamed = {resource.type for family in families(read_specs()) for resource in family.resources() if _is_misnamed(resource.list)}
    missing = [
        (account, each)
        for account, made in world.seeded.items()
        for each in made
        if each.type not in misnamed and not any(each.name in line for line in lines.get((account, each.type), ()))
    ]
    assert missing == []


def _is_misnamed(call: Any) -> bool:
    return (call.service, call.operation) in MISNAMED


def test_a_whole_run_writes_no_secret(read: Run) -> None:
    assert SECRET not in (read.folder / "resources.jsonl").read_text()
    assert SECRET not in (read.folder / "coverage.jsonl").read_text()


@pytest.mark.parametrize(
    ("service", "action", "types", "is_complete"),
    [
        pytest.param(None, "sqs:ListQueues", {"AWS::SQS::Queue"}, False, id="the list of a service, in a run over all"),
        pytest.param("acm", "acm:DescribeCertificate", {"AWS::CertificateManager::Certificate"}, False, id="a describe for each"),
        pytest.param("s3", "s3:GetEncryptionConfiguration", {"AWS::S3::Bucket"}, True, id="a get for each"),
        pytest.param("dynamodb", "dynamodb:ListTagsOfResource", {"AWS::DynamoDB::Table"}, True, id="the tags of each"),
        pytest.param("sns", "sns:GetTopicAttributes", {"AWS::SNS::Topic"}, False, id="a get in place of a describe"),
        pytest.param("glue", "glue:GetTables", {"AWS::Glue::Table"}, False, id="the list of children"),
    ],
)
def test_one_action_less_is_exactly_that_gap(
    world: World, read: Run, tmp_path: Path, service: str | None, action: str, types: set[str], is_complete: bool
) -> None:
    with without(world.url, root_of(EXACT), ROLE, action):
        less = world.snapshot(tmp_path / "snapshot", account=(EXACT,), service=(service,) if service else world.services)
    before, after = gaps(read.coverage, EXACT, (service,) if service else ()), gaps(less.coverage, EXACT)
    appeared = {(type, kind, missing) for type, kind, missing, _ in after - before}
    assert appeared == {(type, "denied", action) for type in types}
    assert before - after == set()
    complete = {line["resource_type"]: line["complete"] for line in less.coverage}
    assert {complete[type] for type in types} == {is_complete}
    assert less.manifest["exit_status"] == 3


def test_the_generated_session_policy_closes_what_the_role_leaves_open(world: World) -> None:
    """Its denials are the emulator's own; that a run sends the policy is seen in the next test."""
    read = {row.action for row in permissions(families(read_specs(), service=["sns"]))}
    arn, trusted = f"arn:aws:iam::{EXACT}:role/{ROLE}", {"ExternalId": external_id(EXACT)}
    narrow = assumed(world.url, world.hub, arn, Policy=session_policy(read), **trusted)
    wide = assumed(world.url, world.hub, arn, **trusted)
    assert client(world.url, narrow, "sns").list_topics()["Topics"]
    assert client(world.url, wide, "sqs").list_queues()["QueueUrls"]
    with pytest.raises(ClientError, match="AccessDenied"):
        client(world.url, narrow, "sqs").list_queues()


def test_each_accounts_own_policy_limits_its_session_and_the_role_still_looks_at_itself(world: World, tmp_path: Path) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sns:*", "Resource": "*"}]}
    clients = {account: client(world.url, root_of(account), "iam") for account in FORMS}
    arns = {
        account: iam.create_policy(PolicyName="only-sns", Path="/limits/", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
        for account, iam in clients.items()
    }
    try:
        limited = world.snapshot(tmp_path / "snapshot", service=("sns", "sqs"), session_policy=("limits/only-sns",))
    finally:
        for account, iam in clients.items():
            iam.delete_policy(PolicyArn=arns[account])
    for account in FORMS:
        denied = {(type, action) for type, kind, action, _ in gaps(limited.coverage, account) if kind == "denied"}
        assert denied == {("AWS::SQS::Queue", "sqs:ListQueues")}
        assert "AWS::SNS::Topic" in {record["resource_type"] for record in limited.resources if record["account_id"] == account}
