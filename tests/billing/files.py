"""Billing files as AWS delivers them: charges written as FOCUS, CUR 2.0, legacy CUR or DBR, as CSV or Parquet, with their manifests."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

BUCKET, PREFIX = "acme-billing", "exports/"
PAYER = "111111111111"
MEMBER = "012345678901"
"""An account whose number begins with a zero, which careless tools lose."""


@dataclass(frozen=True)
class Charge:
    """One row. *kind* is CUR's line item type."""

    cost: str
    resource: str | None = None
    kind: str = "Usage"
    account: str = MEMBER
    code: str = "AmazonEC2"
    service: str = "Amazon Elastic Compute Cloud"
    region: str | None = "eu-west-1"
    quantity: str | None = "1"
    unit: str | None = "Hrs"
    usage_type: str = "BoxUsage:t3.micro"
    on_demand: str | None = None
    hour: int = 0
    invoice: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)
    """Further columns of CUR, by their snake_case name."""


CATEGORIES = {"Fee": "Purchase", "RIFee": "Purchase", "Tax": "Tax", "Credit": "Credit", "Refund": "Adjustment"}


def focus(charges: Sequence[Charge], period: str, *, version: str = "1.2") -> list[dict[str, Any]]:
    rows = []
    for each in charges:
        start, end = moments(period, each.hour)
        row = {
            "BilledCost": each.cost,
            "BillingAccountId": PAYER,
            "BillingCurrency": "USD",
            "BillingPeriodStart": f"{period}-01T00:00:00Z",
            "ChargeCategory": CATEGORIES.get(each.kind, "Usage"),
            "ChargePeriodEnd": f"{end}Z",
            "ChargePeriodStart": f"{start}Z",
            "CommitmentDiscountId": each.more.get("savings_plan_savings_plan_a_r_n"),
            "CommitmentDiscountType": "Savings Plan" if "savings_plan_savings_plan_a_r_n" in each.more else None,
            "ConsumedQuantity": each.quantity,
            "ConsumedUnit": each.unit,
            "EffectiveCost": each.cost,
            "ListCost": each.on_demand or each.cost,
            "PricingCategory": None if each.kind == "Tax" else "Standard",
            "RegionId": each.region,
            "ResourceId": each.resource,
            "ServiceName": each.service,
            "SubAccountId": each.account,
            "Tags": {f"user:{key}": value for key, value in each.tags.items()},
            "x_ServiceCode": each.code,
            "x_UsageType": each.usage_type,
        }
        if version == "1.2":
            row["InvoiceId"] = each.invoice
        rows.append(row)
    return rows


def cur2(charges: Sequence[Charge], period: str) -> list[dict[str, Any]]:
    columns = sorted({name for each in charges for name in each.more})
    rows = []
    for each in charges:
        start, end = moments(period, each.hour)
        rows.append(
            {
                "bill_billing_period_start_date": f"{period}-01 00:00:00",
                "bill_invoice_id": each.invoice,
                "bill_payer_account_id": PAYER,
                "line_item_currency_code": "USD",
                "line_item_line_item_type": each.kind,
                "line_item_product_code": each.code,
                "line_item_resource_id": each.resource,
                "line_item_unblended_cost": each.cost,
                "line_item_usage_account_id": each.account,
                "line_item_usage_amount": each.quantity,
                "line_item_usage_end_date": end,
                "line_item_usage_start_date": start,
                "line_item_usage_type": each.usage_type,
                "pricing_public_on_demand_cost": each.on_demand or each.cost,
                "pricing_unit": each.unit,
                "product": {"product_name": each.service, "region": each.region or ""},
                "product_region_code": each.region,
                "resource_tags": {f"user_{key}": value for key, value in each.tags.items()},
                **{name: each.more.get(name) for name in columns},
            }
        )
    return rows


LEGACY = {
    "bill_billing_period_start_date": "bill/BillingPeriodStartDate",
    "bill_invoice_id": "bill/InvoiceId",
    "bill_payer_account_id": "bill/PayerAccountId",
    "line_item_currency_code": "lineItem/CurrencyCode",
    "line_item_line_item_type": "lineItem/LineItemType",
    "line_item_net_unblended_cost": "lineItem/NetUnblendedCost",
    "line_item_product_code": "lineItem/ProductCode",
    "line_item_resource_id": "lineItem/ResourceId",
    "line_item_unblended_cost": "lineItem/UnblendedCost",
    "line_item_usage_account_id": "lineItem/UsageAccountId",
    "line_item_usage_amount": "lineItem/UsageAmount",
    "line_item_usage_end_date": "lineItem/UsageEndDate",
    "line_item_usage_start_date": "lineItem/UsageStartDate",
    "line_item_usage_type": "lineItem/UsageType",
    "pricing_public_on_demand_cost": "pricing/publicOnDemandCost",
    "pricing_unit": "pricing/unit",
    "product_region_code": "product/regionCode",
}


def cur(charges: Sequence[Charge], period: str) -> list[dict[str, Any]]:
    tags = sorted({key for each in charges for key in each.tags})
    rows = []
    for row, each in zip(cur2(charges, period), charges, strict=True):
        rows.append(
            {LEGACY[name]: value for name, value in row.items() if name in LEGACY}
            | {"product/ProductName": each.service}
            | {f"resourceTags/user:{key}": each.tags.get(key) for key in tags}
        )
    return rows


def dbr(charges: Sequence[Charge], period: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for each in charges:
        start, end = moments(period, each.hour)
        rows.append(
            {
                "InvoiceID": each.invoice or "Estimated",
                "PayerAccountId": PAYER,
                "LinkedAccountId": each.account,
                "RecordType": "LineItem",
                "ProductName": each.service,
                "UsageType": each.usage_type,
                "AvailabilityZone": f"{each.region}a" if each.region else "",
                "ReservedInstance": "N",
                "ItemDescription": "an hour",
                "UsageStartDate": start,
                "UsageEndDate": end,
                "UsageQuantity": each.quantity,
                "BlendedCost": each.cost,
                "UnBlendedCost": each.cost,
                "ResourceId": each.resource,
            }
        )
    total = {**rows[0], "RecordType": "InvoiceTotal", "UnBlendedCost": str(sum(Decimal(each.cost) for each in charges)), "ResourceId": ""}
    return [*rows, total]


def moments(period: str, hour: int) -> tuple[str, str]:
    day = 1 + hour // 24 % 28
    return f"{period}-{day:02}T{hour % 24:02}:00:00", f"{period}-{day:02}T{hour % 24:02}:59:59"


def as_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> bytes:
    """A chunk as CSV, gzipped, with its own header. *columns* when there are no rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = columns or list(rows[0])
    writer.writerow(columns)
    for row in rows:
        values = [row[name] for name in columns]
        writer.writerow(["" if value is None else json.dumps(value) if isinstance(value, dict) else value for value in values])
    return gzip.compress(text.getvalue().encode(), mtime=0)


def as_zip(packed: bytes, name: str) -> bytes:
    """A gzipped chunk zipped instead."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, gzip.decompress(packed))
    return archive.getvalue()


NUMBERS = ("Cost", "Quantity", "_cost", "_amount", "_cost_for", "effective_cost", "commitment", "_fee")


def as_parquet(rows: Sequence[Mapping[str, Any]], folder: Path, kind: str = "double") -> bytes:
    """A chunk as Parquet: amounts are of *kind*, maps are maps, as AWS's are."""
    path, told = folder / "chunk.parquet", folder / "chunk.json"
    told.write_text("\n".join(map(json.dumps, rows)))
    types = {
        name: "map(varchar, varchar)"
        if isinstance(value, dict)
        else kind
        if name.endswith(NUMBERS) or name in ("line_item_unblended_cost", "line_item_usage_amount")
        else "varchar"
        for name, value in rows[0].items()
    }
    with duckdb.connect() as database:
        database.execute(
            f"copy (from read_json($told, columns = $types)) to '{path}' (format parquet)", {"told": str(told), "types": types}
        )
    return path.read_bytes()


@dataclass
class Bucket:
    """The billing bucket, to be delivered to. What is put there is put in AWS's order: the manifest last."""

    s3: Any
    name: str = BUCKET

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.name, Key=key, Body=body)

    def export(
        self, export: str, period: str, chunks: Sequence[bytes], *, execution: str = "e-1", overwrite: bool = False, **other: Any
    ) -> str:
        """A delivery of Data Exports; its manifest's key."""
        root = f"{PREFIX}{export}"
        folder = f"{root}/data/BILLING_PERIOD={period}/" + ("" if overwrite else f"20261101T000000Z-{execution}/")
        files = [f"{folder}{export}-{number:05}{suffix(chunk)}" for number, chunk in enumerate(chunks, 1)]
        for key, chunk in zip(files, chunks, strict=True):
            self.put(key, chunk)
        manifest = {
            "executionId": execution,
            "dataFiles": [f"s3://{self.name}/{key}" for key in files],
            "columns": header(chunks[0]),
            **other,
        }
        key = f"{root}/metadata/BILLING_PERIOD={period}/{export}-Manifest.json"
        if not overwrite:
            self.put(key.replace(f"/{export}-M", f"/20261101T000000Z-{execution}/{export}-M"), json.dumps(manifest).encode())
        self.put(key, json.dumps(manifest).encode())
        return key

    def report(
        self, report: str, period: str, chunks: Sequence[bytes], *, assembly: str = "a-1", overwrite: bool = False, **other: Any
    ) -> str:
        """A delivery of a Cost and Usage Report as CSV; its manifest's key."""
        year, month = int(period[:4]), int(period[5:])
        following = f"{year + month // 12}{month % 12 + 1:02}01"
        root = f"{PREFIX}{report}/{year}{month:02}01-{following}"
        folder = f"{root}/" if overwrite else f"{root}/{assembly}/"
        files = [f"{folder}{report}-{number}{suffix(chunk)}" for number, chunk in enumerate(chunks, 1)]
        for key, chunk in zip(files, chunks, strict=True):
            self.put(key, chunk)
        columns = [dict(zip(("category", "name"), each["name"].split("/", 1), strict=True)) for each in header(chunks[0])]
        manifest = {"assemblyId": assembly, "reportName": report, "bucket": self.name, "reportKeys": files, "columns": columns, **other}
        key = f"{root}/{report}-Manifest.json"
        if not overwrite:
            self.put(f"{folder}{report}-Manifest.json", json.dumps(manifest).encode())
        self.put(key, json.dumps(manifest).encode())
        return key

    def parquet_report(self, report: str, period: str, chunks: Sequence[bytes]) -> str:
        """A delivery of a Cost and Usage Report for Athena; its manifest's key."""
        folder = f"{PREFIX}{report}/{report}/year={period[:4]}/month={int(period[5:])}/"
        files = [f"{folder}{report}-{number:05}.snappy.parquet" for number, _ in enumerate(chunks, 1)]
        for key, chunk in zip(files, chunks, strict=True):
            self.put(key, chunk)
        manifest = {"assemblyId": "p-1", "reportName": report, "bucket": self.name, "reportKeys": files, "columns": []}
        self.put(f"{folder}{report}-Manifest.json", json.dumps(manifest).encode())
        return f"{folder}{report}-Manifest.json"


def suffix(chunk: bytes) -> str:
    return ".snappy.parquet" if chunk.startswith(b"PAR1") else ".csv.zip" if chunk.startswith(b"PK") else ".csv.gz"


def header(chunk: bytes) -> list[dict[str, str]]:
    """The columns as a manifest tells them."""
    if chunk.startswith(b"PAR1"):
        return []
    with io.BytesIO(chunk) as file:
        archive = zipfile.ZipFile(file) if chunk.startswith(b"PK") else None
        with archive.open(archive.namelist()[0]) if archive else gzip.open(file) as text:
            line = text.readline().decode()
    return [{"name": name, "type": "string"} for name in next(csv.reader([line]))]
