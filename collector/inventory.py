"""A whole run: settings -> connection -> plan -> run -> manifest. The command line and the demo both call this."""

import resource as usage
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from collector import __version__
from collector.aws.endpoints import PartitionEndpoints
from collector.connect import Connection, connected
from collector.exit import Exit
from collector.plan import Account, Task, plan
from collector.preflight.accounts import gate
from collector.record import SCHEMA, timestamp
from collector.resume import Earlier, about, require_same
from collector.run import Progress, run
from collector.settings import RunSettings, Selection
from collector.sink import Sink, open_sink
from collector.spec.check import checked_specs
from collector.spec.model import Family
from collector.spec.select import digest, families
from collector.stop import stopping

log = structlog.get_logger()


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


def tasks_of(settings: RunSettings, chosen: list[Family], connection: Connection) -> "Tasks":
    """Every task of the run, anew each time it is asked for."""
    return lambda: plan(
        chosen, connection.accounts, PartitionEndpoints(connection.partition), global_scope="global" not in settings.exclude_region
    )


Tasks = Callable[[], Any]


async def take_snapshot(settings: RunSettings, watch: "Callable[[Connection, int], Callable[[Task], None]] | None" = None) -> Snapshot:
    """Read everything that *settings* ask for and write it as a snapshot.

    *watch* is told how many tasks there will be, and what it returns is told of each that is done. Raises CollectorError before anything is
    written when the settings cannot be carried out.
    """
    started = datetime.now(UTC)
    to = settings.to or f"snapshot-{started:%Y%m%dT%H%M%SZ}"
    chosen = chosen_families(settings)
    async with connected(settings, chosen, gate(settings, chosen)) as connection:
        tasks = tasks_of(settings, chosen, connection)
        async with open_sink(
            to,
            compress=settings.compress,
            part_megabytes=settings.part_megabytes,
            kms_key=settings.s3_kms_key,
            profile=settings.profile,
            resume=settings.resume,
        ) as sink:
            tasks, progress = await _to_do(settings, chosen, tasks, sink)
            log.info("run.started", to=to, accounts=len(connection.accounts), families=len(chosen))
            done = watch(connection, sum(1 for _ in tasks())) if watch else None
            async with stopping(settings.deadline_seconds) as stop:
                await run(tasks(), connection.gateway, sink, progress, workers=settings.workers, stop=stop, done=done)
            manifest = _manifest(started, chosen, connection, progress)
            await sink.finish(manifest)
    log.info("run.finished", to=to, resources=manifest["resources"], gaps=manifest["gaps"], calls=manifest["calls"])
    return Snapshot(to, manifest)


async def _to_do(settings: RunSettings, chosen: list[Family], tasks: "Tasks", sink: Sink) -> "tuple[Tasks, Progress]":
    """The tasks that are left, and the progress that an earlier run has made. Raises SettingsError when that was asked for something
    else.
    """
    progress = Progress()
    ours = about(settings, chosen)
    begun = await sink.begin(ours)
    if begun is None:
        return tasks, progress
    require_same(begun, ours)
    earlier = Earlier()
    await sink.earlier(earlier.tell)
    progress.tasks = earlier.settle(tasks(), progress.add)
    await sink.resume(earlier.keep)
    log.info("run.resumed", covered=progress.coverage, resources=sum(progress.resources.values()))
    return lambda: earlier.left(tasks()), progress


def exit_status(progress: Progress, accounts: Iterable[Account] = ()) -> Exit:
    """How the run ended, for *accounts*.

    What is not there to be read (a service that is not in a region) is told, but is nothing that anybody could mend.
    """
    if any(account.blocked is not None and account.blocked.kind == "halted" for account in accounts):
        return Exit.HALTED
    return Exit.GAPS if set(progress.gaps) - {"unavailable"} else Exit.COMPLETE


def _manifest(started: datetime, chosen: list[Family], connection: Connection, progress: Progress) -> dict[str, Any]:
    """What the snapshot holds and how it came about. Files and their digests are added by the sink."""
    counts = connection.gateway.counts
    finished = datetime.now(UTC)
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
        "bytes_resident": _peak_memory(),
        "calls": counts.calls,
        "collector": __version__,
        "coverage": progress.coverage,
        "cpu_seconds": round(sum(usage.getrusage(usage.RUSAGE_SELF)[:2]), 3),
        "exit_status": exit_status(progress, connection.accounts),
        "finished_at": timestamp(finished),
        "gaps": dict(sorted(progress.gaps.items())),
        "partition": connection.partition,
        "resources": sum(progress.resources.values()),
        "resources_by_type": {type: number for type, number in sorted(progress.resources.items()) if number},
        "retries": counts.retries,
        "schema": SCHEMA,
        "seconds": round((finished - started).total_seconds(), 3),
        "spec_digest": digest(chosen),
        "started_at": timestamp(started),
        "tasks": progress.tasks,
        "throttled": counts.throttled,
    }


def _peak_memory() -> int:
    """Bytes. Linux counts in kilobytes, macOS in bytes (getrusage(2))."""
    peak = usage.getrusage(usage.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
