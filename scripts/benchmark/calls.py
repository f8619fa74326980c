"""Part ``calls``: each case by each contender, warm; part ``accounts``: the mix over more and more accounts, whole."""

from typing import Any

from benchmark.cases import CASES, FLEETS, FLEETS_AT_MOST, REGIONS, Case
from benchmark.measure import progress, side_by_side
from benchmark.server import served
from benchmark.work import Work
from collector.portion import WORKERS

ABREAST = WORKERS
"""Cells in flight: what the collector takes when it is told nothing."""


def work_of(case: Case, contender: str) -> Work:
    return Work(case.services, REGIONS, case.accounts[contender], ABREAST)


def calls(cases: list[str], contenders: list[str], repeat: int, most_accounts: int) -> dict[str, Any]:
    """Figures by case and contender."""
    figures: dict[str, Any] = {}
    for name in cases:
        case = CASES[name].shrunk(most_accounts)
        progress(f"{name}: {case.about}")
        with served(sizes=case.sizes, regions=REGIONS) as aws:
            works = {each: (each, work_of(case, each)) for each in contenders if each in case.accounts}
            figures[name] = side_by_side(aws, works, repeat)
    return figures


def accounts(contenders: list[str], repeat: int, most_accounts: int) -> dict[str, Any]:
    """Figures of the mix by number of accounts and contender."""
    mix = CASES["mix"]
    figures: dict[str, Any] = {}
    with served(sizes=mix.sizes, regions=REGIONS) as aws:
        for number in (fleet for fleet in FLEETS if fleet <= most_accounts):
            progress(f"mix over {number} accounts")
            chosen = [each for each in contenders if number <= FLEETS_AT_MOST[each]]
            works = {each: (each, Work(mix.services, REGIONS, number, ABREAST)) for each in chosen}
            figures[str(number)] = side_by_side(aws, works, repeat)
    return figures
