"""``collector billing`` as its user calls it: exit statuses, one clear line, what is shown on a terminal."""

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from tests.billing.files import BUCKET, PREFIX, Bucket, Charge, as_csv, cur2, focus
from tests.billing.reading import lines, total
from tests.command import collector
from tests.terminal import on_a_terminal

pytestmark = pytest.mark.moto

GOOD = as_csv(focus([Charge("1", "i-0aa"), Charge("2")], "2026-10"))
DATA = f"{PREFIX}costs/data/BILLING_PERIOD=2026-10/20261101T000000Z-e-1/costs-00002.csv.gz"
MANIFEST = f"{PREFIX}costs/metadata/BILLING_PERIOD=2026-10/costs-Manifest.json"
FLAGS = ("billing", "--bucket", BUCKET, "--prefix", "exports")


def billing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, list[str]]:
    """(exit status, the lines on standard error) of the command, which writes nothing on standard output."""
    status, out, err = collector(capsys, monkeypatch, *arguments)
    assert out == ""
    return status, err.splitlines()


def test_it_writes_lines_and_ends_in_zero(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.export("costs", "2026-10", [as_csv(cur2([Charge("1")], "2026-10"))])
    monkeypatch.setenv("COLLECTOR_BILLING", f"s3://{BUCKET}/{PREFIX}")

    status, said = billing(capsys, monkeypatch, "billing", "--to", str(tmp_path / "out"), "--last", "1")

    assert status == 0
    assert total(lines(tmp_path / "out")) == 1
    assert {json.loads(each)["event"] for each in said} >= {"billing.finished"}


def damage(bucket: Bucket) -> None:
    bucket.put(DATA, GOOD[:-4])


def lose(bucket: Bucket) -> None:
    bucket.s3.delete_object(Bucket=BUCKET, Key=DATA)


def drop_a_column(bucket: Bucket) -> None:
    bucket.put(DATA, gzip.compress(b"BilledCost,ChargeCategory,BillingAccountId\n1,Usage,1\n"))


def shorten_a_row(bucket: Bucket) -> None:
    bucket.put(DATA, gzip.compress(gzip.decompress(GOOD) + b"1,2\n"))


def lead_elsewhere(bucket: Bucket) -> None:
    text = bucket.s3.get_object(Bucket=BUCKET, Key=MANIFEST)["Body"].read()
    bucket.put(MANIFEST, text.replace(f"s3://{BUCKET}/".encode(), b"s3://others/"))


ERRORS: dict[str, tuple[Callable[[Bucket], None], str]] = {
    "corrupt gzip": (damage, f"{DATA} is damaged, or was not delivered whole"),
    "a missing chunk": (lose, f"{MANIFEST} names {DATA}, which is not there as it was delivered: .*"),
    "a wrong column count": (drop_a_column, f"{DATA} has 3 columns, and its manifest says 22"),
    "a row of another length": (shorten_a_row, f"{DATA} cannot be read: line 4 has 2 columns, not 22"),
    "another bucket": (lead_elsewhere, f"{MANIFEST} names s3://others/.*, which is outside s3://{BUCKET}/{PREFIX}: .*"),
    "no manifest": (lambda bucket: bucket.put(MANIFEST, b"{}"), f"{MANIFEST} names no data files"),
}


@pytest.mark.parametrize("error", ERRORS)
def test_what_is_wrong_with_a_delivery_is_one_line_and_ends_in_two(
    error: str, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, said = ERRORS[error]
    bucket.export("costs", "2026-10", [GOOD, GOOD])
    manifest = bucket.s3.get_object(Bucket=BUCKET, Key=MANIFEST)["Body"].read()
    spoil(bucket)
    if error not in ("another bucket", "no manifest"):
        bucket.put(MANIFEST, manifest)  # it is the last that AWS writes

    status, told = billing(capsys, monkeypatch, *FLAGS, "--to", str(tmp_path / "out"))

    assert status == 2
    assert re.fullmatch(f"collector: {said}", told[-1])
    assert [each for each in told if not each.startswith("{")] == [told[-1]]
    assert not (tmp_path / "out").exists()


def test_a_role_that_reads_more_halts_and_nothing_is_read(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.export("costs", "2026-10", [GOOD])
    iam = boto3.client("iam")
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}
    iam.create_role(RoleName="Reader", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    objects = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    iam.put_role_policy(RoleName="Reader", PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [objects]}))
    monkeypatch.setenv("COLLECTOR_EXTERNAL_ID", "agreed")
    try:
        role = ("--role", "Reader", "--account", "123456789012")
        status, said = billing(capsys, monkeypatch, *FLAGS, *role, "--to", str(tmp_path / "out"))
    finally:
        iam.delete_role_policy(RoleName="Reader", PolicyName="all")
        iam.delete_role(RoleName="Reader")

    assert status == 4
    assert "account.halted" in {json.loads(each)["event"] for each in said}
    assert not (tmp_path / "out").exists()


def test_without_its_extra_it_says_how_to_install_it(tmp_path: Path) -> None:
    without = "import sys; sys.modules['duckdb'] = None; from collector.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", without, *FLAGS, "--to", str(tmp_path / "out")], capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 2
    said = "billing needs its extra (duckdb is missing): pip install 'aws-service-inventory-collector[billing]'"
    assert done.stderr.splitlines() == [f"collector: {said}"]


def test_on_a_terminal_it_shows_progress_and_a_table(bucket: Bucket, tmp_path: Path) -> None:
    for period in ("2026-09", "2026-10"):
        bucket.export("costs", period, [as_csv(focus([Charge("1", "i-0aa"), Charge("2.5")], period))])

    command = [sys.executable, "-m", "collector", *FLAGS, "--to", str(tmp_path / "out")]
    status, shown = on_a_terminal(command, os.environ, longest=60)

    assert status == 0
    assert "finding exports and reports" in shown
    sizes = re.findall(r"2026-10 .*?(\d+)/(\d+) bytes", shown)
    assert sizes
    assert sizes[-1][0] == sizes[-1][1]
    table = [line.split() for line in shown.splitlines() if " focus-1.2 " in line]
    assert [(row[0], row[3:]) for row in table] == [(period, ["2", "2", "3.5", "-"]) for period in ("2026-09", "2026-10")]
    assert f"Costs: {tmp_path / 'out'}" in shown
