"""What a preflight tells of an account: what speaks against reading it, what its snapshot would lack, and the verdict."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeAlias

from collector.iam.permissions import permissions
from collector.iam.verdict import Finding, Missing, Severity
from collector.record import Gap
from collector.spec.model import Call, Family
from collector.spec.permitted import REGIONS

Word: TypeAlias = Literal["ok", "warning", "halted"]


@dataclass(frozen=True, slots=True)
class Objection:
    """One reason against an account, in one line that says what was seen, where, and how to mend it."""

    severity: Severity
    rule: str
    says: str
    fix: str
    policy: str | None = None
    statement: str | None = None
    actions: tuple[str, ...] = ()
    """At most five of them, in alphabetical order."""
    count: int = 0
    """How many actions there are in all."""

    @property
    def code(self) -> str:
        """One word for a gap: ``ReadOnlyAccess`` for a policy of that name, else the rule, ``DataRead``."""
        if self.rule == "forbidden-policy" and self.policy:
            return self.policy.rpartition("/")[2]
        return "".join(part.capitalize() if part.islower() else part for part in self.rule.split("-"))


@dataclass(frozen=True, slots=True)
class Lack:
    """What the snapshot would not have because the role does not grant *actions*."""

    spec: str
    type: str
    actions: tuple[str, ...]
    costs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The preflight of one account."""

    account_id: str
    name: str | None
    principal: str | None
    """Whose credentials read it: the ARN that AWS says; None when the role could not be assumed."""
    objections: tuple[Objection, ...] = ()
    lacks: tuple[Lack, ...] = ()
    refused: Gap | None = None
    """Set when the account could not be entered, or AWS did not answer: then nothing is known of it."""

    @property
    def verdict(self) -> Word:
        if self.refused or any(each.severity == "halt" for each in self.objections):
            return "halted"
        return "warning" if self.objections or self.lacks else "ok"

    @property
    def gap(self) -> Gap | None:
        """What is told of everything in an account that is not read; None for one that may be."""
        if self.refused or self.verdict != "halted":
            return self.refused
        halting = [each for each in self.objections if each.severity == "halt"]
        gravest = min(halting, key=_gravity)
        named = sorted((each for each in halting if each.actions), key=lambda each: (each.policy != gravest.policy, _worst(each)))
        action = named[0].actions[0] if named else "sts:AssumeRole"
        return Gap(action=action, code=gravest.code, kind="halted")

    def as_json(self) -> dict[str, Any]:
        return {
            "account_id": self.account_id,
            "findings": [asdict(each) for each in self.objections],
            "gap": asdict(self.gap) if self.gap else None,
            "missing": [asdict(each) for each in self.lacks],
            "name": self.name,
            "principal": self.principal,
            "verdict": self.verdict,
        }


_GRAVEST_FIRST = ("forbidden-policy", "data-read", "write", "unreadable", "unknown-service", "WrongAccount", "RoleNotReadable")
_WORST_FIRST = ("data-read", "write")


def _gravity(objection: Objection) -> int:
    return _GRAVEST_FIRST.index(objection.rule) if objection.rule in _GRAVEST_FIRST else len(_GRAVEST_FIRST)


def _worst(objection: Objection) -> int:
    return _WORST_FIRST.index(objection.rule) if objection.rule in _WORST_FIRST else len(_WORST_FIRST)


def objection(
    severity: Severity,
    rule: str,
    says: str,
    fix: str,
    *,
    policy: str | None = None,
    statement: str | None = None,
    actions: tuple[str, ...] = (),
) -> Objection:
    """What was seen and how it is mended, the latter also as the end of the line."""
    return Objection(severity, rule, f"{says}. {fix}", fix, policy, statement, actions, len(actions))


def from_finding(finding: Finding) -> Objection:
    """What the evaluator holds against the role's policies."""
    return Objection(
        finding.severity, finding.rule, str(finding), finding.fix, finding.policy, finding.statement, finding.actions, finding.count
    )


def halts_first(objections: Iterable[Objection]) -> tuple[Objection, ...]:
    return tuple(sorted(objections, key=lambda each: each.severity != "halt"))


def with_severity(objections: Iterable[Objection], severity: Severity) -> tuple[Objection, ...]:
    return tuple(replace(each, severity=severity) for each in objections)


def needed_actions(families: Iterable[Family]) -> Mapping[str, Collection[str]]:
    """The actions that each written type takes, by ``service.resource``; what leads to it counts as its own."""
    return {name: set(costs) for name, (_, costs) in _costs(families).items()}


def lacks(missing: Iterable[Missing], families: Iterable[Family]) -> tuple[Lack, ...]:
    """What *missing* actions would cost, in words."""
    costs = _costs(families)
    told = []
    for each in missing:
        type, by_action = costs[each.spec]
        words = dict.fromkeys(cost for action in each.actions for cost in by_action[action])
        told.append(Lack(each.spec, type, each.actions, tuple(words)))
    return tuple(told)


def _costs(families: Iterable[Family]) -> dict[str, tuple[str, dict[str, list[str]]]]:
    """By ``service.resource``: the type, and for each action that reading it takes, what is not there without it."""
    families = tuple(families)
    taken: dict[tuple[str, str], set[str]] = {}
    for row in permissions(families):
        taken.setdefault((row.service, row.operation), set()).add(row.action)

    def without(call: Call, what: str, costs: dict[str, list[str]]) -> None:
        for action in taken.get((call.service, call.operation), ()):
            costs.setdefault(action, []).append(what)

    found: dict[str, tuple[str, dict[str, list[str]]]] = {
        "regions": ("", {REGIONS.action: ["every chosen region is tried, switched on or not"]})
    }
    for family in families:
        listings: dict[str, dict[str, list[str]]] = {}
        for resource in family.resources():
            listing = {action: list(words) for action, words in listings.get(resource.parent or "", {}).items()}
            for call in (resource.list, resource.describe):
                if call is not None:
                    without(call, f"no {resource.type}", listing)
            listings[resource.key] = listing
            if resource.key in family.wanted:
                costs = {action: list(words) for action, words in listing.items()}
                for name, call in resource.get.items():
                    without(call, f"no supplementary.{name}", costs)
                if isinstance(resource.tags, Call):
                    without(resource.tags, "no tags", costs)
                found[f"{resource.service}.{resource.key}"] = (resource.type, costs)
    return found
