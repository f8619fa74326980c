"""One emulator for all tests of this folder; in it a hub, two accounts with the generated role, and one where a role may do nothing."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from collector.inventory import chosen_families, take_snapshot
from collector.preflight.accounts import preflight
from collector.preflight.report import Report
from collector.settings import RunSettings, Where
from collector.spec.model import Call
from collector.spec.permitted import REGIONS
from collector.spec.reader import read_specs
from collector.spec.select import families
from tests.enforced.asking import REGION, Identity, client, root_of, s3_control
from tests.enforced.deployment import deploy
from tests.enforced.ministack import PYTHON, ministack
from tests.enforced.probe import Answer, Asked, answers
from tests.enforced.seed import Seeded, seed

HUB = "999999999999"
HUB_USER = f"arn:aws:iam::{HUB}:user/collector"
FORMS = {"111111111111": "exact", "222222222222": "verbs"}
"""The accounts that are read, and in which form the policies of their role are worded."""
EXACT = "111111111111"
EMPTY = "333333333333"
"""An account with nothing in it, and a role that may do nothing."""
TRIED = "444444444444"
"""An account with the generated role and nothing else, for what might change something if it were not refused."""
ROLE = "InventoryReadOnly"


@dataclass(frozen=True, slots=True)
class Run:
    """What a run left behind."""

    folder: Path

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_bytes().splitlines()]

    @property
    def coverage(self) -> list[dict[str, Any]]:
        return self.lines("coverage.jsonl")

    @property
    def resources(self) -> list[dict[str, Any]]:
        return self.lines("resources.jsonl")

    @property
    def manifest(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "manifest.json").read_bytes()))


@dataclass(frozen=True, slots=True)
class World:
    """The emulator with everything in place."""

    url: str
    hub: Identity
    """A user of the hub account, whom the roles trust."""
    seeded: Mapping[str, list[Seeded]]
    services: tuple[str, ...]
    """The services of our specs that the emulator serves at all."""

    def snapshot(self, folder: Path, **settings: Any) -> Run:
        """A whole run through the collector's own code, as the hub's user."""
        with environment(self.url, self.hub):
            anyio.run(take_snapshot, RunSettings(**{**self._usual(), "to": str(folder), **settings}))
        return Run(folder)

    def preflight(self, **settings: Any) -> list[Report]:
        """The preflight of both accounts, which waits for nothing between its trials."""

        async def hurried(_: float) -> None:
            await anyio.lowlevel.checkpoint()

        where = Where(**{**self._usual(), **settings})
        with environment(self.url, self.hub):
            return anyio.run(partial(preflight, where, chosen_families(where), sleep=hurried))

    def command(self, *arguments: str, who: Identity | None = None, **more: str) -> "subprocess.CompletedProcess[str]":
        """The command line, as its user would call it."""
        with environment(self.url, who or self.hub):
            return subprocess.run(
                [sys.executable, "-m", "collector", *arguments], env={**os.environ, **more}, capture_output=True, text=True, timeout=240
            )

    def _usual(self) -> dict[str, Any]:
        external_ids = {account: external_id(account) for account in FORMS}
        return {"account": tuple(FORMS), "role": ROLE, "external_ids": external_ids, "region": (REGION,), "service": self.services}


def external_id(account: str) -> str:
    return f"agreed-with-{account}"


@contextmanager
def environment(url: str, who: Identity) -> Iterator[None]:
    """The process environment of a user with *who*'s keys and no AWS but the emulator."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "COLLECTOR_"))]:
            patch.delenv(name)
        patch.setenv("AWS_ENDPOINT_URL", url)
        patch.setenv("AWS_ENDPOINT_URL_S3_CONTROL", s3_control(url))
        patch.setenv("AWS_ACCESS_KEY_ID", who.access_key_id)
        patch.setenv("AWS_SECRET_ACCESS_KEY", who.secret_access_key)
        if who.session_token:
            patch.setenv("AWS_SESSION_TOKEN", who.session_token)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, os.devnull)
        patch.setattr(socket, "getaddrinfo", _with_localhost(socket.getaddrinfo))
        yield


def _with_localhost(real: Any) -> Any:
    """Names under localhost are this machine (RFC 6761), which not every resolver knows."""

    def getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith("localhost") else host, *rest, **named)

    return getaddrinfo


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not PYTHON.exists():
        pytest.fail("scripts/venv-enforced makes the emulator's virtual environment; scripts/test calls it")
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        yield url


@pytest.fixture(scope="session")
def calls() -> list[Call]:
    """Every call that the specs allow. What the collector asks for itself, of its own role or of the hub, every run here asks."""
    return [REGIONS, *(call for family in families(read_specs()) for call in family.calls())]


@pytest.fixture(scope="session")
def nobody(emulator: str) -> Identity:
    """A session of a role that may do nothing."""
    return powerless(emulator)


@pytest.fixture(scope="session")
def probed(emulator: str, calls: list[Call], nobody: Identity) -> dict[str, dict[Asked, Answer]]:
    """How every call is answered to an account's root, and to a role that may do nothing."""
    return probe(emulator, calls, {"root": root_of(EMPTY), "nothing": nobody}, EMPTY)


def powerless(url: str) -> Identity:
    """A session of a role without policies, made for it in the empty account."""
    root = root_of(EMPTY)
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{EMPTY}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = client(url, root, "iam").create_role(RoleName="nothing", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    return assumed(url, root, arn)


def probe(url: str, calls: list[Call], callers: Mapping[str, Identity], account: str) -> dict[str, dict[Asked, Answer]]:
    """The answers to all of *calls*, about *account*, by the name of who asked."""
    with environment(url, root_of(account)):
        return anyio.run(answers, calls, callers, account)


def assumed(url: str, who: Identity, arn: str, **more: str) -> Identity:
    """The keys of a session of the role *arn*."""
    keys = client(url, who, "sts").assume_role(RoleArn=arn, RoleSessionName="tests", **more)["Credentials"]
    return Identity(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


@pytest.fixture(scope="session")
def world(emulator: str, hub: Identity, probed: dict[str, dict[Asked, Answer]], tmp_path_factory: pytest.TempPathFactory) -> World:
    services = tuple(sorted({service for (service, _), answer in probed["root"].items() if answer.served}))
    seeded = {}
    with environment(emulator, hub):
        for account, form in {**FORMS, TRIED: "exact"}.items():
            template = generated_template(form, services, tmp_path_factory.mktemp("template"))
            deploy(emulator, root_of(account), template, {"TrustedPrincipalArn": HUB_USER, "ExternalId": external_id(account)})
        for account in FORMS:
            seeded[account] = seed(emulator, root_of(account), account, REGION)
    return World(emulator, hub, seeded, services)


@pytest.fixture(scope="session")
def hub(emulator: str) -> Identity:
    """A user who may assume the role of any account, and do nothing else."""
    iam = client(emulator, root_of(HUB), "iam")
    iam.create_user(UserName="collector")
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::*:role/{ROLE}"}
    iam.put_user_policy(UserName="collector", PolicyName="assume", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]}))
    keys = iam.create_access_key(UserName="collector")["AccessKey"]
    return Identity(keys["AccessKeyId"], keys["SecretAccessKey"])


def generated_template(form: str, services: tuple[str, ...], folder: Path, *more: str) -> str:
    """What `collector iam template` writes for *services*."""
    written = folder / "role.json"
    chosen = [flag for service in services for flag in ("--service", service)]
    command = [
        sys.executable,
        "-m",
        "collector",
        "iam",
        "template",
        "--form",
        form,
        "--format",
        "cloudformation-json",
        "--to",
        str(written),
    ]
    done = subprocess.run([*command, *chosen, *more], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return written.read_text()


@pytest.fixture(scope="session")
def role_session(world: World) -> Identity:
    """A session of the generated role in the account that nobody reads."""
    return assumed(world.url, world.hub, f"arn:aws:iam::{TRIED}:role/{ROLE}", ExternalId=external_id(TRIED))


@pytest.fixture(scope="session")
def read(world: World, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The whole run, over both accounts and every service that the emulator serves."""
    return world.snapshot(tmp_path_factory.mktemp("read") / "snapshot")
