"""``collector specs``: what can be read, and whether what is written about it holds."""

import gc
from typing import Annotated

import typer

from collector.cli import app
from collector.cli.options import takes
from collector.exit import Exit
from collector.settings import Selection

specs = typer.Typer(help="List, show, check and draft specs.", no_args_is_help=True)
app.add_typer(specs, name="specs")


@specs.command("list")
@takes(Selection)
def list_specs(
    selection: Selection,
    count: Annotated[bool, typer.Option("--count", help="Only how many services, types and operations there are.")] = False,
    ours: Annotated[bool, typer.Option("--ours", help="Only types whose names are ours, not CloudFormation's.")] = False,
) -> None:
    """List every resource type that can be read."""
    from rich.console import Console
    from rich.table import Table

    from collector.spec.reader import read_specs
    from collector.spec.select import families

    chosen = families(
        read_specs(selection.specs), service=selection.service, exclude_service=selection.exclude_service, type=selection.type
    )
    resources = [resource for family in chosen for resource in family.written() if resource.ours or not ours]
    operations = {(call.service, call.operation) for family in chosen for call in family.calls()}
    if count:
        typer.echo(f"{len({resource.service for resource in resources})} services, {len(resources)} types, {len(operations)} operations")
        return
    table = Table("service", "resource", "type", "scope", "calls", box=None, pad_edge=False, header_style="bold")
    for resource in resources:
        calls = ", ".join(dict.fromkeys(call.operation for call in resource.calls()))
        table.add_row(resource.service, resource.key, resource.type, resource.scope, calls)
    Console().print(table)


@specs.command()
@takes(Selection)
def show(selection: Selection, name: Annotated[str, typer.Argument(help="A type, such as AWS::EC2::Instance, or ec2.instance.")]) -> None:
    """Show what is asked for one type: calls, IAM actions, what is redacted, and why a Get is made."""
    from rich.console import Console
    from rich.table import Table

    from collector.spec.reader import read_specs
    from collector.spec.select import families

    console = Console()
    for family in families(read_specs(selection.specs), type=[name]):
        for resource in family.written():
            console.print(f"[bold]{resource.type}[/] ({resource.service}.{resource.key}, {resource.scope})")
            table = Table("call", "IAM action", "redacted", "why", box=None, pad_edge=False, header_style="bold")
            for call in resource.calls():
                table.add_row(call.operation, call.action, "\n".join(call.redact), call.why or "")
            console.print(table)


@specs.command()
@takes(Selection)
def check(
    selection: Selection,
    names: Annotated[list[str] | None, typer.Argument(metavar="SERVICE…", help="Only these services.")] = None,
) -> None:
    """Compare every spec with AWS's own models, offline: operations, parameters, paths, secrets, paging, permissions."""
    from collector.errors import SettingsError
    from collector.spec.check import check as problems_of
    from collector.spec.reader import read_specs
    from collector.spelling import did_you_mean

    services = read_specs(selection.specs)
    for name in names or ():
        if name not in services:
            raise SettingsError(f'no service "{name}"{did_you_mean(name, services)}')
    problems = problems_of(services, names or None)
    for problem in problems:
        typer.echo(problem, err=True)
    checked = [services[name] for name in names or services]
    typer.echo(f"{len(checked)} services, {sum(len(each.resources) for each in checked)} types: {len(problems) or 'no'} problems")
    gc.freeze()  # AWS's models are a million objects; looking for garbage among them at the very end takes a second
    if problems:
        raise typer.Exit(Exit.USAGE)


@specs.command()
def schema() -> None:
    """Print the JSON Schema of every line that a snapshot may hold."""
    from collector.schema import schema as schema_text

    typer.echo(schema_text(), nl=False)


@specs.command()
def new(
    service: Annotated[str, typer.Argument(help="A boto3 service, such as elbv2.")],
    operations: Annotated[
        list[str] | None, typer.Argument(metavar="OPERATION…", help="List calls to draft; otherwise all that need nothing.")
    ] = None,
) -> None:
    """Draft a spec from AWS's own models: list calls, what they return, paging, secrets. A person decides the rest."""
    from collector.spec.drafting.draft import draft

    typer.echo(draft(service, tuple(operations or ())), nl=False)
