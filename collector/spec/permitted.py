"""What may be called: one table, compiled from the specs, that the gateway, the guard, the policies and the documents all read."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from collector.errors import CallNotAllowedError
from collector.spec.api import paginators
from collector.spec.model import Call, Family
from collector.template import parsed

# What the collector must ask before it can read anything: who it is, in which accounts and regions it may work.
IDENTITY = Call("sts", "GetCallerIdentity", "sts:GetCallerIdentity", why="Whose credentials these are. AWS always allows it.")
ASSUME_ROLE = Call(
    "sts",
    "AssumeRole",
    "sts:AssumeRole",
    params={
        "RoleArn": "{role}",
        "RoleSessionName": "{session}",
        "ExternalId": "{external_id}",
        "DurationSeconds": "{seconds}",
        "Policy": "{policy}",
        "PolicyArns": "{policy_arns}",
    },
    why="The only way into a customer's account.",
)
REGIONS = Call("ec2", "DescribeRegions", "ec2:DescribeRegions", params={"AllRegions": True}, take="Regions[]")
ORGANIZATION_ACCOUNTS = Call("organizations", "ListAccounts", "organizations:ListAccounts", take="Accounts[]")
ORGANIZATION_ROOTS = Call("organizations", "ListRoots", "organizations:ListRoots", take="Roots[]")
UNITS_UNDER = Call(
    "organizations",
    "ListOrganizationalUnitsForParent",
    "organizations:ListOrganizationalUnitsForParent",
    params={"ParentId": "{parent}"},
    take="OrganizationalUnits[]",
)
ACCOUNTS_UNDER = Call(
    "organizations",
    "ListAccountsForParent",
    "organizations:ListAccountsForParent",
    params={"ParentId": "{parent}"},
    take="Accounts[]",
)
# What a role lets us do is looked up before anything is read with it: these show its own policies, and nothing of the account's data.
ROLE = Call(
    "iam", "GetRole", "iam:GetRole", params={"RoleName": "{role}"}, take="Role", why="The role's own trust policy and permissions boundary."
)
ATTACHED_POLICIES = Call(
    "iam", "ListAttachedRolePolicies", "iam:ListAttachedRolePolicies", params={"RoleName": "{role}"}, take="AttachedPolicies[]"
)
INLINE_POLICIES = Call("iam", "ListRolePolicies", "iam:ListRolePolicies", params={"RoleName": "{role}"}, take="PolicyNames[]")
INLINE_POLICY = Call(
    "iam",
    "GetRolePolicy",
    "iam:GetRolePolicy",
    params={"RoleName": "{role}", "PolicyName": "{policy}"},
    take="PolicyDocument",
    why="What an inline policy of the role grants.",
)
POLICY = Call(
    "iam", "GetPolicy", "iam:GetPolicy", params={"PolicyArn": "{policy}"}, take="Policy", why="Which version of an attached policy is live."
)
POLICY_VERSION = Call(
    "iam",
    "GetPolicyVersion",
    "iam:GetPolicyVersion",
    params={"PolicyArn": "{policy}", "VersionId": "{version}"},
    take="PolicyVersion",
    why="What the live version of an attached policy grants.",
)
INSPECTION_CALLS = (ROLE, ATTACHED_POLICIES, INLINE_POLICIES, INLINE_POLICY, POLICY, POLICY_VERSION)
"""Asked about the assumed role itself, never about another one."""
IN_ACCOUNT_CALLS = (IDENTITY, REGIONS, *INSPECTION_CALLS)
"""What is asked in every account beside what the specs name."""
OWN_CALLS = (
    IDENTITY, ASSUME_ROLE, REGIONS, ORGANIZATION_ACCOUNTS, ORGANIZATION_ROOTS, UNITS_UNDER, ACCOUNTS_UNDER, *INSPECTION_CALLS,
)  # fmt: skip


class Permitted:
    """The calls that may be made, by service and operation."""

    def __init__(self, calls: Iterable[Call]) -> None:
        self._calls: dict[tuple[str, str], list[Call]] = {}
        self._rules: dict[tuple[str, str], list[_Rule]] = {}
        """What the parameters of those asked so far must look like."""
        for call in calls:
            same = self._calls.setdefault((call.service, call.operation), [])
            if call not in same:
                same.append(call)

    def __contains__(self, operation: tuple[str, str]) -> bool:
        return operation in self._calls

    def __iter__(self) -> Iterator[Call]:
        for same in self._calls.values():
            yield from same

    def require(self, service: str, operation: str, params: Mapping[str, Any]) -> None:
        """Raise CallNotAllowedError unless some spec names this operation with these fixed parameters and no others."""
        rules = self._rules.get((service, operation)) or self._rules_of(service, operation)
        if not any(rule.allows(params) for rule in rules):
            raise CallNotAllowedError(
                f"{service}.{operation} with other parameters than its spec fixes: {', '.join(sorted(params)) or 'none'}"
            )

    def _rules_of(self, service: str, operation: str) -> "list[_Rule]":
        same = self._calls.get((service, operation))
        if same is None:
            raise CallNotAllowedError(f"{service}.{operation} is named by no spec")
        rules = self._rules[service, operation] = [_Rule.of(call) for call in same]
        return rules


def permitted(families: Iterable[Family], calls: Iterable[Call] = ()) -> Permitted:
    """The table of *families*, of what the collector asks for itself, and of *calls*, which no spec may name."""
    return Permitted((*OWN_CALLS, *(call for family in families for call in family.calls()), *calls))


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a spec fixes of a call's parameters."""

    fixed: Mapping[str, Any]
    one_of: Mapping[str, Sequence[Any]]
    pages: frozenset[str]
    """Those that take a page's token, which may be anything."""

    @classmethod
    def of(cls, call: Call) -> "_Rule":
        pages = frozenset(page_inputs(call))
        return cls({name: value for name, value in call.params.items() if name not in {*call.over, *pages}}, call.over, pages)

    def allows(self, params: Mapping[str, Any]) -> bool:
        given = {name: value for name, value in params.items() if name not in self.pages and name not in self.one_of} if params else params
        return all(params.get(name) in values for name, values in self.one_of.items()) and _fits_members(self.fixed, given)


def _fits_members(fixed: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Nothing that the spec does not name, and all that it fixes, if only in part. What is all filled in may be missing: not every item has
    it.
    """
    return given.keys() <= fixed.keys() and all(
        _fits_value(value, given[name]) if name in given else _is_filled(value) and len(parsed(value)) == 1 for name, value in fixed.items()
    )


def _fits_value(fixed: Any, value: Any) -> bool:
    """Is *value* what the spec fixes? What the spec fills in may be anything, but only in its place."""
    if isinstance(fixed, Mapping):
        return isinstance(value, Mapping) and _fits_members(fixed, value)
    if isinstance(fixed, list | tuple):
        return isinstance(value, list) and len(value) == len(fixed) and all(map(_fits_value, fixed, value))
    if not _is_filled(fixed):
        return bool(fixed == value)
    parts = parsed(fixed)
    return len(parts) == 1 or (isinstance(value, str) and _around(parts).fullmatch(value) is not None)


@cache
def _around(parts: tuple[str | tuple[str, ...], ...]) -> re.Pattern[str]:
    """What the text of *parts* must look like, whatever is filled in."""
    return re.compile("".join(re.escape(part) if isinstance(part, str) else ".*" for part in parts), re.DOTALL)


def _is_filled(fixed: Any) -> bool:
    return isinstance(fixed, str) and "{" in fixed


def page_inputs(call: Call) -> tuple[str, ...]:
    """The parameters that take a page's token."""
    if call.page is not None:
        return (call.page.input,)
    inputs = paginators(call.service).get(call.operation, {}).get("input_token", ())
    return (inputs,) if isinstance(inputs, str) else tuple(inputs)
