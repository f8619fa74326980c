"""Requests are signed, by the right account, and a wrong signature is told in one line."""

from pathlib import Path

import pytest

from tests.enforced.conftest import FORMS, Run, World

pytestmark = pytest.mark.enforced


def test_a_wrong_secret_is_one_clear_line(world: World, tmp_path: Path) -> None:
    wrong = world.hub._replace(secret_access_key="this-is-not-the-secret")
    done = world.command("run", "--region", "us-east-1", "--service", "sns", "--to", str(tmp_path / "snapshot"), who=wrong)
    assert done.returncode == 2
    told = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(told) == 1, done.stderr
    assert told[0].startswith("collector: AWS does not accept the credentials in use")
    assert "SignatureDoesNotMatch" in told[0]
    assert wrong.secret_access_key not in done.stdout + done.stderr
    assert not (tmp_path / "snapshot").exists()


def test_keys_that_nobody_has_are_one_clear_line(world: World, tmp_path: Path) -> None:
    unknown = world.hub._replace(access_key_id="AKIAIOSFODNN7EXAMPLE")
    done = world.command("run", "--region", "us-east-1", "--service", "sns", "--to", str(tmp_path / "snapshot"), who=unknown)
    assert done.returncode == 2
    told = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(told) == 1, done.stderr
    assert "InvalidClientTokenId" in told[0]


def test_no_account_is_told_what_another_one_has(world: World, read: Run) -> None:
    """Both accounts are read at the same time by the same clients; every record speaks of its own account only."""
    by_account = {account: [record for record in read.resources if record["account_id"] == account] for account in FORMS}
    for account, records in by_account.items():
        assert len(records) > 100
        others = [other for other in FORMS if other != account]
        assert [record for record in records if any(other in str(record) for other in others)] == []


def test_many_workers_sign_as_well_as_one(world: World, tmp_path: Path) -> None:
    services = ("dynamodb", "s3", "sns", "sqs")
    alone = world.snapshot(tmp_path / "alone", service=services, workers=1)
    together = world.snapshot(tmp_path / "together", service=services, workers=200)
    assert _found(alone) == _found(together)
    assert "denied" not in {gap["kind"] for line in together.coverage for gap in line["gaps"]}


def _found(run: Run) -> set[tuple[str, str, str, str]]:
    return {(record["account_id"], record["region"], record["resource_type"], record["resource_id"]) for record in run.resources}
