"""Metrics of a snapshot, from an emulated CloudWatch: of every metered type, by day, into folders and buckets, as the commands do it."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import anyio
import boto3
import jsonschema
import pytest

from collector.cli.run import metrics_after
from collector.demo.demo import emulated_environment
from collector.demo.emulator import emulator
from collector.errors import SinkError, SnapshotError
from collector.exit import Exit
from collector.inventory import Snapshot
from collector.metrics import add_metrics
from collector.query import query
from collector.schema import schema
from collector.settings import MetricsSettings, RunSettings
from collector.sink import open_sink
from collector.sink.addition import Addition, open_addition
from collector.snapshot import open_snapshot
from tests.model.metered import ACCOUNT, BALANCERS, EXAMPLES, Example
from tests.model.test_wastage_metrics import FACTS

pytestmark = pytest.mark.moto

TODAY = datetime.combine(datetime.now(UTC).date(), time(), UTC)
BUCKET = "snapshots"
SETTINGS = MetricsSettings(allow_unchecked=True)
KINDS = dict(zip(("AWS/ApplicationELB", "AWS/NetworkELB", "AWS/GatewayELB"), BALANCERS, strict=True))


def needed(example: Example) -> Iterator[tuple[Mapping[str, Any], dict[str, str]]]:
    """Every metric that checks need of *example*, with the dimensions of each of its series."""
    for need in FACTS["metrics"].values():
        if need["type"] == example.type and KINDS.get(need["namespace"], example) is example:
            for dimensions in example.series(need["dimensions"]):
                if example.type != "S3::Bucket" or (dimensions["StorageType"] == "AllStorageTypes") == (
                    need["metric"] == "NumberOfObjects"
                ):
                    yield need, dimensions


def put(example: Example) -> None:
    """Two values yesterday, one the day before, and one today, which no collection may count."""
    cloudwatch = boto3.client("cloudwatch", region_name=example.region)
    for need, dimensions in needed(example):
        moments = ((-1, 3, 4.0), (-1, 20, 6.0), (-2, 23, 1.0), (0, 0, 50.0))
        cloudwatch.put_metric_data(
            Namespace=need["namespace"],
            MetricData=[
                {
                    "MetricName": need["metric"],
                    "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())],
                    "Timestamp": TODAY + timedelta(days=days, hours=hours),
                    "Value": value,
                }
                for days, hours, value in moments
            ],
        )


@pytest.fixture(scope="module", autouse=True)
def aws() -> Iterator[None]:
    with emulator() as url, emulated_environment(url):
        for example in EXAMPLES:
            put(example)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield


async def write_snapshot(to: str, *, compress: bool = False) -> None:
    """A finished snapshot of the examples, and of one resource that no coverage vouches for."""
    async with open_sink(to, compress=compress) as sink:
        await sink.begin({})
        stray = Example("SQS::Queue", "ghost", {}, {}, arn="arn:aws:sqs:eu-west-1:123456789012:ghost")
        await sink.write([example.record() for example in EXAMPLES] + [stray.record()])
        await sink.write([example.coverage() for example in EXAMPLES])
        await sink.finish({"accounts": [{"account_id": ACCOUNT}]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    anyio.run(write_snapshot, str(tmp_path / "snapshot"))
    return tmp_path / "snapshot"


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot with its metrics."""
    folder = tmp_path_factory.mktemp("collected") / "snapshot"
    anyio.run(write_snapshot, str(folder))
    anyio.run(add_metrics, SETTINGS, str(folder))
    return folder


def lines(folder: Path) -> list[dict[str, Any]]:
    return list(open_snapshot(folder).utilisation())


@pytest.mark.parametrize("example", [pytest.param(each, id=f"{each.type} {next(iter(each.dimensions.values()))}") for each in EXAMPLES])
def test_every_metered_type_has_its_values_by_day(collected: Path, example: Example) -> None:
    found = {
        (line["metric"], json.dumps(line["dimensions"], sort_keys=True)): line
        for line in lines(collected)
        if line["resource_id"] == example.record().resource_id and line["resource_type"] == f"AWS::{example.type}"
    }
    expected = {"Sum": 10.0, "Average": 5.0, "Maximum": 6.0, "Minimum": 4.0}

    seeded = list(needed(example))
    assert seeded
    for need, dimensions in seeded:
        line = found[need["metric"], json.dumps(dimensions, sort_keys=True)]
        days = (datetime.fromisoformat(line["end"]) - datetime.fromisoformat(line["start"])).days
        assert (line["status"], line["namespace"], line["end"][:10]) == ("ok", need["namespace"], f"{TODAY:%Y-%m-%d}")
        assert days >= need["days"]
        assert set(need["statistics"]) <= set(line["values"])
        for statistic, values in line["values"].items():
            assert values == [None] * (days - 2) + [1.0, expected[statistic]]


def test_every_line_is_valid(collected: Path) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schema()))
    for line in (collected / "metrics.jsonl").read_bytes().splitlines():
        validator.validate(json.loads(line))


def test_the_manifest_says_what_was_asked_and_its_price(collected: Path) -> None:
    manifest = open_snapshot(collected).manifest
    told, all_lines = manifest["metrics"], lines(collected)
    (file,) = (each for each in manifest["files"] if each["name"] == "metrics.jsonl")

    assert told["metrics"] == len(all_lines) == told["estimate"]["metrics"]
    assert told["dollars"] == told["estimate"]["dollars"] == round(len(all_lines) * 0.01 / 1000, 6)
    assert told["calls"] == told["estimate"]["calls"] == 5  # by region, and by length of time: 32, 63 and 90 days
    assert (told["statuses"], told["gaps"], told["exit_status"]) == ({"ok": len(all_lines)}, {}, 0)
    text = (collected / "metrics.jsonl").read_bytes()
    assert (file["sha256"], file["bytes"], file["lines"]) == (hashlib.sha256(text).hexdigest(), len(text), text.count(b"\n"))


def test_a_resource_that_no_coverage_vouches_for_has_no_metrics(collected: Path) -> None:
    assert "arn:aws:sqs:eu-west-1:123456789012:ghost" in (collected / "resources.jsonl").read_text()
    assert "ghost" not in (collected / "metrics.jsonl").read_text()


def test_a_query_sees_them(collected: Path) -> None:
    _, rows = query(open_snapshot(collected), "select status, count(*), min(period) from utilisation group by all")
    assert rows == [("ok", len(lines(collected)), 86400)]


def test_metrics_collected_again_take_the_place_of_the_first(folder: Path) -> None:
    anyio.run(add_metrics, SETTINGS, str(folder))
    anyio.run(add_metrics, MetricsSettings(allow_unchecked=True, type=("AWS::SQS::Queue",), max_metric_cost=0), str(folder))

    assert {(line["resource_type"], line["status"], line["reason"]) for line in lines(folder)} == {
        ("AWS::SQS::Queue", "not_collected", "The cost limit was reached.")
    }
    manifest = open_snapshot(folder).manifest
    assert [each["name"] for each in manifest["files"]].count("metrics.jsonl") == 1
    assert (manifest["metrics"]["exit_status"], manifest["metrics"]["gaps"], manifest["metrics"]["dollars"]) == (3, {"cut": 1}, 0)


def test_a_collection_that_dies_leaves_the_snapshot_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "manifest.json").read_bytes()

    async def no_space(*_: object) -> None:
        raise SinkError("no space")

    monkeypatch.setattr(Addition, "write", no_space)
    with pytest.raises(BaseExceptionGroup):
        anyio.run(add_metrics, SETTINGS, str(folder))

    assert (folder / "manifest.json").read_bytes() == before
    assert [path.name for path in folder.iterdir() if "metrics" in path.name] == []


@pytest.mark.parametrize("dies_before", [1, 2])
def test_dying_while_metrics_are_replaced_leaves_a_readable_snapshot(
    folder: Path, monkeypatch: pytest.MonkeyPatch, dies_before: int
) -> None:
    anyio.run(add_metrics, SETTINGS, str(folder))

    async def replace_them() -> None:
        async with open_addition(str(folder), "metrics") as addition:
            place, puts = addition._place, 0
            put = place.put

            async def dying(name: str, text: bytes) -> None:
                nonlocal puts
                puts += 1
                if puts == dies_before:
                    raise SinkError("the disk is gone")
                await put(name, text)

            monkeypatch.setattr(type(place), "put", lambda _, name, text: dying(name, text))
            await addition.finish({"new": True})

    with pytest.raises(SinkError):
        anyio.run(replace_them)

    snapshot = open_snapshot(folder)
    assert len(list(snapshot.resources())) == len(EXAMPLES)
    for each in snapshot.manifest["files"]:
        assert hashlib.sha256((folder / each["name"]).read_bytes()).hexdigest() == each["sha256"]
    assert ("metrics" in snapshot.manifest) == (dies_before == 1)


@pytest.mark.parametrize("compress", [False, True])
def test_metrics_go_into_a_snapshot_in_s3(compress: bool) -> None:
    to = f"s3://{BUCKET}/{'packed' if compress else 'plain'}"

    async def collect_twice() -> None:
        await write_snapshot(to, compress=compress)
        for _ in range(2):
            await add_metrics(MetricsSettings(allow_unchecked=True, type=("AWS::SNS::Topic",)), to)

    anyio.run(collect_twice)

    s3, prefix = boto3.client("s3"), to.removeprefix(f"s3://{BUCKET}/")

    def read(name: str) -> bytes:
        return bytes(s3.get_object(Bucket=BUCKET, Key=f"{prefix}/{name}")["Body"].read())

    manifest = json.loads(read("manifest.json"))
    (file,) = (each for each in manifest["files"] if each["name"].startswith("metrics"))
    assert file["name"] == ("metrics.jsonl.zst" if compress else "metrics.jsonl")
    assert hashlib.sha256(read(file["name"])).hexdigest() == file["sha256"]
    assert (manifest["metrics"]["statuses"], file["lines"]) == ({"ok": 1}, 2)


def test_what_is_no_finished_snapshot_is_refused_and_left_alone(tmp_path: Path) -> None:
    for to in (str(tmp_path), f"s3://{BUCKET}/nothing"):
        with pytest.raises(SnapshotError, match=r"no manifest\.json: this is no snapshot, or its run is not finished"):
            anyio.run(add_metrics, SETTINGS, to)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SinkError, match="standard output keeps nothing"):
        anyio.run(add_metrics, SETTINGS, "-")


@pytest.mark.parametrize(
    ("accounts", "line", "said"),
    [
        (5, None, "its manifest names no accounts"),
        ([{"account_id": ACCOUNT}], {"scan_id": EXAMPLES[0].scan_id}, "a line of resources was not written by the collector"),
    ],
)
def test_a_snapshot_that_is_not_ours_is_told_in_one_line(folder: Path, accounts: Any, line: Any, said: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"accounts": accounts}))
    if line is not None:
        (folder / "resources.jsonl").write_text(json.dumps(line) + "\n")

    with pytest.raises(SnapshotError, match=said):
        anyio.run(add_metrics, SETTINGS, str(folder))


def command(*arguments: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-m", "collector", *arguments], env=os.environ, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_the_commands_plan_and_collect(folder: Path) -> None:
    chosen = ("--allow-unchecked", "--type", "AWS::SQS::Queue", "--region", "eu-west-1")

    status, said = command("plan", *chosen, "--metrics", "--like", str(folder), "--json")
    planned = json.loads(said[said.index("{\n") :])["metrics"]
    assert (status, planned["metrics"], planned["calls"], planned["dollars"], planned["by_type"]) == (
        0, 2, 1, 0.00002, {"AWS::SQS::Queue": 2},
    )  # fmt: skip

    assert command("metrics", str(folder), *chosen)[0] == 0
    assert {line["metric"]: line["values"]["Sum"][-1] for line in lines(folder)} == {
        "NumberOfMessagesSent": 10.0,
        "NumberOfMessagesReceived": 10.0,
    }


def test_run_collects_metrics_when_it_is_told_to(tmp_path: Path) -> None:
    boto3.client("sqs", region_name="eu-west-1").create_queue(QueueName="jobs")

    status, said = command(
        "run", "--allow-unchecked", "--service", "sqs", "--region", "eu-west-1", "--metrics", "--to", str(tmp_path / "out")
    )

    assert status == 0, said
    assert {line["status"] for line in lines(tmp_path / "out")} == {"ok"}
    assert open_snapshot(tmp_path / "out").manifest["metrics"]["metrics"] == 2


@pytest.mark.parametrize(("gaps", "deadline"), [({"cut": 1}, None), ({}, "0s")])
def test_metrics_of_a_run_that_was_cut_are_not_begun(
    folder: Path, capsys: pytest.CaptureFixture[str], gaps: dict[str, int], deadline: str | None
) -> None:
    settings = RunSettings(allow_unchecked=True, metrics=True, deadline=deadline, to=str(folder))

    status = metrics_after(settings, Snapshot(str(folder), {"gaps": gaps}), verbose=False)

    assert status is Exit.GAPS
    assert "metrics.not_begun" in "".join(capsys.readouterr())
    assert "metrics" not in open_snapshot(folder).manifest


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("metrics", "nowhere"), "nowhere: no manifest.json: this is no snapshot, or its run is not finished"),
        (("metrics", "nowhere", "--max-metric-cost", "-1"), "max_metric_cost: -1.0 — dollars, none or more"),
        (("metrics", "nowhere", "--metric-price", "nan"), "metric_price: nan — dollars, none or more"),
        (("metrics", "nowhere", "--service", "iam"), "none of the chosen types has metrics"),
        (("run", "--metrics", "--to", "-"), "metrics: standard output keeps no snapshot to add them to"),
        (("plan", "--like", "nowhere"), "--like is for --metrics"),
        (("plan", "--metrics", "--like", "nowhere"), "nowhere: no manifest.json: this is no snapshot, or its run is not finished"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], line: str) -> None:
    status, said = command(*arguments)
    assert status == 2
    assert said.startswith(f"collector: {line}")
