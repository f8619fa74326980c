"""The shortest way from the billing bucket to lines."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio

from collector.billing.billing import Billing, read_billing
from collector.settings import BillingSettings
from tests.billing.files import BUCKET, PREFIX

NOW = datetime(2026, 11, 5, tzinfo=UTC)


def read(to: Path | str, now: datetime = NOW, **other: Any) -> Billing:
    return anyio.run(lambda: reading(to, now, **other))


async def reading(to: Path | str, now: datetime = NOW, **other: Any) -> Billing:
    """The same, for a test that serves meanwhile."""
    return await read_billing(BillingSettings(**{"bucket": BUCKET, "prefix": PREFIX, "to": str(to), **other}), None, now)


def lines(to: Path) -> list[dict[str, Any]]:
    return [json.loads(each) for each in (to / "billing.jsonl").read_text().splitlines()]


def total(of: list[dict[str, Any]], name: str = "billed_cost") -> Decimal:
    return sum((Decimal(each[name]) for each in of), Decimal(0))
