"""Settings -> a way to AWS: whose credentials, which accounts, which of their regions. What every command that asks AWS begins with."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import anyio
import structlog

from collector.aws import endpoints
from collector.aws.accounts import Choice, Member, Organization, account
from collector.aws.api_error import NOT_AS_MODELLED, UNREADABLE, ApiError
from collector.aws.gateway import Gateway
from collector.aws.identity import BASE, Role, RoleIdentities, SessionLimit, base_credentials, caller_identity, credentials_error
from collector.aws.session import Clients, Credentials, asks_for_a_code, base_session
from collector.errors import CredentialsError, SettingsError
from collector.iam.permissions import permissions
from collector.iam.session_policy import session_policy
from collector.machine import seldom_collected
from collector.plan import Account, Target
from collector.record import Gap
from collector.settings import Where, read_external_ids
from collector.spec.model import Call, Family
from collector.spec.permitted import IDENTITY, IN_ACCOUNT_CALLS, permitted
from collector.spelling import did_you_mean

log = structlog.get_logger()

ABREAST = 64
"""Accounts entered at the same time: each asks some ten calls, one after the other."""
STS_RATE = 100.0
"""Calls of STS a second to begin with, of the 600 that AWS allows an account in a region, whoever makes them: a role is assumed in our own
account. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entities (STS request quotas)
"""


@dataclass(frozen=True, slots=True)
class Entrance:
    """A gateway and the accounts that may be entered through it; nothing was asked of any of them yet."""

    gateway: Gateway
    identities: RoleIdentities
    partition: str
    members: tuple[Member, ...]
    left_out: tuple[Member, ...]
    """Accounts of the organisation that AWS has suspended or closed."""
    region: str
    """Where STS and the question about regions are asked."""
    asks_for_a_code: bool = False
    """Do our own credentials ask a person?"""


Admit: TypeAlias = Callable[[Entrance, Member], Awaitable[Gap | None]]
"""Asked of each account before anything else is: None, or why nothing of it may be read."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A gateway, and what may be read through it."""

    gateway: Gateway
    partition: str
    accounts: tuple[Account, ...]
    roles: Mapping[str, Role]
    """The role of each account that is read through one."""
    limit: SessionLimit
    """To what a session of such a role is limited."""
    left_out: tuple[Member, ...]
    """Accounts of the organisation that AWS has suspended or closed."""
    region: str
    """Where STS and the question about regions are asked."""
    asks_for_a_code: bool = False
    """Do our own credentials ask a person?"""


@asynccontextmanager
async def connected(settings: Where, families: Sequence[Family], admit: Admit | None = None) -> AsyncIterator[Connection]:
    """A connection that allows what *families* need and nothing else. Raises SettingsError and CredentialsError.

    An account that *admit* has something against is there, blocked, with every region that was chosen.
    """
    async with entered(settings, families) as entrance:
        accounts = await _accounts(settings, entrance, admit)
        yield Connection(
            entrance.gateway,
            entrance.partition,
            accounts,
            entrance.identities.roles,
            entrance.identities.limit,
            entrance.left_out,
            entrance.region,
            entrance.asks_for_a_code,
        )


@asynccontextmanager
async def entered(settings: Where, families: Sequence[Family], calls: Sequence[Call] = ()) -> AsyncIterator[Entrance]:
    """The way into the accounts that *settings* name, for what *families* need and for *calls*. Raises SettingsError and
    CredentialsError.
    """
    session = base_session(settings.profile)
    region = _region(session.get_config_variable("region"), settings)
    partition = _partition(region)
    _check_regions(settings, partition)
    limit = _session_limit(settings, families, calls)
    async with _gateway(settings, families, await base_credentials(session), limit, partition, region, calls) as (gateway, identities):
        own = await _own_account(gateway, Target(partition, BASE, region))
        members, left_out = await _members(settings, gateway, partition, own)
        identities.roles = _roles(settings, members, partition, own)
        yield Entrance(gateway, identities, partition, members, left_out, region, asks_for_a_code(session))


@asynccontextmanager
async def reentered(
    settings: Where,
    families: Sequence[Family],
    *,
    partition: str,
    region: str,
    roles: Mapping[str, Role],
    limit: SessionLimit,
) -> AsyncIterator[Gateway]:
    """A gateway to accounts of which another process knows all that there is to ask before they are read. Raises CredentialsError."""
    credentials = await base_credentials(base_session(settings.profile))
    async with _gateway(settings, families, credentials, limit, partition, region) as (gateway, identities):
        identities.roles = roles
        yield gateway


@asynccontextmanager
async def _gateway(
    settings: Where,
    families: Sequence[Family],
    credentials: Credentials,
    limit: SessionLimit,
    partition: str,
    region: str,
    calls: Sequence[Call] = (),
) -> AsyncIterator[tuple[Gateway, RoleIdentities]]:
    identities = RoleIdentities(
        credentials,
        region=region,
        partition=partition,
        session_name=settings.session_name,
        hub=Role(settings.hub_role, settings.hub_external_id) if settings.hub_role else None,
        limit=limit,
    )
    rates = {"sts": STS_RATE} | {family.service: family.root.rate for family in families if family.root.rate}
    allowed = permitted(families, calls)
    with seldom_collected():
        async with Clients(partition, settings.profile, allowed) as clients:
            gateway = Gateway(clients, identities, allowed, rates)
            identities.gateway = gateway
            yield gateway, identities


def _session_limit(settings: Where, families: Sequence[Family], calls: Sequence[Call]) -> SessionLimit:
    """Sessions are limited to what is read: by one policy for the run, or by those of the accounts, which say nothing of the role."""
    if settings.no_session_policy:
        return SessionLimit()
    own = {call.action for call in IN_ACCOUNT_CALLS}
    read = set() if settings.session_policy else {row.action for row in permissions(families)}
    on = {call.action: call.resources for call in calls} | ({"kms:Decrypt": (settings.billing_key,)} if settings.billing_key else {})
    return SessionLimit(session_policy({*own, *read}, on if calls else {}), settings.session_policy)


def _region(configured: str | None, settings: Where) -> str:
    """The region to start from: the configured one, or the home of the partition that the role's ARN names."""
    if configured:
        return configured
    arn = settings.hub_role or (settings.role if settings.role and settings.role.startswith("arn:") else None)
    return endpoints.default_region(arn.split(":")[1] if arn and arn.split(":")[1] in endpoints.partitions() else "aws")


def _partition(region: str) -> str:
    partition = endpoints.partition_of(region)
    if partition is None:
        every = [each for name in endpoints.partitions() for each in endpoints.regions(name)]
        raise SettingsError(f'AWS_REGION: no region "{region}"{did_you_mean(region, every)}')
    return partition


def _check_regions(settings: Where, partition: str) -> None:
    known = endpoints.regions(partition)
    for name in ("region", "exclude_region"):
        for pattern in getattr(settings, name):
            if pattern != "global" and not any(each in Choice((pattern,)) for each in known):
                raise SettingsError(f'{name}: no region "{pattern}" in the partition {partition}{did_you_mean(pattern, known)}')


async def _own_account(gateway: Gateway, target: Target) -> str:
    try:
        own, _ = await caller_identity(gateway, target)
    except ApiError as error:
        raise credentials_error(error) from error
    return own


async def _members(settings: Where, gateway: Gateway, partition: str, own: str) -> tuple[tuple[Member, ...], tuple[Member, ...]]:
    """The accounts to read, and those that were asked for but are suspended or closed."""
    if not settings.reads_organization:
        names = settings.account or (own,)
        found = [Member(name, name, "ACTIVE") for name in dict.fromkeys(names)]
    else:
        organization = Organization(gateway, partition, hub=settings.hub_role is not None)
        try:
            found = await organization.members(settings.unit, settings.exclude_unit)
        except ApiError as error:
            raise CredentialsError(
                f"the organisation cannot be read ({error.kind}: {error.code}): use credentials, or a --hub-role, of its management "
                "account or of a delegated administrator"
            ) from error
        missing = set(settings.account) - {member.id for member in found}
        if missing:
            raise SettingsError(f"account: {min(missing)} is not among the {len(found)} accounts that were found in the organisation")
        found = [member for member in found if not settings.account or member.id in settings.account]
    wanted = [member for member in found if member.id not in settings.exclude_account]
    active = tuple(member for member in wanted if member.status == "ACTIVE")
    left_out = tuple(member for member in wanted if member.status != "ACTIVE")
    for member in left_out:
        log.warning("account.left_out", account_id=member.id, status=member.status)
    if not active:
        raise SettingsError("no account is left to read")
    return active, left_out


def _roles(settings: Where, members: Sequence[Member], partition: str, own: str) -> dict[str, Role]:
    """The role of each account. Only the account of the current credentials can do without one."""
    if settings.role is None:
        other = next((member.id for member in members if member.id != own), None)
        if other is not None:
            raise SettingsError(
                f"role is missing: account {other} is not the account of the current credentials ({own}), so name its --role"
            )
        return {}
    ids = _external_ids(settings)
    every = ids if isinstance(ids, str) else settings.external_id
    single = {**(ids if isinstance(ids, dict) else {}), **settings.external_ids}
    return {member.id: Role(_role_arn(settings.role, member.id, partition), single.get(member.id, every)) for member in members}


def _external_ids(settings: Where) -> str | Mapping[str, str] | None:
    return read_external_ids(settings.external_id_file) if settings.external_id_file is not None else None


def _role_arn(role: str, account_id: str, partition: str) -> str:
    if not role.startswith("arn:"):
        return f"arn:{partition}:iam::{account_id}:role/{role.removeprefix('/')}"
    if role.split(":")[4] != account_id:
        raise SettingsError(f"role: {role} is not a role of account {account_id}")
    return role


async def _accounts(settings: Where, entrance: Entrance, admit: Admit | None) -> tuple[Account, ...]:
    """Every account with its regions, a few asked abreast."""
    choice = Choice(tuple(each for each in settings.region if each != "global"), settings.exclude_region)
    gateway, partition = entrance.gateway, entrance.partition
    found: dict[str, Account] = {}
    limit = anyio.CapacityLimiter(ABREAST)

    async def ask(member: Member) -> None:
        async with limit:
            against: Gap | None = None
            try:
                against = await admit(entrance, member) if admit else None
                if against is None:
                    found[member.id] = await account(gateway, member.id, partition, region=entrance.region, choice=choice, name=member.name)
            except* NOT_AS_MODELLED:
                against = Gap(action=IDENTITY.action, code=UNREADABLE, kind="failed")
            if against is not None:
                chosen = tuple(each for each in endpoints.regions(partition) if each in choice)
                found[member.id] = Account(member.id, partition, chosen, name=member.name, blocked=against)

    async with anyio.create_task_group() as group:
        for member in entrance.members:
            group.start_soon(ask, member)
    for each in found.values():
        if each.blocked is not None and each.blocked.kind != "halted":
            told = {"fix": FIXES[each.blocked.code]} if each.blocked.code in FIXES else {}
            gap = each.blocked
            log.warning("account.blocked", account_id=each.id, kind=gap.kind, code=gap.code, action=gap.action, **told)
    return tuple(found[member.id] for member in entrance.members)


FIXES = {"PackedPolicyTooLarge": "AWS cannot pack the session policy so small: read fewer services at once, or give --no-session-policy."}
"""What helps against a refusal, by its code."""
