"""Clients: one for each service, shared by all accounts and regions, and let go when others are asked instead.

Who signs, and where to, is told by a context variable that the gateway sets around each call (`caller.py`). A call goes the direct way
where there is one (`direct.py`) and botocore's own way where not. The guard (`guard.py`) sits on botocore's events and in the function that
signs on the direct way.
"""

import gc
import os
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aioboto3
import anyio
import anyio.to_thread
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore import __version__ as botocore_version
from botocore import handlers as botocore_handlers
from botocore import xform_name
from botocore.exceptions import BotoCoreError
from botocore.handlers import REGISTER_FIRST, REGISTER_LAST
from botocore.parsers import ResponseParserError

from collector import __version__
from collector.aws import models
from collector.aws.answered import refuse_what_is_no_answer
from collector.aws.caller import CALLER, Caller, Credentials, the_caller
from collector.aws.connections import CONNECT_SECONDS, READ_SECONDS, Connections
from collector.aws.direct import Direct, Shared
from collector.aws.endpoints import default_region
from collector.aws.guard import Guard
from collector.aws.parse import UNFORESEEN, moment_text
from collector.aws.sign import signed
from collector.errors import CallNotAllowedError
from collector.spec.model import Call
from collector.spec.permitted import Permitted

__all__ = ["CALLER", "USER_AGENT", "Caller", "Clients", "Credentials", "asks_for_a_code", "base_session"]

LARGE = 250_000
"""Bytes of an answer above which it is read in a thread: so much XML takes five milliseconds, in which no other answer would be heard. Only
one is read at a time: the event loop waits its turn behind every thread that is at work, five milliseconds each.
"""
KEPT = 96
"""Clients at most, each with its operations a third of a megabyte. The plan goes from service to service, so what was not used for longest
is done with: the tasks in flight are of one or two services where there are many accounts, of forty at most in one account and region. When
one more is needed the older half goes; what stays is more than these forty.
"""
USER_AGENT = f"aws-service-inventory-collector/{__version__}"


def _in_callers_region(builtins: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """Endpoint rules and signature are of the caller's region, not of the region that the client was made in."""
    region = the_caller().region
    builtins["AWS::Region"] = region
    for legacy in ("AWS::S3::UseGlobalEndpoint", "AWS::STS::UseGlobalEndpoint"):
        if legacy in builtins:
            builtins[legacy] = False
    context.setdefault("signing", {})["region"] = region


def base_session(profile: str | None = None, *, own_handlers: bool = True) -> AioSession:
    """The session of whoever runs us: the usual chain of credentials, profiles and settings of every AWS tool; with botocore's *own
    handlers* of events or, as yet, without.
    """
    session = AioSession(profile=profile, include_builtin_handlers=own_handlers)
    session.set_config_variable("sts_regional_endpoints", "regional")
    return session


def asks_for_a_code(session: AioSession) -> bool:
    """Do the session's credentials ask a person for a one-time code? Its profile, or one that it builds on, then has an ``mfa_serial``."""
    profiles = session.full_config.get("profiles", {})
    name, seen = session.profile or "default", set[str]()
    while name in profiles and name not in seen:
        if "mfa_serial" in profiles[name]:
            return True
        seen.add(name)
        name = profiles[name].get("source_profile", "")
    return False


class Clients:
    """The clients of one partition, each made when it is needed. They make the *permitted* calls and no others.

    A service of which *permitted* names calls knows no other operations: its model is not loaded whole.
    """

    def __init__(self, partition: str, profile: str | None, permitted: Permitted) -> None:
        operations = _operations(permitted)
        session = base_session(profile, own_handlers=False)
        _register_handlers(session, set[str]().union(*operations.values()))
        self._models = models.loader(operations, session.get_config_variable("data_path"))
        session.register_component("data_loader", self._models)
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=moment_text)
        session.register("before-endpoint-resolution", _in_callers_region)
        Guard(permitted).watch(session)
        session.register("before-parse", refuse_what_is_no_answer)
        self._session = aioboto3.Session(botocore_session=session)
        self.connections = Connections(session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE") or True)
        self._permitted = permitted
        self._region = default_region(partition)
        self._clients: OrderedDict[str, Any] = OrderedDict()
        """By service; the one that was not used for longest comes first."""
        self._making: dict[str, anyio.Lock] = {}
        self._direct: dict[str, dict[str, Direct | None]] = {}
        """By service and operation."""
        self._shared = Shared()
        self._large = anyio.CapacityLimiter(1)
        self.made: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._let_go(list(self._clients))
        await self.connections.close()

    async def of(self, service: str) -> Any:
        """The client of *service*."""
        if service not in self._clients:
            async with self._making.setdefault(service, anyio.Lock()):
                if service not in self._clients:
                    self._clients[service] = await self._made(service)
        return self._clients[service]

    async def _made(self, service: str) -> Any:
        if len(self._clients) >= KEPT:
            await self._let_go(list(self._clients)[: KEPT // 2])
            gc.collect()  # clients are rings of objects; looking for them takes 40 ms, so half of them go at once
        self.made[service] += 1
        client = await self._session.client(service, region_name=self._region, config=self._config(service)).__aenter__()
        if _is_address(urlsplit(client.meta.endpoint_url).hostname or ""):
            client.meta.config.inject_host_prefix = False  # "data-." cannot stand before 127.0.0.1
        models.forget(self._models, service)
        gc.collect(1)  # what making it, and the operations of the one before, left behind
        return client

    async def _let_go(self, services: Sequence[str]) -> None:
        going = [self._clients.pop(service) for service in services]
        for service in services:
            self._direct.pop(service, None)
            self._shared.forget(service)
        for client in going:
            await client.close()

    def _config(self, service: str) -> AioConfig:
        return AioConfig(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            http_session_cls=self.connections.of_client,
            retries={"total_max_attempts": 1},  # tenacity retries one page; two layers would multiply
            parameter_validation=True,
            user_agent=f"{USER_AGENT} api/{service}",  # botocore adds its own name
            account_id_endpoint_mode="disabled",  # one client serves every account
            endpoint_discovery_enabled=False,  # it would be a call that no spec names
        )

    async def send(self, caller: Caller, params: Mapping[str, Any]) -> dict[str, Any]:
        """AWS's answer to one request, sent once and signed as *caller*. Raises what botocore raises, and CallNotAllowedError."""
        token = CALLER.set(caller)
        try:
            direct = await self._direct_way(caller.call)
            request = await direct.request(caller.region, params) if direct is not None else None
            if direct is None or request is None:
                return await self._botocores_way(caller.call, params)
            headers = await signed(request)
            received = await self.connections.send(request.method, request.url, headers, request.body, request.proxy)
            if len(received.body) > LARGE:
                return await anyio.to_thread.run_sync(direct.values, received, limiter=self._large)
            return direct.values(received)
        finally:
            CALLER.reset(token)

    async def _direct_way(self, call: Call) -> Direct | None:
        try:
            self._clients.move_to_end(call.service)
            return self._direct[call.service][call.operation]
        except KeyError:
            if (call.service, call.operation) not in self._permitted:
                raise CallNotAllowedError(f"{call.service}.{call.operation} is named by no spec") from None
            client = await self.of(call.service)
            user_agent = f"{USER_AGENT} api/{call.service} botocore/{botocore_version}"
            way = Direct.of(client, call.operation, user_agent, self._shared)
            self._direct.setdefault(call.service, {})[call.operation] = way
            return way

    async def _botocores_way(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        client = await self.of(call.service)
        try:
            answer: dict[str, Any] = await getattr(client, xform_name(call.operation))(**params)
        except BotoCoreError:  # some are ValueErrors as well
            raise
        except UNFORESEEN as error:  # botocore's handlers read some answers once more, and do not expect a proxy's page
            raise ResponseParserError(f"{call.operation}: {type(error).__name__}") from error
        answer.pop("ResponseMetadata", None)
        return answer


def _register_handlers(session: AioSession, operations: Collection[str]) -> None:
    """Register botocore's own handlers except those of its documentation and of other *operations*: every client copies them all."""
    emitter = session.get_component("event_emitter")
    register = {REGISTER_FIRST: emitter.register_first, REGISTER_LAST: emitter.register_last}
    for event, handler, *when in botocore_handlers.BUILTIN_HANDLERS:
        moment, *about = event.split(".")
        if moment != "docs" and (len(about) < 2 or about[1] in {"*", *operations}):
            register.get(when[0] if when else None, emitter.register)(event, handler)


def _operations(calls: Iterable[Call]) -> dict[str, set[str]]:
    """The operations of *calls* by service."""
    operations: dict[str, set[str]] = {}
    for call in calls:
        operations.setdefault(call.service, set()).add(call.operation)
    return operations


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost"
    return True
