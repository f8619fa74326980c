"""Which exports and reports there are: AWS's own lists, as far as they may be read, and else the folders."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from collector.billing.place import BillingError
from collector.spec.api import service_model
from tests.answering import answering
from tests.billing.files import BUCKET, PREFIX, Bucket, Charge, as_csv, cur, focus
from tests.billing.reading import lines, reading, total

pytestmark = pytest.mark.moto

SERVICES = {"DescribeReportDefinitions": "cur", "ListExports": "bcm-data-exports", "GetExport": "bcm-data-exports"}
DENIED = web.HTTPBadRequest, {"__type": "AccessDeniedException", "message": "User is not authorized to perform it"}
NONE: dict[str, Any] = {"DescribeReportDefinitions": {"ReportDefinitions": []}, "ListExports": {"Exports": []}}


def report(name: str, *, prefix: str = "exports", bucket: str = BUCKET) -> dict[str, Any]:
    return {"ReportName": name, "S3Bucket": bucket, "S3Prefix": prefix, "S3Region": "eu-west-1", "Format": "textORcsv"}


def exports(*names: str, prefix: str = "exports", bucket: str = BUCKET) -> dict[str, Any]:
    """The answers of ListExports, one export on each page, and of GetExport."""

    def page(params: dict[str, Any]) -> dict[str, Any]:
        number = int(params.get("NextToken", 0))
        more = {"NextToken": str(number + 1)} if number + 1 < len(names) else {}
        return {"Exports": [{"ExportArn": arn(names[number]), "ExportName": names[number], "ExportStatus": {}}], **more}

    def export(params: dict[str, Any]) -> dict[str, Any]:
        name = params["ExportArn"].rpartition("/")[2]
        to = {"S3Bucket": bucket, "S3Prefix": prefix, "S3Region": "eu-west-1", "S3OutputConfigurations": {}}
        return {"Export": {"Name": name, "ExportArn": arn(name), "DestinationConfigurations": {"S3Destination": to}}}

    return {"ListExports": page, "GetExport": export}


def arn(name: str) -> str:
    return f"arn:aws:bcm-data-exports:us-east-1:111111111111:export/{name}"


@asynccontextmanager
async def aws(script: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """AWS's lists, answering from *script*; what they were asked, in order. S3 stays the emulator."""
    operations: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        operation = request.headers["X-Amz-Target"].rpartition(".")[2]
        assert "/us-east-1/" in request.headers["Authorization"]
        operations.append(operation)
        told: Any = script[operation]
        if callable(told):
            told = told(json.loads(await request.text()))
        if isinstance(told, tuple):
            return web.Response(status=told[0].status_code, text=json.dumps(told[1]))
        shape: Any = service_model(SERVICES[operation]).operation_model(operation).output_shape
        assert told.keys() <= shape.members.keys()
        return web.Response(text=json.dumps(told))

    async with answering(answer) as url:
        for name in ("COST_AND_USAGE_REPORT_SERVICE", "BCM_DATA_EXPORTS"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", str(url.origin()))
        yield operations


def deliver(bucket: Bucket, name: str, cost: str, format: str = "focus") -> None:
    if format == "cur":
        bucket.report(name, "2026-10", [as_csv(cur([Charge(cost)], "2026-10"))])
    else:
        bucket.export(name, "2026-10", [as_csv(focus([Charge(cost)], "2026-10"))])


async def test_the_one_export_that_aws_lists_is_read_and_no_folder_is_searched(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(bucket, "listed", "1")
    deliver(bucket, "deleted", "2")  # its files stay when an export is deleted

    async with aws(NONE | exports("listed"), monkeypatch) as asked:
        done = await reading(tmp_path / "out")

    assert asked == ["DescribeReportDefinitions", "ListExports", "GetExport"]
    assert total(lines(tmp_path / "out")) == 1
    assert done.about["discovery_refused"] == []


async def test_of_several_that_aws_lists_the_better_format_is_read(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(bucket, "old", "1", "cur")
    deliver(bucket, "new", "2")
    elsewhere = [report("old", prefix="other"), report("old", bucket="others")]
    script = exports("new") | {"DescribeReportDefinitions": {"ReportDefinitions": [*elsewhere, report("old")]}}

    async with aws(script, monkeypatch):
        await reading(tmp_path / "best")
        await reading(tmp_path / "named", report="old")

    assert total(lines(tmp_path / "best")) == 2
    assert total(lines(tmp_path / "named")) == 1


async def test_several_of_one_format_want_a_name(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(bucket, "daily", "1")
    deliver(bucket, "hourly", "2")

    async with aws(NONE | exports("daily", "hourly"), monkeypatch) as asked:
        with pytest.raises(BillingError) as raised:
            await reading(tmp_path / "out")
        await reading(tmp_path / "named", report="hourly")

    assert asked[:5] == ["DescribeReportDefinitions", "ListExports", "GetExport", "ListExports", "GetExport"]
    assert str(raised.value) == f"there are several exports or reports under s3://{BUCKET}/{PREFIX}: name one with --report (daily, hourly)"
    assert not (tmp_path / "out").exists()
    assert total(lines(tmp_path / "named")) == 2


@pytest.mark.parametrize("refused", ["DescribeReportDefinitions", "ListExports", "GetExport"])
async def test_what_aws_refuses_to_list_is_looked_for_in_the_folders(
    refused: str, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(bucket, "old", "1", "cur")
    deliver(bucket, "new", "2")
    script = exports("new") | {"DescribeReportDefinitions": {"ReportDefinitions": [report("old")]}, refused: DENIED}

    async with aws(script, monkeypatch):
        done = await reading(tmp_path / "out")
        await reading(tmp_path / "named", report="old")

    assert total(lines(tmp_path / "out")) == 2
    assert total(lines(tmp_path / "named")) == 1
    service = SERVICES[refused]
    assert done.about["discovery_refused"] == [{"action": f"{service}:{refused}", "code": "AccessDeniedException", "kind": "denied"}]


async def test_an_answer_that_is_not_as_aws_says_is_a_refusal_too(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(bucket, "costs", "1")

    async with aws(NONE | exports("costs") | {"GetExport": {"Export": {"Name": "costs"}}}, monkeypatch):
        done = await reading(tmp_path / "out")

    assert total(lines(tmp_path / "out")) == 1
    assert [each["kind"] for each in done.about["discovery_refused"]] == ["failed"]


@pytest.mark.parametrize("script", [NONE, dict.fromkeys(SERVICES, DENIED)], ids=["empty", "refused"])
async def test_where_there_is_none_it_is_told(
    script: dict[str, Any], bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aws(script, monkeypatch):
        with pytest.raises(BillingError, match=rf"^no export or report under s3://{BUCKET}/{PREFIX}: there is none$"):
            await reading(tmp_path / "out")


async def test_a_listed_export_without_a_delivery_is_told(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with aws(NONE | exports("new"), monkeypatch):
        with pytest.raises(BillingError, match=rf"^new under s3://{BUCKET}/{PREFIX} has no delivery yet: AWS's first takes a day$"):
            await reading(tmp_path / "out")
