"""A whole run over scripted answers: every task once, in bounded memory, whatever happens to one of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import anyio
import pytest

from collector.aws.page import Tally
from collector.errors import CallNotAllowedError, SinkError
from collector.plan import Target, Task
from collector.record import CoverageRecord, Record, ResourceRecord
from collector.run import run
from collector.spec.model import Call
from tests.scripted.scripted import denied, family

SPEC = '[topic]\ntype = "AWS::SNS::Topic"\narn = "{TopicArn}"\nlist = { call = "ListTopics", take = "Topics[]" }\n'
TOPIC = family("sns", "topic", SPEC)


def tasks(number: int) -> Iterator[Task]:
    for n in range(number):
        yield Task(TOPIC, Target("aws", f"{n:012}", "eu-west-1"))


class Topics:
    """Two pages of topics in every account; remembers how many calls were abreast."""

    def __init__(self) -> None:
        self.abreast = self.most = 0

    async def once(self, call: Call, target: Target, params: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
        self.abreast += 1
        self.most = max(self.most, self.abreast)
        await anyio.lowlevel.checkpoint()
        self.abreast -= 1
        arn = f"arn:aws:sns:{target.region}:{target.account_id}:topic"
        return {"Topics": [{"TopicArn": f"{arn}-2"}]} if params else {"Topics": [{"TopicArn": f"{arn}-1"}], "NextToken": "2"}


class Lines:
    """A sink that keeps what it is given, in order."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def write(self, records: Sequence[Record]) -> None:
        self.records.extend(records)

    async def finish(self, manifest: Mapping[str, Any]) -> None:
        raise AssertionError("run leaves the manifest to its caller")


async def test_every_task_is_covered_exactly_once_and_after_its_resources() -> None:
    sink = Lines()

    progress = await run(tasks(50), Topics(), sink, workers=7)

    seen: dict[str, int] = {}
    for record in sink.records:
        if isinstance(record, ResourceRecord):
            seen[record.scan_id] = seen.get(record.scan_id, 0) + 1
        else:
            assert seen.pop(record.scan_id) == record.resources == 2
    assert seen == {}
    assert len({record.account_id for record in sink.records if isinstance(record, CoverageRecord)}) == 50
    assert (progress.tasks, progress.coverage, progress.resources) == (50, 50, {"AWS::SNS::Topic": 100})


async def test_at_most_so_many_workers_are_abreast() -> None:
    gateway = Topics()

    await run(tasks(40), gateway, Lines(), workers=3)

    assert 1 < gateway.most <= 3


async def test_a_slow_sink_slows_the_workers() -> None:
    taken = 0

    def counted() -> Iterator[Task]:
        nonlocal taken
        for task in tasks(5000):
            taken += 1
            yield task

    class Stuck(Lines):
        async def write(self, records: Sequence[Record]) -> None:
            await anyio.sleep_forever()

    with anyio.move_on_after(0.5):
        await run(counted(), Topics(), Stuck(), workers=4)

    assert taken == 4


async def test_a_refused_account_does_not_hold_up_the_others() -> None:
    class OneRefuses(Topics):
        async def once(self, call: Call, target: Target, params: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
            if target.account_id.endswith("3"):
                raise denied()
            return await super().once(call, target, params, tally)

    sink = Lines()

    progress = await run(tasks(10), OneRefuses(), sink, workers=2)

    assert [record.account_id for record in sink.records if isinstance(record, CoverageRecord) and not record.complete] == ["000000000003"]
    assert progress.gaps == {"denied": 1}


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("turns", [0, 5_000], ids=["at once", "when everybody waits for it"])
async def test_a_sink_that_cannot_be_written_ends_the_run(workers: int, turns: int) -> None:
    class Full(Lines):
        async def write(self, records: Sequence[Record]) -> None:
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            raise SinkError("no space left")

    with pytest.RaisesGroup(SinkError, flatten_subgroups=True):
        await run(tasks(1000), Topics(), Full(), workers=workers)


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_call_that_is_not_allowed_ends_the_run(workers: int) -> None:
    class Forbids(Topics):
        async def once(self, call: Call, target: Target, params: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
            if target.account_id.endswith("3"):
                raise CallNotAllowedError("for this test")
            return await super().once(call, target, params, tally)

    with pytest.RaisesGroup(CallNotAllowedError, flatten_subgroups=True):
        await run(tasks(1000), Forbids(), Lines(), workers=workers)
