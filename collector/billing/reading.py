"""One period at a time: its manifest, the data files that the manifest names, their sums, and the lines that these become."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias

import anyio.to_thread
import structlog

from collector.billing.bucket import Bucket, ChangedError, Object
from collector.billing.columns import Columns
from collector.billing.database import Counted, Database
from collector.billing.find import Delivery, deliveries
from collector.billing.manifest import LARGEST, Manifest, read_manifest
from collector.billing.packed import readable
from collector.billing.place import BillingError
from collector.record import Source, line, timestamp

log = structlog.get_logger()

State: TypeAlias = Literal["estimated", "settled", "final"]
Told: TypeAlias = Callable[[str, int, int], None]
"""Told of progress: the period, the bytes that came just now, and the bytes that there are to come in all."""

STARTS = 3
"""How often a period is begun because a refresh replaced its files meanwhile."""
SETTLED = timedelta(days=14)
"""AWS goes on refreshing the files of a month for about so long after its end."""


@dataclass(frozen=True, slots=True)
class Read:
    """A period that was read: its lines in a file, and what the manifest says of it."""

    lines: Path
    about: dict[str, Any]


def state_of(period: str, counted: Counted, now: datetime) -> State:
    """``final`` when every row has an invoice, ``settled`` when the month has been over for two weeks, else ``estimated``."""
    if counted.rows and not counted.open_rows:
        return "final"
    return "settled" if now - end_of(period) > SETTLED else "estimated"


def end_of(period: str) -> datetime:
    """The first moment after a month."""
    year, month = int(period[:4]), int(period[5:])
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads periods into files of lines."""

    bucket: Bucket
    database: Database
    folder: Path
    now: datetime
    told: Told
    with_inventory: bool

    async def period(self, delivery: Delivery) -> Read:
        """Read one period, begun anew when a refresh comes in between. Raises BillingError."""
        manifest = delivery.manifest
        for _ in range(STARTS):
            self.database.clear()
            try:
                return await self._period(delivery, manifest)
            except ChangedError as error:
                log.info("delivery.changed", period=delivery.period, key=str(error))
                again = (await deliveries(self.bucket, delivery.report)).get(delivery.period)
                if again is None or (again.manifest == manifest and again.manifest.key != str(error)):
                    raise BillingError(
                        f"{manifest.key} names {error}, which is not there as it was delivered: the delivery is incomplete or being "
                        "refreshed (try again later), or its files were changed after their manifest"
                    ) from error
                manifest = again.manifest
        raise BillingError(f"{delivery.report.name} of {delivery.period} is being refreshed over and over: try again later")

    async def _period(self, delivery: Delivery, manifest: Object) -> Read:
        named = await self._named(delivery, manifest)
        files = [manifest] if delivery.report.kind == "dbr" else await self._files(named, manifest)
        total = sum(each.size for each in files)
        formats: set[str] = set()
        with_resources = False
        for file in files:
            columns = await self._add(file, named, delivery.period, total)
            formats.add(columns.format)
            with_resources = with_resources or columns.has_resources
        if len(formats) > 1:
            raise BillingError(f"{manifest.key} names files of several formats: {', '.join(sorted(formats))}")
        source = Source(
            execution_id=named.execution_id, export=delivery.report.name, format=formats.pop(), manifest_etag=manifest.etag.strip('"')
        )
        return await anyio.to_thread.run_sync(self._written, delivery, manifest, source, with_resources, total)

    async def _named(self, delivery: Delivery, manifest: Object) -> Manifest:
        if delivery.report.kind == "dbr":
            return Manifest(None, delivery.report.name, (), (manifest.key,))
        return read_manifest(await self.bucket.text(manifest, LARGEST), self.bucket.place, manifest.key)

    async def _files(self, named: Manifest, manifest: Object) -> list[Object]:
        """The files that the manifest names, as they are there. Raises ChangedError for one that is gone, or is newer than the manifest.

        AWS writes the manifest last: a file that is newer belongs to a refresh that is not whole yet.
        """
        there: dict[str, Object] = {}
        for folder in dict.fromkeys(key[: key.rindex("/") + 1] for key in named.keys):
            there |= {each.key: each for each in (await self.bucket.folder(folder)).objects}
        for key in named.keys:
            if key not in there or there[key].modified > manifest.modified:
                raise ChangedError(key)
        return [there[key] for key in named.keys]

    async def _add(self, file: Object, named: Manifest, period: str, total: int) -> Columns:
        if file.size > shutil.disk_usage(self.folder).free:
            raise BillingError(f"{file.key} has {file.size:,} bytes, and {tempfile.gettempdir()} has no room for it: set TMPDIR")
        path = self.folder / "file.part"
        await self.bucket.download(file, path, lambda count: self.told(period, count, total))

        def add() -> Columns:
            whole = readable(path, file.key)
            try:
                return self.database.add(whole, file.key, named.columns)
            finally:
                whole.unlink()

        return await anyio.to_thread.run_sync(add)

    def _written(self, delivery: Delivery, manifest: Object, source: Source, with_resources: bool, size: int) -> Read:
        counted = self.database.counted()
        state = state_of(delivery.period, counted, self.now)
        path = self.folder / f"{delivery.period}.jsonl"
        lines = 0
        with path.open("wb") as file:
            for record in self.database.records(delivery.period, state, source):
                file.write(line(record))
                lines += 1
        if not with_resources or (counted.rows and not counted.with_resource):
            log.warning("billing.without_resource_ids", period=delivery.period, export=source.export)
        about = {
            "billed_cost": counted.billed,
            "bytes": size,
            "execution_id": source.execution_id,
            "export": source.export,
            "format": source.format,
            "has_resource_ids": counted.with_resource > 0,
            "joined": self.database.met() if self.with_inventory else None,
            "line_items": counted.rows,
            "lines": lines,
            "manifest": manifest.key,
            "manifest_etag": source.manifest_etag,
            "read_at": timestamp(self.now),
            "split_line_items_left_out": counted.split_rows,
            "state": state,
        }
        return Read(path, about)
