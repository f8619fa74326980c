"""Who signs: the credentials we were started with, a hub role if one is named, and in each account the role that is assumed there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from time import monotonic
from typing import Any

import anyio
from aiobotocore.credentials import AioRefreshableCredentials
from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import parse_timestamp

from collector.aws.api_error import NOT_AS_MODELLED, UNREADABLE, ApiError, from_exception
from collector.aws.gateway import Gateway
from collector.aws.page import Tally
from collector.aws.session import Credentials
from collector.errors import CredentialsError
from collector.plan import Target
from collector.spec.permitted import ASSUME_ROLE, IDENTITY

BASE, HUB = "base", "hub"
"""Names, in place of an account, of who we are before a role is assumed."""
LOOKED_AT_SECONDS = 30.0
"""botocore renews credentials a quarter of an hour before they end (AioRefreshableCredentials), so half a minute is soon enough."""
SESSION_SECONDS = 3600
"""What AWS allows at most when a role is assumed from a role (STS API reference, role chaining)."""
ASK_AGAIN_SECONDS = 30.0
"""How long a role is not asked for again after a refusal that may pass. The gateway has then tried for as long as it makes sense, and
hundreds of tasks wait for the same role.
"""
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_INVALID = frozenset({"InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException"})
"""Of STS: the credentials are none, or none any more. (Other services say so as well in a region that is switched off.)"""


@dataclass(frozen=True, slots=True)
class Role:
    """The role to assume in an account: its ARN, and the ExternalId that its trust policy asks for."""

    arn: str
    external_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SessionLimit:
    """What a session may do at most, whatever its role may: what *policy* and the *managed* policies allow, taken together."""

    policy: str | None = None
    managed: tuple[str, ...] = ()
    """ARNs, or names with their path, of which the role's account has one each."""

    def params(self, role: Role) -> dict[str, Any]:
        """What AssumeRole is told of it in the account of *role*."""
        account = role.arn.partition(":role/")[0]
        arns = [{"arn": each if each.startswith("arn:") else f"{account}:policy/{each.removeprefix('/')}"} for each in self.managed]
        return {**({"Policy": self.policy} if self.policy else {}), **({"PolicyArns": arns} if arns else {})}


async def base_credentials(session: AioSession) -> Credentials:
    """The credentials of whoever runs us, from the usual chain. Raises CredentialsError when there are none."""
    try:
        credentials: Credentials | None = await session.get_credentials()
    except (BotoCoreError, ClientError) as error:
        raise CredentialsError(
            f"AWS credentials cannot be loaded ({type(error).__name__}): check the profile and its SSO session"
        ) from error
    if credentials is None:
        raise CredentialsError("no AWS credentials found: set AWS_PROFILE, run `aws sso login`, or give the container or instance a role")
    return credentials


class _Base:
    """The credentials we were started with. Refreshing them is tried as often as a call; after that the run ends."""

    def __init__(self, given: Credentials) -> None:
        self._given = given

    async def get_frozen_credentials(self) -> Any:
        try:
            return await self._given.get_frozen_credentials()
        except (BotoCoreError, ClientError, OSError, RuntimeError) as error:  # botocore's own for "still expired" is a RuntimeError
            lost = ApiError("failed", type(error).__name__, passing=True, expired=True)
            lost.sent = False
            raise lost from None


class _Assumed:
    """Credentials that botocore renews, minutes before they end. It looks at clock and calendar each time it is asked, which is a tenth of
    a call; so it is asked once in LOOKED_AT_SECONDS.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._frozen: Any = None
        self._until = 0.0

    async def get_frozen_credentials(self) -> Any:
        if monotonic() >= self._until:
            self._frozen = await self._credentials.get_frozen_credentials()
            self._until = monotonic() + LOOKED_AT_SECONDS
        return self._frozen


class RoleIdentities:
    """The credentials of every account, assumed when first needed, refreshed before they expire, and shared by its tasks.

    ``roles`` names the role of each account; an account without one is read with the credentials we were started with.
    """

    def __init__(
        self,
        base: Credentials,
        *,
        region: str,
        partition: str,
        session_name: str,
        hub: Role | None = None,
        limit: SessionLimit = SessionLimit(),
    ) -> None:
        self._base = _Base(base)
        self._target = (partition, region)
        self._session_name = session_name
        self._hub = hub
        self.limit = limit
        self._assumed: dict[str, Credentials] = {}
        self._refused: dict[str, tuple[ApiError, float]] = {}
        """What a role was refused with, and until when it is not asked for again."""
        self._locks: dict[str, anyio.Lock] = {}
        self.roles: Mapping[str, Role] = {}
        self.gateway: Gateway | None = None

    async def of(self, account_id: str) -> Credentials:
        """The credentials that sign for *account_id*. Raises ApiError, the same one each time, when its role cannot be assumed."""
        role = self._role(account_id)
        if role is None:
            return self._base
        if account_id not in self._assumed:
            async with self._locks.setdefault(account_id, anyio.Lock()):
                if account_id not in self._assumed:
                    self._assumed[account_id] = await self._assume(account_id, role)
        return self._assumed[account_id]

    def _role(self, account_id: str) -> Role | None:
        return self._hub if account_id == HUB else None if account_id == BASE else self.roles.get(account_id)

    def renew(self, account_id: str, expired: Credentials) -> None:
        """Forget the *expired* credentials of *account_id*, so that the next call assumes its role again. Who comes late, after others
        have renewed them, forgets nothing.
        """
        if self._assumed.get(account_id) is expired:
            del self._assumed[account_id]

    def require_renewable(self, account_id: str, error: ApiError) -> None:
        """*error*, about credentials, lasts. Raises CredentialsError when it is about those we were started with: nobody renews them."""
        if self._role(account_id) is None and (error.code in _EXPIRED or not error.sent):
            raise _ended(error)

    def forget(self, account_id: str) -> None:
        """Forget all about an account that is done with."""
        self._assumed.pop(account_id, None)
        self._refused.pop(account_id, None)
        self._locks.pop(account_id, None)

    async def _assume(self, account_id: str, role: Role) -> Credentials:
        async def refresh() -> dict[str, str]:
            error, until = self._refused.get(account_id, (None, 0.0))
            if error is not None and anyio.current_time() < until:
                raise error
            try:
                return await self._session_of(account_id, role)
            except ApiError as error:
                # The gateway has asked as often as it makes sense; whoever waits for these credentials must not ask again on top.
                refused = ApiError(error.kind, error.code, reason=error.reason)
                refused.asked = error.asked or ASSUME_ROLE.action
                refused.sent = False
                self._refused[account_id] = refused, anyio.current_time() + (ASK_AGAIN_SECONDS if error.passing else inf)
                raise refused from None

        return _Assumed(AioRefreshableCredentials.create_from_metadata(await refresh(), refresh_using=refresh, method="sts-assume-role"))

    async def _session_of(self, account_id: str, role: Role) -> dict[str, str]:
        """A new session of *role*, as botocore wants to be told of it."""
        assert self.gateway is not None
        through = HUB if self._hub is not None and account_id != HUB else BASE
        partition, region = self._target
        params: dict[str, Any] = {
            "RoleArn": role.arn,
            "RoleSessionName": self._session_name,
            "DurationSeconds": SESSION_SECONDS,
            **({"ExternalId": role.external_id} if role.external_id else {}),
            **(self.limit.params(role) if account_id != HUB else {}),
        }
        try:
            answer = await self.gateway.once(ASSUME_ROLE, Target(partition, through, region), params, Tally())
        except ApiError as error:
            if through == BASE and error.code in _INVALID:
                raise _ended(error) from None
            raise
        try:
            session = answer["Credentials"]
            expires = parse_timestamp(session["Expiration"])
            told = {"access_key": session["AccessKeyId"], "secret_key": session["SecretAccessKey"], "token": session["SessionToken"]}
        except NOT_AS_MODELLED:
            raise ApiError("failed", UNREADABLE) from None
        if expires <= datetime.now(UTC):  # or our clock is wrong
            raise ApiError("failed", "SessionExpiredAtOnce")
        return {**told, "expiry_time": session["Expiration"]}


async def caller_identity(gateway: Gateway, target: Target) -> tuple[str, str]:
    """(account, partition) of whoever signs for *target*."""
    answer = await gateway.once(IDENTITY, target, {}, Tally())
    return str(answer["Account"]), str(answer["Arn"]).split(":")[1]


def _ended(error: ApiError) -> CredentialsError:
    return CredentialsError(f"the credentials in use have expired ({error.code}): renew them; --resume carries on a run that had begun")


def credentials_error(error: Exception) -> CredentialsError:
    """One line about why the credentials we were started with are not accepted."""
    meaning = from_exception(error)
    told = f"{meaning.kind}: {meaning.code}" if meaning else type(error).__name__
    return CredentialsError(
        f"AWS does not accept the credentials in use ({told}): check AWS_PROFILE, their expiry, the region and the clock"
    )
