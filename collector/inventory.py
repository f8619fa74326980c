"""A whole run: settings -> connection -> plan -> run -> manifest. The command line and the demo both call this."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import anyio
import structlog

from collector import __version__
from collector.connect import Connection, connected
from collector.cost import Cost, spent
from collector.exit import Exit
from collector.plan import Account
from collector.portion import Portion, portions, processes, whole, workers
from collector.preflight.accounts import gate
from collector.processes.share import Share, SoFar
from collector.processes.spread import Spread, shares
from collector.record import SCHEMA, timestamp
from collector.resume import Earlier, about, require_same
from collector.run import Progress, run
from collector.settings import RunSettings, Selection
from collector.sink import Sink, open_sink
from collector.spec import facts
from collector.spec.check import checked_specs
from collector.spec.model import Family
from collector.spec.select import digest, families
from collector.stop import Stop, stopping

log = structlog.get_logger()

SHOWN_SECONDS = 0.25
"""So often the display is told."""

Show: TypeAlias = Callable[[SoFar], None]
"""Is told, now and then and at the end, how far the run is."""
Watch: TypeAlias = Callable[[Connection, int], Show]
"""Is told how many tasks there are."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A finished run: where its lines are, and what the manifest says of it."""

    to: str
    manifest: dict[str, Any]

    @property
    def exit_status(self) -> Exit:
        return Exit(self.manifest["exit_status"])


def chosen_families(settings: Selection) -> list[Family]:
    """The families that *settings* choose from all specs."""
    return families(checked_specs(settings.specs), service=settings.service, exclude_service=settings.exclude_service, type=settings.type)


async def take_snapshot(settings: RunSettings, watch: Watch | None = None) -> Snapshot:
    """Read everything that *settings* ask for and write it as a snapshot.

    *watch* is told how many tasks there will be, and what it returns is told how far the run is. Raises CollectorError before anything is
    written when the settings cannot be carried out.
    """
    started = datetime.now(UTC)
    to = settings.to or f"snapshot-{started:%Y%m%dT%H%M%SZ}"
    chosen = chosen_families(settings)
    async with stopping(settings.deadline_seconds) as stop, AsyncExitStack() as opened:
        with stop.beginning():
            connection = await opened.enter_async_context(connected(settings, chosen, gate(settings, chosen)))
            facts.forget()
            everything = whole(settings, chosen, connection.accounts, connection.partition)
            parts = portions(everything, processes(settings, everything, asks_for_a_code=connection.asks_for_a_code))
            sink = await opened.enter_async_context(_sink(settings, to))
            parts, progress = await _to_do(settings, chosen, parts, sink)
        log.info("run.started", to=to, accounts=len(connection.accounts), families=len(chosen), processes=len(parts))
        show = watch(connection, everything.size()) if watch else None
        if len(parts) == 1:
            cost, files = await _alone(settings, parts[0], connection, sink, progress, stop, show), None
        else:
            cost, files = await _together(shares(settings, to, parts, connection, sink.last_number), connection, progress, stop, show)
        manifest = _manifest(started, chosen, connection, progress, cost, len(parts))
        with stop.ending():
            await sink.finish(manifest, files)
    log.info("run.finished", to=to, resources=manifest["resources"], gaps=manifest["gaps"], calls=manifest["calls"])
    return Snapshot(to, manifest)


def _sink(settings: RunSettings, to: str) -> AbstractAsyncContextManager[Sink]:
    return open_sink(
        to,
        compress=settings.compress,
        part_megabytes=settings.part_megabytes,
        kms_key=settings.s3_kms_key,
        profile=settings.profile,
        resume=settings.resume,
    )


async def _to_do(settings: RunSettings, chosen: list[Family], parts: list[Portion], sink: Sink) -> tuple[list[Portion], Progress]:
    """*parts* with what is left of them, and the progress that an earlier run has made. Raises SettingsError when that was asked for
    something else.
    """
    progress = Progress()
    ours = about(settings, chosen)
    begun = await sink.begin(ours)
    if begun is None:
        return parts, progress
    require_same(begun, ours)
    earlier = Earlier()
    await sink.earlier(earlier.tell)
    parts = [replace(part, left=earlier.settle(part.planned())) for part in parts]
    await sink.earlier(earlier.counting(progress.add))
    progress.tasks = sum(part.left.count(0) for part in parts if part.left is not None)
    await sink.resume(earlier.keep)
    log.info("run.resumed", covered=progress.coverage, resources=sum(progress.resources.values()))
    return parts, progress


async def _alone(
    settings: RunSettings, part: Portion, connection: Connection, sink: Sink, progress: Progress, stop: Stop, show: Show | None
) -> Cost:
    """Carry out everything in this process."""
    async with _shown(show, lambda: SoFar(progress.tasks, spent(connection.gateway))):
        await run(part.tasks(), connection.gateway, sink, progress, workers=workers(settings, 1), stop=stop)
    return spent(connection.gateway)


async def _together(
    shares: list[Share], connection: Connection, progress: Progress, stop: Stop, show: Show | None
) -> tuple[Cost, list[Mapping[str, Any]]]:
    """Have each of *shares* carried out in a process of its own."""
    spread, before = Spread(shares), progress.tasks
    async with _shown(show, lambda: SoFar(before, spent(connection.gateway)) + spread.so_far()):
        finished = await spread.run(stop)
    for each in finished:
        progress.include(each.progress)
    return spent(connection.gateway) + spread.so_far().cost, [file for each in finished for file in each.files]


@asynccontextmanager
async def _shown(show: Show | None, so_far: Callable[[], SoFar]) -> AsyncIterator[None]:
    """Tell *show* now and then while the block lasts, and when it has ended."""
    if show is None:
        yield
        return

    async def regularly(show: Show) -> None:
        while True:
            show(so_far())
            await anyio.sleep(SHOWN_SECONDS)

    async with anyio.create_task_group() as group:
        group.start_soon(regularly, show)
        yield
        group.cancel_scope.cancel()
    show(so_far())


def exit_status(progress: Progress, accounts: Iterable[Account] = ()) -> Exit:
    """How the run ended, for *accounts*.

    What is not there to be read (a service that is not in a region) is told, but is nothing that anybody could mend.
    """
    if any(account.blocked is not None and account.blocked.kind == "halted" for account in accounts):
        return Exit.HALTED
    return Exit.GAPS if set(progress.gaps) - {"unavailable"} else Exit.COMPLETE


def _manifest(
    started: datetime, chosen: list[Family], connection: Connection, progress: Progress, cost: Cost, processes: int
) -> dict[str, Any]:
    """What the snapshot holds and how it came about. Files and their digests are added by the sink."""
    finished = datetime.now(UTC)
    seconds = (finished - started).total_seconds()
    return {
        "accounts": [
            {
                "account_id": account.id,
                "blocked": account.blocked.code if account.blocked else None,
                "name": account.name,
                "regions": account.regions,
            }
            for account in connection.accounts
        ],
        "accounts_left_out": [{"account_id": member.id, "status": member.status} for member in connection.left_out],
        "bytes_received": cost.bytes_received,
        "bytes_resident": cost.bytes_resident,
        "calls": cost.calls,
        "calls_per_second": round(cost.calls / seconds, 1),
        "collector": __version__,
        "coverage": progress.coverage,
        "cpu_seconds": round(cost.cpu_seconds, 3),
        "exit_status": exit_status(progress, connection.accounts),
        "finished_at": timestamp(finished),
        "gaps": dict(sorted(progress.gaps.items())),
        "partition": connection.partition,
        "processes": processes,
        "resources": sum(progress.resources.values()),
        "resources_by_type": {type: number for type, number in sorted(progress.resources.items()) if number},
        "retries": cost.retries,
        "schema": SCHEMA,
        "seconds": round(seconds, 3),
        "spec_digest": digest(chosen),
        "started_at": timestamp(started),
        "tasks": progress.tasks,
        "throttled": cost.throttled,
        "throttled_share": round(cost.throttled_share, 4),
    }
