"""``collector plan``: what a run would do, before it does it."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from collector.cli import app
from collector.cli.options import takes
from collector.settings import RunSettings

if TYPE_CHECKING:
    from collector.connect import Connection
    from collector.snapshot import Snapshot


@app.command()
@takes(RunSettings)
def plan(
    settings: RunSettings,
    like: Annotated[
        Path | None, typer.Option("--like", metavar="SNAPSHOT", help="With --metrics: an earlier snapshot, whose resources are counted.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show what run would do: tasks, calls, IAM actions, what costs. Asks AWS only for accounts and regions.

    What metrics will cost depends on how many resources there are, which no call tells beforehand: an earlier snapshot does.

    Example: collector plan --metrics --like out/
    """
    from collector import log
    from collector.errors import SettingsError
    from collector.event_loop import in_event_loop

    if like is not None and not settings.metrics:
        raise SettingsError("--like is for --metrics: it says how many resources to count with")
    log.set_up()
    told = in_event_loop(_planned, settings, like)
    if json:
        import orjson

        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())
        return
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("service", "tasks", "calls at least", "unavailable", "IAM actions", box=None, pad_edge=False, header_style="bold")
    for service, each in told["services"].items():
        table.add_row(service, f"{each['tasks']:,}", f"{each['calls']:,}", f"{each['unavailable']:,}", " ".join(each["actions"]))
    console.print(table)
    console.print(
        f"[bold]{told['tasks']:,} tasks[/] in {told['accounts']} accounts and {told['targets']} targets; at least {told['calls']:,} calls, "
        f"about {told['seconds']:,.0f} s; {told['paid_calls']:,} paid calls"
    )
    if told["metrics"] is not None:
        console.print(_metrics(told["metrics"]))


def _metrics(told: dict[str, Any]) -> str:
    """What metrics will come to, in one line."""
    price = f"${told['dollars_per_thousand']:g} for a thousand"
    if told["like"] is None:
        return f"Metrics of {told['types']} types, {price}: name an earlier snapshot with --like to see how many, and their price"
    return (
        f"[bold]{told['metrics']:,} metrics[/] in {told['calls']:,} calls, ${told['dollars']:,.4f} ({price}), "
        f"if there are the resources of {told['like']}"
    )


LATENCY = 0.15
"""Seconds from call to answer that the estimate counts with: AWS's control planes answer list calls in 50 to 300 ms from one continent to
another.
"""


async def _planned(settings: RunSettings, like: Path | None) -> dict[str, Any]:
    from collector.connect import connected
    from collector.inventory import chosen_families
    from collector.portion import processes, whole, workers
    from collector.snapshot import open_snapshot

    earlier = open_snapshot(like) if like else None
    chosen = chosen_families(settings)
    services: dict[str, Counter[str]] = {}
    actions: dict[str, set[str]] = {}
    targets = set()
    async with connected(settings, chosen) as connection:
        everything = whole(settings, chosen, connection.accounts, connection.partition)
        number = processes(settings, everything, asks_for_a_code=connection.asks_for_a_code)
        for task in everything.planned():
            counts = services.setdefault(task.family.service, Counter())
            counts["tasks"] += 1
            counts["unavailable"] += task.gap is not None
            # Each list is asked once in its target; what it costs per resource is known only when the resources are.
            counts["calls"] += 0 if task.gap else 1
            targets.add(task.target)
            if counts["tasks"] == 1 or task.family.name not in actions:
                actions[task.family.name] = {call.action for call in task.family.calls()}
        accounts = len(connection.accounts)
        metrics = _metered(settings, connection, earlier) if settings.metrics else None
    by_service: dict[str, set[str]] = {}
    for name, granted in actions.items():
        by_service.setdefault(name.split(".")[0], set()).update(granted)
    calls = sum(counts["calls"] for counts in services.values())
    return {
        "accounts": accounts,
        "calls": calls,
        "metrics": metrics,
        "paid_calls": (metrics or {}).get("calls") or 0,
        "seconds": calls * LATENCY / (number * workers(settings, number)),
        "services": {name: {**counts, "actions": sorted(by_service[name])} for name, counts in services.items()},
        "targets": len(targets),
        "tasks": sum(counts["tasks"] for counts in services.values()),
    }


def _metered(settings: RunSettings, connection: "Connection", earlier: "Snapshot | None") -> dict[str, Any]:
    """What metrics will come to, if there are the resources of an *earlier* snapshot."""
    from collector.metrics import all_series, metered_types, scope_of
    from collector.metrics.estimate import estimate

    metered, scope = metered_types(settings), scope_of(settings, connection)
    told: dict[str, Any] = {"dollars_per_thousand": settings.metric_price, "like": None, "types": len(metered)}
    if earlier is None:
        return told
    found = estimate((each for each in all_series(earlier, metered) if each in scope), settings.metric_price)
    return told | {
        "by_type": found.by_type,
        "calls": found.calls,
        "dollars": found.dollars,
        "like": str(earlier.folder),
        "metrics": found.metrics,
    }
