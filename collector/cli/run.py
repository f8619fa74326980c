"""``collector run``: take a snapshot, show how it goes, and say how it ended."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import app
from collector.cli.options import takes
from collector.exit import Exit
from collector.settings import RunSettings

if TYPE_CHECKING:
    from collector.inventory import Snapshot


@app.command()
@takes(RunSettings)
def run(
    settings: RunSettings,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every task and every throttled call.")] = False,
) -> None:
    """Take a snapshot of every chosen type, account and region.

    With no options: the account of the current credentials, in its enabled regions, into a new folder.

    Example: COLLECTOR_EXTERNAL_ID=… collector run --role Inventory --account 111111111111 --region eu-west-1 --to out/
    """
    from time import monotonic

    began = monotonic()
    snapshot = snapshot_with_display(settings, verbose=verbose)
    status = snapshot.exit_status
    if settings.metrics:
        status = max(status, metrics_after(settings.after(monotonic() - began), snapshot, verbose=verbose))
    if status is not Exit.COMPLETE:
        raise typer.Exit(status)


def metrics_after(settings: RunSettings, snapshot: "Snapshot", *, verbose: bool) -> Exit:
    """The metrics of the snapshot just taken; none when the run was cut, by the deadline or by somebody who wants to go home."""
    import structlog

    from collector.cli.metrics import metrics_of
    from collector.errors import StoppedError

    if "cut" not in snapshot.manifest["gaps"]:
        with suppress(StoppedError):
            return metrics_of(settings, snapshot.to, verbose=verbose)
    structlog.get_logger().warning("metrics.not_begun", to=snapshot.to)
    return Exit.GAPS


def snapshot_with_display(settings: RunSettings, *, verbose: bool = False) -> "Snapshot":
    """Take the snapshot; on a terminal with a live display and a closing table, otherwise with events on standard error alone."""
    import sys

    from collector import log
    from collector.event_loop import in_event_loop
    from collector.inventory import take_snapshot

    log.set_up(verbose=verbose)
    if not sys.stderr.isatty():
        return in_event_loop(take_snapshot, settings)
    from collector.cli.display import closing_table, display

    with display() as watch:
        snapshot = in_event_loop(take_snapshot, settings, watch)
    closing_table(snapshot)
    return snapshot
