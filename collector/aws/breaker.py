"""What not to ask again: endpoints that do not answer, lists that a policy denies, and retries beyond the budget."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from collector.aws.api_error import ApiError
from collector.plan import Target
from collector.spec.model import Call
from collector.template import references

Endpoint: TypeAlias = tuple[str, str]
"""Region, service."""

DEAD_AFTER = 2
"""Failures to connect, one after the other, until an endpoint is given up: the first, and one more probe."""
REGION_DEAD_AFTER = 3
"""Endpoints of one region given up, with none that ever answered, until the region is."""
DENIALS = 10_000
"""Denied lists remembered; the oldest are forgotten first."""
RETRIES_FREE, RETRIES_SHARE = 1_000, 0.25
"""The budget of a run: so many retries, and this share of all calls. An API that fails every second time is not worth four times the calls."""


@dataclass(slots=True)
class Breaker:
    """What a run has learnt about asking."""

    _failures: Counter[Endpoint] = field(default_factory=Counter)
    _last: dict[Endpoint, ApiError] = field(default_factory=dict)
    _answering: set[str] = field(default_factory=set)
    _denied: OrderedDict[tuple[str, str, str], ApiError] = field(default_factory=OrderedDict)

    def known_refusal(self, call: Call, target: Target) -> ApiError | None:
        """The error that this call would end in, when that is known already."""
        denial = self._denied.get((target.account_id, target.region, call.action))
        if denial is not None and not _is_about_something(call.params):
            return denial
        endpoint = (target.region, call.service)
        if self._failures[endpoint] >= DEAD_AFTER:
            return self._given_up(self._last[endpoint])
        if target.region not in self._answering:
            dead = [each for each in self._last if each[0] == target.region and self._failures[each] >= DEAD_AFTER]
            if len(dead) >= REGION_DEAD_AFTER:
                return self._given_up(self._last[dead[0]])
        return None

    def answered(self, target: Target, call: Call) -> None:
        """AWS answered, be it with an error."""
        self._answering.add(target.region)
        endpoint = (target.region, call.service)
        if endpoint in self._last:
            del self._failures[endpoint], self._last[endpoint]

    def learn(self, error: ApiError, call: Call, target: Target) -> None:
        """The call ended in *error*."""
        if error.kind == "unreachable":
            endpoint = (target.region, call.service)
            self._failures[endpoint] += 1
            self._last[endpoint] = error
            return
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


def may_retry(calls: int, retries: int) -> bool:
    """Is there budget for one more retry, after so many *calls* and *retries* of the run?"""
    return retries < RETRIES_FREE + RETRIES_SHARE * calls
