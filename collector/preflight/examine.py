"""One account's role, looked up and judged. START READING HERE: what a run asks before it reads, and what ``collector preflight`` asks."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from collector.aws.api_error import ApiError
from collector.aws.page import Asks, Tally
from collector.iam.verdict import Allowances, Generated, judge, shipped_table
from collector.plan import Target
from collector.preflight.inspection import Inspection, Unread, inspect
from collector.preflight.report import Objection, Report, from_finding, halts_first, lacks, needed_actions, objection, with_severity
from collector.preflight.trust import judge_trust
from collector.spec.model import Family
from collector.spec.permitted import IDENTITY

_ASSUMED_ROLE = re.compile(r"arn:[\w-]+:sts::\d{12}:assumed-role/(?P<role>[^/]+)/")
_UNREADABLE_FIX = (
    "Grant the self-inspection that `collector iam template` writes, or give --allow-unchecked to read accounts that cannot be checked."
)

MOST_NAMED = 5
"""Policies that one finding names."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An account to examine, and how it is entered."""

    account_id: str
    name: str | None
    target: Target
    """Where its identity is asked."""
    iam: Target
    """Where IAM is asked: it has one home in each partition."""
    is_own: bool = False
    """Read with the credentials we were started with, which are their owner's to use: findings only warn."""
    with_external_id: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """How hard to judge."""

    strict: bool = False
    """Warnings halt, those about the owner's own credentials too."""
    allow_unchecked: bool = False
    """Not being able to look a role up is a warning."""
    allowances: Allowances = field(default_factory=dict)
    onboarding: bool = False
    """Who may assume the role counts too. Before a run it only warns: a role that others can assume shows us no more."""
    generated: Generated | None = None
    """With *strict*, what the role must grant."""


async def examine(gateway: Asks, subject: Subject, rules: Rules, *, families: Sequence[Family] = ()) -> Report:
    """May *subject* be read? What AWS refuses is in the report; nothing is raised for it.

    With *families*, the report says what their snapshot would lack.
    """
    try:
        answer = await gateway.once(IDENTITY, subject.target, {}, Tally())
    except ApiError as error:
        return Report(subject.account_id, subject.name, None, refused=error.gap(IDENTITY.action))
    principal = str(answer["Arn"])
    report = Report(subject.account_id, subject.name, principal)
    if answer["Account"] != subject.account_id:
        says = f"the credentials for account {subject.account_id} are of account {answer['Account']}"
        wrong = objection("halt", "WrongAccount", says, "Correct the role's ARN or the account.", actions=(IDENTITY.action,))
        return replace(report, objections=(wrong,))
    role = _ASSUMED_ROLE.match(principal)
    if role is None:
        return replace(report, objections=tuple(_weighed([_no_role(principal)], subject, rules)))
    seen = await inspect(gateway, subject.iam, role["role"])
    passing = next((each for each in seen.unread if each.error.passing), None)
    if passing is not None and not rules.allow_unchecked:
        return replace(report, refused=passing.error.gap(passing.action))
    verdict = judge(
        seen.policies,
        shipped_table(),
        boundary=seen.boundary,
        allowances=rules.allowances,
        needed=needed_actions(families) if families else None,
        generated=rules.generated,
        strict=rules.strict,
    )
    objections = [
        *map(from_finding, verdict.findings),
        *([_unread(role["role"], seen.unread, halts=not rules.allow_unchecked)] if seen.unread else []),
        *_trust(seen, subject, rules),
    ]
    told = lacks(verdict.missing, families) if not seen.unread else ()
    return replace(report, objections=halts_first(_weighed(objections, subject, rules)), lacks=told)


def _trust(seen: Inspection, subject: Subject, rules: Rules) -> tuple[Objection, ...]:
    if subject.is_own or seen.trust is None:
        return ()
    against = judge_trust(seen.trust, subject.account_id, with_external_id=subject.with_external_id)
    return tuple(against) if rules.onboarding else with_severity(against, "warning")


def _unread(role: str, unread: Sequence[Unread], *, halts: bool) -> Objection:
    """One finding for all that could not be seen."""
    named = ", ".join(f"{each.what} ({each.action}: {each.error.code})" for each in unread[:MOST_NAMED])
    more = ", …" if len(unread) > MOST_NAMED else ""
    says = f"the role {role} may not look up {named}{more}, so nobody knows what it grants"
    actions = tuple(sorted({each.action for each in unread}))
    policy = unread[0].policy if len(unread) == 1 else None
    return objection("halt" if halts else "warning", "RoleNotReadable", says, _UNREADABLE_FIX, policy=policy, actions=actions)


def _no_role(principal: str) -> Objection:
    says = f"{principal} is no role, so what it may do was not checked"
    return objection("warning", "not-checked", says, "Name a --role that has no more than `collector iam policy` writes.")


def _weighed(objections: list[Objection], subject: Subject, rules: Rules) -> Iterator[Objection]:
    """*objections* as grave as they are here."""
    if rules.strict:
        yield from with_severity(objections, "halt")
    elif subject.is_own:
        yield from with_severity(objections, "warning")
    else:
        yield from objections
