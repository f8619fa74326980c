"""START READING HERE: tasks in, lines out, workers between."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import anyio
import structlog

from collector.aws.page import Asks
from collector.collect import Emit, collect
from collector.errors import SinkError
from collector.plan import Task
from collector.record import CoverageRecord, Kind, Record
from collector.sink import Sink
from collector.stop import Stop

log = structlog.get_logger()


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
    writing = anyio.Semaphore(1, fast_acquire=True)  # a lock asks which task it is, four times for each task
    has_failed = False

    async def emit(records: Sequence[Record]) -> None:
        """One page after the other: a task's coverage comes after its resources."""
        nonlocal has_failed
        async with writing:
            if has_failed:  # and the error is about to end this as well
                await anyio.sleep_forever()
            try:
                await sink.write(records)
            except SinkError:
                has_failed = True
                raise

    async with anyio.create_task_group() as group:
        waiting = iter(tasks)
        for _ in range(workers):
            group.start_soon(_work, waiting, emit, gateway, progress, stop)
    return progress


async def _work(tasks: Iterator[Task], emit: Emit, gateway: Asks, progress: Progress, stop: Stop) -> None:
    """Carry out one task after another, as long as there are any: the workers take them from the same iterator."""
    debug = log.bind().debug  # bound once: binding takes longer than all else that is said of a task
    for task in tasks:
        for coverage in await collect(task, gateway, emit, stop):
            progress.add(coverage)
        progress.tasks += 1
        debug("task.finished", family=task.family.name, account_id=task.target.account_id, region=task.target.region)
