"""Which actions do a role's policies allow, and which statement says so?

The answer may be too large and never too small: where a policy's meaning hangs on the moment of the call, the action
counts as allowed.

- A conditional Allow allows. A conditional Deny, or a Deny with NotResource, denies nothing.
- A Deny takes an action from those of an Allow's resources that it covers for certain; the rest stays allowed.
- An Allow with NotResource counts as an Allow on everything.
- A boundary or session policy takes away only what it allows on no resource at all.

Not seen here, because it is not in the role: resource policies (a bucket's, a key's) and an organisation's SCPs.
Logic: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

from collector.iam.document import Document, Statement

ActionIndex: TypeAlias = Mapping[str, Mapping[str, str]]
"""Service prefix -> action name -> the action as AWS spells it. The keys are in lower case: IAM ignores their case."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Why an action is allowed."""

    policy: str
    """The policy's ARN, or how an inline policy is called."""
    statement: str
    pattern: str
    """The element of Action that matched, as written; ``NotAction`` for a statement that lists what it leaves out."""
    resources: tuple[str, ...]
    """The Allow's resource patterns that no Deny covers; never empty."""


Grants: TypeAlias = Mapping[str, tuple[Grant, ...]]
"""Every allowed action, as AWS spells it, with all that allows it."""


def action_index(actions: Iterable[str], onto: ActionIndex | None = None) -> ActionIndex:
    """*actions* (``s3:GetObject``) in the form that matching needs, added to a copy of *onto*."""
    index = {service: dict(names) for service, names in (onto or {}).items()}
    for action in actions:
        service, _, name = action.lower().partition(":")
        index.setdefault(service, {}).setdefault(name, action)
    return index


def expand(pattern: str, index: ActionIndex) -> list[str]:
    """The actions of *index* that *pattern* (``s3:Get*``, ``*``) matches."""
    pattern = pattern.lower()
    service, _, name = pattern.partition(":")
    if "*" in service or "?" in service:
        matches = _glob(pattern).match
        return [action for names in index.values() for action in names.values() if matches(action.lower())]
    names = index.get(service, {})
    start = re.split(r"[*?]", name, maxsplit=1)[0]
    if start == name:
        return [names[name]] if name in names else []
    candidates = [(known, action) for known, action in names.items() if known.startswith(start)]
    if name == start + "*":
        return [action for _, action in candidates]
    matches = _glob(name).match
    return [action for known, action in candidates if matches(known)]


def allowed(policies: Iterable[tuple[str, Document]], index: ActionIndex) -> Grants:
    """What *policies* (what each is called, and what it says) allow together, before any boundary."""
    statements = [(policy, statement) for policy, document in policies for statement in document.statements]
    denied = _denied([statement for _, statement in statements if not statement.allows], index)
    grants: dict[str, list[Grant]] = {}
    for policy, statement in statements:
        if not statement.allows:
            continue
        resources = statement.resources or ("*",)
        for pattern, actions in _matches(statement, index):
            grant = Grant(policy, statement.label, pattern, resources)
            for action in actions:
                left = _uncovered(resources, denied[action]) if action in denied else resources
                if left:
                    grants.setdefault(action, []).append(grant if left == resources else replace(grant, resources=left))
    return {action: tuple(reasons) for action, reasons in grants.items()}


def limited(grants: Grants, limits: Iterable[Grants]) -> Grants:
    """What is left of *grants* under a permissions boundary or session policies, each given as what it allows."""
    limits = list(limits)
    return {action: reasons for action, reasons in grants.items() if all(action in limit for limit in limits)}


def covers(wide: str, narrow: str) -> bool:
    """Does the resource pattern *wide* match every ARN that the pattern *narrow* matches? False in doubt.

    A wildcard of *narrow* is text that only a ``*`` of *wide* can match. Wildcards stay inside their segment of the
    ARN, but for the last of *wide* when that ends in ``*``. A policy variable (``${aws:username}``) may be anything.
    """
    if wide in ("*", narrow):
        return True
    if "${" in narrow:
        return False
    wide_parts, narrow_parts = wide.split(":"), narrow.split(":")
    if wide.endswith("*"):
        narrow_parts = narrow.split(":", len(wide_parts) - 1)
    return len(wide_parts) == len(narrow_parts) and all(
        _glob(wide_part).match(narrow_part) for wide_part, narrow_part in zip(wide_parts, narrow_parts, strict=True)
    )


@lru_cache(maxsize=8192)
def _glob(pattern: str) -> re.Pattern[str]:
    """*pattern* as an expression that does not backtrack. Its ``?`` does not match the ``*`` of another pattern."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]").replace("?", "[!*]")))


def _matches(statement: Statement, index: ActionIndex) -> Iterator[tuple[str, Iterable[str]]]:
    """Each pattern of *statement* with the actions it stands for."""
    if statement.not_actions is not None:
        left_out = {action for pattern in statement.not_actions for action in expand(pattern, index)}
        yield "NotAction", [a for names in index.values() for a in names.values() if a not in left_out]
    for pattern in statement.actions or ():
        yield pattern, expand(pattern, index)


def _denied(statements: Iterable[Statement], index: ActionIndex) -> dict[str, set[str]]:
    """Action -> the resource patterns on which it is denied whatever the circumstances."""
    denied: dict[str, set[str]] = {}
    for statement in statements:
        if statement.conditions or not statement.resources:
            continue
        for _, actions in _matches(statement, index):
            for action in actions:
                denied.setdefault(action, set()).update(statement.resources)
    return denied


def _uncovered(resources: tuple[str, ...], denied: set[str]) -> tuple[str, ...]:
    return tuple(resource for resource in resources if not any(covers(wide, resource) for wide in denied))
