"""What a person sees: a live progress line while a run goes on, and a table when it has ended. On standard error; standard output is
data.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from collector.connect import Connection
from collector.inventory import Snapshot
from collector.plan import Task

console = Console(stderr=True)

Watch: TypeAlias = Callable[[Connection, int], Callable[[Task], None]]

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
        TextColumn("{task.fields[calls]} calls"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        line = progress.add_task("finding accounts and regions", total=None, calls=0)

        def watch(connection: Connection, tasks: int) -> Callable[[Task], None]:
            regions = sum(len(account.regions) for account in connection.accounts)
            progress.update(line, total=tasks, description=f"{len(connection.accounts)} accounts, {regions} regions")
            return lambda _: progress.update(line, advance=1, calls=f"{connection.gateway.counts.calls:,}")

        yield watch


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
        f"{manifest['calls']:,} calls, {manifest['seconds']:.0f} s"
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
