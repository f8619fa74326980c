"""Figures as tables of Markdown, for the person who waits and for the docs."""

import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmark.aims import verdicts
from benchmark.cases import CASES, CONTENDERS
from benchmark.gains import ALL
from benchmark.server import ROOT
from benchmark.without import SWITCHES

Figures = Mapping[str, Any]
RESULTS, PLOT = ROOT / "scripts" / "benchmark" / "RESULTS.md", ROOT / "scripts" / "benchmark" / "calls.svg"


def here_and_now(repeat: int) -> dict[str, Any]:
    """On what, when, and how often something is measured."""
    from collector.machine import cores

    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{_processor()}, {cores()} cores, Python {platform.python_version()}, {platform.system()}",
        "repeat": repeat,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as told:  # noqa: PTH123
            return next(line.partition(":")[2].strip() for line in told if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table, aligned so that it can be read as it is."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "| "
        + " | ".join(cell.ljust(width) if not at else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths, strict=True)))
        + " |"
        for row in (head, *rows)
    ]
    rule = "|" + "|".join("-" * (width + 1) + ("-" if not at else ":") for at, width in enumerate(widths)) + "|"
    return [lines[0], rule, *lines[1:]]


def _calls(figures: Figures) -> list[str]:
    rows = []
    for name, contenders in figures.items():
        ours, floor = contenders.get("ours"), contenders.get("floor")
        for contender, cost in contenders.items():
            rows.append([
                f"{name}: {CONTENDERS[contender]}",
                f"{cost['bytes_sent'] / 1000:,.1f}",
                f"{cost['cpu_ms']:.2f}",
                f"{cost['calls_per_core']:,.0f}",
                f"{cost['resources_per_core']:,.0f}",
                f"{cost['calls_per_second']:,.0f}",
                f"{cost['cpu_ms'] / ours['cpu_ms']:.1f}" if ours else "",
                f"{cost['cpu_ms'] / floor['cpu_ms']:.1f}" if floor else "",
                f"{cost['peak_megabytes']:.0f}",
                f"{1000 * cost['server_seconds']:.2f}",
            ])  # fmt: skip
    head = (
        "case: contender",
        "kB a call",
        "CPU ms",
        "calls/s/core",
        "resources/s/core",
        "calls/s",
        "x ours",
        "x floor",
        "peak MB",
        "server ms",
    )
    return table(head, rows)


def _accounts(figures: Figures) -> list[str]:
    rows = [
        [
            f"{number}: {CONTENDERS[contender]}", f"{cost['calls']:,.0f}", f"{cost['whole_wall_seconds']:.1f}",
            f"{cost['cpu_seconds'] + cost['cpu_to_prepare']:.1f}", f"{cost['whole_cpu_ms']:.2f}", f"{cost['cpu_ms']:.2f}",
            f"{cost['peak_megabytes']:.0f}",
        ]
        for number, contenders in figures.items()
        for contender, cost in contenders.items()
    ]  # fmt: skip
    return table(("accounts: contender", "cells", "seconds", "CPU s", "CPU ms a cell, whole", "CPU ms a cell, warm", "peak MB"), rows)


def _loop(figures: Figures) -> list[str]:
    rows = [
        [
            f"{number}: {CONTENDERS[contender]}", f"{cost['bytes_sent'] / 1000:,.0f}", f"{1000 * cost['held_longest']:.1f}",
            f"{1000 * cost['late_seldom']:.1f}", f"{1000 * cost['late_most']:.1f}",
        ]
        for number, contenders in figures.items()
        for contender, cost in contenders.items()
    ]  # fmt: skip
    return table(("instances on a page: contender", "kB a page", "held at most, ms", "late, p99.9 ms", "late at most, ms"), rows)


def _start(figures: Figures) -> list[str]:
    rows = [[name, f"{cost['seconds']:.2f}", f"{cost['cpu_seconds']:.2f}"] for name, cost in figures.items()]
    return table(("command to first call", "seconds", "CPU s"), rows)


def _plan(figures: Figures) -> list[str]:
    rows = [
        [
            f"{int(number):,}", f"{cost['tasks']:,.0f}", f"{1000 * cost['first_seconds']:.1f}", f"{cost['whole_seconds']:.1f}",
            f"{1000 * cost['size_seconds']:.1f}", f"{cost['added_megabytes']:.1f}", f"{cost['peak_megabytes']:.0f}",
        ]
        for number, cost in figures.items()
    ]  # fmt: skip
    return table(("accounts", "tasks", "first, ms", "all of them, s", "size, ms", "added MB", "peak MB"), rows)


def _processes(figures: Figures) -> list[str]:
    one = figures["1"]
    rows = [
        [
            number, f"{cost['calls']:,.0f}", f"{cost['wall_seconds']:.1f}", f"{one['wall_seconds'] / cost['wall_seconds']:.2f}",
            f"{cost['reading_seconds']:.1f}", f"{one['reading_seconds'] / cost['reading_seconds']:.2f}",
            f"{cost['calls'] / cost['reading_seconds']:,.0f}", f"{cost['cpu_seconds']:.1f}", f"{cost['peak_megabytes']:.0f}",
            f"{cost['server_seconds']:.1f}",
        ]
        for number, cost in figures.items()
    ]  # fmt: skip
    head = ("processes", "calls", "whole, s", "x one", "reading, s", "x one", "calls/s", "CPU s", "largest MB", "server CPU s")
    return table(head, rows)


def _peers(figures: Figures) -> list[str]:
    ours = figures["collector"]
    rows = [
        [
            name, f"{cost['calls']:,.0f}", f"{cost['wall_seconds']:.1f}", f"{cost['wall_seconds'] / ours['wall_seconds']:.1f}",
            f"{cost['cpu_seconds']:.1f}", f"{cost['cpu_ms']:.2f}", f"{cost['cpu_ms'] / ours['cpu_ms']:.1f}",
            f"{cost['connections']:,.0f}", f"{cost['peak_megabytes']:.0f}",
        ]
        for name, cost in figures.items()
    ]  # fmt: skip
    return table(("program", "calls", "seconds", "x ours", "CPU s", "CPU ms a call", "x ours", "connections", "largest MB"), rows)


def _abreast(figures: Figures) -> list[str]:
    rows = [
        [
            f"{latency} ms: {number}", f"{cost['calls_per_second']:,.0f}", f"{cost['cpu_ms']:.2f}", f"{1000 * cost['late_seldom']:.0f}",
            f"{cost['peak_megabytes']:.0f}",
        ]
        for latency, numbers in figures.items()
        for number, cost in numbers.items()
    ]  # fmt: skip
    return table(("latency: cells in flight", "calls/s", "CPU ms", "timer late, p99.9 ms", "peak MB"), rows)


def _fleet(figures: Figures) -> list[str]:
    rows = [
        [
            f"{int(number):,}", f"{cost['planned']:,.0f}", f"{cost['tasks']:,.0f}", f"{cost['calls']:,.0f}", f"{cost['resources']:,.0f}",
            f"{cost['wall_seconds']:.0f}", f"{cost['connected_megabytes']:.0f}", f"{cost['peak_megabytes']:.0f}",
        ]
        for number, cost in figures.items()
    ]  # fmt: skip
    return table(("accounts", "planned", "tasks run", "calls", "resources", "seconds", "MB before", "peak MB"), rows)


def _gains(figures: Figures) -> list[str]:
    pages = {name: each for name, each in figures.items() if name != "clients"}
    rows = []
    switches = next(iter(pages.values()), {})
    for switch in sorted(switches, key=lambda name: (name != ALL, name)):
        about = SWITCHES[switch].about if switch in SWITCHES else "nothing is left out"
        cells = [
            f"{each[switch]['cpu_ms']:.2f}" + (f" ({each[switch]['cpu_ms'] / each[ALL]['cpu_ms']:.2f}x)" if about else "")
            for each in pages.values()
        ]
        rows.append([f"{switch}: {about}", *cells])
    cold = [
        [f"{name}: {SWITCHES[name].about}" if name in SWITCHES else name, f"{cost['cpu_seconds']:.2f}", f"{cost['peak_megabytes']:.0f}"]
        for name, cost in figures["clients"].items()
    ]
    return [
        *table(("without", *(f"{name}, CPU ms" for name in pages)), rows),
        "",
        *table(("clients of all specs", "CPU s", "peak MB"), cold),
    ]


TABLES: dict[str, Callable[[Figures], list[str]]] = {
    "calls": _calls,
    "accounts": _accounts,
    "loop": _loop,
    "start": _start,
    "plan": _plan,
    "processes": _processes,
    "abreast": _abreast,
    "fleet": _fleet,
    "gains": _gains,
    "peers": _peers,
}
HEADINGS = {
    "calls": "What a call costs",
    "accounts": "The mix over more accounts, whole runs",
    "loop": "How long the event loop is held",
    "start": "From the command to the first call",
    "plan": "The plan over all specs and seventeen regions",
    "processes": "One process and two",
    "abreast": "Cells in flight, near AWS and far",
    "fleet": "Memory over all specs and seventeen regions",
    "gains": "What each optimisation gains",
    "peers": "Peers, at 50 ms of latency",
}


def written(known: Figures) -> str:
    """The page of results."""
    parts = [name for name in HEADINGS if name in known]
    machine = next(iter(known.values()))["measured"]["machine"] if known else ""
    lines = [
        "# Results",
        "",
        f"Written by `scripts/bench --docs` from its own figures; [README.md](README.md) says what they mean. {machine}.",
        "",
    ]
    if "calls" in known:
        aims = [
            [each.aim, each.wanted, each.measured, "yes" if each.met else "**no**"]
            for each in verdicts({n: known[n]["figures"] for n in parts})
        ]
        lines += ["## Aims", "", *table(("aim", "wanted", "measured", "met"), aims), "", "![CPU of one call, by contender](calls.svg)", ""]
    for name in parts:
        measured = known[name]["measured"]
        lines += [f"## {HEADINGS[name]}", "", f"`scripts/bench {name}`, medians of {measured['repeat']}, {measured['date']}.", ""]
        if name == "calls":
            lines += [*(f"- `{case}`: {CASES[case].about}" for case in known[name]["figures"]), ""]
        lines += [*TABLES[name](known[name]["figures"]), ""]
    return "\n".join(lines)
