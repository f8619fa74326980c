"""``collector billing``: the billing files of one account as cost lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from collector.cli import app
from collector.cli.options import takes
from collector.exit import Exit
from collector.settings import BillingSettings

if TYPE_CHECKING:
    from collector.billing.billing import Billing
    from collector.billing.reading import Told

_NOT_ASKED = (
    "service", "exclude_service", "type", "exclude_account", "organization", "unit", "exclude_unit", "region", "exclude_region",
)  # fmt: skip


@app.command()
@takes(BillingSettings, without=_NOT_ASKED)
def billing(settings: BillingSettings) -> None:
    """Read AWS's billing files and write what each resource costs. The files lie in the one designated bucket; the lines, in the words
    of FOCUS, go to billing.jsonl.

    FOCUS 1.0 and 1.2 exports, CUR 2.0, Cost and Usage Reports, and the old detailed billing report. Only the bucket's prefix is read: with
    the current credentials, or with the --role of the billing template in --account.

    Example: collector billing --role Inventory --account 111111111111 --bucket acme-billing --prefix exports/ --to out/

    Needs the extra: pip install 'aws-service-inventory-collector[billing]'
    """
    import os
    import sys

    from collector import log
    from collector.errors import SettingsError
    from collector.event_loop import in_event_loop

    try:
        from collector.billing.billing import read_billing
    except ImportError as error:
        raise SettingsError(
            f"billing needs its extra ({error.name} is missing): pip install 'aws-service-inventory-collector[billing]'"
        ) from error
    os.umask(0o077)
    log.set_up()
    if sys.stderr.isatty():
        with _display() as told:
            done = in_event_loop(read_billing, settings, told)
        if done.exit_status is Exit.COMPLETE:
            _closing_table(done)
    else:
        done = in_event_loop(read_billing, settings)
    if done.exit_status is not Exit.COMPLETE:
        raise typer.Exit(done.exit_status)


@contextmanager
def _display() -> "Iterator[Told]":
    """A live line for each period: how much of its files has come. On standard error, as all that a person sees."""
    from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from collector.cli.display import console

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task("finding exports and reports", total=None)
        lines = {}

        def told(period: str, count: int, total: int) -> None:
            if period not in lines:
                lines[period] = progress.add_task(period, total=total)
            progress.update(lines[period], advance=count, total=total)

        yield told


def _closing_table(done: "Billing") -> None:
    from rich.table import Table

    from collector.cli.display import console

    table = Table(
        "period", "state", "format", "line items", "lines", "billed", "resources met", box=None, pad_edge=False, header_style="bold"
    )
    for number in (3, 4, 5, 6):
        table.columns[number].justify = "right"
    for period, each in done.about.get("periods", {}).items():
        joined = each["joined"]
        met = f"{sum(one['met'] for one in joined.values()):,} of {sum(one['billed'] for one in joined.values()):,}" if joined else "-"
        table.add_row(period, each["state"], each["format"], f"{each['line_items']:,}", f"{each['lines']:,}", each["billed_cost"], met)
    console.print(table)
    if not all(each["has_resource_ids"] for each in done.about.get("periods", {}).values()):
        console.print("[yellow]The export names no resources[/]: make it with INCLUDE_RESOURCES")
    console.print(f"Costs: [bold]{done.to}[/]")
