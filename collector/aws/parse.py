"""Answers -> plain values, by functions that are made from botocore's model once for each operation.

What they give is exactly what botocore's own parsers give with `moment_text` for timestamps; `tests/model/test_parse.py` holds them to
it. They do not know everything: `compiled` gives None for an operation with a stream or an unusual header, and a function raises when it
meets an answer that the model does not foresee. Both are then read by botocore's parser, which costs 5 to 30 times as much.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson
from botocore.model import OperationModel, Shape, StructureShape
from botocore.parsers import ResponseParserError
from botocore.utils import parse_timestamp

from collector.aws import parse_json, parse_xml
from collector.aws.parse_xml import UnforeseenError
from collector.record import timestamp

Parse: TypeAlias = Callable[[int, Mapping[str, str], bytes], dict[str, Any]]
"""Status, headers (names in lower case) and body of a successful answer -> its values. Raises one of `UNFORESEEN`."""
Compiler: TypeAlias = parse_json.Compiler | parse_xml.Compiler
_ReadBody: TypeAlias = Callable[[bytes], Any]

UNFORESEEN = (UnforeseenError, ArithmeticError, AttributeError, LookupError, SyntaxError, TypeError, ValueError, RecursionError)
"""What a parsing function may raise about an answer that its model does not foresee (XML's ParseError is a SyntaxError)."""


def compiled(operation: OperationModel, compilers: dict[str, Compiler] | None = None) -> Parse | None:
    """The function that reads answers to *operation*; None when botocore's parser has to.

    *compilers*, by service, remember what reads the shapes that operations of one service have in common.
    """
    shape = operation.output_shape
    protocol = operation.service_model.resolved_protocol
    if operation.has_event_stream_output or operation.has_streaming_output:
        return None
    if shape is None:
        return lambda _status, _headers, _body: {}
    try:
        compiler = (compilers if compilers is not None else {}).setdefault(operation.service_model.service_name, _compiler(protocol))
        if protocol.startswith("rest-"):
            return _rest(shape, compiler)
        return _body_only(_body(shape, compiler))
    except parse_xml.UnknownShapeError:
        return None


def _compiler(protocol: str) -> Compiler:
    if protocol in ("json", "rest-json"):
        return parse_json.Compiler(moment_text, rest=protocol == "rest-json")
    if protocol in ("query", "ec2", "rest-xml"):
        return parse_xml.Compiler(moment_text)
    raise parse_xml.UnknownShapeError(protocol)


def _body(shape: Shape, compiler: Compiler, *, result: bool = True) -> _ReadBody:
    """What reads a body that is *shape*. *result*: it is the whole answer, and may be wrapped in an element of its own."""
    if isinstance(compiler, parse_json.Compiler):
        read = compiler.structure(shape)
        return lambda body: read(orjson.loads(body) if body else {})
    read_node = compiler.structure(shape)
    wrapper = shape.serialization.get("resultWrapper") if result else None
    return lambda body: read_node(parse_xml.root(body, wrapper))


def _body_only(read: _ReadBody) -> Parse:
    def parse(_status: int, _headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        found: dict[str, Any] = read(body)
        if type(found) is not dict:
            raise UnforeseenError("no object")
        return found

    return parse


def _rest(shape: StructureShape, compiler: Compiler) -> Parse:
    """Members may come from headers and the status; the rest, or one member alone (``payload``), is the body."""
    payload: str | None = shape.serialization.get("payload")
    located = {name: member for name, member in shape.members.items() if member.serialization.get("location") in parse_xml.NOT_IN_BODY}
    headers: list[tuple[str, str]] = []
    statuses: list[str] = []
    for name, member in located.items():
        match member.serialization["location"], member.type_name:
            case "header", "string" if not member.serialization.get("jsonvalue"):
                headers.append((name, member.serialization.get("name", name).lower()))
            case "statusCode", "integer":
                statuses.append(name)
            case where:
                raise parse_xml.UnknownShapeError(str(where))
    read = _payload(shape.members[payload], compiler) if payload else _body(shape, compiler)

    def parse(status: int, received: Mapping[str, str], body: bytes) -> dict[str, Any]:
        found: dict[str, Any] = {name: received[header] for name, header in headers if header in received}
        for name in statuses:
            found[name] = status
        if payload:
            found[payload] = read(body)
        else:
            found.update(read(body))
        return found

    return parse if located or payload else _body_only(read)


def _payload(shape: Shape, compiler: Compiler) -> _ReadBody:
    if shape.type_name == "string":
        return bytes.decode
    if shape.type_name == "structure":
        return _body(shape, compiler, result=False)
    raise parse_xml.UnknownShapeError(f"a payload that is a {shape.type_name}")


def refuse_definitions(response_dict: Mapping[str, Any], **_: Any) -> None:
    """For botocore's event ``before-parse``: its own XML parser, too, meets no definitions of entities."""
    if isinstance(response_dict["body"], bytes) and parse_xml.defines_entities(response_dict["body"]):
        raise ResponseParserError("an answer with a document type definition")


def moment_text(value: Any) -> str:
    """A time in an answer as the text that is written: botocore's own parsing costs more than the rest of the answer."""
    if isinstance(value, str):
        if value.endswith("Z") and value[10:11] == "T":
            return value
        try:
            value = float(value)
        except ValueError:
            return _read_moment(value)
    try:
        return timestamp(datetime.fromtimestamp(value, UTC))
    except (ValueError, OverflowError, OSError):
        return str(value)


def _read_moment(text: str) -> str:
    try:
        return timestamp(parse_timestamp(text))
    except (ValueError, OverflowError):
        return text
