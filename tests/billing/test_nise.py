"""A Cost and Usage Report that koku-nise wrote (scripts/make-billing-report): every sum is that of its own files, to the last digit."""

import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import pytest

from collector.exit import Exit
from tests.billing.files import PREFIX, Bucket
from tests.billing.reading import lines, read

pytestmark = pytest.mark.moto

WRITTEN = Path(__file__).parent / "nise" / "bucket"
MONTH = f"{PREFIX}costs/20261001-20261101"
MANIFEST = f"{MONTH}/costs-Manifest.json"
NEWEST = json.loads((WRITTEN / MANIFEST).read_text())["assemblyId"]
OLDER = next(each.name for each in (WRITTEN / MONTH).iterdir() if each.is_dir() and each.name != NEWEST)
ROWS = 216
KEY = ("account_id", "service_code", "service_name", "region", "resource_id", "charge_category", "consumed_unit")
Sums: TypeAlias = dict[tuple[str | None, ...], Counter[str]]
"""Amounts by name, of each KEY. A Counter, for it takes an amount that is not there for 0."""


def rows(assembly: str) -> Iterator[dict[str, str]]:
    for path in (WRITTEN / MONTH / assembly).glob("*.csv.gz"):
        with gzip.open(path, "rt", newline="") as file:
            yield from csv.DictReader(file)


def deliver(bucket: Bucket, assembly: str, *, overwrite: bool = False) -> None:
    """Put one of nise's deliveries into the bucket in AWS's order, the manifest last: as new, or over what is there."""
    manifest = (WRITTEN / MONTH / assembly / "costs-Manifest.json").read_text()
    folder = MONTH if overwrite else f"{MONTH}/{assembly}"
    for path in (WRITTEN / MONTH / assembly).glob("*.csv.gz"):
        bucket.put(f"{folder}/{path.name}", path.read_bytes())
    if overwrite:
        manifest = manifest.replace(f"{MONTH}/{assembly}/", f"{MONTH}/")
    else:
        bucket.put(f"{folder}/costs-Manifest.json", manifest.encode())
    bucket.put(MANIFEST, manifest.encode())


def require_sums(to: Path, assembly: str) -> None:
    """The lines and the rows agree in all that they add up to.

    What a plan covers is billed by its fee: covered usage and its negation are 0.
    """
    wanted: Sums = defaultdict(Counter)
    for row in rows(assembly):
        kind, cost = row["lineItem/LineItemType"], Decimal(row["lineItem/UnblendedCost"])
        assert kind in ("Usage", "SavingsPlanCoveredUsage", "SavingsPlanNegation")
        key = (
            row["lineItem/UsageAccountId"], row["lineItem/ProductCode"], row["product/ProductName"], row["product/region"],
            row["lineItem/ResourceId"].rpartition("/")[2], "Usage", None if kind == "SavingsPlanNegation" else row["pricing/unit"],
        )  # fmt: skip
        sums = wanted[tuple(each or None for each in key)]
        sums["line_items"] += 1
        if kind == "Usage":
            sums["billed_cost"] += cost
            sums["effective_cost"] += cost
        if kind == "SavingsPlanCoveredUsage":
            sums["effective_cost"] += Decimal(row["savingsPlan/SavingsPlanEffectiveCost"])
        if kind != "SavingsPlanNegation":
            sums["list_cost"] += Decimal(row["pricing/publicOnDemandCost"])
            sums["consumed_quantity"] += Decimal(row["lineItem/UsageAmount"])
    found: Sums = defaultdict(Counter)
    for line in lines(to):
        sums = found[tuple(line[name] for name in KEY)]
        for name in ("line_items", "billed_cost", "effective_cost", "list_cost", "consumed_quantity"):
            sums[name] += Decimal(line[name] or 0)
    assert found == wanted
    assert sum(each["line_items"] for each in found.values()) == ROWS


def test_the_sums_are_those_of_its_newest_delivery(bucket: Bucket, tmp_path: Path) -> None:
    deliver(bucket, OLDER)

    first = read(tmp_path / "out")

    assert first.exit_status is Exit.COMPLETE
    require_sums(tmp_path / "out", OLDER)
    assert {each["period_state"] for each in lines(tmp_path / "out")} == {"estimated"}

    deliver(bucket, NEWEST)
    read(tmp_path / "out")

    require_sums(tmp_path / "out", NEWEST)
    assert {(each["period_state"], each["source"]["execution_id"]) for each in lines(tmp_path / "out")} == {("final", NEWEST)}


def test_an_overwritten_delivery_is_read_as_a_new_one(bucket: Bucket, tmp_path: Path) -> None:
    deliver(bucket, OLDER, overwrite=True)
    deliver(bucket, NEWEST, overwrite=True)
    bucket.put(f"{MONTH}/October-2026-costs-4.csv.gz", next((WRITTEN / MONTH / OLDER).glob("*-1.csv.gz")).read_bytes())  # left behind

    read(tmp_path / "out")

    require_sums(tmp_path / "out", NEWEST)
