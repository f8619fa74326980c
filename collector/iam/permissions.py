"""What a role must allow: one row for each call that reads something, (service, operation, fixed parameters) -> IAM action, and why.

The policies, the templates, their explanation and the preflight's "missing" list all read these rows; the rows read ``Family.calls()``.

AWS documents further actions for some calls (``ActionFact.dependent``). One of these is granted with its call when it is itself a List or
Read and not of the deny list's halt tier: Compute Optimizer and AWS WAF refuse to answer without the describes of the services they speak
of. Never granted so are decryption (Identity Center under a customer's key), values (launch templates that name SSM parameters), and what
``NOT_TAKEN_ALONG`` names. Such a call still works for everything that does not need the action.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from collector.spec import facts
from collector.spec.api import service_model
from collector.spec.model import Call, Family
from collector.spec.permitted import IDENTITY, REGIONS

NOT_TAKEN_ALONG: Mapping[str, str] = {
    "billing:GetBillingViewData": "Only for budgets on a billing view of the customer's own making; it opens the costs in it.",
    "iot:GetThingShadow": "A device's state, which is the customer's data.",
    "kms:Decrypt": "Only where Identity Center is under the customer's own key.",
}
"""Dependent actions that a call gets along without, each with its reason."""

WITHHELD: Mapping[tuple[str, str], str] = {
    ("apigateway", "GetApiKeys"): "IAM cannot tell a listing of keys from their values (includeValues): /apikeys stays closed.",
}
"""Calls whose action is not granted on what they read, though a spec names them; they end as coverage gaps of kind ``denied``."""

INSPECT_ROLE = ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies")
INSPECT_POLICY = ("iam:GetPolicy", "iam:GetPolicyVersion")
"""What the preflight asks about the role itself and about its policies; the templates grant it on these alone."""

_API_GATEWAY = "apigateway:GET"


@dataclass(frozen=True, slots=True)
class Permission:
    """One reason to grant *action*: that *operation* of *service* (a boto3 name) is called."""

    action: str
    service: str
    operation: str
    fixed: Mapping[str, Any]
    """The parameters that the spec fixes: the guard lets no other value through."""
    why: str | None
    resources: tuple[str, ...] = ()
    """ARN patterns to which a policy limits the action; none: every resource."""
    taken_along: bool = False
    """AWS asks for it when the operation is called; it is no call of ours."""


def permissions(families: Iterable[Family]) -> tuple[Permission, ...]:
    """Every row that reading *families* needs, and what any run asks first; sorted by action, service and operation."""
    calls = [IDENTITY, REGIONS, *(call for family in families for call in family.calls())]
    rows: dict[tuple[str, str, str], list[Permission]] = {}
    for call in calls:
        for row in _rows(call):
            same = rows.setdefault((row.action, row.service, row.operation), [])
            if row not in same:
                same.append(row)
    return tuple(row for key in sorted(rows) for row in rows[key])


def needed(families: Iterable[Family]) -> dict[str, tuple[str, ...]]:
    """The actions that each family needs, by its name (``ec2.instance``): what a verdict's ``missing`` is measured against."""
    return {family.name: tuple(sorted({row.action for call in family.calls() for row in _rows(call)})) for family in families}


def grants(rows: Iterable[Permission]) -> dict[str, tuple[str, ...]]:
    """Each action of *rows* with the resource patterns it is granted on, sorted; ``("*",)`` when one row asks for every resource."""
    patterns: dict[str, set[str]] = {}
    for row in rows:
        patterns.setdefault(row.action, set()).update(row.resources or ("*",))
    return {action: ("*",) if "*" in found else tuple(sorted(found)) for action, found in sorted(patterns.items())}


def data_allowances(granted: Mapping[str, Collection[str]]) -> dict[str, Collection[str]]:
    """The halt-tier actions that a spec wants on named resources only (Keyspaces' system tables), as the verdict's allowances."""
    return {action: patterns for action, patterns in granted.items() if _is_data_read(action) and "*" not in patterns}


def _rows(call: Call) -> Iterator[Permission]:
    if (call.service, call.operation) in WITHHELD:
        return
    fixed = {name: value for name, value in call.params.items() if "{" not in str(value)}
    fixed |= {name: list(values) for name, values in call.over.items()}
    yield Permission(call.action, call.service, call.operation, fixed, call.why, call.resources or _api_gateway_paths(call))
    fact = facts.actions_for(call.service, call.operation)
    for action in fact.dependent if fact else ():
        if facts.level_of(action) in ("List", "Read") and not _is_data_read(action) and action not in NOT_TAKEN_ALONG:
            why = f"AWS asks for it when {call.service}.{call.operation} is called."
            yield Permission(action, call.service, call.operation, {}, why, taken_along=True)


def _is_data_read(action: str) -> bool:
    denied = facts.denied(action)
    return denied is not None and denied.tier == "halt"


def _api_gateway_paths(call: Call) -> tuple[str, ...]:
    """The paths that *call* asks for, from AWS's own model: API Gateway has one IAM action for every read, API keys' values included.

    ``/usageplans`` is the listing alone: ``/usageplans/*/keys`` would show keys. Only a private domain's ARN carries the account.
    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html
    """
    if call.action != _API_GATEWAY:
        return ()
    uri: str = service_model(call.service).operation_model(call.operation).http["requestUri"]
    path = re.sub(r"\{[^}]*\}", "*", uri.partition("?")[0].removeprefix("/v2"))
    accounts = ("", "*") if path.startswith("/domainnames") else ("",)
    return tuple(f"arn:*:apigateway:*:{account}:{path}" for account in accounts)
