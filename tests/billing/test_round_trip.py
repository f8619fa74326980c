"""Files as AWS delivers them, read over HTTP from the emulator's S3: every sum is the writer's to the last digit."""

import gzip
import itertools
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from collector.billing.columns import folded
from collector.billing.place import BillingError
from collector.query import query
from collector.schema import schema
from collector.settings import LEAST_MEGABYTES
from collector.snapshot import open_snapshot
from tests.billing.files import MEMBER, PAYER, PREFIX, Bucket, Charge, as_csv, as_parquet, as_zip, cur, cur2, dbr, focus
from tests.billing.reading import NOW, lines, read, total
from tests.billing.snapshots import resource, write_snapshot

pytestmark = pytest.mark.moto

TEAM = {"team": "search"}
CHARGES = [
    *(Charge("0.0104", "i-0aa", hour=hour, tags=TEAM, on_demand="0.0208") for hour in range(30)),
    Charge("1.81E-8", "i-0aa", code="AWSDataTransfer", service="AWS Data Transfer", unit="GB", usage_type="EU-DataTransfer-Out-Bytes"),
    Charge("8.000000000000", f"arn:aws:ec2:eu-west-1:{MEMBER}:volume/vol-0bb", unit="GB-Mo", quantity="100", usage_type="EBS:VolumeUsage"),
    Charge("0.023", "logs-bucket", code="AmazonS3", service="Amazon Simple Storage Service", unit="GB-Mo", usage_type="TimedStorage"),
    Charge("3.99", kind="Tax", quantity=None, unit=None, account=PAYER),
    Charge("-2.5", kind="Credit", quantity=None, unit=None),
    Charge("0.1", kind="Refund", quantity=None, unit=None),
    *(Charge("0.1", f"i-{number:08x}") for number in range(40)),
]
TOTAL = sum(Decimal(each.cost) for each in CHARGES)


WRITERS = {
    "focus-1.2": lambda charges: focus(charges, "2026-10"),
    "focus-1.0": lambda charges: focus(charges, "2026-10", version="1.0"),
    "cur-2.0": lambda charges: cur2(charges, "2026-10"),
    "cur": lambda charges: cur(charges, "2026-10"),
}


def deliver(bucket: Bucket, format: str, chunks: list[bytes], **other: Any) -> None:
    if format != "cur":
        bucket.export("costs", "2026-10", chunks, **other)
    elif chunks[0].startswith(b"PAR1"):
        bucket.parquet_report("costs", "2026-10", chunks)
    else:
        bucket.report("costs", "2026-10", chunks, **other)


@pytest.mark.parametrize(
    ("format", "packed"),
    [*itertools.product(WRITERS, ("gzip", "parquet")), ("cur", "zip"), ("focus-1.2", "parquet of decimals")],
)
def test_sums_of_every_format_are_the_writers_to_the_last_digit(format: str, packed: str, bucket: Bucket, tmp_path: Path) -> None:
    rows = WRITERS[format](CHARGES)
    parts = [rows[:30], rows[30:31], rows[31:]]
    if packed.startswith("parquet"):
        if format == "cur":  # Athena's names
            parts = [[{folded(name): value for name, value in row.items()} for row in part] for part in parts]
        kind = "decimal(38,18)" if "decimals" in packed else "double"
        chunks = [as_parquet(part, tmp_path, kind) for part in parts]
    else:
        chunks = [as_csv(part) for part in parts]
        if packed == "zip":
            chunks = [as_zip(chunk, f"{number}.csv") for number, chunk in enumerate(chunks)]
    deliver(bucket, format, chunks)

    done = read(tmp_path / "out")

    found = lines(tmp_path / "out")
    assert total(found) == TOTAL == Decimal(done.about["periods"]["2026-10"]["billed_cost"])
    assert total(found, "effective_cost") == TOTAL
    assert total(found, "list_cost") == sum(Decimal(each.on_demand or each.cost) for each in CHARGES)
    quantities = [each for each in found if each["consumed_quantity"] is not None]
    assert total(quantities, "consumed_quantity") == sum(Decimal(each.quantity) for each in CHARGES if each.quantity)
    assert sum(each["line_items"] for each in found) == len(CHARGES)
    assert {each["source"]["format"] for each in found} == {format}


def test_a_line_is_what_the_schema_says_and_one_for_each_cost(bucket: Bucket, tmp_path: Path) -> None:
    bucket.export("costs", "2026-10", [as_csv(focus(CHARGES, "2026-10"))])

    read(tmp_path / "out")

    found = lines(tmp_path / "out")
    validator = jsonschema.Draft202012Validator(json.loads(schema()))
    assert not [error.message for each in found for error in validator.iter_errors(each)]
    keys = ("account_id", "charge_category", "consumed_unit", "pricing_category", "region", "resource_id", "service_code")
    assert len({tuple(each[key] for key in keys) for each in found}) == len(found)
    instance = next(each for each in found if each["resource_id"] == "i-0aa" and each["service_code"] == "AmazonEC2")
    assert instance | {"source": None} == {
        "account_id": MEMBER,
        "arn": f"arn:aws:ec2:eu-west-1:{MEMBER}:instance/i-0aa",
        "billed_cost": "0.312",
        "billing_account_id": PAYER,
        "billing_currency": "USD",
        "charge_category": "Usage",
        "commitment_discount_id": None,
        "commitment_discount_type": None,
        "consumed_quantity": "30",
        "consumed_unit": "Hrs",
        "effective_cost": "0.312",
        "line_items": 30,
        "list_cost": "0.624",
        "partition": "aws",
        "period": "2026-10",
        "period_state": "estimated",
        "pricing_category": "Standard",
        "record": "cost",
        "region": "eu-west-1",
        "resource_id": "i-0aa",
        "resource_type": "AWS::EC2::Instance",
        "schema": 1,
        "service_code": "AmazonEC2",
        "service_name": "Amazon Elastic Compute Cloud",
        "source": None,
        "tags": TEAM,
    }


@pytest.mark.parametrize("format", ["cur-2.0", "cur"])
def test_tags_are_spelt_as_in_the_inventory(format: str, bucket: Bucket, tmp_path: Path) -> None:
    deliver(bucket, format, [as_csv(WRITERS[format](CHARGES))])

    read(tmp_path / "out")

    assert (
        next(each for each in lines(tmp_path / "out") if each["resource_id"] == "i-0aa" and each["service_code"] == "AmazonEC2")["tags"]
        == TEAM
    )


def test_of_several_executions_the_newest_is_read(bucket: Bucket, tmp_path: Path) -> None:
    for execution, cost in (("e-1", "5"), ("e-2", "7")):
        bucket.export("costs", "2026-10", [as_csv(focus([Charge(cost)], "2026-10"))] * 2, execution=execution)

    read(tmp_path / "out")

    found = lines(tmp_path / "out")
    assert (total(found), found[0]["source"]["execution_id"]) == (Decimal(14), "e-2")


@pytest.mark.parametrize("format", ["focus-1.2", "cur"])
def test_chunks_that_an_overwriting_delivery_left_behind_are_not_read(format: str, bucket: Bucket, tmp_path: Path) -> None:
    chunk = as_csv(WRITERS[format]([Charge("5")]))
    deliver(bucket, format, [chunk] * 3, overwrite=True)
    deliver(bucket, format, [chunk], overwrite=True)

    read(tmp_path / "out")

    assert total(lines(tmp_path / "out")) == 5


def test_a_refresh_replaces_its_period_and_no_other(bucket: Bucket, tmp_path: Path) -> None:
    for period, cost in (("2026-09", "1"), ("2026-10", "2")):
        bucket.export("costs", period, [as_csv(focus([Charge(cost)], period))])
    read(tmp_path / "out")
    bucket.export("costs", "2026-10", [as_csv(focus([Charge("3")], "2026-10"))], execution="e-2")

    again = read(tmp_path / "out")

    assert again.about["read"] == ["2026-10"]
    assert [(each["period"], each["billed_cost"]) for each in lines(tmp_path / "out")] == [("2026-09", "1"), ("2026-10", "3")]
    assert read(tmp_path / "out").about["read"] == []


def test_lines_that_are_not_those_of_the_manifest_are_read_anew(bucket: Bucket, tmp_path: Path) -> None:
    bucket.export("costs", "2026-10", [as_csv(focus([Charge("1")], "2026-10"))])
    read(tmp_path / "out")
    written = (tmp_path / "out" / "billing.jsonl").read_bytes()
    (tmp_path / "out" / "billing.jsonl").write_bytes(written[:-20])

    assert read(tmp_path / "out").about["read"] == ["2026-10"]
    assert (tmp_path / "out" / "billing.jsonl").read_bytes() == written


def test_estimated_settled_and_final_are_told_apart(bucket: Bucket, tmp_path: Path) -> None:
    bucket.export("costs", "2026-08", [as_csv(focus([Charge("1", invoice="7"), Charge("1", invoice="7")], "2026-08"))])
    bucket.export("costs", "2026-09", [as_csv(focus([Charge("1", invoice="8"), Charge("1")], "2026-09"))])
    bucket.export("costs", "2026-10", [as_csv(focus([Charge("1")], "2026-10"))])

    read(tmp_path / "out")

    states = {each["period"]: each["period_state"] for each in lines(tmp_path / "out")}
    assert states == {"2026-08": "final", "2026-09": "settled", "2026-10": "estimated"}
    # Two weeks later nothing is new in the bucket, but an estimate has become what was charged.
    assert read(tmp_path / "out", NOW + timedelta(days=14)).about["read"] == ["2026-10"]
    assert {each["period_state"] for each in lines(tmp_path / "out") if each["period"] == "2026-10"} == {"settled"}


def test_the_periods_that_are_asked_for_are_read(bucket: Bucket, tmp_path: Path) -> None:
    for period in ("2025-12", "2026-07", "2026-08", "2026-09", "2026-10"):
        bucket.report("costs", period, [as_csv(cur([Charge("1")], period))])

    assert read(tmp_path / "three").about["read"] == ["2026-08", "2026-09", "2026-10"]
    assert read(tmp_path / "one", last=1).about["read"] == ["2026-10"]
    assert read(tmp_path / "named", period=("2025-12", "2026-08")).about["read"] == ["2025-12", "2026-08"]
    with pytest.raises(BillingError, match="costs has no delivery for 2026-06; it has 2025-12 to 2026-10"):
        read(tmp_path / "missing", period=("2026-06",))


def test_what_commitments_cost_is_spread_as_aws_does(bucket: Bucket, tmp_path: Path) -> None:
    plan = {"savings_plan_savings_plan_a_r_n": "arn:aws:savingsplans::111111111111:savingsplan/sp-1"}
    reserved = {"reservation_reservation_a_r_n": "arn:aws:ec2:eu-west-1:111111111111:reserved-instances/ri-1"}
    charges = [
        Charge("0.10", "i-01", kind="SavingsPlanCoveredUsage", more={**plan, "savings_plan_savings_plan_effective_cost": "0.07"}),
        Charge("-0.10", kind="SavingsPlanNegation", more=plan),
        Charge(
            "0.09",
            kind="SavingsPlanRecurringFee",
            more={**plan, "savings_plan_total_commitment_to_date": "0.09", "savings_plan_used_commitment": "0.07"},
        ),
        Charge("100", kind="SavingsPlanUpfrontFee", more=plan),
        Charge("0", "i-02", kind="DiscountedUsage", more={**reserved, "reservation_effective_cost": "0.05"}),
        Charge(
            "3",
            kind="RIFee",
            more={
                **reserved,
                "reservation_unused_amortized_upfront_fee_for_billing_period": "0.5",
                "reservation_unused_recurring_fee": "0.25",
            },
        ),
        Charge("50", kind="Fee", more=reserved),
        Charge("9", kind="Fee"),
    ]
    bucket.export("costs", "2026-10", [as_csv(cur2(charges, "2026-10"))])

    read(tmp_path / "out")

    found = lines(tmp_path / "out")
    # The plan's covered usage and its negation cancel in the file; here both are nothing.
    assert total(found) == sum(Decimal(each.cost) for each in charges) == Decimal("162.09")
    assert total(found, "effective_cost") == Decimal("0.07") + Decimal("0.02") + Decimal("0.05") + Decimal("0.75") + 9
    covered = next(each for each in found if each["resource_id"] == "i-01")
    assert (covered["commitment_discount_type"], covered["pricing_category"], covered["billed_cost"]) == ("Savings Plan", "Committed", "0")
    fees = [each for each in found if each["charge_category"] == "Purchase"]
    assert {each["commitment_discount_type"] for each in fees} == {"Savings Plan", "Reserved Instance", None}


def test_net_costs_are_what_is_billed_where_there_are_any(bucket: Bucket, tmp_path: Path) -> None:
    bucket.report("costs", "2026-10", [as_csv(cur([Charge("10", more={"line_item_net_unblended_cost": "8"}), Charge("1")], "2026-10"))])

    read(tmp_path / "out")

    assert total(lines(tmp_path / "out")) == 9


def test_costs_split_among_containers_are_counted_once(bucket: Bucket, tmp_path: Path) -> None:
    pod = {"split_line_item_parent_resource_id": "i-01"}
    charges = [Charge("1", "i-01"), *(Charge("0.5", f"arn:aws:eks:eu-west-1:{MEMBER}:pod/c/{n}", more=pod) for n in range(2))]
    bucket.export("costs", "2026-10", [as_csv(cur2(charges, "2026-10"))])

    done = read(tmp_path / "out")

    assert [each["resource_id"] for each in lines(tmp_path / "out")] == ["i-01"]
    assert done.about["periods"]["2026-10"]["split_line_items_left_out"] == 2


def test_a_cost_that_the_file_does_not_tell_is_null_and_not_zero(bucket: Bucket, tmp_path: Path) -> None:
    charges = [Charge("1.5", "i-01"), Charge("2", "i-02", invoice="9"), Charge("-1")]
    archive = as_zip(as_csv(dbr(charges, "2017-03")), "dbr.csv")
    bucket.put(f"{PREFIX}{PAYER}-aws-billing-detailed-line-items-with-resources-and-tags-2017-03.csv.zip", archive)

    read(tmp_path / "out")

    found = lines(tmp_path / "out")
    assert total(found) == Decimal("2.5")
    assert {(each["effective_cost"], each["list_cost"], each["source"]["format"]) for each in found} == {(None, None, "dbr")}
    assert {each["period_state"] for each in found} == {"settled"}
    assert {each["charge_category"] for each in found} == {"Usage", "Credit"}


def test_an_export_without_resources_is_told(bucket: Bucket, tmp_path: Path) -> None:
    rows = [{name: value for name, value in row.items() if name != "line_item_resource_id"} for row in cur2(CHARGES, "2026-10")]
    bucket.export("costs", "2026-10", [as_csv(rows)])

    done = read(tmp_path / "out")

    assert done.about["periods"]["2026-10"]["has_resource_ids"] is False
    assert total(lines(tmp_path / "out")) == TOTAL


def test_a_file_larger_than_the_memory_is_added_up(bucket: Bucket, tmp_path: Path) -> None:
    header, *rows = gzip.decompress(as_csv(focus([Charge("0.1", f"i-{number:08x}") for number in range(1000)], "2026-10"))).splitlines(True)
    text = header + b"".join(rows) * 400
    bucket.export("costs", "2026-10", [gzip.compress(text, compresslevel=1)])

    read(tmp_path / "out", memory_megabytes=LEAST_MEGABYTES)

    assert len(text) > LEAST_MEGABYTES << 20
    assert total(lines(tmp_path / "out")) == 40_000


def test_a_period_without_charges_is_a_period_without_lines(bucket: Bucket, tmp_path: Path) -> None:
    bucket.export("costs", "2026-10", [as_csv([], list(focus([Charge("1")], "2026-10")[0]))])

    done = read(tmp_path / "out")

    assert lines(tmp_path / "out") == []
    assert done.about["periods"]["2026-10"]["state"] == "estimated"


def test_of_several_exports_the_better_is_read_and_equals_want_a_name(bucket: Bucket, tmp_path: Path) -> None:
    bucket.report("old", "2026-10", [as_csv(cur([Charge("1")], "2026-10"))])
    bucket.export("new", "2026-10", [as_csv(focus([Charge("2")], "2026-10"))])
    assert total([*lines_of_reading(tmp_path / "better")]) == 2
    assert total([*lines_of_reading(tmp_path / "named", report="old")]) == 1

    bucket.export("other", "2026-10", [as_csv(focus([Charge("3")], "2026-10"))])

    with pytest.raises(BillingError, match=r"name one with --report \(new, other\)"):
        read(tmp_path / "several")
    with pytest.raises(BillingError, match=r'no export or report "gone" under .*: there are new, old, other'):
        read(tmp_path / "gone", report="gone")


def lines_of_reading(to: Path, **other: Any) -> list[dict[str, Any]]:
    read(to, **other)
    return lines(to)


def test_lines_meet_the_inventory_that_is_there(bucket: Bucket, tmp_path: Path) -> None:
    out = tmp_path / "snapshot"
    arn = f"arn:aws:rds:eu-west-1:{MEMBER}:cluster:orders"
    write_snapshot(
        str(out),
        resource("i-0aa", f"arn:aws:ec2:eu-west-1:{MEMBER}:instance/i-0aa"),
        resource("arn:aws:s3:::logs-bucket", "arn:aws:s3:::logs-bucket"),
        resource(arn, arn, configuration={"DbClusterResourceId": "cluster-ABC"}),
    )
    storage = Charge("4", f"arn:aws:rds:eu-west-1:{MEMBER}:cluster:cluster-ABC", code="AmazonRDS", service="Amazon RDS")
    bucket.export("costs", "2026-10", [as_csv(focus([*CHARGES, storage], "2026-10"))])

    done = read(out)

    joined = done.about["periods"]["2026-10"]["joined"]
    assert joined == {
        "AWSDataTransfer": {"billed": 1, "met": 1},
        "AmazonEC2": {"billed": 42, "met": 1},
        "AmazonRDS": {"billed": 1, "met": 1},
        "AmazonS3": {"billed": 1, "met": 1},
    }
    _, rows = query(
        open_snapshot(out),
        "select resource_id, sum(billed_cost) from resources join cost using (resource_id) group by all order by all",
    )
    assert rows == [("arn:aws:s3:::logs-bucket", Decimal("0.023")), ("i-0aa", Decimal("0.3120000181"))]
    assert [path.name for path in sorted(out.glob("*.new"))] == []
