"""The role opens with its ExternalId alone; otherwise nothing is read, and every task says why."""

from pathlib import Path
from typing import Any

import pytest

from tests.enforced.conftest import FORMS, World

pytestmark = pytest.mark.enforced

SERVICES = ("iam", "s3", "sns", "sqs")


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param({}, id="without an ExternalId"),
        pytest.param(dict.fromkeys(FORMS, "somebody-elses"), id="with a wrong one"),
        pytest.param(
            {account: f"agreed-with-{other}" for account, other in zip(FORMS, reversed(FORMS), strict=True)}, id="with each other's"
        ),
    ],
)
def test_nothing_is_read(world: World, tmp_path: Path, ids: dict[str, str]) -> None:
    refused = world.snapshot(tmp_path / "snapshot", service=SERVICES, external_ids=ids)
    assert refused.resources == []
    assert {line["account_id"] for line in refused.coverage} == set(FORMS)
    assert {line["complete"] for line in refused.coverage} == {False}
    assert {_of(gap) for line in refused.coverage for gap in line["gaps"]} == {("denied", "sts:AssumeRole", "AccessDenied")}
    assert all(line["gaps"] for line in refused.coverage)
    assert refused.manifest["exit_status"] == 3


def _of(gap: dict[str, Any]) -> tuple[str, str, str]:
    return gap["kind"], gap["action"], gap["code"]


def test_one_account_with_a_wrong_one_does_not_keep_the_other_from_being_read(world: World, tmp_path: Path) -> None:
    first, second = FORMS
    half = world.snapshot(tmp_path / "snapshot", service=SERVICES, external_ids={first: f"agreed-with-{first}", second: "wrong"})
    assert {record["account_id"] for record in half.resources} == {first}
    denied = {line["account_id"] for line in half.coverage for gap in line["gaps"] if _of(gap)[:2] == ("denied", "sts:AssumeRole")}
    assert denied == {second}


def test_the_command_line_ends_with_gaps_and_never_repeats_the_external_id(world: World, tmp_path: Path) -> None:
    first = next(iter(FORMS))
    flags = [
        "--account",
        first,
        "--role",
        "InventoryReadOnly",
        "--region",
        "us-east-1",
        "--service",
        "sns",
        "--to",
        str(tmp_path / "snapshot"),
    ]
    done = world.command("run", *flags, COLLECTOR_EXTERNAL_ID="not-the-agreed-one")
    assert done.returncode == 3, done.stderr
    assert "sts:AssumeRole" in done.stderr
    assert "not-the-agreed-one" not in done.stdout + done.stderr
