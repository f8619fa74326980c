"""What one process does of a run: the tasks of some accounts, less those that an earlier run has done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

from collector.aws.connections import sockets_allowed
from collector.aws.endpoints import PartitionEndpoints
from collector.machine import cores
from collector.plan import Account, Task, plan, size
from collector.settings import RunSettings
from collector.spec.model import Family

WORTH_A_PROCESS = 5_000
"""Tasks. A process takes over a second of CPU to start, reading models and making clients; so many take two."""

WORKERS = 96
"""Tasks at the same time in one process, which is a core. When AWS answers in 50 ms, 64 of them leave the core waiting and 128 make no more
calls; the more there are, the longer an answer waits for its turn (scripts/benchmark/RESULTS.md, cells in flight).
"""


@dataclass(frozen=True, slots=True)
class Portion:
    """Frozen plain data that pickles."""

    families: tuple[Family, ...]
    accounts: tuple[Account, ...]
    partition: str
    global_scope: bool
    left: bytes | None = None
    """A byte for each task, in the order of the plan: zero where an earlier run has done it. None when there was none."""

    def planned(self) -> Iterator[Task]:
        """Every task, whether it was done or not."""
        return plan(self.families, self.accounts, PartitionEndpoints(self.partition), global_scope=self.global_scope)

    def tasks(self) -> Iterator[Task]:
        """The tasks that are left to do."""
        return self.planned() if self.left is None else compress(self.planned(), self.left)

    def size(self) -> int:
        """How many tasks there are, whether they were done or not."""
        return size(self.families, self.accounts, global_scope=self.global_scope)


def whole(settings: RunSettings, families: Sequence[Family], accounts: Sequence[Account], partition: str) -> Portion:
    """All of a run."""
    return Portion(tuple(families), tuple(accounts), partition, "global" not in settings.exclude_region)


def portions(portion: Portion, number: int) -> list[Portion]:
    """*portion* in *number* parts, by accounts: what AWS counts, by account, is then counted in one process."""
    return [Portion(portion.families, portion.accounts[first::number], portion.partition, portion.global_scope) for first in range(number)]


def processes(settings: RunSettings, portion: Portion, *, asks_for_a_code: bool = False) -> int:
    """In how many processes *portion* is read: as many as were asked for, or as there are cores and work for; never more than accounts,
    and one when standard output is to be written or a person to be asked for a code, of which there is only one.
    """
    if settings.to == "-" or asks_for_a_code:
        return 1
    wanted = settings.processes or min(cores(), portion.size() // WORTH_A_PROCESS)
    return max(1, min(wanted, len(portion.accounts)))


def workers(settings: RunSettings, number: int) -> int:
    """Tasks at the same time in each of *number* processes: its part of what was asked for, or what a core can do, with as many sockets
    again that stay open for the next account.
    """
    if settings.workers is None:
        return min(WORKERS, max(1, sockets_allowed() // 2))
    return max(1, settings.workers // number)
