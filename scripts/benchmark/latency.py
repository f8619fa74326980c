"""Part ``loop``: how long the event loop is held, by size of pages. Part ``abreast``: how many calls in flight pay at 50 ms of latency."""

from dataclasses import replace
from typing import Any

from benchmark.calls import work_of
from benchmark.cases import CASES, REGIONS, Case
from benchmark.measure import progress, side_by_side
from benchmark.server import served
from benchmark.work import Work

PAGES = {1: 60, 100: 10, 200: 6, 1000: 2}
"""Accounts by instances on a page. 200 is what our spec of EC2 asks for."""
IN_FLIGHT = (16, 32, 64, 128, 256)
LATENCY = 0.05


def loop(repeat: int, most_accounts: int) -> dict[str, Any]:
    """Figures by instances on a page and contender."""
    figures: dict[str, Any] = {}
    for items, accounts in PAGES.items():
        case = Case(f"ec2-{items}", "", {"ec2": items}, {"ours": accounts, "shared": accounts // 2}).shrunk(most_accounts)
        progress(f"holds of the event loop, pages of {items} instances")
        with served(sizes=case.sizes, regions=REGIONS) as aws:
            works = {each: (each, replace(work_of(case, each), watch=True)) for each in case.accounts}
            figures[str(items)] = side_by_side(aws, works, repeat)
    return figures


def abreast(repeat: int, most_accounts: int) -> dict[str, Any]:
    """Figures of the mix by number of cells in flight."""
    mix = CASES["mix"]
    progress("cells in flight, at 50 ms of latency")
    with served(sizes=mix.sizes, regions=REGIONS, latency=LATENCY) as aws:
        number = min(200, most_accounts)
        works = {str(flight): ("ours", Work(mix.services, REGIONS, number, flight)) for flight in IN_FLIGHT}
        return side_by_side(aws, works, repeat)
