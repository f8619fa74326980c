"""Appeared, changed, vanished, unknown: each only where the coverage of both snapshots lets it be said."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from collector.difference import differences
from collector.errors import SnapshotError
from collector.snapshot import Snapshot, open_snapshot

VOLATILE = {("ec2", "AWS::EC2::Volume"): ("Progress", "Attachments.AttachTime", "Limits.*.Used", "supplementary.status.Checked")}


def resource(name: str, account: str = "000000000001", **fields: Any) -> dict[str, Any]:
    """A volume, as a line without its scan."""
    return {
        "account_id": account, "arn": f"arn:{name}", "configuration": {}, "created_at": None, "name": None,
        "observed_at": "now", "parent_arn": None, "partition": "aws", "record": "resource", "region": "eu-west-1",
        "resource_id": name, "resource_type": "AWS::EC2::Volume", "schema": 1, "service": "ec2", "state": None, "supplementary": {},
        "tags": {}, **fields,
    }  # fmt: skip


def snapshot(folder: Path, *resources: dict[str, Any], complete: bool = True, accounts: tuple[str, ...] = ("000000000001",)) -> Snapshot:
    """A snapshot of *resources*, each of its account's one scan; each account's volumes were listed."""
    folder.mkdir()
    scans = {account: f"{account}/eu-west-1/ec2.volume@{folder.name}" for account in accounts}
    lines = [{**each, "scan_id": scans[each["account_id"]]} for each in resources]
    coverage = [{"scan_id": scan, "complete": complete} for scan in scans.values()]
    (folder / "resources.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    (folder / "coverage.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in coverage))
    (folder / "manifest.json").write_text('{"files": [{"name": "resources.jsonl"}, {"name": "coverage.jsonl"}]}')
    return open_snapshot(folder)


def changes(old: Snapshot, new: Snapshot) -> list[tuple[str, str, str | None]]:
    return [(each.change, each.resource_id, each.lacking_in) for each in differences(old, new, VOLATILE)]


def changed(tmp_path: Path, old: dict[str, Any], new: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The fields in which one volume differs."""
    found = list(differences(snapshot(tmp_path / "old", resource("v", **old)), snapshot(tmp_path / "new", resource("v", **new)), VOLATILE))
    assert [each.change for each in found] == ["changed"] * len(found)
    return dict(found[0].fields) if found else {}


def test_what_is_only_in_one_of_two_complete_listings_appeared_or_vanished(tmp_path: Path) -> None:
    old, new = (
        snapshot(tmp_path / "old", resource("stays"), resource("goes")),
        snapshot(tmp_path / "new", resource("comes"), resource("stays")),
    )

    assert changes(old, new) == [("appeared", "comes", "old"), ("vanished", "goes", "new")]


def test_what_an_incomplete_listing_lacks_is_unknown(tmp_path: Path) -> None:
    whole, part = snapshot(tmp_path / "whole", resource("v")), snapshot(tmp_path / "part", complete=False)

    assert changes(whole, part) == [("unknown", "v", "new")]
    assert changes(part, whole) == [("unknown", "v", "old")]


def test_what_was_not_asked_for_is_unknown(tmp_path: Path) -> None:
    both = snapshot(tmp_path / "both", resource("v"), resource("w", account="000000000002"), accounts=("000000000001", "000000000002"))
    one = snapshot(tmp_path / "one", resource("v"))

    assert changes(both, one) == [("unknown", "w", "new")]
    assert changes(one, both) == [("unknown", "w", "old")]


def test_a_change_is_told_by_field_with_both_values(tmp_path: Path) -> None:
    old = {"configuration": {"Size": 8, "Kms": {"Id": "a", "On": True}}, "tags": {"team": "x"}, "state": "available"}
    new = {"configuration": {"Size": 16, "Kms": {"Id": "b", "On": True}}, "tags": {"team": "x", "env": "y"}, "state": "in-use"}

    assert changed(tmp_path, old, new) == {
        "configuration.Size": (8, 16),
        "configuration.Kms.Id": ("a", "b"),
        "state": ("available", "in-use"),
        "tags.env": (None, "y"),
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param({"observed_at": "yesterday"}, {"observed_at": "today"}, id="when it was seen"),
        pytest.param({"configuration": {"Progress": "1%"}}, {"configuration": {"Progress": "2%"}}, id="volatile"),
        pytest.param({"configuration": {}}, {"configuration": {"Progress": "2%"}}, id="volatile, and new"),
        pytest.param(
            {"configuration": {"Attachments": [{"AttachTime": 1, "Id": "i"}]}},
            {"configuration": {"Attachments": [{"AttachTime": 2, "Id": "i"}]}},
            id="volatile in a list",
        ),
        pytest.param(
            {"configuration": {"Limits": {"a": {"Used": 1, "Of": 9}}}},
            {"configuration": {"Limits": {"a": {"Used": 2, "Of": 9}}}},
            id="volatile in every value of a map",
        ),
        pytest.param({"supplementary": {"status": {"Checked": 1}}}, {"supplementary": {"status": {"Checked": 2}}}, id="volatile below"),
        pytest.param({"configuration": {"Groups": ["a", "b"]}}, {"configuration": {"Groups": ["b", "a"]}}, id="the order of a list"),
        pytest.param({"tags": {"team": "x"}}, {"tags": None}, id="tags that could not be read"),
        pytest.param({"supplementary": {}}, {"supplementary": {"policy": {"a": 1}}}, id="what was refused on one side"),
    ],
)
def test_what_says_nothing_about_the_resource_is_no_change(tmp_path: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    assert changed(tmp_path, old, new) == {}


def test_a_line_that_is_no_resource_of_ours_is_refused(tmp_path: Path) -> None:
    good, odd = snapshot(tmp_path / "good"), snapshot(tmp_path / "odd", {"account_id": "000000000001"})

    with pytest.raises(SnapshotError, match="not a resource as the collector writes it"):
        changes(good, odd)


def test_only_what_is_wanted_is_compared(tmp_path: Path) -> None:
    old, new = snapshot(tmp_path / "old", resource("a")), snapshot(tmp_path / "new", resource("b"))

    found = list(differences(old, new, {}, wants=lambda line: line["resource_id"] == "b"))

    assert [each.resource_id for each in found] == ["b"]
