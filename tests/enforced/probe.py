"""Ask the emulator whatever the specs allow, as different callers: what it serves and enforces, and under which action's name."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import anyio
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from collector.aws.session import Caller, Clients
from collector.spec.api import service_model
from collector.spec.model import Call
from tests.any_parameters import AnyParameters
from tests.enforced.asking import REGION, Identity
from tests.synthetic.asking import smallest

Asked: TypeAlias = tuple[str, str]
"""A service and its operation."""

ABREAST = 8
SECONDS = 30.0
_UNKNOWN = frozenset({"InvalidAction", "UnknownOperationException", "UnknownOperation", "NotImplemented", "InvalidURI"})
_NO_ROUTE = re.compile(r"No route for |Un(known|supported) [\w ]*?(path|action|endpoint)\b")
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"})
_ACTION = re.compile(r"is not authorized to perform: ([\w-]+:\w+)")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: an error's code and message, or neither."""

    code: str | None = None
    message: str = ""

    @property
    def served(self) -> bool:
        """Whether the emulator knows the operation: anything but "what is that?" says so."""
        return self.code not in _UNKNOWN and not self._is_of_no_service and not _NO_ROUTE.match(self.message)

    @property
    def _is_of_no_service(self) -> bool:
        # To a service that it does not have, the emulator answers {"error": "Unsupported service: …"}, which has no code.
        return self.code in ("400", "UnreadableAnswer")

    @property
    def denied(self) -> bool:
        return self.code in _DENIED

    @property
    def action(self) -> str | None:
        """The IAM action whose lack a denial names."""
        found = _ACTION.search(self.message)
        return found[1] if self.denied and found else None


class _Signer:
    def __init__(self, who: Identity) -> None:
        self._keys = ReadOnlyCredentials(*who)

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return self._keys


async def answers(calls: Iterable[Call], callers: Mapping[str, Identity], account: str) -> dict[str, dict[Asked, Answer]]:
    """Every operation of *calls*, asked once of *account* as each of *callers*, by the collector's own clients."""
    found: dict[str, dict[Asked, Answer]] = {name: {} for name in callers}
    once = {(call.service, call.operation): call for call in calls}
    signers = {name: _Signer(who) for name, who in callers.items()}
    limit = anyio.CapacityLimiter(ABREAST)
    async with Clients("aws", None, AnyParameters(())) as clients:

        async def ask(name: str, asked: Asked, call: Call) -> None:
            async with limit:
                with anyio.fail_after(SECONDS):
                    found[name][asked] = await _answer(clients, Caller(signers[name], REGION, call), account)

        async with anyio.create_task_group() as group:
            for asked, call in once.items():
                for name in callers:
                    group.start_soon(ask, name, asked, call)
    return found


async def _answer(clients: Clients, caller: Caller, account: str) -> Answer:
    try:
        await clients.send(caller, parameters(caller.call, account))
    except ClientError as error:
        told = error.response["Error"]
        return Answer(str(told.get("Code") or error.response["ResponseMetadata"]["HTTPStatusCode"]), str(told.get("Message") or ""))
    except ResponseParserError as error:
        return Answer("UnreadableAnswer", str(error))
    return Answer()


def parameters(call: Call, account: str) -> dict[str, Any]:
    """The least that botocore sends for *call*: what is fixed as it is, what is filled or required made up, but for *account*."""
    shape = service_model(call.service).operation_model(call.operation).input_shape
    if shape is None:
        return {}
    made = {name: smallest(shape.members[name]) for name in shape.required_members}
    made |= {name: _filled(value, shape.members[name]) for name, value in call.params.items()}
    made |= {name: account for name in made if name == "AccountId"}
    return made | {name: values[0] for name, values in call.over.items()}


def _filled(fixed: Any, shape: Any) -> Any:
    if isinstance(fixed, str) and "{" in fixed:
        return smallest(shape)
    if isinstance(fixed, Mapping):
        inner = shape.members if shape.type_name == "structure" else None
        return {name: _filled(value, inner[name] if inner else shape.value) for name, value in fixed.items()}
    if isinstance(fixed, list | tuple):
        return [_filled(value, shape.member) for value in fixed]
    return fixed
