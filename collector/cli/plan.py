"""``collector plan``: what a run would do, before it does it."""

from collections import Counter
from typing import Annotated, Any

import typer

from collector.cli import app
from collector.cli.options import takes
from collector.settings import RunSettings


@app.command()
@takes(RunSettings)
def plan(
    settings: RunSettings,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show what run would do: tasks, calls, IAM actions and paid calls. Asks AWS only for accounts and regions."""
    import anyio

    from collector import log

    log.set_up()
    told = anyio.run(_planned, settings)
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
        f"about {told['seconds']:,.0f} s; {told['paid_calls']} paid calls"
    )


LATENCY = 0.15
"""Seconds from call to answer that the estimate counts with: AWS's control planes answer list calls in 50 to 300 ms from one continent to
another.
"""


async def _planned(settings: RunSettings) -> dict[str, Any]:
    from collector.connect import connected
    from collector.inventory import chosen_families
    from collector.portion import whole

    chosen = chosen_families(settings)
    services: dict[str, Counter[str]] = {}
    actions: dict[str, set[str]] = {}
    targets = set()
    async with connected(settings, chosen) as connection:
        for task in whole(settings, chosen, connection.accounts, connection.partition).planned():
            counts = services.setdefault(task.family.service, Counter())
            counts["tasks"] += 1
            counts["unavailable"] += task.gap is not None
            # Each list is asked once in its target; what it costs per resource is known only when the resources are.
            counts["calls"] += 0 if task.gap else 1
            targets.add(task.target)
            if counts["tasks"] == 1 or task.family.name not in actions:
                actions[task.family.name] = {call.action for call in task.family.calls()}
        accounts = len(connection.accounts)
    by_service: dict[str, set[str]] = {}
    for name, granted in actions.items():
        by_service.setdefault(name.split(".")[0], set()).update(granted)
    calls = sum(counts["calls"] for counts in services.values())
    return {
        "accounts": accounts,
        "calls": calls,
        "paid_calls": 0,
        "seconds": calls * LATENCY / settings.workers,
        "services": {name: {**counts, "actions": sorted(by_service[name])} for name, counts in services.items()},
        "targets": len(targets),
        "tasks": sum(counts["tasks"] for counts in services.values()),
    }
