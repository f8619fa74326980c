"""How resources are used: a snapshot's records and the specs' ``metrics`` -> ``metrics.jsonl`` in that snapshot.

The path: `series` (record -> what to ask for) -> `batches` -> `measure` (which may be asked for, a few calls abreast) -> `ask` -> lines.
"""

from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import anyio.to_thread
import structlog

from collector.connect import Connection, connected
from collector.errors import SettingsError, SnapshotError
from collector.exit import Exit
from collector.inventory import chosen_families
from collector.metrics.estimate import Estimate, estimate
from collector.metrics.measure import METERING, Measurement, Metering, Scope
from collector.metrics.price import Budget
from collector.metrics.series import Series, series_of
from collector.preflight.accounts import gate
from collector.record import timestamp
from collector.settings import MetricsSettings, Selection, Where
from collector.sink.addition import open_addition
from collector.snapshot import Snapshot
from collector.spec.model import Resource
from collector.stop import stopping

log = structlog.get_logger()


async def add_metrics(settings: MetricsSettings, to: str) -> dict[str, Any]:
    """Collect the metrics of the snapshot *to* and write them into it. What its manifest then says of them, as ``metrics``.

    Only what *settings* choose of the snapshot's accounts, regions and types is asked for. Raises CollectorError before anything is written
    when the settings cannot be carried out, StoppedError when it was to stop before the first call.
    """
    started = datetime.now(UTC)
    metered = metered_types(settings)
    async with stopping(settings.deadline_seconds) as stop, AsyncExitStack() as opened:
        with stop.beginning():
            addition = await opened.enter_async_context(open_addition(to, "metrics", kms_key=settings.s3_kms_key, profile=settings.profile))
            snapshot = addition.snapshot
            theirs = _of_snapshot(settings, snapshot)
            connection = await opened.enter_async_context(connected(theirs, [METERING], gate(theirs, [METERING])))
        scope = scope_of(settings, connection)
        chosen = (each for each in all_series(snapshot, metered) if each in scope)
        expected = await anyio.to_thread.run_sync(estimate, chosen, settings.metric_price)
        log.info("metrics.started", to=to, metrics=expected.metrics, calls=expected.calls, dollars=expected.dollars)
        budget = Budget(settings.metric_price, settings.max_metric_cost)
        metering = Metering(connection.gateway, scope, addition.write, budget, stop, started.date())
        done = await metering.measure(all_series(snapshot, metered))
        told = _manifest(started, settings, expected, metering, done, connection)
        await addition.finish(told)
    log.info("metrics.finished", to=to, metrics=told["metrics"], dollars=told["dollars"], statuses=told["statuses"], gaps=told["gaps"])
    return told


def metered_types(selection: Selection) -> dict[str, Resource]:
    """The resources with metrics that *selection* chooses, by type. Raises SettingsError when there is none."""
    written = (resource for family in chosen_families(selection) for resource in family.written())
    metered = {resource.type: resource for resource in written if resource.metrics}
    if not metered:
        raise SettingsError("none of the chosen types has metrics; service_specs/SERVICES.md shows which have")
    return metered


def all_series(snapshot: Snapshot, metered: Mapping[str, Resource]) -> Iterator[Series]:
    """Every series of the snapshot's resources that are of a *metered* type. Raises SnapshotError."""
    for record in snapshot.resources():
        try:
            resource = metered.get(record["resource_type"])
            if resource is not None:
                yield from series_of(record, resource)
        except (KeyError, IndexError, TypeError) as error:
            raise SnapshotError(f"{snapshot.folder}: a line of resources was not written by the collector") from error


def scope_of(settings: Where, connection: Connection) -> Scope:
    """The accounts and regions that *settings* choose."""
    return Scope({account.id: account for account in connection.accounts}, with_global="global" not in settings.exclude_region)


def _of_snapshot(settings: MetricsSettings, snapshot: Snapshot) -> MetricsSettings:
    """*settings* for the accounts of *snapshot*, unless they name accounts themselves."""
    if settings.account or settings.reads_organization:
        return settings
    try:
        accounts = tuple(account["account_id"] for account in snapshot.manifest["accounts"])
    except (KeyError, TypeError) as error:
        raise SnapshotError(f"{snapshot.folder}: its manifest names no accounts; it was not written by the collector") from error
    left = tuple(account for account in accounts if account not in settings.exclude_account)
    return replace(settings, account=left)


def _manifest(
    started: datetime, settings: MetricsSettings, expected: Estimate, metering: Metering, done: Measurement, connection: Connection
) -> dict[str, Any]:
    """What was asked for, what became of it, and its price."""
    return {
        "accounts": [account.id for account in connection.accounts],
        "calls": done.calls,
        "dollars": round(metering.budget.spent, 6),
        "dollars_per_thousand": settings.metric_price,
        "end": metering.end.isoformat(),
        "estimate": {"calls": expected.calls, "dollars": expected.dollars, "metrics": expected.metrics},
        "exit_status": _exit_status(done, connection),
        "finished_at": timestamp(datetime.now(UTC)),
        "gaps": dict(sorted(done.gaps.items())),
        "max_dollars": settings.max_metric_cost,
        "metrics": metering.budget.metrics,
        "started_at": timestamp(started),
        "statuses": dict(sorted(done.statuses.items())),
    }


def _exit_status(done: Measurement, connection: Connection) -> Exit:
    if any(account.blocked is not None and account.blocked.kind == "halted" for account in connection.accounts):
        return Exit.HALTED
    return Exit.GAPS if set(done.gaps) - {"unavailable"} else Exit.COMPLETE
