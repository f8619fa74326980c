"""START HERE: settings -> the billing files of some periods -> cost lines in one file. What the command line calls.

Periods are read one after the other and their files one after the other: on the disk there is one data file at a time, and the sums. Only
when every period is read and added up is anything written, and then at once.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio.to_thread
import structlog

from collector.aws.api_error import ApiError
from collector.aws.endpoints import PartitionEndpoints
from collector.aws.page import Tally
from collector.billing.bucket import Bucket, ChangedError
from collector.billing.columns import PREFERRED, columns_of
from collector.billing.database import Database
from collector.billing.destination import Destination, open_destination
from collector.billing.find import Delivery, deliveries, reports
from collector.billing.manifest import LARGEST, read_manifest
from collector.billing.place import BillingError, Place
from collector.billing.reading import SETTLED, Read, Reading, Told, end_of
from collector.connect import Entrance, entered
from collector.errors import StoppedError
from collector.exit import Exit
from collector.inventory import chosen_families
from collector.plan import Target
from collector.preflight.accounts import gate
from collector.record import Gap
from collector.settings import BillingSettings
from collector.snapshot import open_snapshot
from collector.stop import stopping

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Billing:
    """What was written: where, what the manifest says of it, and how it ended."""

    to: str
    about: Mapping[str, Any]
    exit_status: Exit


async def read_billing(settings: BillingSettings, told: Told | None = None, now: datetime | None = None) -> Billing:
    """Read the billing files that *settings* name and write their costs. Raises CollectorError, and then nothing is written.

    A period whose newest delivery is the one that the destination has already is not read again. *now* tells settled months from others.
    SIGTERM and SIGINT end it like an error; once writing has begun, it is brought to its end.
    """
    started = now or datetime.now(UTC)
    async with stopping(None) as stop, AsyncExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="collector-billing-")))
        try:
            with stop.beginning():
                to = await opened.enter_async_context(
                    open_destination(str(settings.to), kms_key=settings.s3_kms_key, profile=settings.profile)
                )
                there = await anyio.to_thread.run_sync(to.periods)
                read, about = await _read(settings, to, there, folder, started, told or _nobody)
        except StoppedError as error:
            raise BillingError(f"stopped ({stop.why}) before everything was read: nothing was written") from error
        if "halted" in about:
            return Billing(to.to, about, Exit.HALTED)
        await to.publish(_all_lines(to, read, about["periods"]), about)
    log.info("billing.finished", to=to.to, periods=sorted(read), lines=sum(each["lines"] for each in about["periods"].values()))
    return Billing(to.to, about, Exit.COMPLETE)


async def _read(
    settings: BillingSettings, to: Destination, there: Mapping[str, Any], folder: Path, started: datetime, told: Told
) -> tuple[dict[str, Read], dict[str, Any]]:
    """The periods that are not *there* yet, their lines in *folder*; and what the manifest says of all."""
    inventory = open_snapshot(settings.snapshot) if settings.snapshot else to.inventory
    place = Place(str(settings.bucket), str(settings.prefix))
    async with entered(settings, (), place.calls()) as entrance:
        member = entrance.members[0]
        # Only --strict asks what the role must have; the billing role has what every spec needs.
        against = await gate(settings, chosen_families(settings) if settings.strict else ())(entrance, member)
        if against is not None:
            return {}, _halted(member.id, against)
        bucket = Bucket(entrance.gateway, place, await _in_its_region(entrance, place))
        home = Target(entrance.partition, member.id, PartitionEndpoints(entrance.partition).home("cur"))
        chosen, gaps = await _chosen(bucket, settings, home)
        with Database(folder, entrance.partition, settings.memory_megabytes) as database:
            if inventory:
                await anyio.to_thread.run_sync(database.load_inventory, inventory)
            reading = Reading(bucket, database, folder, started, told, with_inventory=inventory is not None)
            read = {
                period: await reading.period(delivery)
                for period, delivery in chosen.items()
                if settings.snapshot or not _is_there(there.get(period), delivery, period, started)
            }
    return read, _about(place, there, chosen, read, gaps, settings.snapshot or (to.to if inventory else None))


async def _in_its_region(entrance: Entrance, place: Place) -> Target:
    """Where the bucket is asked: in its account's partition, as the account that is read, in the bucket's region."""
    account = entrance.members[0].id
    asked = Target(entrance.partition, account, entrance.region)
    try:
        answer = await entrance.gateway.once(place.location, asked, {"Bucket": place.bucket}, Tally())
    except ApiError as error:
        raise Bucket(entrance.gateway, place, asked).refused(error, place.location.action) from error
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html: no name is us-east-1, and Ireland has an old one
    region = {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(answer.get("LocationConstraint"), answer.get("LocationConstraint"))
    return Target(entrance.partition, account, str(region))


async def _chosen(bucket: Bucket, settings: BillingSettings, home: Target) -> tuple[dict[str, Delivery], list[Gap]]:
    """The deliveries to read, by period, the oldest first; and what AWS refused to list. Raises BillingError."""
    found, gaps = await reports(bucket, settings.report, home)
    of_each = {report: there for report in found if (there := await deliveries(bucket, report))}
    if not of_each:
        raise BillingError(
            f"{', '.join(report.name for report in found)} under {bucket.place} has no delivery yet: AWS's first takes a day"
        )
    report = next(iter(of_each))
    if len(of_each) > 1:
        ranks = {report: await _rank(bucket, max(there.items())[1]) for report, there in of_each.items()}
        best = [report for report, rank in ranks.items() if rank == min(ranks.values())]
        if len(best) > 1:
            names = ", ".join(sorted(each.name for each in best))
            raise BillingError(f"there are several exports or reports under {bucket.place}: name one with --report ({names})")
        report = best[0]
    there = of_each[report]
    if missing := sorted(set(settings.period) - set(there)):
        raise BillingError(f"{report.name} has no delivery for {missing[0]}; it has {min(there)} to {max(there)}")
    wanted = sorted(settings.period) or sorted(there)[-settings.last :]
    return {period: there[period] for period in wanted}, gaps


async def _rank(bucket: Bucket, delivery: Delivery) -> int:
    """How much a report is preferred, by the columns of its newest manifest."""
    if delivery.report.kind == "dbr":
        return PREFERRED.index("dbr")
    try:
        manifest = read_manifest(await bucket.text(delivery.manifest, LARGEST), bucket.place, delivery.manifest.key)
        return PREFERRED.index(columns_of([(name, name) for name in manifest.columns], delivery.manifest.key).format)
    except (BillingError, ChangedError):
        return len(PREFERRED)  # what is wrong with it is told when it is the one that is read


def _is_there(earlier: Any, delivery: Delivery, period: str, now: datetime) -> bool:
    """Does the destination have this delivery already, and is what it says of its state still true?"""
    if (
        not isinstance(earlier, dict)
        or earlier.get("manifest_etag") != delivery.manifest.etag.strip('"')
        or earlier.get("manifest") != delivery.manifest.key
    ):
        return False
    return earlier.get("state") != "estimated" or now - end_of(period) <= SETTLED


def _all_lines(to: Destination, read: Mapping[str, Read], periods: Mapping[str, Any]) -> Iterator[bytes]:
    """The lines of every period in order, in pieces: those that were read now, and those that the destination has."""
    for period in sorted(periods):
        if period in read:
            with read[period].lines.open("rb") as file:
                while piece := file.read(1 << 20):
                    yield piece
        else:
            yield from to.lines(period)


def _about(
    place: Place,
    there: Mapping[str, Any],
    chosen: Mapping[str, Delivery],
    read: Mapping[str, Read],
    gaps: list[Gap],
    inventory: Path | str | None,
) -> dict[str, Any]:
    """What the manifest says of the billing lines."""
    periods = {**there, **{period: each.about for period, each in read.items()}}
    return {
        "asked_for": sorted(chosen),
        "discovery_refused": [{"action": gap.action, "code": gap.code, "kind": gap.kind} for gap in gaps],
        "from": str(place),
        "inventory": str(inventory) if inventory else None,
        "periods": dict(sorted(periods.items())),
        "read": sorted(read),
    }


def _halted(account_id: str, against: Gap) -> dict[str, Any]:
    """What is told of an account that is not read. Raises BillingError when it could not even be entered."""
    if against.kind != "halted":
        raise BillingError(
            f"account {account_id} cannot be entered ({against.action}: {against.kind}: {against.code}): run `collector preflight`"
        )
    return {"halted": account_id}


def _nobody(period: str, count: int, total: int) -> None:
    """Nobody looks at the progress."""
