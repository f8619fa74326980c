"""Whose call is being made: known to the signer, the endpoint rules and the guard by a context variable that is set around each call.

There is no default identity: a call outside the gateway finds none and fails.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from collector.errors import CallNotAllowedError
from collector.spec.model import Call


class Credentials(Protocol):
    """Something that signs: botocore's own credentials are such."""

    async def get_frozen_credentials(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose call is being made, where to, and which."""

    credentials: Credentials
    region: str
    call: Call


CALLER: ContextVar[Caller] = ContextVar("caller")


def the_caller() -> Caller:
    """Whose call this is. Raises CallNotAllowedError when it is nobody's."""
    try:
        return CALLER.get()
    except LookupError:
        raise CallNotAllowedError("a call outside an account's context") from None


def allowed_caller(service: str, operation: str) -> Caller:
    """The caller, if it is *operation* of *service* that was asked: the guard of everything that signs. Raises CallNotAllowedError."""
    caller = the_caller()
    if caller.call.operation != operation or caller.call.service != service:
        asked = f"{caller.call.service}.{caller.call.operation}"
        raise CallNotAllowedError(f"{service}.{operation} was about to be sent while {asked} was asked")
    return caller
