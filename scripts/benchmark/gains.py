"""Part ``gains``: what each optimisation of the collector gains, by leaving it out. Whoever keeps one that gains nothing has not looked."""

from dataclasses import replace
from typing import Any

from benchmark.calls import work_of
from benchmark.cases import CASES, REGIONS
from benchmark.measure import progress, side_by_side
from benchmark.server import served
from benchmark.work import Work

ALL = "everything"
PAGES = ("mix", "iam-100", "lambda-50", "ec2-100")
COLD = ("pruning", "letting-go")
"""What is paid once for a process is measured over the clients of all specs."""


def gains(switches: list[str], cases: list[str], repeat: int, most_accounts: int) -> dict[str, Any]:
    """Figures by case and by what was left out."""
    figures: dict[str, Any] = {}
    for name in (name for name in PAGES if name in cases):
        case = CASES[name].shrunk(most_accounts)
        progress(f"gains: {name}")
        work = work_of(case, "ours")
        slow = replace(work, accounts=max(1, work.accounts // 4))
        works = {ALL: ("ours", work)} | {
            each: ("ours", replace(slow if each in ("direct", "parser", "moments", "pool") else work, without=(each,)))
            for each in switches
            if each not in COLD
        }
        with served(sizes=case.sizes, regions=REGIONS) as aws:
            figures[name] = side_by_side(aws, works, repeat)
    progress("gains: clients of all specs")
    with served(items=1) as aws:
        cold = {ALL: Work((), REGIONS[:1], 1, 1), "one for each region": Work((), REGIONS, 1, 1)} | {
            each: Work((), REGIONS[:1], 1, 1, (each,)) for each in switches if each in COLD
        }
        figures["clients"] = side_by_side(aws, {name: ("clients", work) for name, work in cold.items()}, repeat)
    return figures
