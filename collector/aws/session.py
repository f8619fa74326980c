"""Clients: one for each service, shared by all accounts and regions.

Who signs, and where to, is told by a context variable that the gateway sets around each call. There is no default identity: a call outside
the gateway finds none and fails. The guard sits on botocore's own events, so it also sees calls that botocore makes by itself.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import aioboto3
import anyio
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore import xform_name

from collector import __version__
from collector.aws.endpoints import default_region
from collector.errors import CallNotAllowedError
from collector.record import timestamp
from collector.spec.model import Call

CONNECT_SECONDS, READ_SECONDS = 5, 60
"""AWS's control planes accept a connection within a second or not at all; the slowest describe calls answer within a minute."""
CONNECTIONS = 256
"""Open at once to one service, over all accounts and regions; idle ones are kept for the next account."""
USER_AGENT = f"aws-service-inventory-collector/{__version__}"


class Credentials(Protocol):
    """Something that signs: botocore's own credentials are such."""

    async def get_frozen_credentials(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose call is being made, where to, and which: known to the signer, the endpoint rules and the guard."""

    credentials: Credentials
    region: str
    call: Call


CALLER: ContextVar[Caller] = ContextVar("caller")


def _caller() -> Caller:
    try:
        return CALLER.get()
    except LookupError:
        raise CallNotAllowedError("a call outside an account's context") from None


class _CallersCredentials:
    """The credentials that every client is made with: they are the caller's, whoever that is at the moment of signing."""

    method = "collector"

    async def get_frozen_credentials(self) -> Any:
        return await _caller().credentials.get_frozen_credentials()

    async def get_account_id(self) -> None:
        return None

    def get_deferred_property(self, name: str) -> Any:
        return self.get_account_id if name == "account_id" else None


class _CallersCredentialsProvider:
    async def load_credentials(self) -> _CallersCredentials:
        return _CallersCredentials()


def _in_callers_region(builtins: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """Endpoint rules and signature are of the caller's region, not of the region that the client was made in."""
    region = _caller().region
    builtins["AWS::Region"] = region
    for legacy in ("AWS::S3::UseGlobalEndpoint", "AWS::STS::UseGlobalEndpoint"):
        if legacy in builtins:
            builtins[legacy] = False
    context.setdefault("signing", {})["region"] = region


def _refuse_other_calls(operation: str) -> None:
    call = _caller().call
    if call.operation != operation:
        raise CallNotAllowedError(f"{operation} was about to be sent while {call.service}.{call.operation} was asked")


def _before_call(model: Any, context: dict[str, Any], **_: Any) -> None:
    _refuse_other_calls(model.name)
    # botocore follows a bucket's redirect by itself, with HeadBucket; a bucket in another region is the spec's business.
    context["s3_redirect"] = {**context.get("s3_redirect", {}), "redirected": True}


def _before_sign(operation_name: str, **_: Any) -> None:
    _refuse_other_calls(operation_name)


def _moment(value: Any) -> str:
    """A time in an answer as the text that is written: botocore's own parsing costs more than the rest of the answer."""
    if isinstance(value, str):
        if value.endswith("Z") and value[10:11] == "T":
            return value
        try:
            value = float(value)
        except ValueError:
            return _read_moment(value)
    try:
        return timestamp(datetime.fromtimestamp(value, UTC))
    except (ValueError, OverflowError, OSError):
        return str(value)


def _read_moment(text: str) -> str:
    from botocore.utils import parse_timestamp

    try:
        return timestamp(parse_timestamp(text))
    except (ValueError, OverflowError):
        return text


def base_session(profile: str | None = None) -> AioSession:
    """The session of whoever runs us: the usual chain of credentials, profiles and settings of every AWS tool."""
    session = AioSession(profile=profile) if profile else AioSession()
    session.set_config_variable("sts_regional_endpoints", "regional")
    return session


class Clients:
    """The clients of one partition, each made when first needed and closed together."""

    def __init__(self, partition: str, profile: str | None = None) -> None:
        session = base_session(profile)
        session.register_component("credential_provider", _CallersCredentialsProvider())
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
        session.register("before-endpoint-resolution", _in_callers_region)
        session.register("before-call", _before_call)
        session.register("before-sign", _before_sign)
        self._session = aioboto3.Session(botocore_session=session)
        self._region = default_region(partition)
        self._clients: dict[str, Any] = {}
        self._making: dict[str, anyio.Lock] = {}
        self._stack = AsyncExitStack()
        self.made: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._stack.aclose()

    async def of(self, service: str) -> Any:
        """The client of *service*."""
        if service not in self._clients:
            async with self._making.setdefault(service, anyio.Lock()):
                if service not in self._clients:
                    self.made[service] += 1
                    client = await self._stack.enter_async_context(self._session.client(service, region_name=self._region, config=_config()))
                    if _is_address(urlsplit(client.meta.endpoint_url).hostname or ""):
                        client.meta.config.inject_host_prefix = False  # "data-." cannot stand before 127.0.0.1
                    self._clients[service] = client
        return self._clients[service]

    async def send(self, caller: Caller, params: Mapping[str, Any]) -> dict[str, Any]:
        """AWS's answer to one request, sent once and signed as *caller*. Raises what botocore raises."""
        client = await self.of(caller.call.service)
        token = CALLER.set(caller)
        try:
            answer: dict[str, Any] = await getattr(client, xform_name(caller.call.operation))(**params)
        finally:
            CALLER.reset(token)
        answer.pop("ResponseMetadata", None)
        return answer


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def _config() -> AioConfig:
    return AioConfig(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=CONNECTIONS,
        retries={"total_max_attempts": 1},  # tenacity retries one page; two layers would multiply
        parameter_validation=True,
        user_agent_extra=USER_AGENT,
        account_id_endpoint_mode="disabled",  # one client serves every account
        endpoint_discovery_enabled=False,  # it would be a call that no spec names
    )
