"""Pages: which members carry tokens, which page a request asks for, and what its answer says about the next."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from botocore.model import OperationModel, Shape

from tests.synthetic import models
from tests.synthetic.placeholders import REGIONAL
from tests.synthetic.settings import PAGING, PagingRule, Settings

_LAST = "[-1]"
_TOKEN_OUT = re.compile(r"(?:next)?(?:page|pagination|continuation|list)?(?:token|marker)|nextpage|position", re.IGNORECASE)
_MORE = re.compile(r"(?:is_?truncated|truncated|has_?more.*|more.*available|additional.*pending)", re.IGNORECASE)


class UnknownTokenError(Exception):
    """The request carries a token that this server did not give for this operation, account and region."""


def rule_for(settings: Settings, service: str, operation: OperationModel) -> PagingRule | None:
    """The paging of *operation*: from the settings, else from botocore, else from its members' names."""
    key = (service, operation.name)
    if key in settings.paging:
        return settings.paging[key]
    if key in PAGING:
        return PAGING[key]
    return _botocore_rule(service, operation.name) or (_inferred_rule(service, operation.name) if settings.infer_paging else None)


def _several(value: str | list[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


@lru_cache(maxsize=16384)
def _botocore_rule(service: str, operation: str) -> PagingRule | None:
    found = models.paginators(service).get(operation)
    if found is None:
        return None
    return PagingRule(
        input=_several(found["input_token"]),
        output=tuple(path.split("||")[0].strip() for path in _several(found["output_token"])),
        more=found.get("more_results"),
        results=tuple(path for path in _several(found.get("result_key"))),
    )


@lru_cache(maxsize=16384)
def _inferred_rule(service: str, operation: str) -> PagingRule | None:
    model = models.operation_model(service, operation)
    if model.input_shape is None or model.output_shape is None:
        return None
    asked = {name.lower(): name for name, shape in model.input_shape.members.items() if shape.type_name == "string"}
    inside = [(f"{n}.", s.members) for n, s in model.output_shape.members.items() if s.type_name == "structure"]
    for prefix, answered in [("", model.output_shape.members), *inside]:
        if prefix and not any(shape.type_name == "list" for shape in answered.values()):
            continue
        more = next((n for n, s in answered.items() if s.type_name == "boolean" and _MORE.fullmatch(n)), None)
        # Marker repeats what was asked where there is a NextMarker beside it.
        for name, shape in sorted(answered.items(), key=lambda pair: not pair[0].lower().startswith("next")):
            if shape.type_name != "string" or not _TOKEN_OUT.fullmatch(name):
                continue
            bare = re.sub("^next", "", name.lower())
            token = asked.get(bare) if name.lower() != bare else None
            token = token or asked.get(name.lower()) or asked.get("next" + bare)
            if token is not None:
                return PagingRule((token,), (prefix + name,), prefix + more if more else None)
    return None


@lru_cache(maxsize=4096)
def says_more(name: str) -> bool:
    """Whether a boolean of this name tells that there is more; false is then the only honest value."""
    return _MORE.fullmatch(name) is not None


def token(digest: str, page: int) -> str:
    """The token for *page* of the request whose digest is *digest*: opaque, and bound to account and region."""
    return f"AQ{digest}{REGIONAL}{page:04x}"


def longest_least(rule: PagingRule | None, operation: OperationModel) -> int:
    """The length that the model asks of a token at least: DevOps Guru's have 36 characters, DynamoDB's are ARNs of 37."""
    members = operation.input_shape.members if rule and operation.input_shape else {}
    return max(
        (int(members[name].metadata.get("min", 0)) for name in (rule.input if rule else ()) if members[name].type_name == "string"),
        default=0,
    )


def asked_page(rule: PagingRule | None, params: dict[str, Any], digest: str, pages: int) -> int:
    """The page, from 0, that *params* ask for. Raises UnknownTokenError for a token that was not given."""
    if rule is None:
        return 0
    for name in rule.input:
        given = params.get(name)
        if given is None or given == "":
            continue
        for page in range(1, pages):
            if given in (page, str(page)) or _text_in(given) == token(digest, page):
                return page
        raise UnknownTokenError(name)
    return 0


def _text_in(value: Any) -> str | None:
    """The token inside *value*: itself, or the string inside a key map such as DynamoDB's."""
    while isinstance(value, dict):
        if not value:
            return None
        value = next(iter(value.values()))
    return value if isinstance(value, str) else None


def finish(rule: PagingRule, shape: Shape, answer: dict[str, Any], digest: str, next_page: int | None) -> None:
    """Put the token of *next_page* into *answer*, or take every token out when there is none."""
    if rule.more is not None:
        _put(shape, answer, rule.more, next_page is not None)
    for position, path in enumerate(rule.output):
        if next_page is None:
            if _LAST not in path:
                _drop(answer, path)
        elif position == 0:
            _put(shape, answer, path, token(digest, next_page), next_page)
    if next_page is not None and len(rule.output) > 1:
        for path in rule.output[1:]:
            _drop(answer, path)


def _put(shape: Any, answer: Any, path: str, value: Any, page: int | None = None) -> None:
    first, _, rest = path.partition(".")
    last = first.endswith(_LAST)
    name = first.removesuffix(_LAST)
    member = shape.members[name]
    if rest:
        if name in answer:
            _put(member.member if last else member, answer[name][-1] if last else answer[name], rest, value, page)
    elif last:
        answer[name][-1] = value
    elif member.type_name == "map":
        inner = member.value
        answer[name] = {"synthetic": {"S": value} if inner.type_name == "structure" else value}
    elif member.type_name in ("integer", "long"):
        answer[name] = page
    else:
        answer[name] = value


def _drop(answer: Any, path: str) -> None:
    first, _, rest = path.partition(".")
    if rest:
        if isinstance(answer.get(first), dict):
            _drop(answer[first], rest)
    else:
        answer.pop(first, None)
