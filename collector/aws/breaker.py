"""What not to ask again: endpoints that do not answer, lists that a policy denies, and retries beyond the budget."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from collector.aws.api_error import NO_SUCH_NAME, ApiError
from collector.plan import Target
from collector.spec.model import Call
from collector.template import references

Endpoint: TypeAlias = tuple[str, str]
"""Region, service."""

DEAD_AFTER = 2
"""Failures to connect, one after the other, until an endpoint is given up: the first, and one more probe. Calls that were under way
together fail together, and count as one: a hiccup that cuts sixty connections is no dead endpoint.
"""
REGION_DEAD_AFTER = 3
"""Endpoints of one region that failed, with none that ever answered, until the region is given up. After the first of them the others get
no second probe: at three seconds for each connection, a region that swallows everything holds up a run for a dozen seconds.
"""
PROBE_SECONDS = 60.0
"""So often one call is let through to what was given up: what was down for a minute is not lost for the hours that a run takes."""
DENIALS = 10_000
"""Denied lists remembered; the oldest are forgotten first."""


class Asked(Protocol):
    """What was asked so far."""

    calls: int
    retries: int


@dataclass(frozen=True, slots=True)
class Budget:
    """So many retries, and this *share* of all calls. An API that fails every second time is not worth four times the calls."""

    free: int
    share: float

    def allows(self, asked: Asked) -> bool:
        """One more retry?"""
        return asked.retries < self.free + self.share * asked.calls


OF_A_RUN = Budget(1_000, 0.25)
OF_A_TASK = Budget(100, 0.25)
"""Of one type in one target: an API that fails there must not eat what the others are allowed."""


@dataclass(slots=True)
class Breaker:
    """What a run has learnt about asking. Moments are seconds of the event loop's clock."""

    _failures: Counter[Endpoint] = field(default_factory=Counter)
    _last: dict[Endpoint, ApiError] = field(default_factory=dict)
    _failed: dict[Endpoint, float] = field(default_factory=dict)
    """When the last failure that counted became known."""
    _probed: dict[Endpoint | str, float] = field(default_factory=dict)
    """When an endpoint or a region that was given up was last given a chance."""
    _answering: set[str] = field(default_factory=set)
    _denied: OrderedDict[tuple[str, str, str], ApiError] = field(default_factory=OrderedDict)

    def known_refusal(self, call: Call, target: Target, moment: float = 0.0) -> ApiError | None:
        """The error that this call would end in, when that is known already."""
        denial = self._denied.get((target.account_id, target.region, call.action))
        if denial is not None and not _is_about_something(call.params):
            return denial
        endpoint = (target.region, call.service)
        silent = self._silent(target.region)
        if len(silent) >= REGION_DEAD_AFTER:
            return None if self._is_worth_a_try(target.region, moment) else self._given_up(self._last[silent[0]])
        if self._failures[endpoint] >= (1 if silent else DEAD_AFTER) and not self._is_worth_a_try(endpoint, moment):
            return self._given_up(self._last[endpoint])
        return None

    def _silent(self, region: str) -> list[Endpoint]:
        """The endpoints that failed in a region in which one was given up and none ever answered; nothing of any other region."""
        failed = [] if region in self._answering else [each for each in self._last if each[0] == region]
        return failed if any(self._failures[each] >= DEAD_AFTER for each in failed) else []

    def _is_worth_a_try(self, given_up: Endpoint | str, moment: float) -> bool:
        """Once in PROBE_SECONDS. The first is only due that long after it was given up."""
        probed = self._probed.setdefault(given_up, moment)
        if moment - probed < PROBE_SECONDS:
            return False
        self._probed[given_up] = moment
        return True

    def answered(self, target: Target, call: Call) -> None:
        """AWS answered, be it with an error."""
        self._answering.add(target.region)
        endpoint = (target.region, call.service)
        if endpoint in self._last:
            del self._failures[endpoint], self._last[endpoint], self._failed[endpoint]
            self._probed.pop(endpoint, None)

    def understood(self, error: ApiError, target: Target) -> ApiError:
        """What *error* means, given what else is known: where others answer, a name that does not resolve is a service that is not
        there.
        """
        if error.code == NO_SUCH_NAME and target.region in self._answering:
            return ApiError("unavailable", NO_SUCH_NAME)
        return error

    def learn(self, error: ApiError, call: Call, target: Target, *, began: float = 0.0, moment: float = 0.0) -> None:
        """The call that was sent at *began* ended in *error* at *moment*."""
        if error.kind == "unreachable":
            endpoint = (target.region, call.service)
            if began >= self._failed.get(endpoint, began):
                self._failures[endpoint] += 1
                self._failed[endpoint] = moment
            self._last[endpoint] = error
            return
        if error.code != NO_SUCH_NAME:
            self.answered(target, call)
        if error.kind == "denied" and not _is_about_something(call.params):
            self._denied[target.account_id, target.region, call.action] = error
            if len(self._denied) > DENIALS:
                self._denied.popitem(last=False)

    @staticmethod
    def _given_up(last: ApiError) -> ApiError:
        return ApiError("unreachable", last.code)


def _is_about_something(params: Mapping[str, Any]) -> bool:
    """Does the call name a resource? What is denied for one may be allowed for another."""
    return any(True for _ in references(params))
