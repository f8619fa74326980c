"""What is wrong with a delivery is one clear line, and nothing is written: the lines that were there before stay as they were."""

import gzip
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import duckdb
import pytest

from collector.billing import bucket as buckets
from collector.billing import reading
from collector.billing.bucket import Folder, Object
from collector.billing.database import Database
from collector.billing.place import BillingError
from collector.errors import SinkError
from collector.settings import LEAST_MEGABYTES
from tests.billing.conftest import billing_bucket
from tests.billing.files import BUCKET, PREFIX, Bucket, Charge, as_csv, as_parquet, as_zip, cur, focus
from tests.billing.reading import lines, read, total

pytestmark = pytest.mark.moto

GOOD = as_csv(focus([Charge("0.0104", f"i-{n:08x}") for n in range(200)], "2026-10"))
CONTENT = gzip.decompress(GOOD)
SEPTEMBER = [as_csv(focus([Charge("1")], "2026-09"))]


def flipped(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :]


def with_row(row: str) -> bytes:
    return gzip.compress(CONTENT + f"{row}\n".encode())


CHUNKS = {
    "cut off": (GOOD[: len(GOOD) // 2], "is damaged, or was not delivered whole"),
    "cut off in its last bytes": (GOOD[:-4], "is damaged, or was not delivered whole"),
    "damaged in the middle": (flipped(GOOD, len(GOOD) // 2), "is damaged, or was not delivered whole"),
    "not what its checksum says": (flipped(GOOD, len(GOOD) - 6), "is damaged, or was not delivered whole"),
    "a damaged zip": (b"PK\x03\x04 and no more", "is damaged, or was not delivered whole"),
    "a damaged Parquet file": (b"PAR1 and no more than that", "cannot be read: it is damaged"),
    "a row too short": (with_row("1,2"), r"cannot be read: line 202 has 2 columns, not 22"),
    "a row too long": (with_row(",".join("x" * 40)), r"cannot be read: line 202 has more than 22 columns"),
    "a quotation mark left open": (with_row('1,"secret name'), "cannot be read"),
    "an amount that is no number": (
        with_row(CONTENT.splitlines()[1].decode().replace("0.0104", "a secret", 1)),
        "holds an amount that is no number",
    ),
    "a column too few": (
        gzip.compress(b"BilledCost,ChargeCategory,BillingAccountId\n1,Usage,1\n"),
        "has 3 columns, and its manifest says 22",
    ),
    "other columns": (gzip.compress(CONTENT.replace(b"ServiceName", b"Unheard", 1)), "has other columns than its manifest says"),
    "no header": (gzip.compress(b""), "does not begin with a line of column names"),
    "a web page": (b"<html>", "has 1 columns, and its manifest says 22"),
}


@pytest.fixture(scope="module")
def september(emulated: str, one_authority: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A destination that has September's lines."""
    out = tmp_path_factory.mktemp("september") / "out"
    with billing_bucket(emulated, one_authority) as bucket:
        bucket.export("costs", "2026-09", SEPTEMBER)
        read(out)
    return out


@pytest.fixture
def before(september: Path, bucket: Bucket, tmp_path: Path) -> Iterator[Path]:
    """A copy of it; when the test is over September's lines must be all that it has."""
    bucket.export("costs", "2026-09", SEPTEMBER)
    out = shutil.copytree(september, tmp_path / "out")
    there = {path.name: path.read_bytes() for path in out.iterdir()}
    yield out
    assert {path.name: path.read_bytes() for path in out.iterdir()} == there


@pytest.mark.parametrize("fault", CHUNKS)
def test_a_file_that_is_not_whole_is_an_error_that_names_it(fault: str, bucket: Bucket, before: Path) -> None:
    chunk, said = CHUNKS[fault]
    bucket.export("costs", "2026-10", [GOOD, GOOD])
    key = f"{PREFIX}costs/data/BILLING_PERIOD=2026-10/20261101T000000Z-e-1/costs-00002.csv.gz"
    manifest = f"{PREFIX}costs/metadata/BILLING_PERIOD=2026-10/costs-Manifest.json"
    text = bucket.s3.get_object(Bucket=BUCKET, Key=manifest)["Body"].read()
    bucket.put(key, chunk)
    bucket.put(manifest, text)

    with pytest.raises(BillingError, match=said) as raised:
        read(before)

    assert key in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


MANIFESTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another bucket": (
        lambda told: told | {"dataFiles": ["s3://others/exports/a.csv.gz"]},
        "names s3://others/exports/a.csv.gz, which is outside",
    ),
    "another bucket of a report": (lambda told: told | {"bucket": "others"}, r"is of another bucket \(others\)"),
    "outside the prefix": (
        lambda told: told | {"dataFiles": [f"s3://{BUCKET}/private/a.csv.gz"]},
        "which is outside s3://acme-billing/exports/",
    ),
    "a way out of the prefix": (lambda told: told | {"dataFiles": [f"{PREFIX}../private/a.csv.gz"]}, "which is outside"),
    "a prefix that only begins alike": (lambda told: told | {"dataFiles": ["exports-2/a.csv.gz"]}, "which is outside"),
    "no files": (lambda told: told | {"dataFiles": []}, "names no data files"),
    "a file twice": (lambda told: told | {"dataFiles": told["dataFiles"] * 2}, "names a data file twice"),
    "a list": (lambda told: [told], "is no manifest"),
}


@pytest.mark.parametrize("fault", MANIFESTS)
def test_a_manifest_that_leads_elsewhere_is_refused(fault: str, bucket: Bucket, before: Path) -> None:
    change, said = MANIFESTS[fault]
    key = bucket.export("costs", "2026-10", [GOOD])
    told = json.loads(bucket.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    bucket.put(key, json.dumps(change(told)).encode())

    with pytest.raises(BillingError, match=said):
        read(before)


def test_a_chunk_that_is_missing_is_an_error(bucket: Bucket, before: Path) -> None:
    bucket.export("costs", "2026-10", [GOOD, GOOD])
    missing = f"{PREFIX}costs/data/BILLING_PERIOD=2026-10/20261101T000000Z-e-1/costs-00002.csv.gz"
    bucket.s3.delete_object(Bucket=BUCKET, Key=missing)

    with pytest.raises(BillingError, match=f"names {missing}, which is not there as it was delivered"):
        read(before)


def test_a_file_newer_than_its_manifest_belongs_to_a_refresh_under_way(
    bucket: Bucket, before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.export("costs", "2026-10", [GOOD], overwrite=True)
    folder = buckets.Bucket.folder

    async def an_hour_later(self: Any, prefix: str) -> Folder:
        found = await folder(self, prefix)
        late = [replace(each, modified=each.modified + timedelta(hours=1)) if "/data/" in each.key else each for each in found.objects]
        return Folder(found.folders, tuple(late))

    monkeypatch.setattr(buckets.Bucket, "folder", an_hour_later)

    with pytest.raises(BillingError, match="the delivery is incomplete"):
        read(before)


@pytest.mark.parametrize("format", ["focus", "cur"])
def test_a_refresh_in_between_begins_the_period_anew(format: str, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deliver(cost: str, execution: str) -> None:
        charges = [Charge(cost)]
        if format == "focus":
            chunk = as_csv(focus(charges, "2026-10"))
            bucket.export("costs", "2026-10", [chunk, chunk], overwrite=True, execution=execution)
        else:
            chunk = as_csv(cur(charges, "2026-10"))
            bucket.report("costs", "2026-10", [chunk, chunk], overwrite=True, assembly=execution)

    deliver("1", "e-1")
    download, seen = buckets.Bucket.download, []

    async def interrupted(self: Any, wanted: Object, path: Path, told: Any) -> None:
        if len(seen) == 1:
            deliver("10", "e-2")
        seen.append(wanted.key)
        await download(self, wanted, path, told)

    monkeypatch.setattr(buckets.Bucket, "download", interrupted)

    read(tmp_path / "out")

    found = lines(tmp_path / "out")
    assert (total(found), {each["source"]["execution_id"] for each in found}) == (20, {"e-2"})
    assert len(seen) == 4


def test_refreshes_without_end_are_given_up(bucket: Bucket, before: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.export("costs", "2026-10", [GOOD], overwrite=True)
    download = buckets.Bucket.download

    async def interrupted(self: Any, wanted: Object, path: Path, told: Any) -> None:
        bucket.export("costs", "2026-10", [GOOD], overwrite=True)
        await download(self, replace(wanted, etag='"0123456789abcdef0123456789abcdef"'), path, told)

    monkeypatch.setattr(buckets.Bucket, "download", interrupted)

    with pytest.raises(BillingError, match=r"is being refreshed over and over|is not there as it was delivered"):
        read(before)


def test_bytes_that_stop_coming_are_asked_for_again(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aiobotocore.response import StreamingBody

    bucket.export("costs", "2026-10", [GOOD])
    whole, broken = StreamingBody.read, []

    async def read_half(self: Any, amt: int | None = None) -> bytes:
        if amt is not None and not broken:
            broken.append(amt)
            return b""
        piece: bytes = await whole(self, amt)
        return piece

    monkeypatch.setattr(StreamingBody, "read", read_half)
    monkeypatch.setattr(buckets.Bucket, "__init__", without_backoff(buckets.Bucket.__init__))

    read(tmp_path / "out")

    assert total(lines(tmp_path / "out")) == total([{"billed_cost": "0.0104"}] * 200)
    assert broken


def without_backoff(made: Callable[..., None]) -> Callable[..., None]:
    from tenacity import wait_none

    def make(self: Any, *arguments: Any, **named: Any) -> None:
        made(self, *arguments, **{**named, "backoff": wait_none()})

    return make


def test_a_disk_without_room_is_told_before_anything_comes(bucket: Bucket, before: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.export("costs", "2026-10", [GOOD])
    usage = reading.shutil.disk_usage("/")
    monkeypatch.setattr(reading.shutil, "disk_usage", lambda _: usage._replace(free=100))

    with pytest.raises(BillingError, match="has no room for it: set TMPDIR"):
        read(before)


def test_one_data_file_at_a_time_is_on_the_disk(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.export("costs", "2026-09", [GOOD, GOOD, GOOD])
    bucket.export("costs", "2026-10", [as_zip(GOOD, "costs.csv"), as_parquet(focus([Charge("1")], "2026-10"), tmp_path)])
    download, there = buckets.Bucket.download, []

    async def watched(self: Any, wanted: Object, path: Path, told: Any) -> None:
        there.append(sorted(each.name for each in path.parent.iterdir()))
        await download(self, wanted, path, told)

    monkeypatch.setattr(buckets.Bucket, "download", watched)

    read(tmp_path / "out")

    assert there == [[], [], [], ["2026-09.jsonl"], ["2026-09.jsonl"]]


def test_costs_that_need_more_memory_are_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "costs.parquet"
    with duckdb.connect() as database:
        database.execute(f"""copy (select 1.5 BilledCost, 'Usage' ChargeCategory, '111111111111' BillingAccountId,
            'arn:aws:ec2:eu-west-1:111111111111:instance/i-' || range ResourceId from range(500000)) to '{path}' (format parquet)""")

    with Database(tmp_path, "aws", LEAST_MEGABYTES) as costs, pytest.raises(BillingError) as raised:
        costs.add(path, "costs.parquet", ())

    assert str(raised.value) == "costs.parquet cannot be added up in so little memory: give more with --memory-megabytes"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_leaves_nothing(
    number: signal.Signals, bucket: Bucket, before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.export("costs", "2026-10", [GOOD])
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    download = buckets.Bucket.download

    async def interrupted(self: Any, wanted: Object, path: Path, told: Any) -> None:
        assert len(list(temporary.iterdir())) == 1
        os.kill(os.getpid(), number)
        await anyio.sleep(30)
        await download(self, wanted, path, told)

    monkeypatch.setattr(buckets.Bucket, "download", interrupted)

    with pytest.raises(BillingError, match=r"^stopped \(Interrupted\) before everything was read: nothing was written$"):
        read(before)

    assert list(temporary.iterdir()) == []


def test_a_folder_of_something_else_is_not_written_to(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(SinkError, match=r"no manifest\.json.*name a finished snapshot, or a new place"):
        read(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
