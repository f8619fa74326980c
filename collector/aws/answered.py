"""Is it an answer at all? What came with status 200 may be a proxy's page, half a document, or an error: none of them is an empty list.

botocore's parsers are lenient: JSON that cannot be read, and elements that the model does not know, come out as an answer without
members. A reader would take that for "there is nothing", so it is refused before it is parsed.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError

from collector.aws import parse_xml
from collector.aws.parse import refuse_definitions
from collector.aws.parse_xml import UnforeseenError

_JSON = ("json", "rest-json")
_ERROR_WORDS = frozenset({"__type", "code", "Code", "error", "Error", "errorCode", "message", "Message"})
_ERROR_ELEMENTS = frozenset({"Error", "ErrorResponse", "Errors", "html", "HTML"})
_NOT_SAID_BY_MODELS = frozenset({"requestId", "RequestId", "ResponseMetadata"})
_CODE = re.compile(rb"<Code>([\w.]{1,128})</Code>")


def refuse_what_is_no_answer(operation_model: OperationModel, response_dict: Mapping[str, Any], **_: Any) -> None:
    """For botocore's event ``before-parse``. Raises ResponseParserError, or ClientError when an error can be read from what came.

    Documents that define entities are refused whatever the status: they can be made to expand without end, and AWS sends none.
    """
    status, body = int(response_dict["status_code"]), response_dict["body"]
    if not isinstance(body, bytes):  # a stream
        return
    if status >= 300 and parse_xml.defines_entities(body):  # a proxy's page
        raise _error(str(status), status, operation_model)
    refuse_definitions(response_dict)
    if status != 200 or not _is_document(operation_model):
        return
    if not body:
        raise ResponseParserError("an answer without a body")
    refuse = _refuse_json if operation_model.service_model.resolved_protocol in _JSON else _refuse_xml
    refuse(body, operation_model)


def _refuse_json(body: bytes, operation: OperationModel) -> None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise ResponseParserError("no JSON") from None
    if not isinstance(found, dict):
        raise ResponseParserError("no object")
    if not _known(operation).isdisjoint(found) or _ERROR_WORDS.isdisjoint(found):
        return
    if isinstance(found.get("__type"), str):
        raise _error(found["__type"], 400, operation)
    raise ResponseParserError("an error where there was to be an answer")


def _refuse_xml(body: bytes, operation: OperationModel) -> None:
    try:
        top = parse_xml.root(body)
    except UnforeseenError:
        names = {"Error"}
    except SyntaxError:  # ParseError is one
        raise ResponseParserError("no XML") from None
    else:
        names = {_name(top.tag), *(_name(child.tag) for child in top)}
        below = {_name(child.tag) for child in top} - _NOT_SAID_BY_MODELS
        if _ERROR_ELEMENTS.isdisjoint(names) and (not below or not _known(operation).isdisjoint(below)):
            return
    code = _CODE.search(body)
    if code is not None and not _ERROR_ELEMENTS.isdisjoint(names):
        raise _error(code[1].decode(), 400, operation)
    raise ResponseParserError("no answer to what was asked")


def _is_document(operation: OperationModel) -> bool:
    """Is there anything in the body that is JSON or XML?"""
    shape = operation.output_shape
    if shape is None:
        return False
    payload = shape.serialization.get("payload")
    if payload is not None:
        return bool(shape.members[payload].type_name == "structure")
    return any(member.serialization.get("location") not in parse_xml.NOT_IN_BODY for member in shape.members.values())


def _known(operation: OperationModel) -> set[str]:
    """The names that stand at the top of an answer."""
    shape: Any = operation.output_shape
    wrapper = shape.serialization.get("resultWrapper")
    if wrapper is not None:
        return {wrapper}
    payload = shape.serialization.get("payload")
    top = shape.members[payload] if payload is not None else shape
    names = set(top.members)
    for name, member in top.members.items():
        names.add(str(member.serialization.get("name", name)))
        if member.type_name == "list" and member.serialization.get("flattened"):
            names.add(str(member.member.serialization.get("name", name)))
    return names


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _error(code: str, status: int, operation: OperationModel) -> ClientError:
    """An error that came with status 200 is read as what it says it is."""
    return ClientError(
        {"Error": {"Code": code.rsplit("#", maxsplit=1)[-1]}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation.name
    )  # type: ignore[typeddict-item,unused-ignore]
