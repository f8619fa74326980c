"""The parts of the benchmark by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmark.calls import accounts, calls
from benchmark.commands import processes
from benchmark.fleet import fleet
from benchmark.gains import gains
from benchmark.latency import abreast, loop
from benchmark.peers import peers
from benchmark.planning import planning
from benchmark.start import start
from benchmark.without import SWITCHES


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    repeat: int
    accounts: int
    tasks: int
    cases: list[str]
    contenders: list[str]
    without: list[str]


@dataclass(frozen=True)
class Part:
    """*usual*: measured when no part is named."""

    measure: Callable[[Asked], dict[str, Any]]
    usual: bool = True


PARTS = {
    "calls": Part(lambda asked: calls(asked.cases, asked.contenders, asked.repeat, asked.accounts)),
    "accounts": Part(lambda asked: accounts(asked.contenders, asked.repeat, asked.accounts), usual=False),
    "loop": Part(lambda asked: loop(asked.repeat, asked.accounts)),
    "start": Part(lambda asked: start(asked.repeat)),
    "plan": Part(lambda asked: planning(asked.repeat, asked.accounts)),
    "processes": Part(lambda asked: processes(asked.repeat, asked.accounts)),
    "abreast": Part(lambda asked: abreast(asked.repeat, asked.accounts), usual=False),
    "fleet": Part(lambda asked: fleet(asked.repeat, asked.accounts, asked.tasks), usual=False),
    "gains": Part(lambda asked: gains(asked.without or list(SWITCHES), asked.cases, asked.repeat, asked.accounts), usual=False),
    "peers": Part(lambda asked: peers(asked.repeat, asked.accounts), usual=False),
}
