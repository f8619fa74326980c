"""START READING HERE: tasks in, lines out, workers between."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import anyio
import structlog
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from collector.aws.page import Asks
from collector.collect import collect
from collector.plan import Task
from collector.record import CoverageRecord, Kind, Record
from collector.sink import Sink
from collector.stop import Stop

log = structlog.get_logger()

PAGES_WAITING = 100
"""Pages of records between the workers and the writer; when it is full, the workers wait for the sink."""


@dataclass(slots=True)
class Progress:
    """How far a run is; the numbers of the display, of the closing table and of the manifest."""

    tasks: int = 0
    resources: Counter[str] = field(default_factory=Counter)
    """Resources by type."""
    incomplete: Counter[str] = field(default_factory=Counter)
    """Targets, by type, in which the listing is not complete."""
    gaps: Counter[Kind] = field(default_factory=Counter)
    coverage: int = 0

    def add(self, record: CoverageRecord) -> None:
        self.coverage += 1
        self.resources[record.resource_type] += record.resources
        self.incomplete[record.resource_type] += not record.complete
        for gap in record.gaps:
            self.gaps[gap.kind] += gap.count

    def include(self, other: "Progress") -> None:
        """Add what another process has done."""
        self.tasks += other.tasks
        self.coverage += other.coverage
        self.resources.update(other.resources)
        self.incomplete.update(other.incomplete)
        self.gaps.update(other.gaps)


async def run(
    tasks: Iterable[Task],
    gateway: Asks,
    sink: Sink,
    progress: Progress | None = None,
    *,
    workers: int,
    stop: Stop | None = None,
) -> Progress:
    """Carry out every task, at most *workers* at once; a slow sink slows the workers, and no list of all tasks or records is ever held.

    *progress* is what an earlier run has made already, and is carried on. Once *stop* is asked for, what is left is written as cut: every
    task has its coverage, however the run ends.

    Raises SinkError when records cannot be written and CallNotAllowedError when a call was about to be made that no spec names.
    """
    progress = Progress() if progress is None else progress
    stop = stop or Stop()
    send_page, page_stream = anyio.create_memory_object_stream[Sequence[Record]](PAGES_WAITING)
    async with anyio.create_task_group() as group:
        group.start_soon(_write, page_stream, sink)
        waiting = iter(tasks)
        for _ in range(workers):
            group.start_soon(_work, waiting, send_page.clone(), gateway, progress, stop)
        send_page.close()
    return progress


async def _work(
    tasks: Iterator[Task],
    out: MemoryObjectSendStream[Sequence[Record]],
    gateway: Asks,
    progress: Progress,
    stop: Stop,
) -> None:
    """Carry out one task after another, as long as there are any: the workers take them from the same iterator."""

    async def emit(records: Sequence[Record]) -> None:
        try:
            await out.send(records)
        except anyio.BrokenResourceError:  # the writer has failed, and its error is about to end this as well
            await anyio.sleep_forever()

    async with out:
        for task in tasks:
            for coverage in await collect(task, gateway, emit, stop):
                progress.add(coverage)
            progress.tasks += 1
            log.debug("task.finished", family=task.family.name, account_id=task.target.account_id, region=task.target.region)


async def _write(pages: MemoryObjectReceiveStream[Sequence[Record]], sink: Sink) -> None:
    """The one ordered writer: a task's coverage comes after its resources."""
    async with pages:
        async for records in pages:
            await sink.write(records)
