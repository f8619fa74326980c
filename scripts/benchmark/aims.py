"""What should be reached, and whether it was: each aim beside what was measured, in one list, whether it flatters or not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """*wanted* and *measured* as text, and whether the one reaches the other."""

    aim: str
    wanted: str
    measured: str
    met: bool


def _least(aim: str, wanted: float, measured: float, unit: str = "x") -> Verdict:
    return Verdict(aim, f"at least {wanted:,g}{unit}", f"{measured:,.{0 if measured >= 100 else 1}f}{unit}", measured >= wanted)


def _most(aim: str, wanted: float, measured: float, unit: str = "x") -> Verdict:
    return Verdict(aim, f"at most {wanted:,g}{unit}", f"{measured:,.{0 if measured >= 100 else 2}f}{unit}", measured <= wanted)


def verdicts(figures: Figures) -> list[Verdict]:
    """Of every aim about which there are figures."""
    about = {"calls": _calls, "loop": _loop, "processes": _processes, "peers": _peers, "fleet": _fleet, "plan": _plan, "start": _start}
    return [verdict for part, judge in about.items() if part in figures for verdict in judge(figures[part])]


def _calls(cases: Figures) -> Iterator[Verdict]:
    def times(case: str, contender: str) -> float:
        return float(cases[case][contender]["cpu_ms"] / cases[case]["ours"]["cpu_ms"])

    def has(case: str, *contenders: str) -> bool:
        return case in cases and all(each in cases[case] for each in ("ours", *contenders))

    if has("mix"):
        yield _least("the mix, call made to line written", 1500, cases["mix"]["ours"]["calls_per_core"], " cells/s per core")
    if has("mix", "shared"):
        yield _least("the mix, less CPU than shared aioboto3 clients", 5, times("mix", "shared"))
    if has("mix", "naive"):
        yield _least("the mix, less CPU than a client for each cell", 40, times("mix", "naive"))
    if has("empty"):
        yield _least("empty answers", 3000, cases["empty"]["ours"]["calls_per_core"], " cells/s per core")
    for case, name, wanted in (
        ("iam-100", "ListRoles", 8), ("lambda-50", "ListFunctions", 8), ("s3-100", "ListBuckets", 8), ("ec2-100", "EC2", 4),
    ):  # fmt: skip
        if has(case, "shared"):
            yield _least(f"{name}, pages of {case.partition('-')[2]}: less CPU than shared clients", wanted, times(case, "shared"))
    for case in cases:
        if has(case, "floor"):
            yield _most(f"{case}: CPU beside the floor's", 2, 1 / times(case, "floor"))


def _loop(pages: Figures) -> Iterator[Verdict]:
    for number in ("200",):
        if number in pages:
            held = 1000 * pages[number]["ours"]["held_longest"]
            yield _most(f"the event loop is held, pages of {number} instances (as large as our spec asks for)", 50, held, " ms")


def _processes(numbers: Figures) -> Iterator[Verdict]:
    one, two = numbers["1"], numbers["2"]
    for name, seconds in (("whole command", "wall_seconds"), ("reading alone", "reading_seconds")):
        yield _least(f"two processes beside one, with the server on the same two cores: {name}", 1.5, one[seconds] / two[seconds])


def _peers(programs: Figures) -> Iterator[Verdict]:
    ours = programs["collector"]
    for name in ("awsmap org", "c7n-org"):
        if name in programs:
            yield _least(f"less CPU a call than {name}", 5, programs[name]["cpu_ms"] / ours["cpu_ms"])
            yield _least(f"less time than {name}", 5, programs[name]["wall_seconds"] / ours["wall_seconds"])


def _fleet(numbers: Figures) -> Iterator[Verdict]:
    few, many = (numbers[number] for number in sorted(numbers, key=int))
    yield _most("peak memory over a thousand accounts beside ten", 1.2, many["peak_megabytes"] / few["peak_megabytes"])
    yield _most("peak memory over a thousand accounts", 200, many["peak_megabytes"], " MB")


def _plan(numbers: Figures) -> Iterator[Verdict]:
    whole = numbers[max(numbers, key=int)]
    yield _most("first task of the whole plan", 1, whole["first_seconds"], " s")
    yield _most("the whole plan gone through", 30, whole["whole_seconds"], " s")
    yield _most("memory that the plan adds", 10, whole["added_megabytes"], " MB")


def _start(commands: Figures) -> Iterator[Verdict]:
    yield _most("command to first call, all specs", 2, commands["all specs"]["seconds"], " s")
