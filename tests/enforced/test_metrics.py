"""Metrics with the generated role, where IAM is enforced: one action is enough, and without it every series says so."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import pytest

from collector.metrics import add_metrics
from collector.settings import MetricsSettings
from collector.snapshot import open_snapshot
from tests.enforced.asking import root_of
from tests.enforced.conftest import EXACT, FORMS, REGION, ROLE, Run, World, environment, external_id
from tests.enforced.deployment import without

pytestmark = pytest.mark.enforced


def metrics(world: World, read: Run, folder: Path, *accounts: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the manifest says of the metrics of the snapshot *read*, asked for as the hub's user, and their lines."""
    shutil.copytree(read.folder, folder)
    ids = {account: external_id(account) for account in FORMS}
    settings = MetricsSettings(account=accounts, role=ROLE, external_ids=ids, region=(REGION,))
    with environment(world.url, world.hub):
        told = anyio.run(add_metrics, settings, str(folder))
    return told, list(open_snapshot(folder).utilisation())


def test_the_generated_role_is_enough_for_metrics(world: World, read: Run, tmp_path: Path) -> None:
    told, lines = metrics(world, read, tmp_path / "snapshot")

    assert (told["exit_status"], told["gaps"], told["accounts"]) == (0, {}, list(FORMS))
    assert {line["status"] for line in lines} <= {"ok", "no_data", "not_collected"}
    asked = Counter(line["account_id"] for line in lines if line["status"] != "not_collected")
    assert asked.keys() == FORMS.keys()
    assert told["metrics"] == asked.total() > 50


def test_without_its_action_every_series_of_the_account_says_so(world: World, read: Run, tmp_path: Path) -> None:
    with without(world.url, root_of(EXACT), ROLE, "cloudwatch:GetMetricData"):
        told, lines = metrics(world, read, tmp_path / "snapshot", EXACT)

    became = {(line["status"], line["reason"]) for line in lines if line["status"] != "not_collected"}
    assert became == {("error", "denied: AccessDenied")}
    assert (told["exit_status"], told["metrics"], told["dollars"]) == (3, 0, 0)
    assert told["gaps"].keys() == {"denied"}
