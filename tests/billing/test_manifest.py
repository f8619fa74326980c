"""Manifests: both kinds are read, and whatever else comes is an error and never a crash."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.billing.manifest import Manifest, read_manifest
from collector.billing.place import BillingError, Place

PLACE = Place("acme-billing", "exports/")


def read(document: Any) -> Manifest:
    return read_manifest(json.dumps(document).encode(), PLACE, "the manifest")


def test_a_report_names_plain_keys_and_columns_in_two_words() -> None:
    told = read(
        {
            "assemblyId": "a-1",
            "reportName": "costs",
            "bucket": "acme-billing",
            "reportKeys": ["exports/costs/20261001-20261101/a-1/costs-1.csv.gz"],
            "columns": [{"category": "lineItem", "name": "UnblendedCost"}],
        }
    )
    assert told == Manifest("a-1", "costs", ("lineItem/UnblendedCost",), ("exports/costs/20261001-20261101/a-1/costs-1.csv.gz",))


@pytest.mark.parametrize(
    "file", ["s3://acme-billing/exports/a.parquet", "exports/a.parquet", {"s3Uri": "s3://acme-billing/exports/a.parquet"}]
)
def test_an_export_names_its_files_in_several_ways(file: Any) -> None:
    told = read({"executionId": "e-1", "dataFiles": [file], "columns": [{"name": "BilledCost", "type": "double"}]})
    assert told == Manifest("e-1", None, ("BilledCost",), ("exports/a.parquet",))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda of: st.lists(of) | st.dictionaries(st.text(), of),
    max_leaves=8,
)
LIKELY = st.sampled_from(["s3://acme-billing/exports/a", "exports/a", "exports/../a", "s3://", "s3://b/exports/a", "acme-billing", ""])
WORDS = st.sampled_from(
    ["assemblyId", "executionId", "reportName", "bucket", "reportKeys", "dataFiles", "columns", "category", "name", "s3Uri", "key"]
)
ALIKE = st.recursive(LIKELY | JSON, lambda of: st.lists(of, max_size=3) | st.dictionaries(WORDS, of, max_size=4), max_leaves=10)


@given(st.dictionaries(WORDS, ALIKE) | ALIKE)
def test_whatever_is_told_is_read_or_refused(document: Any) -> None:
    try:
        told = read(document)
    except BillingError as error:
        said = str(error)
    else:
        said = "read"
        assert told.keys
        assert all(PLACE.holds("acme-billing", key) for key in told.keys)
    assert said.isprintable()


@given(st.binary())
def test_bytes_that_are_no_manifest_are_refused(text: bytes) -> None:
    with pytest.raises(BillingError):
        read_manifest(text, PLACE, "the manifest")
