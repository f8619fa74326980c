"""``collector demo``: the very same run, against an embedded emulator with a small organisation in it."""

from typing import Annotated

import typer

from collector.cli import app
from collector.exit import Exit


@app.command()
def demo(
    to: Annotated[str | None, typer.Option("--to", metavar="DEST", help="Where the snapshot goes; otherwise a new folder.")] = None,
) -> None:
    """Seed an emulated organisation and take its snapshot. Needs no AWS account; everything stays on this machine.

    Needs the extra: pip install 'aws-service-inventory-collector[demo]'
    """
    from importlib.util import find_spec

    from collector.errors import SettingsError

    if find_spec("moto") is None:
        raise SettingsError("the demo needs its extra (moto is missing): pip install 'aws-service-inventory-collector[demo]'")
    from rich.console import Console

    from collector.cli.run import snapshot_with_display
    from collector.demo.demo import demonstration

    console = Console(stderr=True)
    with demonstration(to, tell=console.print) as settings:
        snapshot = snapshot_with_display(settings)
    if snapshot.manifest["resources"] == 0:
        raise typer.Exit(Exit.GAPS)
