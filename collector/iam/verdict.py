"""May this role be read with? A role's policies in, findings out.

A role is **halted** (nothing of its account is read) when it carries one of three AWS policies by name, or when its
policies together grant, in whatever wording, one write or one read of customer data or secrets.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any, Literal, TypeAlias

from collector.iam.document import Document, PolicyUnreadableError, read_document
from collector.iam.evaluate import ActionIndex, Grant, Grants, action_index, allowed, covers, expand, limited
from collector.spec import facts

Severity: TypeAlias = Literal["halt", "warning"]

Allowances: TypeAlias = Mapping[str, Collection[str]]
"""Actions that are no finding while they are granted on nothing but these resource patterns."""


@dataclass(frozen=True, slots=True)
class ActionTable:
    """What is known of AWS's actions."""

    levels: Mapping[str, str]
    """Action -> access level as AWS documents it: ``List``, ``Read``; any other writes."""
    data_reads: Collection[str]
    """The deny list's actions of tier ``halt``: they answer with customer data or secrets."""
    index: ActionIndex


def action_table(levels: Mapping[str, str], data_reads: Collection[str]) -> ActionTable:
    """The table of *levels* and *data_reads*, made once and used for every role."""
    index = action_index([*levels, *data_reads])
    return ActionTable(levels, frozenset(chain.from_iterable(expand(read, index) for read in data_reads)), index)


@cache
def shipped_table() -> ActionTable:
    """The table that comes with this release."""
    levels = {action: facts.level_of(action) or "Write" for action in facts.all_actions()}
    return action_table(levels, [fact.action for fact in facts.deny_facts() if fact.tier == "halt"])


@dataclass(frozen=True, slots=True)
class Generated:
    """What the generated policies grant, with what the templates add: nobody tells for which specs and in which form they were made."""

    least: frozenset[str]
    """Made for what is to be read, every action by name."""
    most: frozenset[str]
    """Made for all specs, in the wider form."""


@dataclass(frozen=True, slots=True)
class RolePolicy:
    """A role's attached or inline policy, its boundary, or a session policy: the live version, as IAM sends it."""

    name: str
    document: str | Mapping[str, Any]
    arn: str | None = None
    """None for an inline policy."""

    @property
    def called(self) -> str:
        return self.arn or f"inline policy {self.name}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason against a role, one for each rule and statement."""

    severity: Severity
    rule: str
    policy: str
    statement: str | None
    """Its Sid or number; None when the finding is about the policy as a whole."""
    actions: tuple[str, ...]
    """At most five, in alphabetical order."""
    count: int
    """How many actions there are in all."""
    fix: str

    def __str__(self) -> str:
        place = self.policy if self.statement is None else f"{self.policy}, {self.statement},"
        more = ", …" if self.count > len(self.actions) else ""
        listed = f" ({self.count}: {', '.join(self.actions)}{more})" if self.count else ""
        return f"{place} {_RULES[self.rule].says}{listed}. {self.fix}"


@dataclass(frozen=True, slots=True)
class Missing:
    """Actions that a spec needs and the role does not grant."""

    spec: str
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What speaks against a role (halts first), and what its snapshot would lack."""

    findings: tuple[Finding, ...]
    missing: tuple[Missing, ...]

    @property
    def halted(self) -> bool:
        return any(finding.severity == "halt" for finding in self.findings)

    def as_warnings(self) -> "Verdict":
        """The same for somebody's own credentials, which are theirs to use: nothing halts."""
        return replace(self, findings=tuple(replace(finding, severity="warning") for finding in self.findings))


@dataclass(frozen=True, slots=True)
class _Rule:
    severity: Severity
    says: str
    fix: str


_DETACH = "Detach it, and attach the policies that `collector iam policy` writes instead."
_NARROW = "Take the actions out of the statement, or deny them on all resources without a condition."
_RULES = {
    "forbidden-policy": _Rule("halt", "grants far more than an inventory needs", _DETACH),
    "unreadable": _Rule("halt", "cannot be read, so nobody knows what it grants", "Write it anew in IAM's policy grammar."),
    "write": _Rule("halt", "grants writes", _NARROW),
    "data-read": _Rule("halt", "grants reads of customer data or secrets", _NARROW),
    "unknown-service": _Rule("halt", "grants a wildcard on a service that this release does not know", "Name the actions that are meant."),
    "classic-wildcard": _Rule(
        "warning",
        "grants Describe* or List*, and so the few actions of that name that can show secrets",
        "Deny them with the Deny policy that `collector iam template` writes.",
    ),
    "get-wildcard": _Rule("halt", "grants a wildcard that takes in every Get that AWS adds", "Name the Get actions that are meant."),
    "unknown-action": _Rule("warning", "names actions that this release does not know", "Check their spelling, or update the collector."),
    "not-generated": _Rule(
        "halt",
        "grants actions that the generated policies do not",
        "Replace it with what `collector iam policy` writes.",
    ),
    "incomplete": _Rule("halt", "lacks actions that the generated policies grant", "Attach all that `collector iam policy` writes."),
}

_FORBIDDEN_ARN = re.compile(
    r"arn:aws[a-z-]*:iam::aws:policy/(?:[^:]+/)?(?:ReadOnlyAccess|AdministratorAccess|PowerUserAccess)", re.IGNORECASE
)
_CLASSIC = re.compile(r"[a-z0-9-]+:(?:describe|list)\*", re.IGNORECASE)
"""The wording that this product has always asked customers for, and no other wildcard."""

_GET_WILDCARD = re.compile(r"[^:]+:(?:batch)?get\*", re.IGNORECASE)
_READ_LEVELS = ("List", "Read")
_AWS_OWNED = ":iam::aws:policy/"


def billing_allowances(bucket: str, prefix: str, kms_key_arn: str | None = None) -> Allowances:
    """The one exception: the billing files under *prefix* of *bucket*, and decryption with the key they are under.

    Raises ValueError for a name that is empty or that would match more than itself.
    """
    for value in (bucket, prefix, *([] if kms_key_arn is None else [kms_key_arn])):
        if not value or any(character in value for character in "*?$"):
            raise ValueError(f"a billing bucket, prefix or key must be named in full, without wildcards: {value!r}")
    allowances = {"s3:GetObject": [f"arn:*:s3:::{bucket}/{prefix}*"]}
    return allowances if kms_key_arn is None else allowances | {"kms:Decrypt": [kms_key_arn]}


def judge(
    policies: Iterable[RolePolicy],
    table: ActionTable,
    *,
    boundary: RolePolicy | None = None,
    session_policies: Iterable[RolePolicy] = (),
    allowances: Allowances | None = None,
    needed: Mapping[str, Collection[str]] | None = None,
    generated: Generated | None = None,
    strict: bool = False,
) -> Verdict:
    """What *policies*, all that a role carries attached or inline, let it do within *boundary* and *session_policies*.

    *needed* is each spec's actions, and the verdict lists those it would miss. *strict* halts at warnings too; with
    *generated* the role must then grant what the generated policies do, and nothing beside.
    """
    policies = list(policies)
    findings = [_finding("forbidden-policy", p.called) for p in policies if p.arn and _FORBIDDEN_ARN.fullmatch(p.arn)]
    documents = _readable(policies, findings)
    limits = [_readable(limit, findings) for limit in ([boundary] if boundary else [], list(session_policies)) if limit]

    needed = needed or {}
    unknown = _unmatched(chain(documents, *limits), table.index)
    named = {*unknown, *(generated.least if generated else ()), *chain.from_iterable(needed.values())}
    index = action_index(named, onto=table.index)
    limiting = [allowed(limit, index) for limit in limits]
    granted = limited(allowed(documents, index), limiting)

    findings += _gathered(_broken_rules(granted, limiting, table, allowances or {}))
    if strict and generated:
        findings += _gathered(("not-generated", a, grant) for a in granted.keys() - generated.most for grant in granted[a])
        if lacking := generated.least - granted.keys():
            findings.append(_finding("incomplete", "the role", actions=lacking))
    if strict:
        findings = [replace(finding, severity="halt") for finding in findings]
    lacking_by_spec = {spec: sorted(set(actions) - granted.keys()) for spec, actions in needed.items()}
    return Verdict(
        findings=tuple(sorted(findings, key=lambda finding: finding.severity != "halt")),
        missing=tuple(Missing(spec, tuple(actions)) for spec, actions in lacking_by_spec.items() if actions),
    )


def granted_actions(policies: Iterable[RolePolicy], table: ActionTable) -> frozenset[str]:
    """The known actions that *policies* allow together; of the policies that we write ourselves, this is *generated*.

    Raises PolicyUnreadableError.
    """
    documents = [(policy.called, read_document(policy.document)) for policy in policies]
    return frozenset(allowed(documents, table.index))


def _readable(policies: Iterable[RolePolicy], findings: list[Finding]) -> list[tuple[str, Document]]:
    """What each policy is called and says; one that cannot be read becomes a finding, and the role is halted."""
    documents = []
    for policy in policies:
        try:
            documents.append((policy.called, read_document(policy.document)))
        except PolicyUnreadableError:
            findings.append(_finding("unreadable", policy.called))
    return documents


def _unmatched(documents: Iterable[tuple[str, Document]], index: ActionIndex) -> set[str]:
    """Patterns of Allows that match no known action. They are judged as if they were actions of that name."""
    statements = [statement for _, document in documents for statement in document.statements if statement.allows]
    return {p for statement in statements for p in statement.actions or () if not expand(p, index)}


def _broken_rules(granted: Grants, limiting: list[Grants], table: ActionTable, allowances: Allowances) -> Iterator[tuple[str, str, Grant]]:
    """Each rule that a grant breaks, with the action and the grant."""
    for action, grants in granted.items():
        narrow = allowances.get(action, ())
        if any(_within(limit[action], narrow) for limit in limiting):
            continue
        for grant in grants:
            rule = _rule(action, grant.pattern, table)
            if rule and not _within([grant], narrow):
                yield rule, action, grant


def _rule(action: str, pattern: str, table: ActionTable) -> str | None:
    """The rule that granting *action* by *pattern* breaks."""
    if action in table.data_reads or table.levels.get(action, "Read") not in _READ_LEVELS:
        if _CLASSIC.fullmatch(pattern):
            return "classic-wildcard"
        return "data-read" if action in table.data_reads else "write"
    if action in table.levels:
        return "get-wildcard" if _GET_WILDCARD.fullmatch(pattern) else None
    if "*" not in action and "?" not in action:
        return "unknown-action"
    if _CLASSIC.fullmatch(pattern):
        return None
    return "unknown-action" if action.lower().partition(":")[0] in table.index else "unknown-service"


def _within(grants: Iterable[Grant], allowance: Collection[str]) -> bool:
    """Do *grants* reach nothing but the resources of *allowance*?"""
    return all(any(covers(wide, narrow) for wide in allowance) for grant in grants for narrow in grant.resources)


def _gathered(broken: Iterable[tuple[str, str, Grant]]) -> list[Finding]:
    """One finding for each rule and statement, in the order in which they come up."""
    gathered: dict[tuple[str, str, str], set[str]] = {}
    for rule, action, grant in broken:
        gathered.setdefault((rule, grant.policy, grant.statement), set()).add(action)
    return [_finding(*broken_by, actions=actions) for broken_by, actions in gathered.items()]


def _finding(rule: str, policy: str, statement: str | None = None, actions: Collection[str] = ()) -> Finding:
    known = _RULES[rule]
    fix = _DETACH if _AWS_OWNED in policy else known.fix
    return Finding(known.severity, rule, policy, statement, tuple(sorted(actions)[:5]), len(actions), fix)
