"""``collector preflight``: may these accounts be read, what speaks against it, and what would a snapshot lack?"""

from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import app
from collector.cli.options import takes
from collector.exit import Exit
from collector.settings import Where

if TYPE_CHECKING:
    from collector.preflight.report import Report


@app.command()
@takes(Where)
def preflight(
    settings: Where,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Check roles before their use, and say why one is refused. Reads nothing but the role itself.

    The role must open with its ExternalId, and neither without one nor with a wrong one; its trust policy, its boundary and every policy it
    carries are judged. Exit status: 0 ready, 3 actions are missing, 4 an account is halted.

    Example: COLLECTOR_EXTERNAL_ID=… collector preflight --role Inventory --account 111111111111
    """
    from collector import log
    from collector.event_loop import in_event_loop
    from collector.inventory import chosen_families
    from collector.preflight.accounts import preflight as checked

    log.set_up()
    families = chosen_families(settings)
    reports = in_event_loop(checked, settings, families)
    status = exit_status(reports)
    if json:
        import orjson

        told = {"accounts": [report.as_json() for report in reports], "exit_status": int(status)}
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())
    else:
        _print(reports)
    if status is not Exit.COMPLETE:
        raise typer.Exit(status)


def exit_status(reports: "list[Report]") -> Exit:
    """How a preflight ended: the gravest of what was found."""
    if any(report.verdict == "halted" for report in reports):
        return Exit.HALTED
    return Exit.GAPS if any(report.lacks for report in reports) else Exit.COMPLETE


_COLOURS = {"ok": "green", "warning": "yellow", "halted": "bold red"}


def _print(reports: "list[Report]") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("account", "name", "role", "verdict", "findings", "missing actions"):
        table.add_column(column, overflow="fold")
    for report in reports:
        missing = {action for lack in report.lacks for action in lack.actions}
        verdict = f"[{_COLOURS[report.verdict]}]{report.verdict}[/]"
        name = escape(report.name or "") if report.name != report.account_id else ""
        table.add_row(report.account_id, name, escape(_short(report.principal)), verdict, str(len(report.objections)), str(len(missing)))
    console.print(table)
    for report in reports:
        if not report.objections and not report.lacks and not report.refused:
            continue
        console.print(f"\n[bold]{report.account_id}[/]")
        if report.refused and not report.objections:
            console.print(f"  [red]not checked[/] ({report.refused.kind}: {report.refused.code}): run the preflight again", highlight=False)
        for each in report.objections:
            mark = "[red]halts[/]" if each.severity == "halt" else "[yellow]warns[/]"
            console.print(f"  {mark} {escape(each.says)}", soft_wrap=True, highlight=False)
        for lack in report.lacks:
            told = f"  [yellow]lacks[/] {escape(lack.spec)}: {' '.join(lack.actions)}: {escape('; '.join(lack.costs))}"
            console.print(told, soft_wrap=True, highlight=False)


def _short(principal: str | None) -> str:
    """``Inventory`` of ``arn:aws:sts::111122223333:assumed-role/Inventory/session``."""
    if principal is None:
        return "-"
    return principal.split("/")[1] if ":assumed-role/" in principal else principal
