"""``collector diff``: what has changed between two snapshots."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from collector.cli import app
from collector.cli.options import takes
from collector.exit import Exit
from collector.settings import Selection

_SIGNS = {"appeared": "+", "changed": "~", "vanished": "-", "unknown": "?"}


@app.command()
@takes(Selection)
def diff(
    selection: Selection,
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The earlier snapshot's folder.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The later one's.")],
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each difference.")] = False,
) -> None:
    """Compare two snapshots. Each resource that appeared (+), changed (~) or vanished (-) is a line, and so is each of which that cannot
    be said (?), because one of the two could not look there or was not asked to. What changes by itself, such as counts and last uses, is
    left out.
    """
    import orjson

    from collector.difference import differences
    from collector.snapshot import open_snapshot
    from collector.spec.reader import read_specs
    from collector.spec.select import families

    services = read_specs(selection.specs)
    chosen = families(services, service=selection.service, exclude_service=selection.exclude_service, type=selection.type)
    wanted = {(resource.service, resource.type) for family in chosen for resource in family.written()}
    volatile = {(each.service, each.type): each.volatile for spec in services.values() for each in spec.resources.values()}
    is_all = not (selection.service or selection.exclude_service or selection.type)
    counts: Counter[str] = Counter()
    for each in differences(
        open_snapshot(old),
        open_snapshot(new),
        volatile,
        wants=lambda line: is_all or (line["service"], line["resource_type"]) in wanted,
    ):
        counts[each.change] += 1
        if json:
            typer.echo(orjson.dumps(each, option=orjson.OPT_SORT_KEYS).decode())
            continue
        typer.echo(f"{_SIGNS[each.change]} {each.resource_type} {each.account_id} {each.region} {each.arn or each.resource_id}")
        for name, (was, now) in each.fields.items():
            typer.echo(f"    {name}: {orjson.dumps(was).decode()} -> {orjson.dumps(now).decode()}")
    if not json:
        typer.echo(", ".join(f"{counts[change]} {change}" for change in _SIGNS))
    if counts["unknown"]:
        raise typer.Exit(Exit.GAPS)
