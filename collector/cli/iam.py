"""``collector iam``: what a role must allow, in the words of IAM, CloudFormation and Terraform; and whether a given one allows too much."""

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from collector.cli import app
from collector.cli.options import takes
from collector.exit import Exit
from collector.iam.form import Form, Kind
from collector.settings import Selection

if TYPE_CHECKING:
    from collector.iam.difference import Difference
    from collector.iam.permissions import Permission
    from collector.iam.verdict import Verdict

iam = typer.Typer(help="Write a role's policies and templates; judge those of another.", no_args_is_help=True)
app.add_typer(iam, name="iam")


class Show(StrEnum):
    TABLE = "table"
    MARKDOWN = "markdown"
    JSON = "json"


class Tool(StrEnum):
    CLOUDFORMATION_YAML = "cloudformation-yaml"
    CLOUDFORMATION_JSON = "cloudformation-json"
    TERRAFORM = "terraform"


FORM = Annotated[
    Form, typer.Option("--form", help="exact: every action by name. verbs: service:Describe*, service:List* and each Get by name.")
]


@iam.command()
@takes(Selection)
def policy(
    selection: Selection,
    form: FORM = Form.EXACT,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Write one file for each policy; otherwise all to standard output.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show instead why each Get is granted, and what is withheld.")] = False,
    diff: Annotated[
        Path | None, typer.Option("--diff", metavar="OLD", help="Show instead what changes against an earlier output, a file or a folder.")
    ] = None,
    show: Annotated[Show, typer.Option("--format", help="How --explain and --diff are shown.")] = Show.TABLE,
) -> None:
    """Write the managed policies that reading needs, and the Deny of customers' data that comes with them."""
    from collector.errors import SettingsError

    if explain and diff:
        raise SettingsError("--explain and --diff are two questions: ask one at a time")
    if to and (explain or diff):
        raise SettingsError("--to is for the policies; --explain and --diff go to standard output")
    chosen, every = _rows(selection)
    if explain:
        _explain(chosen, show)
        return
    from collector.iam.policy import NAME, policies

    named = {f"{NAME}-{name}": document for name, document in policies(chosen, form, every_row=every).items()}
    if diff:
        from collector.iam.difference import difference, read_policies

        _show_difference(difference(read_policies([diff]), named), show)
    elif to is None:
        typer.echo(json.dumps(named, indent=2))
    else:
        _write_all(to, named, NAME)


@iam.command()
@takes(Selection)
def template(
    selection: Selection,
    kind: Annotated[Kind, typer.Option("--kind", help="billing: the service role, and the billing files of one bucket.")] = Kind.SERVICE,
    tool: Annotated[
        Tool, typer.Option("--format", help="CloudFormation (stack or StackSet), or Terraform's JSON syntax.")
    ] = Tool.CLOUDFORMATION_YAML,
    form: FORM = Form.EXACT,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Write this file; otherwise to standard output.")] = None,
) -> None:
    """Write the role as a template: trust with ExternalId, the policies, the Deny, and what the role may see of itself."""
    from collector.iam.policy import policies
    from collector.iam.role import BILLING_READS, role
    from collector.iam.template import INLINE_BYTES, Layout, cloudformation
    from collector.iam.terraform import terraform

    chosen, every = _rows(selection)
    made = role(kind, policies(chosen, form, every_row=every, denied_elsewhere=BILLING_READS if kind is Kind.BILLING else ()))
    text = terraform(made) if tool is Tool.TERRAFORM else cloudformation(made, Layout(tool.removeprefix("cloudformation-")))
    if to is None:
        typer.echo(text, nl=False)
    else:
        _write(to, text)
    if tool is not Tool.TERRAFORM and (length := len(text.encode())) > INLINE_BYTES:
        limit = f"{length:,} bytes: CloudFormation takes more than {INLINE_BYTES:,} only from S3"
        typer.echo(f"{limit} (the console puts it there, and `aws cloudformation deploy --s3-bucket …`)", err=True)


@iam.command()
@takes(Selection)
def audit(
    selection: Selection,
    files: Annotated[
        list[Path], typer.Argument(metavar="POLICY.json…", help="Policy documents, or what `iam policy` wrote; all of one role.")
    ],
    boundary: Annotated[Path | None, typer.Option("--boundary", metavar="FILE", help="The role's permissions boundary.")] = None,
    bucket: Annotated[str | None, typer.Option("--bucket", metavar="NAME", help="The billing bucket, if this is the billing role.")] = None,
    prefix: Annotated[str | None, typer.Option("--prefix", metavar="PREFIX", help="The prefix of the billing files.")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="ARN", help="The KMS key of the billing files.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Halt at warnings too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Judge a role's policies offline: do they read customers' data, or write? Exit status 4 when nothing would be read with it."""
    from collector.errors import SettingsError
    from collector.iam.difference import read_policies
    from collector.iam.permissions import data_allowances, grants, needed
    from collector.iam.verdict import RolePolicy, billing_allowances, judge, shipped_table
    from collector.inventory import chosen_families

    if (bucket is None) != (prefix is None) or (key is not None and bucket is None):
        raise SettingsError("--bucket and --prefix go together, and --key with them")
    _, every = _rows(selection)
    try:
        billing = billing_allowances(bucket, prefix or "", key) if bucket is not None else {}
    except ValueError as error:
        raise SettingsError(str(error)) from error
    given = [RolePolicy(name, document) for name, document in read_policies(files).items()]
    bounds = [RolePolicy(name, document) for name, document in read_policies([boundary]).items()] if boundary else []
    if len(bounds) > 1:
        raise SettingsError(f"{boundary}: a role has one boundary, and this holds {len(bounds)} policies")
    verdict = judge(
        given,
        shipped_table(),
        boundary=bounds[0] if bounds else None,
        allowances={**data_allowances(grants(every)), **billing},
        needed=needed(chosen_families(selection)),
        strict=strict,
    )
    _show_verdict(verdict, as_json=as_json)
    if verdict.halted:
        raise typer.Exit(Exit.HALTED)


def _rows(selection: Selection) -> "tuple[tuple[Permission, ...], tuple[Permission, ...]]":
    """What the chosen specs need, and what all of them need."""
    from collector.iam.permissions import permissions
    from collector.spec.check import checked_specs
    from collector.spec.select import families

    services = checked_specs(selection.specs)
    chosen = families(services, service=selection.service, exclude_service=selection.exclude_service, type=selection.type)
    return permissions(chosen), permissions(families(services))


def _explain(rows: "tuple[Permission, ...]", show: Show) -> None:
    from collector.iam.permissions import WITHHELD

    def told(row: "Permission") -> dict[str, Any]:
        return {"action": row.action, "call": f"{row.service}.{row.operation}", "fixed": row.fixed, "why": row.why}

    gets = [told(row) for row in rows if row.operation.startswith(("Get", "BatchGet")) and not row.taken_along]
    along = [told(row) for row in rows if row.taken_along]
    withheld: list[dict[str, Any]] = [
        {"action": "not granted", "call": f"{service}.{operation}", "fixed": {}, "why": why}
        for (service, operation), why in WITHHELD.items()
        if service in {row.service for row in rows}
    ]
    if show is Show.JSON:
        typer.echo(json.dumps({"gets": gets, "taken_along": along, "withheld": withheld}, indent=2))
        return
    lines = [(each["action"], each["call"], _fixed(each["fixed"]), each["why"] or "") for each in (*gets, *along, *withheld)]
    _table(("IAM action", "call", "always with", "why"), lines, show)


def _fixed(fixed: Any) -> str:
    return ", ".join(f"{name}={json.dumps(value)}" for name, value in fixed.items())


def _show_difference(found: "Difference", show: Show) -> None:
    if show is Show.JSON:
        entries = {
            word: [dict(zip(("effect", "action", "resource"), entry, strict=True)) for entry in said]
            for word, said in (("added", found.added), ("removed", found.removed))
        }
        typer.echo(json.dumps(entries, indent=2))
        return
    if not found.added and not found.removed:
        typer.echo("Nothing changes.")
        return
    lines = [(sign, *entry) for sign, said in (("+", found.added), ("-", found.removed)) for entry in said]
    _table(("", "effect", "action", "resource"), lines, show)


def _show_verdict(verdict: "Verdict", *, as_json: bool) -> None:
    if as_json:
        from dataclasses import asdict

        typer.echo(json.dumps({"halted": verdict.halted, **asdict(verdict)}, indent=2))
        return
    _table(("severity", "finding"), [(finding.severity, str(finding)) for finding in verdict.findings], Show.TABLE)
    if verdict.missing:
        lacking = {action for each in verdict.missing for action in each.actions}
        typer.echo(f"{len(verdict.missing)} families of resources lack {len(lacking)} actions (--json names them)")
    typer.echo("Halted: nothing would be read with these policies." if verdict.halted else "These policies may be used.")


def _table(columns: tuple[str, ...], lines: Sequence[tuple[str, ...]], show: Show) -> None:
    if show is Show.MARKDOWN:
        for line in (columns, ("---",) * len(columns), *lines):
            typer.echo("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |")
        return
    if not lines:
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")  # an action that is cut short is another one
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    Console().print(table)


def _write_all(folder: Path, named: dict[str, Any], name: str) -> None:
    """One file for each policy; what an earlier release wrote there and this one does not is removed, or it would be attached again."""
    for policy_name, document in named.items():
        _write(folder / f"{policy_name}.json", json.dumps(document, indent=2) + "\n")
    ours = {*folder.glob(f"{name}-[0-9][0-9].json"), *folder.glob(f"{name}-Deny*.json")}
    for stale in sorted(ours - {folder / f"{each}.json" for each in named}):
        stale.unlink()
        typer.echo(f"{stale}: no longer needed, removed", err=True)


def _write(file: Path, text: str) -> None:
    from collector.errors import SettingsError

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{file}: cannot be written: {error.strerror}") from error
    typer.echo(f"{file}: {len(text.encode()):,} bytes", err=True)
