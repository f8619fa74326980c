"""The README's commands do what it says, and its lines are such as a run writes."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import jsonschema
import pytest

from collector.demo.demo import emulated_environment
from collector.demo.emulator import emulator
from collector.schema import schema
from collector.settings import RunSettings, read_file
from tests.billing.files import Bucket, Charge, as_csv, focus

pytestmark = pytest.mark.moto

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
NOT_RUN = ("docker", "pip install", "scripts/test", "scripts/check", "scripts/lint")
"""There is no Docker here; the tests do not run themselves, nor the checks, which the continuous integration runs."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every command after a ``$``, with the lines that belong to it."""
    found = [command.strip() for block in blocks("console") for command in re.split(r"^\$ ", block, flags=re.MULTILINE) if command.strip()]
    return [re.sub(r"\s+#.*$", "", command) for command in found]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working directory as a reader has it: the scripts, and an account with an organisation and the bucket that the README names."""
    place = tmp_path_factory.mktemp("readme")
    for name in ("scripts", ".venv", "pyproject.toml"):
        (place / name).symlink_to(ROOT / name)
    with emulator() as url, emulated_environment(url):
        boto3.client("s3").create_bucket(Bucket="my-bucket")
        organizations = boto3.client("organizations")
        organizations.create_organization(FeatureSet="ALL")
        for account in ("111111111111", "222222222222", "123456789012"):
            create_role(account)
        yield place


def create_role(account: str) -> None:
    """The role that the README's commands assume, as a customer would have made it: open to us, with the ExternalId, and nothing
    attached.
    """
    keys = boto3.client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/Owner", RoleSessionName="test")["Credentials"]
    iam = boto3.client(
        "iam",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    condition = {"StringEquals": {"sts:ExternalId": "the-external-id", "aws:PrincipalArn": "arn:aws:iam::123456789012:root"}}
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Condition": condition,
    }
    iam.create_role(RoleName="Inventory", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def run(command: str, place: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command], cwd=place, env={**os.environ, "PATH": path, **environment}, capture_output=True, text=True, timeout=300
    )


def test_the_commands_are_those_that_are_tested_here() -> None:
    known = (
        "collector iam",
        "collector preflight",
        "scripts/demo",
        ".venv/bin/collector query",
        "collector run",
        "collector plan",
        "collector metrics",
        "collector diff",
        "collector billing",
        "collector query",
        "export COLLECTOR_EXTERNAL_ID",
        *NOT_RUN,
    )

    assert [command for command in commands() if not command.startswith(known)] == []


@pytest.mark.parametrize("command", [each for each in commands() if each.startswith(("scripts/demo", ".venv/bin/collector query"))])
def test_five_minutes(command: str, shell: Path) -> None:
    done = run(command, shell)

    assert done.returncode == 0, done.stderr
    if "query" in command:
        assert len(done.stdout.splitlines()) > 1, "a header and at least one row"
    else:
        assert (shell / "demo-snapshot" / "manifest.json").is_file()


@pytest.mark.parametrize(
    "command", [each for each in commands() if each.startswith(("collector run", "collector plan", "collector metrics"))]
)
def test_reading_your_accounts(command: str, shell: Path) -> None:
    organizations = boto3.client("organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name=f"left out {len(command)}")["OrganizationalUnit"]["Id"]
    command = command.replace("ou-ab12-cdefgh34", unit)

    done = run(command, shell, COLLECTOR_EXTERNAL_ID="the-external-id", COLLECTOR_TYPE="sqs.queue ec2.vpc", AWS_REGION="us-east-1")

    assert done.returncode == 0, done.stderr
    to = re.search(r"--to (\S+)", command)
    if command.startswith("collector metrics"):
        assert (shell / "out" / "metrics.jsonl").is_file()
    elif to is None:
        assert "plan" in command or list(shell.glob("snapshot-*/manifest.json"))
    elif to[1].startswith("s3://"):
        bucket, _, prefix = to[1].removeprefix("s3://").partition("/")
        boto3.client("s3").head_object(Bucket=bucket, Key=f"{prefix}/manifest.json")
    else:
        metrics = {"metrics.jsonl"} if "--metrics" in command else set()
        assert {path.name for path in (shell / to[1]).glob("[!.]*")} == {"resources.jsonl", "coverage.jsonl", "manifest.json", *metrics}


@pytest.mark.parametrize("command", [each for each in commands() if each.startswith("collector diff")])
def test_what_has_changed(command: str, shell: Path) -> None:
    """The second snapshot has only one of the first one's accounts."""
    done = run(command, shell)

    assert done.returncode == 3, done.stderr
    assert {line[:1] for line in done.stdout.splitlines()[:-1]} == {"?"}
    assert done.stdout.endswith(" unknown\n")


@pytest.mark.parametrize("command", [each for each in commands() if each.startswith(("collector billing", "collector query"))])
def test_billing(command: str, shell: Path) -> None:
    bucket = Bucket(boto3.client("s3"))
    if bucket.name not in {each["Name"] for each in bucket.s3.list_buckets()["Buckets"]}:
        bucket.s3.create_bucket(Bucket=bucket.name)
        bucket.export("costs", "2026-10", [as_csv(focus([Charge("8", "vol-0123456789abcdef0")], "2026-10"))])

    done = run(command, shell)

    assert done.returncode == 0, done.stderr
    if "query" in command:
        assert "AmazonEC2" in done.stdout
    else:
        assert (shell / "out" / "billing.jsonl").is_file()


@pytest.mark.parametrize("command", [each for each in commands() if each.startswith("collector iam")])
def test_the_role(command: str, shell: Path) -> None:
    done = run(command, shell)

    assert done.returncode == 0, done.stderr
    to = re.search(r"--to (\S+)", command)
    assert to is None or (shell / to[1]).exists()


@pytest.mark.parametrize("command", [each for each in commands() if each.startswith("collector preflight")])
def test_the_preflight_finds_that_the_emulator_opens_to_anybody(command: str, shell: Path) -> None:
    done = run(command, shell, COLLECTOR_EXTERNAL_ID="the-external-id")

    assert done.returncode == 4, done.stderr
    assert "ExternalId" in done.stdout


def test_the_lines_are_valid() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schema()))
    lines = [line for block in blocks("json") for line in block.splitlines()]

    assert len(lines) == 4
    for line in lines:
        validator.validate(json.loads(line))


def test_the_settings_are_valid_alone_and_together(tmp_path: Path) -> None:
    document: dict[str, Any] = {}
    for text in blocks("toml"):
        (tmp_path / "collector.toml").write_text(text)
        document |= read_file(tmp_path / "collector.toml")

    assert RunSettings(**{name: tuple(value) if isinstance(value, list) else value for name, value in document.items()}).role == "Inventory"


def test_every_command_of_the_container_is_one_that_there_is() -> None:
    (command,) = [each for each in commands() if each.startswith("docker run")]
    arguments = shlex.split(command)

    assert "run" in arguments[arguments.index("collector") + 1 :]
