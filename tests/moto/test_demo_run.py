"""The demo's organisation, read by the very command that a user runs."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest

from collector.demo.demo import emulated_environment, settings_for
from collector.demo.emulator import emulator
from collector.demo.seed import Seeded, seed
from collector.inventory import chosen_families
from collector.schema import schema

pytestmark = pytest.mark.moto


NOT_READ = {"AWS::Glue::Connection": "glue:GetConnections answers with passwords, and nothing but its parameters holds it back"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass(frozen=True)
class Ran:
    """What one run left behind."""

    status: int
    said: str
    folder: Path

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_bytes().splitlines()]

    @property
    def manifest(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "manifest.json").read_bytes()))


@pytest.fixture(scope="module")
def organisation() -> Iterator[Seeded]:
    with emulator() as url, emulated_environment(url):
        yield anyio.run(seed, url)


def collector(seeded: Seeded, folder: Path, *more: str) -> Ran:
    settings = settings_for(seeded, None)
    flags = ["--organization", "--role", seeded.role_name, "--to", str(folder), "--verbose", *more]
    flags += [flag for region in seeded.regions for flag in ("--region", region)]
    flags += [flag for service in settings.service for flag in ("--service", service)]
    environment = {**os.environ, "COLLECTOR_EXTERNAL_ID": seeded.external_id}
    done = subprocess.run([sys.executable, "-m", "collector", "run", *flags], env=environment, capture_output=True, text=True, timeout=300)
    return Ran(done.returncode, done.stdout + done.stderr, folder)


@pytest.fixture(scope="module")
def ran(organisation: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return collector(organisation, tmp_path_factory.mktemp("first") / "snapshot")


def test_the_run_ends_well(ran: Ran) -> None:
    assert ran.status == ran.manifest["exit_status"]
    assert set(ran.manifest["gaps"]) <= {"unavailable", "failed"}, "the emulator does not have every operation, and answers some badly"


def test_every_planned_task_is_covered_exactly_once_for_each_type(ran: Ran, organisation: Seeded) -> None:
    covered = Counter((line["account_id"], line["region"], line["resource_type"]) for line in ran.lines("coverage.jsonl"))

    families = chosen_families(settings_for(organisation, None))
    regional = [resource.type for family in families if family.root.scope == "regional" for resource in family.written()]
    everywhere = {
        (account, region, kind) for account in organisation.accounts.values() for region in organisation.regions for kind in regional
    }
    worldwide = [resource.type for family in families if family.root.scope == "global" for resource in family.written()]

    assert set(covered.values()) == {1}
    assert everywhere <= set(covered)
    assert len(covered) == len(everywhere) + len(worldwide) * len(organisation.accounts)


def test_every_line_is_valid(ran: Ran) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schema()))

    for name in ("resources.jsonl", "coverage.jsonl"):
        for line in ran.lines(name):
            validator.validate(line)


def test_every_seeded_resource_is_there_exactly_once_with_its_tags(ran: Ran, organisation: Seeded) -> None:
    found: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    for line in ran.lines("resources.jsonl"):
        for identifier in {line["arn"], line["resource_id"], line["name"]}:
            found.setdefault((line["account_id"], line["region"], line["resource_type"], identifier), []).append(line)

    wrong = []
    for resource in organisation.resources:
        # moto's DescribeParameters has no ARN, as AWS's has; the name is what follows ":parameter" in it.
        identifier = resource.identifier.split(":parameter")[-1]
        lines = found.get((resource.account_id, resource.region, resource.type, identifier), [])
        if resource.type in NOT_READ:
            assert lines == []
        elif len(lines) != 1 or (lines[0]["tags"] or {}) != resource.tags:
            wrong.append((resource, [line["tags"] for line in lines]))
    assert wrong == []
    assert len(organisation.resources) > 500


def test_no_planted_secret_is_in_the_output_or_the_logs(ran: Ran, organisation: Seeded) -> None:
    written = "".join(path.read_text() for path in ran.folder.iterdir())

    assert [secret for secret in organisation.secrets if secret in written or secret in ran.said] == []
    assert organisation.external_id not in written + ran.said
    assert len(organisation.secrets) > 50


def test_a_resource_counts_only_with_its_coverage(ran: Ran) -> None:
    counted = Counter(line["scan_id"] for line in ran.lines("resources.jsonl"))
    vouched = {line["scan_id"]: line["resources"] for line in ran.lines("coverage.jsonl")}

    assert counted == {scan_id: number for scan_id, number in vouched.items() if number}


def test_a_second_run_differs_in_times_and_scans_only(ran: Ran, organisation: Seeded, tmp_path: Path) -> None:
    again = collector(organisation, tmp_path / "again")

    assert timeless(again.lines("resources.jsonl")) == timeless(ran.lines("resources.jsonl"))
    assert timeless(again.lines("coverage.jsonl")) == timeless(ran.lines("coverage.jsonl"))


def timeless(lines: list[dict[str, Any]]) -> list[str]:
    """*lines* without moments and how long they took to read, in an order of their own."""
    for line in lines:
        for name in ("scan_id", "seconds", "retries"):
            line.pop(name, None)
    return sorted(MOMENT.sub("then", json.dumps(line, sort_keys=True)) for line in lines)
