"""Rows -> managed policies: exact actions, or the classic wording, packed so that IAM takes them and people can read what changed."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from collector.errors import CollectorError
from collector.iam.deny import deny_statements
from collector.iam.form import Form
from collector.iam.permissions import INSPECT_POLICY, INSPECT_ROLE, Permission, grants
from collector.spec import facts

LARGEST_POLICY = 6_144
"""Characters of a managed policy, white space not counted."""
MOST_POLICIES = 9
"""Managed policies of one role. A role takes ten unless the quota was raised; one is left to the Deny, where that is not put into the role
itself as the templates do, or to the customer.

Both from https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""
NAME = "InventoryReadOnly"
DENY = "Deny"

PolicyDocument: TypeAlias = dict[str, Any]
Statements: TypeAlias = list[dict[str, Any]]


class PolicyQuotaError(CollectorError):
    """The policies are larger, or more, than IAM takes."""


def policies(
    rows: Iterable[Permission], form: Form, *, every_row: Iterable[Permission], denied_elsewhere: Collection[str] = ()
) -> dict[str, PolicyDocument]:
    """The managed policies for *rows*, by what their names end in: ``01``, ``02``, … and ``Deny``; the same rows give the same text.

    *every_row* is all that any spec could need, chosen or not: the Deny must not take away what tomorrow's choice wants.
    Raises PolicyQuotaError.
    """
    rows, every_row = tuple(rows), tuple(every_row)
    wording = _exact if form is Form.EXACT else _verbs
    packed = _packed({prefix: wording(prefix, granted) for prefix, granted in _by_prefix(grants(rows)).items()})
    named = {f"{number:02}": document for number, document in enumerate(packed, start=1)}
    if len(named) > MOST_POLICIES:
        raise PolicyQuotaError(f"{len(named)} managed policies; at most {MOST_POLICIES} fit a role: choose fewer services, or --form verbs")
    return named | {DENY: _deny(grants((*every_row, *rows)), denied_elsewhere)}


def size(document: Mapping[str, Any]) -> int:
    """Characters as IAM counts them; none of our strings holds white space."""
    return len(json.dumps(document, separators=(",", ":")))


def _by_prefix(granted: Mapping[str, tuple[str, ...]]) -> dict[str, dict[str, tuple[str, ...]]]:
    """*granted* by IAM prefix, in alphabetical order."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for action in sorted(granted):
        found.setdefault(action.partition(":")[0], {})[action] = granted[action]
    return found


def _exact(_: str, granted: Mapping[str, tuple[str, ...]]) -> Statements:
    by_resources: dict[tuple[str, ...], list[str]] = {}
    for action, resources in granted.items():
        by_resources.setdefault(resources, []).append(action)
    return [
        {"Effect": "Allow", "Action": actions, "Resource": "*" if resources == ("*",) else list(resources)}
        for resources, actions in sorted(by_resources.items())
    ]


def _verbs(prefix: str, granted: Mapping[str, tuple[str, ...]]) -> Statements:
    """``service:Describe*`` and ``service:List*`` where the service has such actions, then everything else by name."""
    known = [action.partition(":")[2] for action in facts.actions_of(prefix)]
    wildcards = {f"{prefix}:{verb}*": ("*",) for verb in ("Describe", "List") if any(name.startswith(verb) for name in known)}
    started = tuple(wildcard[:-1] for wildcard in wildcards)
    named = {action: resources for action, resources in granted.items() if not action.startswith(started) or resources != ("*",)}
    return _exact(prefix, wildcards | named)


def _deny(wanted: Mapping[str, Collection[str]], elsewhere: Collection[str]) -> PolicyDocument:
    elsewhere = (*elsewhere, *INSPECT_ROLE, *INSPECT_POLICY)
    for spare_listings in (True, False):
        document = {"Version": "2012-10-17", "Statement": deny_statements(wanted, elsewhere, spare_listings=spare_listings)}
        if size(document) <= LARGEST_POLICY:
            return document
    raise PolicyQuotaError(f"the Deny has {size(document):,} characters; IAM takes {LARGEST_POLICY:,}")


def _packed(groups: Mapping[str, Statements]) -> list[PolicyDocument]:
    """Each group, in order, goes into the first document that has room for it; what belongs to one prefix stays together."""
    packed: list[Statements] = []
    for prefix, statements in groups.items():
        if (alone := size(_document(statements))) > LARGEST_POLICY:
            raise PolicyQuotaError(f"{prefix} alone needs a policy of {alone:,} characters; IAM takes {LARGEST_POLICY:,}")
        roomy = (filled for filled in packed if size(_document([*filled, *statements])) <= LARGEST_POLICY)
        filled = next(roomy, None)
        if filled is None:
            packed.append(list(statements))
        else:
            filled.extend(statements)
    return [_document(filled) for filled in packed]


def _document(statements: Statements) -> PolicyDocument:
    """One statement for each effect and set of resources: what is said once is not paid for again."""
    merged: dict[str, dict[str, Any]] = {}
    for statement in statements:
        said = {name: value for name, value in statement.items() if name != "Action"}
        into = merged.setdefault(json.dumps(said, sort_keys=True), {"Effect": statement["Effect"], "Action": [], **said})
        into["Action"] = [*into["Action"], *statement["Action"]]
    return {"Version": "2012-10-17", "Statement": list(merged.values())}
