"""A snapshot's records in, utilisation lines out, a few calls at the same time; every series gets its line, whatever became of it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

import anyio
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream

from collector.aws.page import Asks
from collector.metrics.ask import Window, ask, line
from collector.metrics.batches import Batch, batched
from collector.metrics.price import Budget
from collector.metrics.series import Series
from collector.plan import Account, Target, Task
from collector.record import Gap, Kind, Record, Status, UtilisationRecord
from collector.scan import Scan
from collector.spec.model import METRIC_DATA, Family, Resource
from collector.stop import Stop

METERING = Family(Resource("cloudwatch", "metric", "AWS::CloudWatch::Metric", METRIC_DATA, ours=True), {}, frozenset({"metric"}))
"""What the gateway may ask, the gate looks at and the coverage speaks of, when metrics are collected."""
ABREAST = 8
"""Calls at the same time: an answer to 500 queries is some megabytes of values, and the pace of one account and region is what limits."""
COST, CUT = "The cost limit was reached.", "The collection was cut."

Write: TypeAlias = Callable[[Sequence[Record]], Awaitable[None]]
"""Takes lines to be written, one call at a time."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a collection is about: the accounts that were entered, with their chosen regions, and perhaps what has no region."""

    accounts: Mapping[str, Account]
    with_global: bool = True

    def __contains__(self, each: Series) -> bool:
        account = self.accounts.get(each.subject.account_id)
        if account is None:
            return False
        if each.subject.is_global:
            return self.with_global
        return each.subject.region in account.regions or each.subject.region in account.disabled_regions


@dataclass(slots=True)
class Measurement:
    """How far it is; the numbers of the closing line and of the manifest."""

    statuses: Counter[Status] = field(default_factory=Counter)
    gaps: Counter[Kind] = field(default_factory=Counter)
    calls: int = 0


@dataclass(slots=True)
class Metering:
    """The collection of metrics. Series outside of *scope* are not asked for and get no line."""

    gateway: Asks
    scope: Scope
    write: Write
    budget: Budget
    stop: Stop
    end: date
    """The first day that is not asked for."""
    measurement: Measurement = field(default_factory=Measurement)
    _scans: dict[Target, Scan] = field(default_factory=dict)
    _writing: anyio.Lock = field(default_factory=anyio.Lock)
    _is_spent: bool = False
    _under_way: int = 0
    """Batches that are handed to the workers and not answered yet."""
    _answered: anyio.Event = field(default_factory=anyio.Event)
    """Set when the next of them is."""

    async def measure(self, series: Iterable[Series]) -> Measurement:
        """Ask for all of *series* that can be asked for, and write a line for each, then the coverage of each account and region."""
        send, batches = anyio.create_memory_object_stream[Batch](0)
        async with anyio.create_task_group() as group:
            for _ in range(ABREAST):
                group.start_soon(self._work, batches.clone())
            batches.close()
            async with send:
                chosen = batched(each for each in series if each in self.scope)
                with suppress(anyio.BrokenResourceError):  # no worker is left; why not, they tell
                    # In a thread: between two batches may lie gigabytes of records without metrics.
                    while (batch := await anyio.to_thread.run_sync(next, chosen, None)) is not None:
                        if not await self._is_left(batch):
                            await send.send(batch)
        await self._finish()
        return self.measurement

    async def _is_left(self, batch: Batch) -> bool:
        """Whether *batch* is not asked for; its lines say why."""
        account = self.scope.accounts[batch.target.account_id]
        gap = account.blocked
        if gap is None and batch.target.region in account.disabled_regions:
            gap = Gap(action=METRIC_DATA.action, code="RegionDisabled", kind="unavailable")
        if not batch.askable:
            await self._tell(batch.target, [self._line(each, "not_collected", each.reason) for each in batch.series])
        elif gap is not None:
            await self._leave(batch, gap, "error", f"{gap.kind}: {gap.code}")
        elif self.stop.is_asked:
            await self._cut(batch)
        elif not await self._affords(batch):
            await self._leave(batch, Gap(action=METRIC_DATA.action, code="CostLimit", kind="cut"), "not_collected", COST)
        else:
            return False
        return True

    async def _affords(self, batch: Batch) -> bool:
        """Whether the call for *batch* stays within the budget.

        Calls under way may yet give back what they do not cost; when none is, the first that does not fit is the end.
        """
        while not self._is_spent and not self.budget.takes(len(batch.series)):
            if self._under_way:
                await self._answered.wait()
            else:
                self._is_spent = True
        self._under_way += not self._is_spent
        return not self._is_spent

    async def _cut(self, batch: Batch) -> None:
        await self._leave(batch, self.stop.gap(METERING), "not_collected", CUT)

    async def _leave(self, batch: Batch, gap: Gap, status: Status, reason: str) -> None:
        self._scan(batch.target).gap(gap, complete=False)
        await self._tell(batch.target, [self._line(each, status, reason) for each in batch.series])

    async def _work(self, batches: MemoryObjectReceiveStream[Batch]) -> None:
        async with batches:
            async for batch in batches:
                await self._ask(batch)
                self._under_way -= 1
                self._answered.set()
                self._answered = anyio.Event()

    async def _ask(self, batch: Batch) -> None:
        scan = self._scan(batch.target)
        with self.stop.in_flight() as calls:
            answer = await ask(batch, self.gateway, scan.tally, scan_id=scan.id, end=self.end)
        if calls.cancelled_caught:
            await self._cut(batch)
            return
        self.budget.give_back(len(batch.series) - answer.answered)
        if answer.error is not None:
            scan.gap(answer.error.gap(METRIC_DATA.action), complete=False)
        for code in sorted(answer.codes):
            scan.gap(Gap(action=METRIC_DATA.action, code=code, kind="failed"), complete=False)
        await self._tell(batch.target, answer.lines)

    async def _tell(self, target: Target, lines: Sequence[UtilisationRecord]) -> None:
        self.measurement.statuses.update(each.status for each in lines)
        self._scan(target).resources += len(lines)
        async with self._writing:
            await self.write(lines)

    def _line(self, each: Series, status: Status, reason: str | None) -> UtilisationRecord:
        return line(each, Window(self.end, each.metrics.lookback), self._scan(each.subject.target).id, status, reason)

    def _scan(self, target: Target) -> Scan:
        if target not in self._scans:
            self._scans[target] = Scan(Task(METERING, target), METERING.root)
        return self._scans[target]

    async def _finish(self) -> None:
        """The coverage of each account and region, after all of their lines."""
        for scan in self._scans.values():
            coverage = scan.coverage()
            self.measurement.calls += coverage.calls
            for gap in coverage.gaps:
                self.measurement.gaps[gap.kind] += gap.count
            await self.write([coverage])
