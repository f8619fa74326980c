"""The demo's emulator and the organisation that is seeded into it."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from collector.demo.emulator import EmulatorError, emulator
from collector.demo.seed import Seeded, seed

ROOT = Path(__file__).parents[2]

# Prints the emulator's URL, then waits inside the block until somebody ends it; says at last whether a child is left.
PARENT = """
import os, sys, threading
from collector.demo.emulator import emulator
try:
    with emulator() as url:
        print(url, flush=True)
        threading.Event().wait()
finally:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        print("no child", flush=True)
"""


def connected(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def closes(connection: socket.socket) -> bool:
    """Whether the other side goes, waiting for that at most the socket's timeout."""
    with connection:
        try:
            return connection.recv(1) == b""
        except ConnectionResetError:
            return True


def client(service: str, url: str, **credentials: str) -> Any:
    given = credentials or {"aws_access_key_id": "demo", "aws_secret_access_key": "demo"}
    config = Config(retries={"total_max_attempts": 1}, proxies={})
    return boto3.client(service, region_name="us-east-1", endpoint_url=url, config=config, **given)


def parent() -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.fixture(scope="module")
def empty() -> Iterator[str]:
    with emulator() as url:
        yield url


def test_the_emulator_listens_on_loopback_and_is_gone_after_the_block() -> None:
    with emulator() as url:
        assert url.startswith("http://127.0.0.1:")
        connection = connected(url)
    assert closes(connection)
    with pytest.raises(ConnectionRefusedError):
        connected(url)


def test_the_emulator_is_gone_when_the_block_raises() -> None:
    with pytest.raises(KeyError), emulator() as url:
        raise KeyError("anything")
    with pytest.raises(ConnectionRefusedError):
        connected(url)


def test_an_interrupted_demo_leaves_no_child_behind() -> None:
    with parent() as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert said.strip() == "no child"
    with pytest.raises(ConnectionRefusedError):
        connected(url)


def test_the_emulator_goes_when_its_parent_is_killed() -> None:
    with parent() as process:
        assert process.stdout is not None
        connection = connected(process.stdout.readline().strip())
        process.kill()
    assert closes(connection)


def test_the_emulator_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    with emulator() as url:
        client("sts", url).get_caller_identity()
        with pytest.raises(ClientError):
            client("ssm", url).describe_instance_information()
    assert capfd.readouterr() == ("", "")


def test_an_emulator_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no module named moto' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(EmulatorError, match="no module named moto"), emulator():
        pass


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("ec2", "describe_client_vpn_endpoints", "InvalidAction"),
        ("elasticache", "describe_cache_parameter_groups", "InvalidAction"),
        ("cloudfront", "list_cache_policies", "InvalidAction"),
        ("ssm", "describe_instance_information", "UnknownOperationException"),
        ("account", "list_regions", "UnknownOperationException"),
        ("amplify", "list_apps", "UnknownOperationException"),
    ],
)
def test_an_operation_that_moto_does_not_have_is_refused_once(empty: str, service: str, method: str, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(client(service, empty), method)()
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_buckets_are_listed_with_their_regions_when_a_parameter_is_sent(empty: str) -> None:
    s3 = client("s3", empty)
    s3.create_bucket(Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": "ap-southeast-2"})
    assert s3.list_buckets(MaxBuckets=1000)["Buckets"][0]["BucketRegion"] == "ap-southeast-2"
    assert "BucketRegion" not in s3.list_buckets()["Buckets"][0]


@pytest.fixture(scope="module")
def organisation() -> Iterator[tuple[str, Seeded]]:
    with emulator() as url:
        yield url, anyio.run(seed, url)


def member(url: str, seeded: Seeded, account: str) -> dict[str, str]:
    """Credentials in *account*, got as the demo's run gets them."""
    given = client("sts", url).assume_role(
        RoleArn=f"arn:aws:iam::{seeded.accounts[account]}:role/{seeded.role_name}",
        RoleSessionName="test",
        ExternalId=seeded.external_id,
    )["Credentials"]
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }


@pytest.mark.moto
def test_the_organisation_is_as_large_as_promised(organisation: tuple[str, Seeded]) -> None:
    _, seeded = organisation
    assert len(seeded.accounts) >= 4
    assert {resource.account_id for resource in seeded.resources} == set(seeded.accounts.values())
    assert {resource.region for resource in seeded.resources} == {*seeded.regions, "global"}
    assert len({resource.type.split("::")[1] for resource in seeded.resources}) >= 30
    assert 300 <= len(seeded.resources) < 1000


@pytest.mark.moto
def test_each_resource_is_written_down_once(organisation: tuple[str, Seeded]) -> None:
    _, seeded = organisation
    named = [(it.account_id, it.region, it.type, it.identifier) for it in seeded.resources]
    assert len(named) == len(set(named))


@pytest.mark.moto
def test_one_account_is_closed_and_accounts_sit_in_nested_units(organisation: tuple[str, Seeded]) -> None:
    url, seeded = organisation
    organizations = client("organizations", url)
    states = {account["Id"]: account["Status"] for account in organizations.list_accounts()["Accounts"]}
    assert states == dict.fromkeys(seeded.accounts.values(), "ACTIVE") | {seeded.closed_account_id: "SUSPENDED"}
    unit = organizations.list_parents(ChildId=seeded.accounts["production"])["Parents"][0]["Id"]
    above = organizations.list_parents(ChildId=unit)["Parents"][0]
    assert above["Type"] == "ORGANIZATIONAL_UNIT"


@pytest.mark.moto
@pytest.mark.parametrize(
    ("service", "operation", "member_name", "type", "regional"),
    [
        ("sns", "list_topics", "Topics", "AWS::SNS::Topic", True),
        ("logs", "describe_log_groups", "logGroups", "AWS::Logs::LogGroup", True),
        ("iam", "list_roles", "Roles", "AWS::IAM::Role", False),
    ],
)
def test_some_listings_are_deeper_than_one_page(
    organisation: tuple[str, Seeded], service: str, operation: str, member_name: str, type: str, regional: bool
) -> None:
    url, seeded = organisation
    answers = client(service, url, **member(url, seeded, "shared-services")).get_paginator(operation).paginate()
    pages = [answer[member_name] for answer in answers]
    where = (seeded.accounts["shared-services"], "us-east-1" if regional else "global", type)
    expected = [it for it in seeded.resources if (it.account_id, it.region, it.type) == where]
    assert len(pages) > 1
    assert sum(map(len, pages)) >= len(expected) > len(pages[0])


@pytest.mark.moto
def test_planted_secrets_are_really_there_to_be_found(organisation: tuple[str, Seeded]) -> None:
    url, seeded = organisation
    credentials = member(url, seeded, "production")
    functions = client("lambda", url, **credentials).list_functions()["Functions"]
    environment = [function["Environment"]["Variables"]["DB_PASSWORD"] for function in functions]
    versions = client("ec2", url, **credentials).describe_launch_template_versions(Versions=["$Latest"])
    user_data = [it["LaunchTemplateData"]["UserData"] for it in versions["LaunchTemplateVersions"]]
    stacks = client("cloudformation", url, **credentials).describe_stacks()["Stacks"]
    outputs = [output["OutputValue"] for stack in stacks for output in stack["Outputs"]]
    found = [*environment, *user_data, *outputs]
    assert len(found) >= 6
    assert set(found) <= set(seeded.secrets)


HOSTILE_SETTINGS = {
    "AWS_PROFILE": "not-configured-here",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_ENDPOINT_URL_SNS": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "true",
}


@pytest.mark.moto
def test_two_seeds_are_equal_whatever_the_users_own_settings_are(organisation: tuple[str, Seeded], monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal but for the ids and secrets that AWS itself makes."""
    _, first = organisation
    for name, value in HOSTILE_SETTINGS.items():
        monkeypatch.setenv(name, value)
    with emulator() as url:
        second = anyio.run(seed, url)

    def told(seeded: Seeded) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
        return sorted((it.account_id, it.region, it.type, sorted(it.tags.items())) for it in seeded.resources)

    def planted(seeded: Seeded) -> list[str]:
        return [secret for secret in seeded.secrets if secret.startswith("planted-")]

    assert told(first) == told(second)
    assert planted(first) == planted(second)
    assert (first.accounts, first.closed_account_id) == (second.accounts, second.closed_account_id)
