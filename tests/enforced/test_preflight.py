"""An account whose role may read customers' data is halted; when that is mended, the next run reads it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector.cli.preflight import exit_status
from collector.exit import Exit
from tests.enforced.asking import client, root_of
from tests.enforced.conftest import EXACT, FORMS, HUB, ROLE, TRIED, World, external_id

pytestmark = pytest.mark.enforced

SERVICES = ("sns", "sqs")
READ_ONLY_ACCESS = "arn:aws:iam::aws:policy/ReadOnlyAccess"


@contextmanager
def attached(world: World, account: str, policy_arn: str) -> Iterator[None]:
    iam = client(world.url, root_of(account), "iam")
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=policy_arn)
    try:
        yield
    finally:
        iam.detach_role_policy(RoleName=ROLE, PolicyArn=policy_arn)


def test_an_account_with_read_only_access_is_halted_until_it_is_detached(world: World, tmp_path: Path) -> None:
    (other,) = FORMS.keys() - {EXACT}
    with attached(world, EXACT, READ_ONLY_ACCESS):
        halted = world.snapshot(tmp_path / "halted", service=SERVICES)
    assert halted.manifest["exit_status"] == 4
    assert {record["account_id"] for record in halted.resources} == {other}
    gaps = {(gap["kind"], gap["code"]) for line in halted.coverage if line["account_id"] == EXACT for gap in line["gaps"]}
    assert gaps == {("halted", "ReadOnlyAccess")}
    mended = world.snapshot(tmp_path / "mended", service=SERVICES)
    assert {record["account_id"] for record in mended.resources} == set(FORMS)
    assert mended.manifest["exit_status"] != 4


def test_a_hand_made_role_that_reads_objects_is_halted_and_the_policy_is_named(world: World, tmp_path: Path) -> None:
    iam = client(world.url, root_of(TRIED), "iam")
    trust = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    iam.create_role(RoleName="HandMade", AssumeRolePolicyDocument=json.dumps(trust))
    actions = [
        "s3:Get*",
        "sns:List*",
        "ec2:DescribeRegions",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListRolePolicies",
        "iam:ListAttachedRolePolicies",
    ]
    document = {"Version": "2012-10-17", "Statement": [{"Sid": "Copied", "Effect": "Allow", "Action": actions, "Resource": "*"}]}
    iam.put_role_policy(RoleName="HandMade", PolicyName="harmless", PolicyDocument=json.dumps(document))
    hub = client(world.url, root_of(HUB), "iam")
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/HandMade"}
    hub.put_user_policy(
        UserName="collector", PolicyName="hand-made", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]})
    )
    flags = ["--account", TRIED, "--role", "HandMade", "--region", "us-east-1", "--service", "sns", "--to", str(tmp_path / "snapshot")]
    done = world.command("run", *flags, COLLECTOR_EXTERNAL_ID=external_id(TRIED))
    assert done.returncode == 4, done.stderr
    assert "harmless" in done.stderr
    assert "Copied" in done.stderr
    assert "s3:GetObject" in done.stderr
    assert (tmp_path / "snapshot" / "resources.jsonl").read_text() == ""


@pytest.mark.parametrize("strict", [False, True], ids=["", "strict"])
def test_the_preflight_finds_nothing_against_either_generated_role(world: World, strict: bool) -> None:
    """Both accounts at once; the roles open with their ExternalIds and with nothing else."""
    reports = world.preflight(strict=strict)
    assert {report.account_id: report.verdict for report in reports} == dict.fromkeys(FORMS, "ok")
    assert exit_status(reports) is Exit.COMPLETE


def test_the_preflight_finds_a_role_that_anybody_of_the_hub_may_assume(world: World) -> None:
    """Without the condition on the ExternalId the emulator, like AWS, lets a caller in who gives none."""
    iam = client(world.url, root_of(EXACT), "iam")
    trust = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    open_trust = json.loads(json.dumps(trust))
    for statement in open_trust["Statement"]:
        del statement["Condition"]["StringEquals"]["sts:ExternalId"]
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(open_trust))
    try:
        halted, sound = world.preflight()
    finally:
        iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(trust))
    assert (halted.account_id, halted.verdict, sound.verdict) == (EXACT, "halted", "ok")
    assert {each.rule for each in halted.objections if each.severity == "halt"} == {
        "opens-without-external-id",
        "opens-with-wrong-external-id",
        "trust-without-external-id",
    }
