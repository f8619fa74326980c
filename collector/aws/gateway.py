"""The only way to AWS: is the call allowed? Whose turn is it? Signed, sent, retried, classified, counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, Protocol

import anyio
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential
from tenacity.wait import wait_base

from collector.aws.api_error import ApiError, from_exception
from collector.aws.breaker import OF_A_RUN, OF_A_TASK, Breaker
from collector.aws.pace import Pace, Paces, take_turn
from collector.aws.page import Tally
from collector.aws.session import Caller, Clients, Credentials
from collector.plan import Target
from collector.spec.model import Call
from collector.spec.permitted import Permitted

log = structlog.get_logger()

ATTEMPTS = {"throttled": 10, "failed": 4, "unreachable": 2}
"""How often one page is asked for, by what stood in the way."""
BACKOFF: wait_base = wait_random_exponential(multiplier=0.5, max=20)
"""Full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter"."""


class Identities(Protocol):
    """Who signs for an account."""

    async def of(self, account_id: str) -> Credentials:
        """The credentials of the account; raises ApiError when its role cannot be assumed."""

    def renew(self, account_id: str, expired: Credentials) -> None:
        """Forget credentials that AWS calls expired."""

    def require_renewable(self, account_id: str, error: ApiError) -> None:
        """Raises CredentialsError when *error*, which lasts, is about credentials without which nothing more can be read."""


@dataclass(slots=True)
class Counts:
    """What a run asked of AWS."""

    calls: int = 0
    retries: int = 0
    throttled: int = 0


@dataclass(slots=True)
class Gateway:
    """Calls on behalf of accounts, paced for each (account, region, service)."""

    clients: Clients
    identities: Identities
    permitted: Permitted
    rates: Mapping[str, float] = field(default_factory=dict)
    """Declared rates to start with, by service."""
    backoff: wait_base = BACKOFF
    paces: Paces = field(default_factory=Paces)
    breaker: Breaker = field(default_factory=Breaker)
    counts: Counts = field(default_factory=Counts)

    async def once(self, call: Call, target: Target, params: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
        """One answer to *call* with *params* in *target*: a single page, asked again only for reasons that pass.

        Raises ApiError when AWS does not answer it, CallNotAllowedError when no spec allows it, and CredentialsError when those have ended
        that we were started with.
        """
        self.permitted.require(call.service, call.operation, params)
        try:
            return await self._attempt(call, target, params, tally)
        except ApiError as error:
            return await self._again(error, call, target, params, tally)

    async def _again(self, failed: ApiError, call: Call, target: Target, params: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
        """The answer after a first attempt that *failed*. Nearly all calls need no second: they do without what repeats them."""
        enough = partial(self._enough, tally)
        retrying = AsyncRetrying(retry=retry_if_exception(_passes), stop=enough, wait=self.backoff, sleep=anyio.sleep, reraise=True)
        try:
            async for attempt in retrying:
                with attempt:
                    if attempt.retry_state.attempt_number == 1:
                        raise failed
                    self.counts.retries += 1
                    tally.retries += 1
                    return await self._attempt(call, target, params, tally)
        except ApiError as error:
            if error.expired:
                self.identities.require_renewable(target.account_id, error)
            raise
        raise AssertionError("tenacity either returns or raises")

    async def _attempt(self, call: Call, target: Target, params: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
        refusal = self.breaker.known_refusal(call, target, monotonic())
        if refusal is not None:
            raise refusal
        credentials = await self.identities.of(target.account_id)
        pace = self.paces.of((target.account_id, target.region, call.service), self.rates.get(call.service))
        taken = await take_turn(pace)
        self.counts.calls += 1
        tally.calls += 1
        began = monotonic()
        try:
            answer = await self.clients.send(Caller(credentials, target.region, call), params)
        except Exception as raised:
            error = from_exception(raised)
            if error is None:
                raise
            if error.sent:
                error = self.breaker.understood(error, target)
                self._learn(error, call, target, pace, taken, began)
            if error.expired:
                self.identities.renew(target.account_id, credentials)
            raise error from None
        pace.answered()
        self.breaker.answered(target, call)
        return answer

    def _learn(self, error: ApiError, call: Call, target: Target, pace: Pace, taken: float, began: float) -> None:
        moment = monotonic()
        self.breaker.learn(error, call, target, began=began, moment=moment)
        if error.kind == "throttled":
            self.counts.throttled += 1
            pace.refused(taken, moment)
            log.debug(
                "call.throttled",
                service=call.service, operation=call.operation, account_id=target.account_id, region=target.region, rate=pace.rate,
            )  # fmt: skip

    def _enough(self, tally: Tally, state: RetryCallState) -> bool:
        """When to stop asking: each reason has its number of attempts, the task and the run their budgets."""
        error = state.outcome.exception() if state.outcome else None
        attempts = ATTEMPTS.get(error.kind, 1) if isinstance(error, ApiError) else 1
        return state.attempt_number >= attempts or not (OF_A_TASK.allows(tally) and OF_A_RUN.allows(self.counts))


def _passes(error: BaseException) -> bool:
    return isinstance(error, ApiError) and error.passing
