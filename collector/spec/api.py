"""AWS's own models, read from botocore and never from the network: operations, shapes, paging, and what JMESPath takes from an answer.

The one place outside ``aws/`` that knows botocore.
"""

import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import jmespath
import orjson
from botocore.loaders import JSONFileLoader, Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from collector.spec.facts import secret_fields
from collector.spec.secret_names import secret_by_name


class UnknownPathError(Exception):
    """A JMESPath or dotted path leads to something that the answer does not have."""

    def __init__(self, what: str, name: str = "", known: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.name, self.known = name, known


class _Files(JSONFileLoader):  # type: ignore[misc]
    """botocore's files, read by a parser that takes a fifth of its time."""

    def load_file(self, file_path: str) -> Any:
        for name, opened in ((f"{file_path}.json", open), (f"{file_path}.json.gz", gzip.open)):
            if Path(name).is_file():
                with opened(name, "rb") as file:
                    return orjson.loads(file.read())
        return None


@cache
def _loader() -> Loader:
    loader = Loader()
    loader.file_loader = _Files()
    return loader


@cache
def service_names() -> frozenset[str]:
    """Every service that this botocore has a model for, by boto3 name."""
    return frozenset(_loader().list_available_services("service-2"))


@cache
def service_model(service: str) -> ServiceModel:
    return ServiceModel(_loader().load_service_model(service, "service-2"), service)


@cache
def paginators(service: str) -> Mapping[str, Any]:
    """botocore's paging rules of *service* by operation."""
    try:
        rules: Mapping[str, Any] = _loader().load_service_model(service, "paginators-1")["pagination"]
    except Exception as error:  # botocore raises UnknownServiceError or DataNotFoundError for "no such file"
        if type(error).__name__ not in ("UnknownServiceError", "DataNotFoundError"):
            raise
        return {}
    return rules


@cache
def is_global(service: str) -> bool:
    """Is *service* asked once per account? As far as botocore's endpoint data says so; that of S3, for one, does not."""
    partition = _loader().load_data("endpoints")["partitions"][0]
    known: Mapping[str, Any] = partition["services"].get(service_model(service).endpoint_prefix, {})
    return known.get("isRegionalized") is False


_TOKEN = re.compile(r"(next_?token|next_?marker|marker|starting_?token|exclusive_?start\w*|page_?token|position)\Z", re.IGNORECASE)

_MORE = re.compile(r"(is_?truncated|has_?more\w*)\Z", re.IGNORECASE)


def unruled_tokens(operation: OperationModel) -> tuple[str, str] | None:
    """(input, output) of the page token of an operation that pages though botocore has no rule for it; None for any other.

    *output* is empty where the answer only says that there is more, and the token must be made of the last item.
    """
    if operation.input_shape is None or operation.name in paginators(operation.service_model.service_name):
        return None
    asked = [name for name in operation.input_shape.members if _TOKEN.match(name)]
    members = answer(operation).members()
    told = [name for name in members if _TOKEN.match(name)] or ["" for name in members if _MORE.match(name)]
    return (asked[0], told[0]) if asked and told else None


@dataclass(frozen=True, slots=True)
class Node:
    """A place in an answer: AWS's shape there, or what JMESPath made of it.

    *shape* is None for what cannot be known statically (a literal, a function's result). *secret* says why the value is held for one.
    """

    shape: Shape | None
    origin: tuple[str, ...] = ()
    secret: str | None = None
    made: Mapping[str, "Node"] | None = None
    element: "Node | None" = None

    def members(self) -> dict[str, "Node"]:
        """The members of an object here, ``*`` for the values of a map; empty for anything else."""
        if self.made is not None:
            return dict(self.made)
        if isinstance(self.shape, StructureShape):
            return {name: self._below(name, shape) for name, shape in self.shape.members.items()}
        if isinstance(self.shape, MapShape):
            return {"*": self._below("*", self.shape.value)}
        return {}

    def items(self) -> "Node":
        """What one element of this list is; the node itself when it is no list."""
        if self.element is not None:
            return self.element
        if isinstance(self.shape, ListShape):
            element = self.shape.member
            return replace(self, shape=element, secret=self.secret or _trait(element))
        return self

    def is_list(self) -> bool:
        return self.element is not None or isinstance(self.shape, ListShape)

    def is_known(self) -> bool:
        return self.shape is not None or self.made is not None or self.element is not None

    def is_text(self) -> bool:
        return self.shape is not None and self.shape.type_name == "string"

    def is_moment(self) -> bool:
        return self.shape is not None and self.shape.type_name == "timestamp"

    def is_object(self) -> bool:
        return self.made is not None or isinstance(self.shape, StructureShape | MapShape)

    def member(self, name: str) -> "Node":
        """The member *name* of the object here; raises UnknownPathError."""
        if not self.is_known() or (self.shape is not None and self.shape.name == _DECODED):
            return UNKNOWN
        if self.made is None and isinstance(self.shape, StructureShape) and name in self.shape.members:
            return self._below(name, self.shape.members[name])
        members = self.members()
        if name in members:
            return members[name]
        if "*" in members:
            return members["*"]
        if self.is_list():
            raise UnknownPathError(f'"{name}" is asked of a list; write [] before it', name)
        if not members:
            raise UnknownPathError(f'"{name}" is asked of {self.shape.type_name if self.shape else "nothing"}', name)
        raise UnknownPathError(f'no member "{name}"', name, tuple(members))

    def secrets(self) -> Iterator[tuple[str, str]]:
        """(dotted path, why) of everything under here that AWS marks sensitive or that we hold for a secret, outermost only."""
        yield from self.secrets_under((), frozenset())

    def secrets_under(self, path: tuple[str, ...], above: frozenset[str]) -> Iterator[tuple[str, str]]:
        node = self
        while node.is_list() and node.secret is None:
            node = node.items()
        if node.secret is not None:
            yield ".".join(path) or "@", node.secret
            return
        if node.origin[-1:] == _TRUST_POLICY:
            yield ".".join((*path, _EXTERNAL_ID)), "a trust policy's ExternalId protects the role"
        name = node.shape.name if node.shape is not None and isinstance(node.shape, StructureShape) else ""
        if name and name in above:
            return
        for member, below in node.members().items():
            yield from below.secrets_under((*path, member), above | {name})

    def _below(self, name: str, shape: Shape) -> "Node":
        return Node(shape, (*self.origin, name), self.secret or _trait(shape) or self._by_name(name, shape))

    def _by_name(self, name: str, shape: Shape) -> str | None:
        while isinstance(shape, ListShape):
            shape = shape.member
        is_free_text = shape.type_name == "string" and not shape.metadata.get("enum")
        return secret_by_name(name, self.origin[-1] if self.origin else "") if is_free_text else None


UNKNOWN = Node(None)
_TRUST_POLICY, _EXTERNAL_ID = ("AssumeRolePolicyDocument",), "Statement.Condition.*.sts:ExternalId"
_DECODED = "policyDocumentType"
"""IAM's policy documents are text in the model, but botocore hands them over as objects (botocore/handlers.py, json_decode_policies)."""


def _trait(shape: Shape | None) -> str | None:
    return "AWS marks it sensitive" if shape is not None and shape.metadata.get("sensitive") else None


def answer(operation: OperationModel) -> Node:
    """The whole answer of *operation*, with the curated secrets of that operation marked."""
    shape = operation.output_shape
    if shape is None:
        return Node(None, made={})
    curated = {tuple(field.path.split(".")): field.why for field in secret_fields(operation.service_model.service_name, operation.name)}
    return _Marked(shape, curated).root() if curated else Node(shape)


class _Marked:
    """An answer in which some paths are held for secrets: the objects on the way to them are spelt out."""

    def __init__(self, shape: Shape, curated: Mapping[tuple[str, ...], str]) -> None:
        self.shape, self.curated = shape, curated

    def root(self) -> Node:
        return self._marked(Node(self.shape), ())

    def _marked(self, node: Node, path: tuple[str, ...]) -> Node:
        """*node* with what lies under it marked; *path* is where we are, lists left out."""
        if path in self.curated:
            return replace(node, secret=_trait(node.shape) or self.curated[path])  # AWS's word, then ours, and names last
        if not any(each[: len(path)] == path for each in self.curated):
            return node
        if node.is_list():
            return Node(node.shape, node.origin, node.secret, element=self._marked(node.items(), path))
        members = node.members()
        if "*" in members:
            curated = {each[len(path)] for each in self.curated if each[: len(path)] == path}
            members |= dict.fromkeys(curated, members["*"])
        return replace(node, made={name: self._marked(below, (*path, name)) for name, below in members.items()})


def taken(take: str, node: Node) -> Node:
    """What the JMESPath *take* gives when it is asked of *node*. Raises UnknownPathError."""
    try:
        tree = jmespath.compile(take).parsed
    except jmespath.exceptions.JMESPathError as error:
        raise UnknownPathError(f"not JMESPath: {' '.join(str(error).split())}") from error
    return _evaluated(tree, node)


def _evaluated(tree: Mapping[str, Any], node: Node) -> Node:
    """One step of JMESPath on shapes. What cannot be known statically is UNKNOWN, which every further step accepts."""
    kind, children = tree["type"], tree["children"]
    match kind:
        case "current" | "identity":
            return node
        case "field":
            return node.member(tree["value"])
        case "subexpression" | "pipe":
            return _evaluated(children[1], _evaluated(children[0], node))
        case "index_expression":
            result = node
            for child in children:
                result = _evaluated(child, result)
            return result
        case "index":
            return node.items()
        case "slice":
            return node
        case "flatten":
            inner = _evaluated(children[0], node)
            element = inner.items()
            return _many(element.items() if element.is_list() else element)
        case "projection":
            left = _evaluated(children[0], node)
            return _many(_evaluated(children[1], left.items()))
        case "filter_projection":
            element = _evaluated(children[0], node).items()
            _evaluated(children[2], element)
            return _many(_evaluated(children[1], element))
        case "value_projection":
            return _many(_evaluated(children[1], _value(_evaluated(children[0], node))))
        case "multi_select_dict":
            return Node(None, node.origin, node.secret, made={pair["value"]: _evaluated(pair["children"][0], node) for pair in children})
        case "multi_select_list":
            return _many(_first(children, node))
        case "or_expression":
            return _first(children, node)
        case "and_expression":
            return [_evaluated(child, node) for child in children][-1]
        case "not_expression" | "comparator":
            for child in children:
                _evaluated(child, node)
            return UNKNOWN
        case "function_expression":
            return _function(tree["value"], children, node)
    return UNKNOWN


def _function(name: str, children: list[Mapping[str, Any]], node: Node) -> Node:
    if name == "map":
        return _many(_evaluated(children[0]["children"][0], _evaluated(children[1], node).items()))
    arguments = [_evaluated(child, node) for child in children if child["type"] != "expref"]
    match name:
        case "keys":
            return _many(UNKNOWN)
        case "values":
            return _many(_value(arguments[0]))
        case "sort" | "sort_by" | "reverse" | "to_array":
            return arguments[0]
        case "not_null":
            return _as_secret(arguments[0], arguments[1:])
        case "length" | "type" | "contains" | "starts_with" | "ends_with":
            return UNKNOWN
        case "merge" if all(argument.is_known() for argument in arguments):
            return Node(None, made={key: below for argument in arguments for key, below in argument.members().items()})
    return _as_secret(UNKNOWN, arguments)


def _first(children: list[Mapping[str, Any]], node: Node) -> Node:
    """What the first of *children* gives; the others must hold as well, and it may be them that are given."""
    first, *others = [_evaluated(child, node) for child in children]
    return _as_secret(first, others)


def _value(node: Node) -> Node:
    """Any value of the object *node*: known of a map, whose values are alike."""
    below = list(node.members().values())
    return below[0] if len(below) == 1 else _as_secret(UNKNOWN, below)


def _as_secret(node: Node, sources: list[Node]) -> Node:
    """*node*, held for a secret as a whole when one of *sources*, of which it may be made, holds one."""
    why = next((why for source in sources for _, why in source.secrets()), None)
    return replace(node, secret=why) if why and node.secret is None else node


def _many(element: Node) -> Node:
    return Node(None, element.origin, element.secret, element=element)


def item_of(take: str, operation: OperationModel) -> Node:
    """One item that *take* gives from an answer of *operation*."""
    return taken(take, answer(operation)).items()


def at(path: str, node: Node) -> Node:
    """What lies at the dotted *path* of ``redact`` and ``reveal``: lists are passed through, ``*`` is every value of a map."""
    for name in path.split(".") if path else ():
        while node.is_list():
            node = node.items()
        node = node.member(name)
    return node
