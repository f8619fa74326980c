"""Lines go into a folder or into S3, into a snapshot or a new one: all of them and then the manifest, or nothing."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zstandard

from collector.billing.place import BillingError
from collector.errors import SinkError
from collector.sink.bucket import Bucket as SnapshotBucket
from tests.billing.files import MEMBER, Bucket, Charge, as_csv, focus
from tests.billing.reading import lines, read, total
from tests.billing.snapshots import resource, write_snapshot

pytestmark = pytest.mark.moto

SNAPSHOTS = "acme-snapshots"
TO = f"s3://{SNAPSHOTS}/nightly/today"
INSTANCE = resource("i-0aa", f"arn:aws:ec2:eu-west-1:{MEMBER}:instance/i-0aa")


@pytest.fixture
def snapshots(bucket: Bucket) -> Iterator[Bucket]:
    """An empty bucket for snapshots, beside the one with the billing files."""
    bucket.s3.create_bucket(Bucket=SNAPSHOTS)
    made = Bucket(bucket.s3, SNAPSHOTS)
    yield made
    for name in objects(made):
        made.s3.delete_object(Bucket=SNAPSHOTS, Key=name)
    made.s3.delete_bucket(Bucket=SNAPSHOTS)


def objects(of: Bucket) -> dict[str, bytes]:
    names = [each["Key"] for each in of.s3.list_objects_v2(Bucket=of.name).get("Contents", ())]
    return {name: of.s3.get_object(Bucket=of.name, Key=name)["Body"].read() for name in names}


def published(snapshots: Bucket) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The manifest, every file of which is as it says, and the costs."""
    there = {name.removeprefix("nightly/today/"): body for name, body in objects(snapshots).items()}
    manifest = json.loads(there["manifest.json"])
    for each in manifest["files"]:
        assert (hashlib.sha256(there[each["name"]]).hexdigest(), len(there[each["name"]])) == (each["sha256"], each["bytes"])
    costs = [each for each in manifest["files"] if each["name"].startswith("billing")]
    text = b"".join(there[each["name"]] for each in costs)
    if costs and costs[0]["name"].endswith(".zst"):
        text = zstandard.ZstdDecompressor().decompressobj().decompress(text)
    found = [json.loads(each) for each in text.splitlines()]
    assert len(found) == sum(each["lines"] for each in costs)
    return manifest, found


def deliver(bucket: Bucket, cost: str, period: str = "2026-10", execution: str = "e-1") -> None:
    bucket.export("costs", period, [as_csv(focus([Charge(cost, "i-0aa"), Charge(cost, "i-0bb")], period))], execution=execution)


def test_a_new_snapshot_in_s3_has_the_costs_and_a_refresh_replaces_its_period(bucket: Bucket, snapshots: Bucket) -> None:
    deliver(bucket, "1", "2026-09")
    deliver(bucket, "2")

    done = read(TO)

    manifest, found = published(snapshots)
    assert (done.to, total(found)) == (TO, Decimal(6))
    assert manifest["billing"]["read"] == ["2026-09", "2026-10"]
    assert sorted(objects(snapshots)) == ["nightly/today/billing.jsonl", "nightly/today/manifest.json"]

    deliver(bucket, "3", execution="e-2")
    assert read(TO).about["read"] == ["2026-10"]

    manifest, found = published(snapshots)
    by_period = {period: total([each for each in found if each["period"] == period]) for period in {each["period"] for each in found}}
    assert by_period == {"2026-09": Decimal(2), "2026-10": Decimal(6)}
    assert read(TO).about["read"] == []


@pytest.mark.parametrize("compress", [False, True])
def test_costs_meet_the_inventory_in_s3_and_leave_it_as_it_is(compress: bool, bucket: Bucket, snapshots: Bucket) -> None:
    write_snapshot(TO, INSTANCE, compress=compress)
    before = objects(snapshots)
    deliver(bucket, "1")

    for _ in range(2):
        done = read(TO)

    manifest, found = published(snapshots)
    assert (total(found), done.about["inventory"]) == (Decimal(2), TO)
    assert manifest["billing"]["periods"]["2026-10"]["joined"] == {"AmazonEC2": {"billed": 2, "met": 1}}
    assert manifest["resources"] == 1
    after = objects(snapshots)
    assert {name: after[name] for name in before if "manifest" not in name} == {
        name: body for name, body in before.items() if "manifest" not in name
    }
    assert {name.rpartition("/")[2] for name in after.keys() - before.keys()} == {f"billing.jsonl{'.zst' if compress else ''}"}


def test_a_delivery_that_is_damaged_leaves_s3_as_it_was(bucket: Bucket, snapshots: Bucket) -> None:
    bucket.export("costs", "2026-10", [as_csv(focus([Charge("1")], "2026-10"))[:-4]])
    with pytest.raises(BillingError, match="is damaged"):
        read(TO)
    assert objects(snapshots) == {}

    write_snapshot(TO, INSTANCE)
    before = objects(snapshots)
    with pytest.raises(BillingError, match="is damaged"):
        read(TO)
    assert objects(snapshots) == before


@pytest.mark.parametrize("dies_before", ["the first manifest", "the costs", "the last manifest"])
def test_dying_while_costs_are_replaced_leaves_a_snapshot_that_agrees(
    dies_before: str, bucket: Bucket, snapshots: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_snapshot(TO, INSTANCE)
    deliver(bucket, "1")
    read(TO)
    deliver(bucket, "2", execution="e-2")
    step, put, publish = 0, SnapshotBucket.put, SnapshotBucket.publish

    async def dying(self: SnapshotBucket, *arguments: Any) -> None:
        nonlocal step
        step += 1
        if step == ["the first manifest", "the costs", "the last manifest"].index(dies_before) + 1:
            raise SinkError("the network is gone")
        await (put if isinstance(arguments[0], str) else publish)(self, *arguments)

    with monkeypatch.context() as broken:
        broken.setattr(SnapshotBucket, "put", dying)
        broken.setattr(SnapshotBucket, "publish", dying)
        with pytest.raises(SinkError, match="the network is gone"):
            read(TO)

    _, found = published(snapshots)
    assert total(found) == (2 if dies_before == "the first manifest" else 0)
    read(TO)
    assert total(published(snapshots)[1]) == 4


def test_a_prefix_with_something_else_is_refused_and_left_alone(bucket: Bucket, snapshots: Bucket) -> None:
    snapshots.put("nightly/today/mine.txt", b"mine")
    deliver(bucket, "1")

    with pytest.raises(SinkError, match=r"no manifest\.json.*name a finished snapshot, or a new place"):
        read(TO)

    assert list(objects(snapshots)) == ["nightly/today/mine.txt"]


def test_a_bucket_that_cannot_be_written_is_told_before_anything_is_read(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(bucket, "1")
    with pytest.raises(SinkError, match=r"s3://acme-nowhere/x cannot be written: CreateMultipartUpload: NoSuchBucket"):
        read("s3://acme-nowhere/x")


def test_a_folder_that_a_run_is_writing_is_not_added_to(bucket: Bucket, tmp_path: Path) -> None:
    write_snapshot(str(tmp_path / "out"), INSTANCE)
    held = os.open(tmp_path / "out" / ".lock", os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        with pytest.raises(SinkError, match="is being written by another run"):
            read(tmp_path / "out")
    finally:
        os.close(held)


def test_a_new_folder_in_which_one_was_killed_is_taken(bucket: Bucket, tmp_path: Path) -> None:
    deliver(bucket, "1")
    for name in (".lock", ".billing.jsonl.new"):
        (tmp_path / name).write_text("half a li")

    read(tmp_path)

    assert total(lines(tmp_path)) == 2
    assert sorted(each.name for each in tmp_path.iterdir()) == [".lock", "billing.jsonl", "manifest.json"]


@pytest.mark.parametrize("to", ["-", "ftp://elsewhere", "s3://no_bucket/x"])
def test_what_is_no_destination_is_told_in_one_line(to: str, bucket: Bucket) -> None:
    with pytest.raises(SinkError, match=r"is no place for billing lines|is not the name of a bucket"):
        read(to)
