"""Ending early: what was begun finishes or is cut, what was not begun is told, and every task is covered once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import anyio
import pytest

from collector.aws.page import Tally
from collector.errors import SinkError, StoppedError
from collector.plan import Target, Task
from collector.record import CoverageRecord, Record, ResourceRecord
from collector.run import run
from collector.spec.model import Call
from collector.stop import Stop, stopping
from tests.scripted.test_run import TOPIC, Lines, Topics, tasks


class Waits(Topics):
    """Answers the first accounts at once, then waits for a bell that may never ring."""

    def __init__(self, quick: int) -> None:
        super().__init__()
        self.quick = quick
        self.waiting = 0
        self.bell = anyio.Event()

    async def once(self, call: Call, target: Target, params: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
        if int(target.account_id) >= self.quick:
            self.waiting += 1
            await self.bell.wait()
        return await super().once(call, target, params, tally)


async def until_waiting(gateway: Waits, number: int) -> None:
    while gateway.waiting < number:
        await anyio.lowlevel.checkpoint()


def coverage(records: Sequence[Record]) -> list[CoverageRecord]:
    return [record for record in records if isinstance(record, CoverageRecord)]


async def test_what_is_in_flight_may_finish_and_the_rest_is_told_as_cut() -> None:
    gateway, sink, stop = Waits(quick=5), Lines(), Stop(grace=60)

    async with anyio.create_task_group() as group:
        group.start_soon(lambda: run(tasks(20), gateway, sink, workers=3, stop=stop))
        await until_waiting(gateway, 3)
        stop.ask("Deadline")
        gateway.bell.set()

    told = coverage(sink.records)
    assert sorted(int(record.account_id) for record in told) == list(range(20))
    assert sum(record.complete for record in told) == 8
    cut = [record for record in told if not record.complete]
    assert {(gap.kind, gap.code) for record in cut for gap in record.gaps} == {("cut", "Deadline")}
    assert {record.calls for record in cut} == {0}


@pytest.mark.parametrize("twice", [True, False], ids=["asked twice", "grace over"])
async def test_what_does_not_finish_in_time_is_cut(twice: bool) -> None:
    gateway, sink, stop = Waits(quick=5), Lines(), Stop(grace=0.0 if not twice else 3600)

    async with anyio.create_task_group() as group:
        group.start_soon(lambda: run(tasks(20), gateway, sink, workers=3, stop=stop))
        await until_waiting(gateway, 3)
        stop.ask("Interrupted")
        if twice:
            stop.ask("Interrupted")

    told = coverage(sink.records)
    assert sorted(int(record.account_id) for record in told) == list(range(20))
    assert sum(record.complete for record in told) == 5
    counted = Counter(record.scan_id for record in sink.records if isinstance(record, ResourceRecord))
    assert all(counted[record.scan_id] == record.resources for record in told)


async def never_ending(stop: Stop, part: AbstractContextManager[None]) -> None:
    """A *part* of a run in which a stop is asked for."""
    with part:
        stop.ask("Deadline")
        await anyio.sleep_forever()


async def test_what_comes_before_the_first_task_is_ended_at_once() -> None:
    stop = Stop(grace=3600)

    with pytest.raises(StoppedError, match=r"stopped \(Deadline\) before the first task was begun"):
        await never_ending(stop, stop.beginning())


async def test_a_snapshot_is_finished_in_spite_of_a_stop_and_not_when_it_is_asked_for_again() -> None:
    stop = Stop(grace=0.0)

    with stop.ending():
        stop.ask("Interrupted")
        await anyio.sleep(0.01)
    with pytest.raises(StoppedError, match="--resume finishes it"):
        await never_ending(stop, stop.ending())


async def test_an_error_comes_out_of_it_as_it_was() -> None:
    error = SinkError("full")

    with pytest.raises(SinkError) as raised:
        async with stopping(3600):
            raise error

    assert raised.value is error


async def test_a_task_that_is_refused_anyway_keeps_its_own_gap() -> None:
    from collector.record import Gap

    sink, stop = Lines(), Stop()
    stop.ask("Deadline")
    gap = Gap(action="sts:AssumeRole", code="AccessDenied", kind="denied")

    await run([Task(TOPIC, Target("aws", "111122223333", "eu-west-1"), gap)], Topics(), sink, workers=1, stop=stop)

    assert [record.gaps for record in coverage(sink.records)] == [(gap,)]
