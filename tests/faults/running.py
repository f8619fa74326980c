"""The command `collector run` as a process of its own, with nothing of the tester's environment."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.synthetic import Put, Settings

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 120.0
"""Seconds that a run may take at most; one that takes longer hangs."""
ACCOUNTS = ("111111111111", "222222222222", "333333333333")
REGIONS = ("eu-west-1", "us-east-1")
TYPES = (
    "sqs.queue", "sns.topic", "kinesis.stream", "lambda.function", "dynamodb.table", "ecs.cluster", "ecs.service",
    "ec2.vpc", "ec2.instance", "elbv2.load_balancer", "iam.group", "cloudfront.distribution",
)  # fmt: skip
"""A dozen, of every protocol, with children, batches, calls for each item and services of global scope."""

_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "sts:AssumeRole"}],
}
HARMLESS_ROLES = (
    Put("iam", "GetRole", "Role.AssumeRolePolicyDocument", quote(json.dumps(_TRUST))),
    Put("iam", "GetRole", "Role.PermissionsBoundary", None),
    Put("iam", "ListAttachedRolePolicies", "AttachedPolicies", []),
    Put("iam", "ListRolePolicies", "PolicyNames", []),
)
"""Roles that preflight has nothing against: they grant nothing at all."""


def aws(**settings: Any) -> Settings:
    """What the server is told, unless *settings* say otherwise: our accounts and regions, and roles that may be used."""
    return Settings(**{"items": 3, "pages": 2, "regions": REGIONS, "accounts": ACCOUNTS, "puts": HARMLESS_ROLES, **settings})


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended, and what it said on standard error."""

    status: int
    said: str


def arguments(
    to: str, *more: str, accounts: Sequence[str] = ACCOUNTS, regions: Sequence[str] = REGIONS, types: Sequence[str] = TYPES
) -> list[str]:
    """The arguments of `collector` for a run of *types* into *to*."""
    chosen = [("--account", accounts), ("--region", regions), ("--type", types)]
    listed = [part for flag, values in chosen for value in values for part in (flag, value)]
    return ["run", "--role", "Inventory", *listed, "--to", to, *more]


def environment(url: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment that leads to *url* and nowhere else."""
    return {
        "PATH": os.defpath,
        "HOME": "/nonexistent",
        "PYTHONPATH": str(ROOT),
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIA999999999999TEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        **(more or {}),
    }


@contextmanager
def running(module: str, given: Sequence[str], env: Mapping[str, str], said: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m module given…`, which is dead when the block ends. Standard error goes to *said*."""
    with (
        said.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-m", module, *given], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def ended(process: "subprocess.Popen[bytes]", said: Path) -> Ended:
    """Wait for *process*; raises TimeoutExpired when it hangs."""
    status = process.wait(LONGEST)
    return Ended(status, said.read_text())


def run_to_the_end(module: str, given: Sequence[str], env: Mapping[str, str], said: Path) -> Ended:
    """Run it, uninterrupted."""
    with running(module, given, env, said) as process:
        return ended(process, said)
