"""Who may assume the role? Its trust policy, read the way a stranger would use it.

A role for a collector trusts the collector's principals and nobody else, and those only with the customer's ExternalId: otherwise whoever
talks the collector into reading "their" account can name somebody else's role (the confused deputy problem).
https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from collector.iam.document import PolicyUnreadableError, Statement, read_document
from collector.iam.verdict import Severity
from collector.preflight.report import Objection, objection

POLICY = "the trust policy"

_ASSUME = "sts:assumerole"
_EXTERNAL_ID = "sts:externalid"
_EXACT = ("stringequals", "arnequals")
"""Operators whose values match nothing but themselves (unless they hold a wildcard: ArnEquals takes those) and that a missing key fails."""
_NARROWING = ("aws:principalarn", "aws:principalaccount", "aws:principalorgid")
_EXTERNAL_ID_FIX = 'Add the condition {"StringEquals": {"sts:ExternalId": …}} that `collector iam template` writes.'


def judge_trust(document: str | Mapping[str, Any], account_id: str, *, with_external_id: bool) -> list[Objection]:
    """What speaks against the trust policy of a role in *account_id*.

    *with_external_id* tells that the role is assumed with an ExternalId; only then can its policy ask for one.
    """
    try:
        statements = read_document(document).statements
    except PolicyUnreadableError as error:
        fix = "Write it anew, as `collector iam template` does."
        return [objection("halt", "trust-unreadable", f"the trust policy cannot be read ({error})", fix, policy=POLICY)]
    found: list[Objection] = []
    for statement in statements:
        if statement.allows and _assumes(statement):
            found += _judge(statement, account_id, with_external_id=with_external_id)
    return found


def _assumes(statement: Statement) -> bool:
    if statement.not_actions is not None:
        return not any(fnmatchcase(_ASSUME, pattern.lower()) for pattern in statement.not_actions)
    return any(fnmatchcase(_ASSUME, pattern.lower()) for pattern in statement.actions or ())


def _judge(statement: Statement, account_id: str, *, with_external_id: bool) -> Iterator[Objection]:
    def against(severity: Severity, rule: str, says: str, fix: str) -> Objection:
        return objection(severity, rule, f"{POLICY}, {statement.label}, {says}", fix, policy=POLICY, statement=statement.label)

    principals = statement.principals or ()
    narrowed = any(_fixes(statement, key) for key in _NARROWING)
    if statement.not_principals is not None or (any("*" in value for _, value in principals) and not narrowed):
        says = "lets anybody try: its principal is a wildcard, and no condition says whose"
        yield against("halt", "trust-anyone", says, "Name the collector's account or role as the principal.")
    strangers = [value for kind, value in principals if kind in ("AWS", "*") and account_id not in value.split(":")]
    if strangers and with_external_id and not _fixes(statement, _EXTERNAL_ID):
        says = "trusts another account without asking for the ExternalId (StringEquals on sts:ExternalId)"
        yield against("halt", "trust-without-external-id", says, _EXTERNAL_ID_FIX)
    if any(_is_account(value) for value in strangers) and not narrowed:
        says = "trusts everybody whom the other account lets assume roles"
        fix = 'Add the condition {"StringEquals": {"aws:PrincipalArn": …}} with the collector\'s role.'
        yield against("warning", "trust-whole-account", says, fix)


def _is_account(principal: str) -> bool:
    return principal.isdecimal() or principal.endswith(":root")


def _fixes(statement: Statement, key: str) -> bool:
    """Does a condition of *statement* hold *key* to values that match nothing but themselves?"""
    return any(
        condition.operator.lower() in _EXACT
        and condition.key.lower() == key
        and condition.values
        and not any(mark in value for value in condition.values for mark in ("*", "?", "${"))
        for condition in statement.conditions
    )
