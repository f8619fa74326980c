"""Which exports and reports there are, and which deliveries of each: from AWS's own lists where they may be read, and from the folders.

A delivery is found by its manifest alone, never by what else lies in the bucket: "create new" keeps every refresh, and "overwrite"
leaves files of an earlier, larger delivery behind. The detailed billing report (DBR), which ended in 2019, has none: there the file is.
"""

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import structlog

from collector.aws.api_error import ApiError
from collector.aws.page import pages
from collector.billing.bucket import Bucket, Folder, Object
from collector.billing.place import EXPORT, EXPORTS, REPORTS, BillingError, shown
from collector.plan import Target
from collector.record import Gap
from collector.spec.model import Call

log = structlog.get_logger()

Kind: TypeAlias = Literal["export", "report", "dbr"]

DEPTH, FOLDERS = 4, 500
"""How far below the prefix a report is looked for, and in how many folders, when AWS's lists may not be read."""

_MANIFEST = re.compile(r"[^/]*Manifest\.json\Z", re.IGNORECASE)
_BILLING_PERIOD = re.compile(r"billing_period=(\d{4}-(?:0[1-9]|1[0-2]))(?:-\d\d)?/\Z", re.IGNORECASE)
_RANGE = re.compile(r"(\d{4})(0[1-9]|1[0-2])\d\d-\d{8}/\Z")
_YEAR, _MONTH = re.compile(r"year=(\d{4})/\Z"), re.compile(r"month=(\d{1,2})/\Z")
_DBR = re.compile(r"\d{12}-(aws-billing-detailed-line-items(?:-with-resources-and-tags)?)-(\d{4}-(?:0[1-9]|1[0-2]))\.csv(?:\.zip|\.gz)?\Z")


@dataclass(frozen=True, slots=True)
class Report:
    """An export or a report: its name, and the folder that its deliveries lie under."""

    kind: Kind
    name: str
    root: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """The newest delivery of one period (``2026-10``): its manifest, or of a DBR the file itself."""

    report: Report
    period: str
    manifest: Object


async def reports(bucket: Bucket, named: str | None, home: Target) -> tuple[list[Report], list[Gap]]:
    """The reports in the bucket's place, those called *named* if that is given, and what AWS refused to list. Raises BillingError."""
    found, gaps = await _listed_by_aws(bucket, home)
    if not any(named in (None, each.name) for each in found) or (gaps and named is None):
        listed = {each.root for each in found}
        found += [each for each in await _found_in_folders(bucket) if each.root not in listed]
    chosen = [each for each in found if named in (None, each.name)]
    if not chosen:
        others = ", ".join(sorted({each.name for each in found}))
        there = f"there are {others}" if others else "there is none"
        what = f'no export or report "{named}"' if named else "no export or report"
        raise BillingError(f"{what} under {bucket.place}: {there}")
    return chosen, gaps


async def deliveries(bucket: Bucket, report: Report) -> dict[str, Delivery]:
    """The newest delivery of each period of *report*. Raises BillingError."""
    found: dict[str, Delivery] = {}
    async for period, manifest in _manifests(bucket, report):
        if period not in found or found[period].manifest.modified < manifest.modified:
            found[period] = Delivery(report, period, manifest)
    return found


async def _manifests(bucket: Bucket, report: Report) -> AsyncIterator[tuple[str, Object]]:
    if report.kind == "dbr":
        for each in (await bucket.folder(report.root)).objects:
            match = _DBR.match(_last(each.key))
            if match and match[1] == report.name:
                yield match[2], each
        return
    async for period, folder in _periods(bucket, report):
        for each in (await bucket.folder(folder)).objects:
            if _MANIFEST.match(_last(each.key)):
                yield period, each


async def _periods(bucket: Bucket, report: Report) -> AsyncIterator[tuple[str, str]]:
    """Each period with a folder that its manifest may lie in."""
    if report.kind == "export":
        for folder in (await bucket.folder(f"{report.root}metadata/")).folders:
            if match := _BILLING_PERIOD.match(_last(folder)):
                yield match[1], folder
        return
    for folder in (await bucket.folder(report.root)).folders:
        if match := _RANGE.match(_last(folder)):
            yield f"{match[1]}-{match[2]}", folder
    # Parquet lies one folder deeper: <report>/<report>/year=2026/month=1/
    for year in (await bucket.folder(f"{report.root}{report.name}/")).folders:
        if in_year := _YEAR.match(_last(year)):
            for month in (await bucket.folder(year)).folders:
                if in_month := _MONTH.match(_last(month)):
                    yield f"{in_year[1]}-{int(in_month[1]):02}", month


async def _listed_by_aws(bucket: Bucket, home: Target) -> tuple[list[Report], list[Gap]]:
    """The reports and exports that AWS says are delivered here, as far as it may be asked."""
    found: list[Report] = []
    gaps: list[Gap] = []
    for call, places in ((REPORTS, _report_places), (EXPORTS, _export_places)):
        try:
            async for kind, name, told in places(bucket, home):
                root = f"{told['S3Prefix'].strip('/')}/{name}/".removeprefix("/")
                if bucket.place.holds(told["S3Bucket"], root):
                    found.append(Report(kind, name, root))
        except ApiError as error:
            gaps.append(error.gap(call.action))
        except (KeyError, TypeError, AttributeError):
            gaps.append(Gap(action=call.action, code="UnreadableAnswer", kind="failed"))
    for gap in gaps:
        log.info("discovery.refused", action=gap.action, kind=gap.kind, code=gap.code)
    return found, gaps


async def _report_places(bucket: Bucket, home: Target) -> AsyncIterator[tuple[Kind, str, dict[str, Any]]]:
    async for each in _items(bucket, REPORTS, home, {}):
        yield "report", each["ReportName"], each


async def _export_places(bucket: Bucket, home: Target) -> AsyncIterator[tuple[Kind, str, dict[str, Any]]]:
    async for each in _items(bucket, EXPORTS, home, {}):
        try:
            answer = await bucket.gateway.once(EXPORT, home, {"ExportArn": each["ExportArn"]}, bucket.tally)
        except ApiError as error:
            error.asked = error.asked or EXPORT.action
            raise
        yield "export", each["ExportName"], answer["Export"]["DestinationConfigurations"]["S3Destination"]


async def _items(bucket: Bucket, call: Call, home: Target, params: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    async for answer in pages(bucket.gateway, call, home, params, bucket.tally):
        for item in answer.get(call.take.removesuffix("[]"), ()):
            yield item


async def _found_in_folders(bucket: Bucket) -> list[Report]:
    """The reports that the folders look like: breadth first, not into what is already known to be one."""
    found: list[Report] = []
    waiting, seen = [(bucket.place.prefix, 0)], 0
    while waiting:
        prefix, depth = waiting.pop(0)
        seen += 1
        if seen > FOLDERS:
            raise BillingError(f"{bucket.place} has more than {FOLDERS} folders: name the folder above the report with --prefix")
        folder = await bucket.folder(prefix)
        here = list(_looks_like(prefix, folder))
        found += here
        if depth < DEPTH and not any(each.kind != "dbr" for each in here):
            waiting += [(each, depth + 1) for each in folder.folders]
    return found


def _looks_like(prefix: str, folder: Folder) -> Iterable[Report]:
    names = [_last(each) for each in folder.folders]
    name = shown(_last(prefix).removesuffix("/"))
    if "metadata/" in names:
        yield Report("export", name, prefix)
    elif any(_RANGE.match(each) for each in names) or f"{name}/" in names:
        yield Report("report", name, prefix)
    for told in sorted({match[1] for each in folder.objects if (match := _DBR.match(_last(each.key)))}):
        yield Report("dbr", told, prefix)


def _last(key: str) -> str:
    """The last part of a key: ``b/`` of ``a/b/``, ``c`` of ``a/b/c``."""
    head, slash, tail = key.removesuffix("/").rpartition("/")
    return f"{tail if slash else head + tail}{'/' if key.endswith('/') else ''}"
