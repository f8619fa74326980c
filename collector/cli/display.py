"""What a person sees: a live progress line while a run goes on, and a table when it has ended. On standard error; standard output is
data.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from collector.connect import Connection
from collector.inventory import Show, Snapshot, Watch
from collector.processes.share import SoFar

console = Console(stderr=True)

LARGEST = 25
"""Types shown in the closing table, most resources first; the snapshot has them all."""


@contextmanager
def display() -> Iterator[Watch]:
    """A live line of progress; what it yields is called when the number of tasks is known."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[cost]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        line = progress.add_task("finding accounts and regions", total=None, cost="")

        def watch(connection: Connection, tasks: int) -> Show:
            regions = sum(len(account.regions) for account in connection.accounts)
            progress.update(line, total=tasks, description=f"{len(connection.accounts)} accounts, {regions} regions")
            began, before = monotonic(), connection.gateway.counts.calls
            return lambda so_far: progress.update(line, completed=so_far.tasks, cost=told(so_far, before, monotonic() - began))

        yield watch


def told(so_far: SoFar, before: int, seconds: float) -> str:
    """What it costs so far. *before*: calls that were made until the run began, *seconds* ago."""
    cost = so_far.cost
    rate = (cost.calls - before) / seconds if seconds >= 1 else 0
    return (
        f"{cost.calls:,} calls, {rate:,.0f}/s, {cost.throttled_share:.1%} throttled · {cost.bytes_received / 1e6:,.0f} MB · "
        f"{cost.bytes_resident / 1e6:,.0f} MB resident · {cost.cpu_seconds:,.0f} s CPU"
    )


def closing_table(snapshot: Snapshot) -> None:
    """What was found and what could not be read."""
    manifest = snapshot.manifest
    table = Table("type", "resources", box=None, pad_edge=False, header_style="bold")
    table.columns[1].justify = "right"
    by_type = sorted(manifest["resources_by_type"].items(), key=lambda entry: (-entry[1], entry[0]))
    for type, number in by_type[:LARGEST]:
        table.add_row(type, f"{number:,}")
    if len(by_type) > LARGEST:
        table.add_row(f"{len(by_type) - LARGEST} more types", f"{sum(number for _, number in by_type[LARGEST:]):,}")
    console.print(table)
    console.print(
        f"[bold]{manifest['resources']:,} resources[/] of {len(by_type)} types in {len(manifest['accounts'])} accounts; "
        f"{manifest['calls']:,} calls ({manifest['calls_per_second']:,.0f}/s, {manifest['throttled_share']:.1%} throttled), "
        f"{manifest['seconds']:.0f} s, {manifest['cpu_seconds']:.0f} s of CPU, {manifest['bytes_received'] / 1e6:,.0f} MB received, "
        f"{manifest['bytes_resident'] / 1e6:,.0f} MB resident"
    )
    if manifest["gaps"]:
        told = ", ".join(f"{number:,} {kind}" for kind, number in manifest["gaps"].items())
        console.print(f"[yellow]Not everything could be read[/] ({told}): the coverage lines say what and why")
    if manifest["accounts_left_out"]:
        console.print(
            f"Left out, because AWS has suspended them: {', '.join(each['account_id'] for each in manifest['accounts_left_out'])}"
        )
    if snapshot.to != "-":
        console.print(f"Snapshot: [bold]{snapshot.to}[/]")
