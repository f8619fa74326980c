"""``collector metrics``: how the resources of a snapshot are used."""

from typing import Annotated, Any

import typer

from collector.cli import app
from collector.cli.options import takes
from collector.exit import Exit
from collector.settings import MetricsSettings


@app.command()
@takes(MetricsSettings)
def metrics(
    settings: MetricsSettings,
    snapshot: Annotated[str, typer.Argument(metavar="SNAPSHOT", help="A finished snapshot: a folder, or s3://bucket/prefix.")],
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every throttled call.")] = False,
) -> None:
    """Ask CloudWatch how the resources of a snapshot are used. Writes metrics.jsonl into the snapshot. CloudWatch takes money for it.

    Daily values of whole days, up to yesterday. Reads the snapshot's accounts, with the same roles as the run; --account, --region and
    --type choose fewer. `collector plan --metrics --like SNAPSHOT` says what it comes to.

    Example: COLLECTOR_EXTERNAL_ID=… collector metrics out/ --role Inventory --max-metric-cost 2
    """
    status = metrics_of(settings, snapshot, verbose=verbose)
    if status is not Exit.COMPLETE:
        raise typer.Exit(status)


def metrics_of(settings: MetricsSettings, snapshot: str, *, verbose: bool = False) -> Exit:
    """Collect the metrics; on a terminal with a closing line, otherwise with events on standard error alone."""
    import sys

    from collector import log
    from collector.event_loop import in_event_loop
    from collector.metrics import add_metrics

    log.set_up(verbose=verbose)
    told = in_event_loop(add_metrics, settings, snapshot)
    if sys.stderr.isatty():
        typer.echo(closing_line(told), err=True)
    return Exit(told["exit_status"])


def closing_line(told: dict[str, Any]) -> str:
    """What became of the collection, in one line."""
    became = ", ".join(f"{number:,} {status.replace('_', ' ')}" for status, number in told["statuses"].items())
    return f"{told['metrics']:,} metrics in {told['calls']:,} calls for ${told['dollars']:,.4f}: {became or 'nothing to ask for'}"
