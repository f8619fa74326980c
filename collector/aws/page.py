"""Read a call's answer to its end, page by page: botocore's rules, and those that a spec adds where botocore has none."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import orjson

from collector.aws.api_error import ApiError
from collector.normalise import searched
from collector.plan import Target
from collector.spec.api import paginators
from collector.spec.model import Call

PAGES = 100_000
"""Pages of one listing. The largest accounts have some thousand; a listing that always gives another token must come to an end."""


class Asks(Protocol):
    """What this module needs of the gateway."""

    async def once(self, call: Call, target: Target, params: Mapping[str, Any], tally: "Tally") -> dict[str, Any]: ...


@dataclass(slots=True)
class Tally:
    """Calls made and repeated for one type in one target."""

    calls: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """Where the tokens of the next page are in an answer (JMESPath) and which parameters take them, pairwise; *more* tells that there is
    one.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    more: str | None

    def next(self, answer: Mapping[str, Any]) -> dict[str, Any] | None:
        """The parameters that ask for the page after *answer*; None at the end."""
        if self.more is not None and not searched(self.more, answer):
            return None
        tokens = {name: searched(path, answer) for name, path in zip(self.inputs, self.outputs, strict=True)}
        return tokens if any(token not in (None, "", {}, []) for token in tokens.values()) else None


def rule_of(call: Call) -> Rule | None:
    """How *call* pages; None when it answers all at once."""
    if call.page is not None:
        return Rule((call.page.input,), (call.page.output,), call.page.more)
    return _botocore_rule(call.service, call.operation)


@cache
def _botocore_rule(service: str, operation: str) -> Rule | None:
    rule = paginators(service).get(operation)
    if rule is None:
        return None
    return Rule(_several(rule["input_token"]), _several(rule["output_token"]), rule.get("more_results"))


def _several(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


async def pages(gateway: Asks, call: Call, target: Target, params: Mapping[str, Any], tally: Tally) -> AsyncIterator[dict[str, Any]]:
    """Every page of *call* with *params*, in order.

    Raises ApiError; the pages before it are good. A token that was there before would never end and is refused, and so are more than PAGES.
    """
    rule = rule_of(call)
    answer = await gateway.once(call, target, params, tally)
    asked: set[int] = set()
    while rule is not None:
        # Read the token first: whoever takes the page may change it.
        tokens = rule.next(answer)
        yield answer
        if tokens is None:
            return
        fingerprint = hash(orjson.dumps(tokens, option=orjson.OPT_SORT_KEYS, default=repr))
        if fingerprint in asked:
            raise ApiError("failed", "RepeatedPageToken")
        if len(asked) == PAGES:
            raise ApiError("failed", "EndlessPages")
        asked.add(fingerprint)
        present = {name: token for name, token in tokens.items() if token is not None}
        answer = await gateway.once(call, target, {**params, **present}, tally)
    yield answer
