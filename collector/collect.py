"""One task: list, describe, tag, get, children -> records, and one coverage record for each type of the family."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import repeat
from pathlib import PurePath
from typing import Any, TypeAlias, TypeVar

import anyio
import structlog

from collector.aws.api_error import NOT_AS_MODELLED, UNREADABLE, ApiError
from collector.aws.page import Asks, pages
from collector.item import Item, arn_of, each_of, in_groups, item_in, known_around, parameters
from collector.normalise import items_of, joined_tags, normalise, searched, tag_map, taken
from collector.plan import Task
from collector.record import CoverageRecord, Gap, Record, ResourceRecord, now
from collector.scan import Scan
from collector.spec.model import Call, Resource
from collector.stop import Stop
from collector.template import Arn, fill

log = structlog.get_logger()

ABREAST = 8
"""Calls of one task at the same time. The pace bounds their rate; this bounds what a thousand buckets hold in memory."""

PAGE = 100
"""Items handled together, which is also the largest batch of a spec. A few calls answer with all there is; a million items on one page must
not become a million records at once, nor hold the event loop.
"""

Emit: TypeAlias = Callable[[Sequence[Record]], Awaitable[None]]
"""Takes records to be written; waits when the sink is behind."""
T = TypeVar("T")


async def collect(task: Task, gateway: Asks, emit: Emit, stop: Stop | None = None) -> list[CoverageRecord]:
    """Carry out *task*: hand page after page of records to *emit*, and at the end one coverage record for each type of the family.

    When *stop* is asked for, a task that has not begun is not begun, and one in flight may be cut; both say so in their coverage.
    """
    stop = stop or Stop()
    scans = {resource.key: Scan(task, resource) for resource in task.family.resources()}
    reading = Reading(task, gateway, emit, scans)
    if task.gap is not None:
        reading.refused(task.family.root, task.gap)
    elif stop.is_asked:
        reading.refused(task.family.root, stop.gap(task.family))
    else:
        with stop.in_flight() as calls:
            await reading.family()
        if calls.cancelled_caught:
            reading.refused(task.family.root, stop.gap(task.family))
    coverage = [scans[resource.key].coverage() for resource in task.family.written()]
    await emit(coverage)
    return coverage


class Reading:
    """One task being carried out."""

    def __init__(self, task: Task, gateway: Asks, emit: Emit, scans: Mapping[str, Scan]) -> None:
        self.task, self.gateway, self.emit, self.scans = task, gateway, emit, scans
        self.here: Item = {
            "partition": task.target.partition,
            "account_id": task.target.account_id,
            "region": task.target.region,
        }

    async def family(self) -> None:
        await self._resource(self.task.family.root, None)

    async def _resource(self, resource: Resource, parent: Item | None) -> None:
        """The path of the data, in order: every page of *resource* under *parent*, then what lies under its items."""
        try:
            async for listed in self._listed(resource, parent):
                items = self._identified(resource, await self._described(resource, self._placed(resource, listed)))
                if resource.key in self.task.family.wanted:
                    await self._tag(resource, items)
                    await self._write(resource, items)
                for child in self.task.family.children.get(resource.key, ()):
                    await self._all([partial(self._resource, child, item) for item in items])
        except ApiError as error:
            if error.code not in resource.list.not_enabled:
                self.refused(resource, error.gap(resource.list.action, arn=arn_of(parent)))
        except NOT_AS_MODELLED as error:
            # Not the error's own words: they may quote the answer.
            log.error("answer.unreadable", type=resource.type, error=type(error).__name__, at=_place_of(error))
            self.refused(resource, Gap(action=resource.list.action, arn=arn_of(parent), code=UNREADABLE, kind="failed"))

    def refused(self, resource: Resource, gap: Gap) -> None:
        """Part of *resource*'s listing could not be read: what lies under that part was not seen either."""
        self.scans[resource.key].gap(gap, complete=False)
        for child in self.task.family.children.get(resource.key, ()):
            self.refused(child, gap)

    async def _listed(self, resource: Resource, parent: Item | None) -> AsyncIterator[list[Item]]:
        """Pages of what ``list`` gives."""
        call = resource.list
        around = self.here if parent is None else {**self.here, "region": parent["region"], "parent": parent}
        for asked in each_of(call.over):
            params = parameters(call, {**around, "over": asked})
            if params is None:
                continue
            try:
                async for answer in self._raw_pages(resource, call, around["region"], {**params, **asked}):
                    self._note_failures(resource, call, answer)
                    items = items_of(taken(call, answer))
                    for start in range(0, len(items), PAGE):
                        yield [item_in(around, item, listed=item, over=asked) for item in items[start : start + PAGE]]
            except ApiError as error:
                if error.code not in call.absent:
                    raise

    def _placed(self, resource: Resource, items: list[Item]) -> list[Item]:
        """The items with the region they live in. One whose region AWS does not say is a gap, never a guess."""
        if resource.region is None:
            return items
        for item in items:
            item["region"] = fill(resource.region, item)
        placed = [item for item in items if item["region"]]
        if len(placed) < len(items):
            self.refused(resource, Gap(action=resource.list.action, code="NoRegion", count=len(items) - len(placed), kind="failed"))
        return placed

    async def _described(self, resource: Resource, items: list[Item]) -> list[Item]:
        """The items as ``describe`` completes them; those that went away meanwhile are left out."""
        call = resource.describe
        if call is None:
            return items
        if call.batch is None:
            each = await self._all([partial(self._description, resource, call, item) for item in items])
        else:
            each = await self._all([partial(self._descriptions, resource, call, group) for group in in_groups(items, call.batch)])
        return [item for described in each for item in described]

    async def _description(self, resource: Resource, call: Call, item: Item) -> list[Item]:
        try:
            parts = await self._answers(resource, call, item)
        except ApiError as error:
            if error.code not in call.absent:
                self.refused(resource, error.gap(call.action, arn=arn_of(item)))
            return []
        return [
            item_in(known_around(item), described, listed=item["listed"], over=item["over"])
            for part in parts
            for described in items_of(part)
        ]

    async def _descriptions(self, resource: Resource, call: Call, group: list[Item]) -> list[Item]:
        """Up to ``batch`` items described in one call. They share where they are and their parent, and which is which the answer tells."""
        around, over = known_around(group[0]), group[0]["over"]
        described: list[Item] = []
        try:
            async for answer in self._batch(resource, call, group):
                self._note_failures(resource, call, answer)
                described += [item_in(around, item, listed=None, over=over) for item in items_of(taken(call, answer))]
        except ApiError as error:
            if error.code not in call.absent:
                self.refused(resource, replace(error.gap(call.action), count=len(group)))
            elif len(group) > 1:
                # One of them went away; which of them, only asking for each tells.
                each = await self._all([partial(self._descriptions, resource, call, [item]) for item in group])
                return [item for descriptions in each for item in descriptions]
        return described

    def _note_failures(self, resource: Resource, call: Call, answer: Mapping[str, Any]) -> None:
        """Note failures of single items inside an answer that as a whole is a success."""
        failures = items_of(searched(call.failures, answer)) if call.failures else []
        for failure in failures:
            told = failure if isinstance(failure, dict) else {"id": failure}
            code = next((str(told[name]) for name in _FAILURE_CODES if told.get(name)), "Failure")
            if code not in call.absent:
                subject = next((str(told[name]) for name in _FAILURE_SUBJECTS if told.get(name)), None)
                self.refused(resource, Gap(action=call.action, arn=subject, code=code[:128], kind="failed"))

    def _identified(self, resource: Resource, items: list[Item]) -> list[Item]:
        if resource.arn is not None:
            for item in items:
                arn = fill(resource.arn, item)
                item["arn"] = Arn(arn) if arn else None
        return items

    async def _tag(self, resource: Resource, items: list[Item]) -> None:
        """Give each item its ``tags``: from a path in it, one call for each, or one for many. None when they could not be read."""
        source = resource.tags
        if isinstance(source, Call) and source.batch is not None:
            await self._all([partial(self._tag_group, resource, source, group) for group in in_groups(items, source.batch)])
        elif isinstance(source, Call):
            await self._all([partial(self._tag_one, resource, source, item) for item in items])
        else:
            for item in items:
                item["tags"] = tag_map(searched(source, item["item"])) if source else {}

    async def _tag_one(self, resource: Resource, call: Call, item: Item) -> None:
        answered, part = await self._supplement(resource, call, item)
        item["tags"] = tag_map(part) if answered else None

    async def _tag_group(self, resource: Resource, call: Call, group: list[Item]) -> None:
        tags: dict[str, dict[str, str]] = {}
        try:
            async for answer in self._batch(resource, call, group):
                tags |= joined_tags(items_of(taken(call, answer)))
        except ApiError as error:
            if error.code in call.absent and len(group) > 1:
                await self._all([partial(self._tag_group, resource, call, [item]) for item in group])
                return
            if error.code not in call.absent:
                self.scans[resource.key].gap(replace(error.gap(call.action, arn=arn_of(group[0])), count=len(group)))
                for item in group:
                    item["tags"] = None
                return
        for item in group:
            item["tags"] = tags.get(str(fill(call.of, item)), {})

    async def _write(self, resource: Resource, items: list[Item]) -> None:
        """Hand the records of *items* on to be written."""
        scan = self.scans[resource.key]
        supplements = await self._all([partial(self._supplementary, resource, item) for item in items]) if resource.get else repeat({})
        records: list[ResourceRecord] = []
        observed_at = now()
        for item, supplementary in zip(items, supplements, strict=False):
            record = normalise(
                resource,
                item,
                scan_id=scan.id,
                parent_arn=arn_of(item.get("parent")),
                region=self._region(resource, item),
                observed_at=observed_at,
                supplementary=supplementary,
            )
            if record is not None:
                records.append(record)
            else:
                self.refused(resource, Gap(action=resource.list.action, code="NoIdentity", kind="failed"))
        if records:
            await self.emit(records)
            scan.resources += len(records)

    def _region(self, resource: Resource, item: Item) -> str:
        """The record's region: ``global`` in a service of global scope whose resources are not placed by a ``region``."""
        step: Item | None = item
        while resource.scope == "global" and step is not None:
            if step["region"] != self.here["region"] or resource.region is not None:
                return str(item["region"])
            step = step.get("parent")
        return "global" if resource.scope == "global" else str(item["region"])

    async def _supplementary(self, resource: Resource, item: Item) -> dict[str, Any]:
        """The answers of the further calls by name. Not configured is None; refused is left out, and a gap."""
        answers: dict[str, Any] = {}
        for name, call in resource.get.items():
            answered, part = await self._supplement(resource, call, item)
            if answered:
                answers[name] = part
        return answers

    async def _supplement(self, resource: Resource, call: Call, item: Item) -> tuple[bool, Any]:
        """(was it answered, what was taken) of one further call about one item; lists of several pages are joined."""
        try:
            parts = await self._answers(resource, call, item)
        except ApiError as error:
            if error.code in (*call.absent, *call.not_enabled):
                return True, None
            self.scans[resource.key].gap(error.gap(call.action, arn=arn_of(item)))
            return False, None
        if len(parts) < 2:
            return True, parts[0] if parts else None
        return True, [each for part in parts for each in items_of(part)]

    async def _answers(self, resource: Resource, call: Call, item: Item) -> list[Any]:
        """What *call* takes for one item, page by page; nothing when there is nothing to ask about."""
        params = parameters(call, item)
        return [] if params is None else [part async for part in self._pages(resource, call, item["region"], params)]

    async def _batch(self, resource: Resource, call: Call, group: list[Item]) -> AsyncIterator[dict[str, Any]]:
        """The answers to one call about all of *group*."""
        asked = [value for item in group if (value := fill(call.of, item)) is not None]
        params = parameters(call, {**group[0], "batch": asked})
        if params is not None and asked:
            async for answer in self._raw_pages(resource, call, group[0]["region"], params):
                yield answer

    async def _pages(self, resource: Resource, call: Call, region: str, params: Mapping[str, Any]) -> AsyncIterator[Any]:
        async for answer in self._raw_pages(resource, call, region, params):
            yield taken(call, answer)

    def _raw_pages(self, resource: Resource, call: Call, region: str, params: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        target = self.task.target
        there = target if region == target.region else replace(target, region=region)
        return pages(self.gateway, call, there, params, self.scans[resource.key].tally)

    async def _all(self, jobs: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """The results of *jobs* in their order, a few of them abreast."""
        if len(jobs) < 2:
            return [await job() for job in jobs]
        results: dict[int, T] = {}
        waiting = iter(enumerate(jobs))

        async def work() -> None:
            for index, job in waiting:
                results[index] = await job()

        try:
            async with anyio.create_task_group() as group:
                for _ in range(min(ABREAST, len(jobs))):
                    group.start_soon(work)
        except ExceptionGroup as several:
            # One odd answer is a gap, whether its call was made alone or among others.
            others = several.split(NOT_AS_MODELLED)[1]
            if others is not None:
                raise others from None
            raise _first_of(several) from None
        return [results[index] for index in range(len(jobs))]


_FAILURE_CODES = ("reason", "errorCode", "ErrorCode", "code", "Code")
_FAILURE_SUBJECTS = ("arn", "Arn", "id", "Id")


def _first_of(several: BaseException) -> BaseException:
    while isinstance(several, BaseExceptionGroup):
        several = several.exceptions[0]
    return several


def _place_of(error: BaseException) -> str:
    """Where *error* was raised, so that it can be mended: ``normalise.py:42``."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else ""
