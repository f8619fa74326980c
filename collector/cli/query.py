"""``collector query``: SQL over a snapshot."""

from pathlib import Path
from typing import Annotated

import typer

from collector.cli import app


@app.command()
def query(
    snapshot: Annotated[Path, typer.Argument(metavar="SNAPSHOT", help="A finished snapshot's folder.")],
    sql: Annotated[str, typer.Argument(metavar="SQL", help="A statement over the tables resources, coverage, utilisation and cost.")],
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each row instead of a table.")] = False,
) -> None:
    """Ask a snapshot something in SQL (DuckDB). Tables: resources, of which only those count that coverage vouches for, coverage,
    utilisation where metrics were collected, and cost where billing files were read.

    Example: collector query out/ "select resource_type, count(*) from resources group by all order by 2 desc"

    Needs the extra: pip install 'aws-service-inventory-collector[query]'
    """
    from collector.errors import SettingsError
    from collector.snapshot import open_snapshot

    try:
        from collector.query import query as ask
    except ImportError as error:
        raise SettingsError(
            f"query needs its extra ({error.name} is missing): pip install 'aws-service-inventory-collector[query]'"
        ) from error
    names, rows = ask(open_snapshot(snapshot), sql)
    if json:
        import orjson

        for row in rows:
            typer.echo(orjson.dumps(dict(zip(names, row, strict=True)), default=str).decode())
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*names, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    Console().print(table)
