"""A fleet of accounts at once: the gate that a run passes before it reads, and the whole preflight."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import anyio
import structlog

from collector.aws import endpoints
from collector.aws.accounts import Member
from collector.aws.identity import BASE, HUB
from collector.connect import ABREAST, FIXES, Admit, Entrance, entered
from collector.iam.form import Form
from collector.iam.permissions import Permission, data_allowances, grants, permissions
from collector.iam.policy import policies
from collector.iam.role import BILLING_READS
from collector.iam.verdict import Allowances, Generated, RolePolicy, billing_allowances, granted_actions, shipped_table
from collector.plan import Target
from collector.preflight.examine import Rules, Subject, examine
from collector.preflight.report import Report, halts_first, objection, with_severity
from collector.preflight.trials import Door, Sleep, opens, opens_to_others
from collector.record import Gap
from collector.settings import Where
from collector.spec.check import checked_specs
from collector.spec.model import Family
from collector.spec.permitted import IDENTITY, INSPECTION_CALLS
from collector.spec.select import families as chosen_from

log = structlog.get_logger()

BILLING_ACTIONS = ("s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket")
"""What the billing role is given beside, on the one bucket and prefix."""


def gate(settings: Where, families: Sequence[Family]) -> Admit:
    """What a run asks of each account before it reads it. Each finding is one event that names policy, statement and the way to mend it.

    The ExternalId is not tried here: six denials in every customer's CloudTrail at every run would only teach them to look away.
    """
    rules = rules_of(settings, families)

    async def admit(entrance: Entrance, member: Member) -> Gap | None:
        report = await examine(entrance.gateway, _subject(entrance, member), rules)
        _tell(report)
        return report.gap

    return admit


def _tell(report: Report) -> None:
    for each in report.objections:
        halts = each.severity == "halt"
        (log.error if halts else log.warning)(
            "account.halted" if halts else "account.doubted",
            account_id=report.account_id,
            finding=each.rule,
            policy=each.policy,
            statement=each.statement,
            says=each.says,
        )


async def preflight(settings: Where, families: Sequence[Family], *, sleep: Sleep = anyio.sleep) -> list[Report]:
    """The preflight of every account that *settings* name, for a snapshot of *families*. Raises SettingsError and CredentialsError."""
    rules = replace(rules_of(settings, families), onboarding=True)
    reports: dict[str, Report] = {}
    limit = anyio.CapacityLimiter(ABREAST)
    async with entered(settings, families) as entrance:

        async def check(member: Member) -> None:
            async with limit:
                reports[member.id] = await onboarded(settings, entrance, member, rules, families, sleep)

        async with anyio.create_task_group() as group:
            for member in entrance.members:
                group.start_soon(check, member)
        return [reports[member.id] for member in entrance.members]


async def onboarded(
    settings: Where, entrance: Entrance, member: Member, rules: Rules, families: Sequence[Family], sleep: Sleep = anyio.sleep
) -> Report:
    """All that there is to find out about one account: who else may come in, and what the role lets us do."""
    subject = _subject(entrance, member)
    role = entrance.identities.roles.get(member.id)
    if role is None:
        return await examine(entrance.gateway, subject, rules, families=families)
    outside = Target(entrance.partition, HUB if settings.hub_role else BASE, entrance.region)
    door = Door(role, member.id, outside, settings.session_name)
    refusal = await opens(entrance.identities, door, sleep)
    if refusal is not None:
        says = f"the role {role.arn} cannot be assumed ({refusal.kind}: {refusal.code})"
        fix = FIXES.get(refusal.code, "Check its name, its trust policy and the ExternalId.")
        closed = objection("halt", "not-assumable", says, fix)
        return Report(member.id, member.name, None, (closed,), refused=refusal.gap(IDENTITY.action))
    against = await opens_to_others(entrance.gateway, door, sleep)
    report = await examine(entrance.gateway, subject, rules, families=families)
    against_all = with_severity(against, "halt") if rules.strict else against
    return replace(report, objections=halts_first([*against_all, *report.objections]))


def _subject(entrance: Entrance, member: Member) -> Subject:
    role = entrance.identities.roles.get(member.id)
    home = endpoints.PartitionEndpoints(entrance.partition).home("iam")
    return Subject(
        member.id,
        member.name,
        Target(entrance.partition, member.id, entrance.region),
        Target(entrance.partition, member.id, home),
        is_own=role is None,
        with_external_id=role is not None and role.external_id is not None,
    )


def rules_of(settings: Where, families: Sequence[Family]) -> Rules:
    """What is tolerated, and what is wanted for *families*."""
    return Rules(
        strict=settings.strict,
        allow_unchecked=settings.allow_unchecked,
        allowances={**data_allowances(grants(_every_row(settings.specs))), **_billing(settings)},
        generated=_generated(settings, families) if settings.strict else None,
    )


def _generated(settings: Where, families: Sequence[Family]) -> Generated:
    """What the generated policies grant at least, for *families*, and at most, for all specs."""
    every = _every_row(settings.specs)
    added = {
        *(call.action for call in INSPECTION_CALLS),
        *(BILLING_ACTIONS if settings.billing else ()),
        *(["kms:Decrypt"] if settings.billing_key else []),
    }
    verbs = policies(every, Form.VERBS, every_row=every, denied_elsewhere=BILLING_READS if settings.billing else ())
    most = granted_actions((RolePolicy(name, document) for name, document in verbs.items()), shipped_table())
    return Generated(least=frozenset({*grants(permissions(families)), *added}), most=frozenset({*most, *grants(every), *added}))


@cache
def _every_row(folders: tuple[Path, ...]) -> tuple[Permission, ...]:
    """What any spec needs: a role may serve more than one run asks for."""
    return permissions(chosen_from(checked_specs(folders)))


def _billing(settings: Where) -> Allowances:
    if settings.billing is None:
        return {}
    bucket, _, prefix = settings.billing.removeprefix("s3://").partition("/")
    return billing_allowances(bucket, prefix, settings.billing_key)
