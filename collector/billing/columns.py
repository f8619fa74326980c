"""What the columns of each format mean: SQL expressions that make one row of FOCUS's concepts out of a row of a billing file.

FOCUS exports say it themselves. For Cost and Usage Reports the charge categories and the effective cost follow FOCUS's own text and AWS's
Cloud Intelligence Dashboards (amortised cost); AWS publishes the columns, but no whole mapping to FOCUS. A detailed billing report tells
neither effective nor list cost: they stay null, for null is not zero.

https://focus.finops.org/focus-specification/
https://docs.aws.amazon.com/cur/latest/userguide/data-dictionary.html
https://docs.aws.amazon.com/guidance/latest/cloud-intelligence-dashboards/
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from collector.billing.place import BillingError

Format: TypeAlias = Literal["focus-1.2", "focus-1.0", "cur-2.0", "cur", "dbr"]

PREFERRED: tuple[Format, ...] = ("focus-1.2", "focus-1.0", "cur-2.0", "cur", "dbr")
"""Of several exports under one prefix: the first of these is read when none is named."""
MONEY, QUANTITY = "decimal(38,24)", "decimal(38,22)"
"""Exact to 24 decimals below 100 trillion, and for quantities to 22 below 10 quadrillion: what AWS writes (``1.81E-8``), and what a double
of a Parquet file says (17 digits)."""
KEYS = (
    "account_id", "billing_account_id", "billing_currency", "charge_category", "commitment_discount_id", "commitment_discount_type",
    "consumed_unit", "pricing_category", "region", "resource", "service_code", "service_name",
)  # fmt: skip
"""What tells one cost from another."""

Expressions: TypeAlias = dict[str, str]

_FOLD = re.compile(r"(?<!^)(?=[A-Z])|[^A-Za-z0-9]+")
_TAGS = re.compile(r"resource_?tags[/_](.+)", re.IGNORECASE)
_DBR_TAG = re.compile(r"(user|aws):.+")
_REGION = "'^[a-z]+(-[a-z]+)+-[0-9]+'"


def folded(name: str) -> str:
    """A column's name as Athena and CUR 2.0 spell it: ``lineItem/UsageAccountId`` is ``line_item_usage_account_id``."""
    return re.sub(r"_+", "_", _FOLD.sub("_", name)).strip("_").lower()


def plain(name: str) -> str:
    """A FOCUS column's or a DBR's name, however its words are set apart: ``x_ServiceCode`` is ``xservicecode``."""
    return re.sub(r"[^A-Za-z0-9]", "", name).lower()


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one file: for each name, spelt in one way, the SQL identifier of its text."""

    format: Format
    by_name: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    """Of files with a column for each tag: the identifier by the tag's key."""

    def text(self, name: str) -> str:
        """The column's text; SQL's null where it is empty or where there is no such column."""
        known = self.by_name.get(name)
        return f"nullif({known}, '')" if known else "null::varchar"

    def number(self, name: str, kind: str = MONEY) -> str:
        return f"cast({self.text(name)} as {kind})"

    def first(self, *names: str) -> str:
        """The first of these columns that says something, as text."""
        return f"coalesce({', '.join(map(self.text, names))})"

    def amount(self, *names: str) -> str:
        return f"coalesce({', '.join(map(self.number, names))})"

    @property
    def has_resources(self) -> bool:
        return any(name in self.by_name for name in ("line_item_resource_id", "resourceid"))


def columns_of(names: Sequence[tuple[str, str]], called: str) -> Columns:
    """What a file with these columns is, each (name, SQL identifier). Raises BillingError when it is no billing file of a known format."""
    as_focus: dict[str, str] = {}
    as_cur: dict[str, str] = {}
    tags: dict[str, str] = {}
    for name, identifier in names:
        as_focus.setdefault(plain(name), identifier)
        as_cur.setdefault(folded(name), identifier)
        if (match := _TAGS.fullmatch(name)) or _DBR_TAG.fullmatch(name):
            tags.setdefault(match[1] if match else name, identifier)
    if {"billedcost", "chargecategory", "billingaccountid"} <= as_focus.keys():
        return Columns("focus-1.2" if "invoiceid" in as_focus else "focus-1.0", as_focus)
    if {"line_item_line_item_type", "line_item_unblended_cost", "bill_payer_account_id", "line_item_usage_account_id"} <= as_cur.keys():
        return Columns("cur-2.0" if "resource_tags" in as_cur or "product" in as_cur else "cur", as_cur, tags)
    if {"recordtype", "payeraccountid", "usagequantity"} <= as_focus.keys():
        return Columns("dbr", as_focus, tags)
    raise BillingError(f"{called} has none of the columns by which FOCUS, CUR and DBR files are known: it is no billing file")


def expressions(columns: Columns) -> Expressions:
    """An SQL expression for each of KEYS, and for billed, effective, list, quantity, tags, moment, invoice and split."""
    if columns.format.startswith("focus"):
        return _focus(columns)
    return _dbr(columns) if columns.format == "dbr" else _cur(columns)


def _focus(c: Columns) -> Expressions:
    return {
        "account_id": c.first("subaccountid", "billingaccountid"),
        "billing_account_id": c.text("billingaccountid"),
        "billing_currency": c.text("billingcurrency"),
        "charge_category": c.text("chargecategory"),
        "commitment_discount_id": c.text("commitmentdiscountid"),
        "commitment_discount_type": c.text("commitmentdiscounttype"),
        "consumed_unit": c.text("consumedunit"),
        "pricing_category": c.text("pricingcategory"),
        "region": c.text("regionid"),
        "resource": c.text("resourceid"),
        "service_code": c.text("xservicecode"),
        "service_name": c.text("servicename"),
        "billed": c.number("billedcost"),
        "effective": c.number("effectivecost"),
        "list": c.number("listcost"),
        "quantity": c.number("consumedquantity", QUANTITY),
        "tags": c.text("tags"),
        "moment": c.text("chargeperiodend"),
        "invoice": c.text("invoiceid"),
        "split": "false",
    }


def _cur(c: Columns) -> Expressions:
    kind, code = c.text("line_item_line_item_type"), c.text("line_item_product_code")
    savings_plan, reservation = c.text("savings_plan_savings_plan_a_r_n"), c.text("reservation_reservation_a_r_n")
    unblended = c.amount("line_item_net_unblended_cost", "line_item_unblended_cost")
    used = f"{kind} in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')"
    product = c.text("product")
    region = (
        f"coalesce({c.text('product_region_code')}, {product} ->> 'region_code', {c.text('product_region')}, {product} ->> 'region', "
        f"nullif(regexp_extract({c.text('line_item_availability_zone')}, {_REGION}), ''), "
        f"nullif(split_part({c.text('line_item_resource_id')}, ':', 4), ''))"
    )
    return {
        "account_id": c.first("line_item_usage_account_id", "bill_payer_account_id"),
        "billing_account_id": c.text("bill_payer_account_id"),
        "billing_currency": c.text("line_item_currency_code"),
        "charge_category": f"""case
            when {kind} in ('Fee', 'RIFee', 'SavingsPlanUpfrontFee', 'SavingsPlanRecurringFee') then 'Purchase'
            when {kind} in ('Tax', 'Credit') then {kind}
            when {kind} = 'Refund' then 'Adjustment'
            else 'Usage' end""",
        "commitment_discount_id": f"coalesce({savings_plan}, {reservation})",
        "commitment_discount_type": f"""case
            when {savings_plan} is not null then 'Savings Plan' when {reservation} is not null then 'Reserved Instance' end""",
        "consumed_unit": f"case when {used} then {c.text('pricing_unit')} end",
        "pricing_category": f"""case
            when {kind} = 'Tax' then null
            when coalesce({savings_plan}, {reservation}) is not null then 'Committed'
            when {c.text("line_item_usage_type")} like '%Spot%' then 'Dynamic'
            else 'Standard' end""",
        "region": region,
        "resource": c.text("line_item_resource_id"),
        "service_code": code,
        "service_name": f"coalesce({c.text('product_product_name')}, {product} ->> 'product_name', {code})",
        # What a plan covers and its negation cancel, but the negation names no resource.
        "billed": f"case when {kind} in ('SavingsPlanCoveredUsage', 'SavingsPlanNegation') then 0 else coalesce({unblended}, 0) end",
        "effective": f"""case {kind}
            when 'SavingsPlanCoveredUsage'
                then {c.amount("savings_plan_net_savings_plan_effective_cost", "savings_plan_savings_plan_effective_cost")}
            when 'SavingsPlanRecurringFee'
                then {c.number("savings_plan_total_commitment_to_date")} - {c.number("savings_plan_used_commitment")}
            when 'SavingsPlanNegation' then 0
            when 'SavingsPlanUpfrontFee' then 0
            when 'DiscountedUsage' then {c.amount("reservation_net_effective_cost", "reservation_effective_cost")}
            when 'RIFee' then {
            c.amount(
                "reservation_net_unused_amortized_upfront_fee_for_billing_period",
                "reservation_unused_amortized_upfront_fee_for_billing_period",
            )
        } + {c.amount("reservation_net_unused_recurring_fee", "reservation_unused_recurring_fee")}
            else case
                when {kind} = 'Fee' and {reservation} is not null then 0
                when {kind} = 'Refund' and {code} = 'ComputeSavingsPlans' then 0
                else coalesce({unblended}, 0) end
            end""",
        "list": f"case when {kind} = 'SavingsPlanNegation' then 0 else {c.number('pricing_public_on_demand_cost')} end",
        "quantity": f"case when {used} then {c.number('line_item_usage_amount', QUANTITY)} end",
        "tags": _tags(c),
        "moment": c.text("line_item_usage_end_date"),
        "invoice": c.text("bill_invoice_id"),
        # Rows that split an instance's cost among its containers: the instance's own row has the cost already.
        "split": f"{c.text('split_line_item_parent_resource_id')} is not null",
    }


def _dbr(c: Columns) -> Expressions:
    cost = c.amount("unblendedcost", "cost")
    is_tax = f"{c.text('usagetype')} is null and {c.text('itemdescription')} like 'Tax%'"
    return {
        "account_id": c.first("linkedaccountid", "payeraccountid"),
        "billing_account_id": c.text("payeraccountid"),
        "billing_currency": "null::varchar",
        "charge_category": f"case when {is_tax} then 'Tax' when {cost} < 0 then 'Credit' else 'Usage' end",
        "commitment_discount_id": "null::varchar",
        "commitment_discount_type": "null::varchar",
        "consumed_unit": "null::varchar",
        "pricing_category": f"""case
            when {is_tax} then null
            when {c.text("reservedinstance")} = 'Y' then 'Committed'
            when {c.text("usagetype")} like '%Spot%' then 'Dynamic'
            else 'Standard' end""",
        "region": f"nullif(regexp_extract({c.text('availabilityzone')}, {_REGION}), '')",
        "resource": c.text("resourceid"),
        "service_code": "null::varchar",
        "service_name": c.text("productname"),
        "billed": f"coalesce({cost}, 0)",
        "effective": f"null::{MONEY}",
        "list": f"null::{MONEY}",
        "quantity": c.number("usagequantity", QUANTITY),
        "tags": _tags(c),
        "moment": c.text("usageenddate"),
        "invoice": f"nullif({c.text('invoiceid')}, 'Estimated')",
        "split": f"{c.text('recordtype')} is distinct from 'LineItem'",
    }


def _tags(c: Columns) -> str:
    """The tags as the text of a JSON object, in whose values null is "not tagged"."""
    if "resource_tags" in c.by_name:
        return c.text("resource_tags")
    if not c.tags:
        return "null::varchar"
    pairs = ", ".join(f"'{key.replace(chr(39), chr(39) * 2)}', nullif({identifier}, '')" for key, identifier in c.tags.items())
    return f"cast(json_object({pairs}) as varchar)"


def tag_map(told: Mapping[str, object]) -> dict[str, str]:
    """Tags as the inventory has them: ``user:team`` and ``user_team`` are ``team``; AWS's own keep their ``aws:``."""
    found: dict[str, str] = {}
    for key, value in told.items():
        if isinstance(value, str) and value:
            name = re.sub(r"^(user[:_]|aws[:_])", lambda match: "" if match[0].startswith("user") else "aws:", key)
            found[name or key] = value
    return found
