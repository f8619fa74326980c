"""Part ``loop``: how long the event loop is held, by size of pages. Part ``abreast``: how many calls in flight pay, near AWS and far."""

from dataclasses import replace
from typing import Any

from benchmark.calls import work_of
from benchmark.cases import CASES, REGIONS, Case
from benchmark.measure import progress, side_by_side
from benchmark.server import served
from benchmark.work import Work

PAGES = {1: 30, 100: 4, 200: 4, 1000: 2}
"""Accounts by instances on a page. 200 is what our spec of EC2 asks for."""
IN_FLIGHT = (16, 32, 64, 96, 128, 256)
LATENCIES = (0.0, 0.05)


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
    """Figures of the mix by latency in milliseconds and number of cells in flight; how late timers come is watched in runs of its own."""
    mix = CASES["mix"]
    figures: dict[str, Any] = {}
    for latency in LATENCIES:
        progress(f"cells in flight, at {1000 * latency:.0f} ms of latency")
        with served(sizes=mix.sizes, regions=REGIONS, latency=latency) as aws:
            work = Work(mix.services, REGIONS, min(100, most_accounts), 0)
            works = {str(flight): ("ours", replace(work, abreast=flight)) for flight in IN_FLIGHT}
            costs = side_by_side(aws, works, repeat)
            late = side_by_side(aws, {name: (who, replace(each, watch=True)) for name, (who, each) in works.items()}, repeat)
        figures[f"{1000 * latency:.0f}"] = {name: cost | {"late_seldom": late[name]["late_seldom"]} for name, cost in costs.items()}
    return figures
