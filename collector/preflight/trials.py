"""Try the ExternalId: with the right one the role must open, with none and with a wrong one it must not.

Nothing is done in a session that opened when it should not have: it is asked for with a policy that denies everything, and thrown away.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import anyio

from collector.aws.api_error import ApiError
from collector.aws.identity import Role
from collector.aws.page import Asks, Tally
from collector.aws.session import Credentials
from collector.plan import Target
from collector.preflight.report import Objection, objection
from collector.spec.permitted import ASSUME_ROLE

TRIES = 3
PAUSE_SECONDS = 2.0
"""Between tries: a changed trust policy is known everywhere after some seconds (IAM user guide, "Changes that I make are not always
immediately visible"). A denial proves nothing until it was given three times, nor does a success that is missing once."""
SHORTEST_SESSION = 900
"""Seconds; STS gives no shorter session."""
NOTHING_ALLOWED = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'

_TRUST = "the trust policy"
_FIX = 'Add the condition {"StringEquals": {"sts:ExternalId": …}} to every statement of the trust policy that allows sts:AssumeRole.'

Sleep = Callable[[float], Awaitable[None]]


class Sessions(Protocol):
    """The credentials of accounts, as the gateway's own identities keep them."""

    async def of(self, account_id: str) -> Credentials: ...

    def forget(self, account_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Door:
    """A role, and where it is tried from."""

    role: Role
    account_id: str
    outside: Target
    """Whoever assumes roles: the credentials we were started with, or the hub role."""
    session_name: str


async def opens(sessions: Sessions, door: Door, sleep: Sleep = anyio.sleep) -> ApiError | None:
    """None when the role can be assumed with its ExternalId, tried up to three times; otherwise what AWS said last."""
    refusal: ApiError | None = None
    for attempt in range(TRIES):
        if attempt:
            await sleep(PAUSE_SECONDS)
        try:
            await sessions.of(door.account_id)
        except ApiError as error:
            refusal = error
            sessions.forget(door.account_id)
            if error.kind != "denied":
                return error
        else:
            return None
    return refusal


async def opens_to_others(gateway: Asks, door: Door, sleep: Sleep = anyio.sleep) -> list[Objection]:
    """What speaks against a role that can be assumed without an ExternalId or with a wrong one."""
    if door.role.external_id is None:
        says = "no ExternalId is set for this account, so the role opens for whoever talks the collector into naming it"
        return [objection("warning", "no-external-id", says, f"{_FIX} Then set COLLECTOR_EXTERNAL_ID.", policy=_TRUST)]
    found: dict[str, Objection] = {}
    for attempt in range(TRIES):
        if attempt:
            await sleep(PAUSE_SECONDS)
        for how, external_id in (("without an ExternalId", None), ("with a wrong ExternalId", f"wrong-{secrets.token_hex(8)}")):
            if how not in found and (against := await _tried(gateway, door, how, external_id)) is not None:
                found[how] = against
    return list(found.values())


async def _tried(gateway: Asks, door: Door, how: str, external_id: str | None) -> Objection | None:
    params = {
        "RoleArn": door.role.arn,
        "RoleSessionName": door.session_name,
        "DurationSeconds": SHORTEST_SESSION,
        "Policy": NOTHING_ALLOWED,
        **({"ExternalId": external_id} if external_id else {}),
    }
    try:
        await gateway.once(ASSUME_ROLE, door.outside, params, Tally())
    except ApiError as error:
        if error.kind == "denied":
            return None
        says = f"whether the role can be assumed {how} could not be found out ({error.kind}: {error.code})"
        return objection("halt", "trial-failed", says, "Run the preflight again.", policy=_TRUST, actions=(ASSUME_ROLE.action,))
    rule = "opens-with-wrong-external-id" if external_id else "opens-without-external-id"
    return objection("halt", rule, f"the role can be assumed {how}", _FIX, policy=_TRUST, actions=(ASSUME_ROLE.action,))
