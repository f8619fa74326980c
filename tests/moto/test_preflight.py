"""Preflight and gate over HTTP, as a user runs them: an organisation in which one role may read objects."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

import collector.demo.emulator as emulator_module
from collector.demo.demo import emulated_environment
from collector.demo.emulator import emulator

pytestmark = pytest.mark.moto

OWN = "123456789012"
"""What moto takes unknown credentials for."""
SOUND, SPOILT = "111122223333", "444455556666"
EXTERNAL_ID = "agreed-on"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
CHOSEN = ("--type", "sqs.queue", "--type", "s3.bucket", "--region", "eu-west-1")


def document(*actions: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Reads", "Effect": "Allow", "Action": actions, "Resource": "*"}]})


def iam_of(account_id: str) -> Any:
    """IAM as the administrator of *account_id*."""
    role = f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole"
    given = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="seed")["Credentials"]
    return boto3.client(
        "iam",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def create_role(account_id: str, external_id: str) -> None:
    """The role with an older version of its policy, which granted everything, and the live one, which does not."""
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OWN}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": external_id, "aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/collector"}},
    }
    iam = iam_of(account_id)
    iam.create_role(RoleName="Inventory", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    policy = iam.create_policy(PolicyName="Inventory-01", PolicyDocument=document("*"))["Policy"]["Arn"]
    live = document("s3:ListAllMyBuckets", "s3:GetBucket*", "s3:GetEncryptionConfiguration", "sqs:ListQueues", "ec2:DescribeRegions")
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=live, SetAsDefault=True)
    iam.attach_role_policy(RoleName="Inventory", PolicyArn=policy)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    environment = emulator_module._environment()
    # Otherwise moto leaves AWS's own policies out, to start sooner.
    monkeypatch.setattr(emulator_module, "_environment", lambda: {**environment, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"})
    with emulator() as url, emulated_environment(url):
        for account_id in (SOUND, SPOILT):
            create_role(account_id, EXTERNAL_ID)
        iam_of(SPOILT).attach_role_policy(RoleName="Inventory", PolicyArn=READ_ONLY)
        iam_of(SPOILT).put_role_policy(RoleName="Inventory", PolicyName="extra", PolicyDocument=document("dynamodb:Scan"))
        yield


def collector(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "collector", *arguments, "--role", "Inventory", "--account", SOUND, "--account", SPOILT, *CHOSEN]
    environment = {**os.environ, "COLLECTOR_EXTERNAL_ID": EXTERNAL_ID}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def coverage(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    lines = map(json.loads, (folder / "coverage.jsonl").read_text().splitlines())
    return {(line["account_id"], line["resource_type"]): line for line in lines}


@pytest.mark.usefixtures("aws")
def test_preflight_says_that_the_emulator_asks_for_no_external_id_and_which_policies_halt() -> None:
    done = collector("preflight", "--json")

    assert done.returncode == 4, done.stderr
    sound, spoilt = json.loads(done.stdout)["accounts"]
    assert (sound["account_id"], sound["verdict"], sound["principal"]) == (
        SOUND,
        "halted",
        f"arn:aws:sts::{SOUND}:assumed-role/Inventory/aws-service-inventory-collector",
    )
    halting = [each["rule"] for each in sound["findings"] if each["severity"] == "halt"]
    assert halting == ["opens-without-external-id", "opens-with-wrong-external-id"], "moto opens every role to everybody"
    missing = {lack["spec"]: lack["actions"] for lack in sound["missing"]}
    assert "sqs:GetQueueAttributes" in missing["sqs.queue"]
    assert {(each["rule"], each["policy"]) for each in spoilt["findings"]} >= {
        ("forbidden-policy", READ_ONLY),
        ("data-read", READ_ONLY),
        ("data-read", "inline policy extra"),
    }
    assert spoilt["gap"]["code"] == "ReadOnlyAccess"
    assert EXTERNAL_ID not in done.stdout + done.stderr

    table = collector("preflight")

    assert table.returncode == 4
    assert f"{READ_ONLY} grants far more than an inventory needs. Detach it" in table.stdout
    assert all(account_id in table.stdout for account_id in (SOUND, SPOILT))


@pytest.mark.usefixtures("aws")
def test_a_halted_account_is_not_read_and_is_read_as_soon_as_it_is_mended(tmp_path: Path) -> None:
    halted = collector("run", "--to", str(tmp_path / "halted"))

    assert halted.returncode == 4, halted.stderr
    manifest = json.loads((tmp_path / "halted" / "manifest.json").read_text())
    assert manifest["exit_status"] == 4
    assert {each["account_id"]: each["blocked"] for each in manifest["accounts"]} == {SOUND: None, SPOILT: "ReadOnlyAccess"}
    covered = coverage(tmp_path / "halted")
    for type in ("AWS::SQS::Queue", "AWS::S3::Bucket"):
        assert covered[SOUND, type]["complete"] is True
        assert (covered[SPOILT, type]["complete"], covered[SPOILT, type]["calls"]) == (False, 0)
        (gap,) = covered[SPOILT, type]["gaps"]
        assert (gap["kind"], gap["code"]) == ("halted", "ReadOnlyAccess")
    said = [json.loads(line) for line in halted.stderr.splitlines() if "account.halted" in line]
    assert ("data-read", "inline policy extra", "Reads") in {(each["finding"], each["policy"], each["statement"]) for each in said}
    assert {each["account_id"] for each in said} == {SPOILT}

    iam_of(SPOILT).detach_role_policy(RoleName="Inventory", PolicyArn=READ_ONLY)
    iam_of(SPOILT).delete_role_policy(RoleName="Inventory", PolicyName="extra")
    mended = collector("run", "--to", str(tmp_path / "mended"))

    assert mended.returncode == 0, mended.stderr
    assert all(line["complete"] for line in coverage(tmp_path / "mended").values())
