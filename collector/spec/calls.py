"""Does a call hold? What it asks, takes, pages by and hides, compared with AWS's model of the operation; and may it be made?"""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from collector.spec import facts
from collector.spec.api import UnknownPathError, answer, at, item_of, paginators, service_model, taken, unruled_tokens
from collector.spec.model import Call
from collector.spelling import did_you_mean

READS = ("Describe", "List", "Get", "BatchGet")
NEEDS_WHY = ("Get", "BatchGet")
VETTED_VERBS: Mapping[str, str] = {
    "ec2.SearchTransitGatewayRoutes": "The only listing of a transit gateway's routes; IAM says List.",
    "servicecatalog.SearchProductsAsAdmin": "The only listing of an account's own products; IAM says List.",
    "servicecatalog.SearchProvisionedProducts": "The only listing of everybody's provisioned products in an account; IAM says List.",
}
"""Operations of another verb that are reads all the same, by ``service.Operation``, each with its reason."""

UNKNOWN_OPERATION = frozenset({"InvalidAction", "UnknownOperation", "UnknownOperationException"})
"""AWS's codes where it does not have the operation: nothing was looked at, so it is a gap (``unavailable``) and never an answer."""


def call_problems(call: Call) -> Iterator[str]:
    """What does not hold of one call, whatever it is used for."""
    model = service_model(call.service)
    if call.operation not in model.operation_names:
        yield f'{call.service} has no operation "{call.operation}"{did_you_mean(call.operation, model.operation_names)}'
        return
    operation = model.operation_model(call.operation)
    yield from refusals(call)
    yield from _code_problems(call)
    yield from _parameter_problems(call, operation)
    yield from _take_problems(call, operation)
    yield from _page_problems(call, operation)


def refusals(call: Call) -> Iterator[str]:
    """Why the operation of *call*, which exists, must not be called at all, however it is asked."""
    yield from _verb_problems(call, service_model(call.service).operation_model(call.operation))
    yield from _action_problems(call)


def _verb_problems(call: Call, operation: OperationModel) -> Iterator[str]:
    name = call.operation
    if not name.startswith(READS) and f"{call.service}.{name}" not in VETTED_VERBS:
        yield f"{name} is not a Describe, List, Get or BatchGet, and not among the vetted exceptions"
    if name.startswith(NEEDS_WHY) and _is_undecided(call.why or ""):
        yield f"{name} is a Get: say in why what only it returns, and that this is no secret and no customer's data"
    if operation.has_streaming_output:
        yield f"{name} streams its answer: that is data, not configuration"
    discovery = operation.endpoint_discovery
    if discovery is not None and discovery.get("required"):
        yield f"{name} needs endpoint discovery, a call that no spec names"
    for field in facts.secret_fields(call.service, name):
        if field.treatment == "forbid":
            yield f"{name} must not be called: {field.why}"


def _action_problems(call: Call) -> Iterator[str]:
    fact = facts.actions_for(call.service, call.operation)
    if fact is None or fact.sure == "guessed":
        yield f"the IAM action of {call.operation} is not known for sure; add it to scripts/make-action-table with its source"
        return
    if call.action not in fact.actions:
        yield f'action "{call.action}": AWS asks for {" or ".join(fact.actions)}'
        return
    level = facts.level_of(call.action)
    if level not in ("List", "Read"):
        yield f"{call.action} is of level {level or 'unknown'}; only List and Read are allowed"
    denied = facts.denied(call.action)
    if denied is not None and denied.tier == "halt" and not call.resources:
        yield f"{call.action} is on the deny list: {denied.why}"


def _code_problems(call: Call) -> Iterator[str]:
    for word, codes in (("absent", call.absent), ("not_enabled", call.not_enabled)):
        for code in sorted(UNKNOWN_OPERATION.intersection(codes)):
            yield f"{word}: {code} says that AWS does not have the operation, not that nothing is there"


def _parameter_problems(call: Call, operation: OperationModel) -> Iterator[str]:
    shape = operation.input_shape
    given = {**call.params, **{name: list(values) for name, values in call.over.items()}}
    if shape is None:
        if given:
            yield f"{call.operation} takes no parameters"
        return
    for name in shape.required_members:
        if name not in given and not _filled_by_botocore(shape, name):
            yield f'required parameter "{name}" is missing'
    for name, value in call.params.items():
        yield from _value_problems(name, value, shape)
    for name, values in call.over.items():
        for value in values:
            yield from _value_problems(name, value, shape)


def _filled_by_botocore(shape: StructureShape, name: str) -> bool:
    return bool(shape.members[name].metadata.get("idempotencyToken"))


def _value_problems(name: str, value: Any, shape: StructureShape) -> Iterator[str]:
    if name not in shape.members:
        yield f'no parameter "{name}"{did_you_mean(name, shape.members)}'
        return
    yield from _kind_problems(name, value, shape.members[name])


def _kind_problems(name: str, value: Any, shape: Shape) -> Iterator[str]:
    """Is *value* of the kind that AWS asks for? What is filled in later cannot be told now."""
    if isinstance(value, str) and "{" in value:
        return
    expected: dict[str, type | tuple[type, ...]] = {
        "string": str,
        "integer": int,
        "long": int,
        "boolean": bool,
        "list": list,
        "structure": dict,
        "map": dict,
        "float": (int, float),
        "double": (int, float),
    }
    kind = expected.get(shape.type_name)
    if kind is not None and (not isinstance(value, kind) or (isinstance(value, bool) and shape.type_name != "boolean")):
        yield f'parameter "{name}" must be of type {shape.type_name}'
    elif isinstance(shape, ListShape):
        for element in value:
            yield from _kind_problems(name, element, shape.member)
    elif isinstance(shape, StructureShape):
        for inner, below in value.items():
            yield from _value_problems(inner, below, shape)
    elif isinstance(shape, MapShape):
        for below in value.values():
            yield from _kind_problems(name, below, shape.value)
    elif shape.type_name == "string":
        known = getattr(shape, "enum", None) or ()
        if known and value not in known:
            yield f'parameter "{name}": "{value}" is none of {", ".join(known[:8])}{did_you_mean(value, known)}'
    elif shape.type_name in ("integer", "long"):
        low, high = shape.metadata.get("min", value), shape.metadata.get("max", value)
        if not low <= value <= high:
            yield f'parameter "{name}": {value} is not within {low} to {high}'


def _take_problems(call: Call, operation: OperationModel) -> Iterator[str]:
    whole = answer(operation)
    for word, expression in (("take", call.take), ("failures", call.failures)):
        if expression is None:
            continue
        try:
            taken(expression, whole)
        except UnknownPathError as error:
            yield f'{word} = "{expression}": {error}{did_you_mean(error.name, error.known)}'
            return
    item = item_of(call.take, operation)
    treated = {*call.redact, *call.reveal}
    for word, paths in (("redact", call.redact), ("reveal", tuple(call.reveal))):
        for path in paths:
            try:
                if path != "@":
                    at(path, item)
            except UnknownPathError as error:
                yield f"{word} {path}: {error}{did_you_mean(error.name, error.known)}"
    for path, reason in call.reveal.items():
        if _is_undecided(reason):
            yield f"reveal {path}: say why it may be shown"
    for path, why in item.secrets():
        if not _is_treated(path, treated):
            yield f"{path} is shown: {why.rstrip('.')}. Redact it, or reveal it with the reason"


def _is_undecided(reason: str) -> bool:
    """Whether *reason* is none, or still what a draft says in its place."""
    return not reason.strip() or reason.startswith("TODO")


def _is_treated(path: str, treated: set[str]) -> bool:
    """Is *path* itself, something above it, or every value of the map at it treated?"""
    names = path.split(".")
    return f"{path}.*" in treated or any(".".join(names[:length]) in treated for length in range(1, len(names) + 1))


def _page_problems(call: Call, operation: OperationModel) -> Iterator[str]:
    shape = operation.input_shape
    inputs = tuple(shape.members) if shape is not None else ()
    if call.page is not None:
        if call.page.input not in inputs:
            yield f'page.input: no parameter "{call.page.input}"{did_you_mean(call.page.input, inputs)}'
        for word, expression in (("output", call.page.output), ("more", call.page.more)):
            try:
                if expression is not None:
                    taken(expression, answer(operation))
            except UnknownPathError as error:
                yield f'page.{word} = "{expression}": {error}{did_you_mean(error.name, error.known)}'
        if call.operation in paginators(call.service):
            yield f"botocore already knows how {call.operation} pages: page must go"
    elif tokens := unruled_tokens(operation):
        yield f"{call.operation} pages ({tokens[0]}) but botocore has no rule for it: say page = {{ input = …, output = … }}"
