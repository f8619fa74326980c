"""An answer or an error -> status, headers and body in the service's protocol."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from botocore.utils import is_json_value_header

from tests.synthetic import models
from tests.synthetic.answer import Answer
from tests.synthetic.wire_json import json_body
from tests.synthetic.wire_xml import element_xml, members_xml, scalar_text

REQUEST_ID = "5f1e7e71-c000-4000-8000-000000000001"
_LOCATED = ("header", "headers", "statusCode")
_NAMESPACE = ' xmlns="https://synthetic.test/doc/"'


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes on the wire, still with stand-ins."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def reply_of(answer: Answer) -> Reply:
    """The reply that carries *answer*."""
    protocol = models.by_name()[answer.service].protocol
    shape: Any = answer.operation.output_shape
    if protocol in ("query", "ec2"):
        return Reply(200, _headers(protocol), _query_body(protocol, answer, shape))
    if protocol == "json":
        version = models.service_model(answer.service).metadata.get("jsonVersion", "1.1")
        body = b"{}" if shape is None else json_body(shape, answer.values)
        return Reply(200, _headers(protocol, version), body)
    return _rest_reply(protocol, answer, shape)


def _headers(protocol: str, json_version: str = "1.1") -> tuple[tuple[str, str], ...]:
    content = {
        "json": f"application/x-amz-json-{json_version}",
        "rest-json": "application/json",
        "rest-xml": "application/xml",
    }.get(protocol, "text/xml;charset=UTF-8")
    return (("Content-Type", content), ("x-amzn-RequestId", REQUEST_ID))


def _query_body(protocol: str, answer: Answer, shape: Any) -> bytes:
    name = answer.operation.name
    inner = "" if shape is None else members_xml(shape, answer.values)
    if protocol == "ec2":
        body = f"<requestId>{REQUEST_ID}</requestId>{inner}"
    else:
        wrapper = None if shape is None else shape.serialization.get("resultWrapper")
        body = f"<{wrapper}>{inner}</{wrapper}>" if wrapper else inner
        body += f"<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}Response{_NAMESPACE}>{body}</{name}Response>'.encode()


def _rest_reply(protocol: str, answer: Answer, shape: Any) -> Reply:
    status = int(answer.operation.http.get("responseCode") or 200)
    headers = list(_headers(protocol))
    values = dict(answer.values)
    if answer.service in ("s3", "s3control"):
        headers += [("x-amz-request-id", REQUEST_ID), ("x-amz-id-2", "synthetic")]
    if shape is None:
        return Reply(status, tuple(headers), b"")
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        if location in _LOCATED and name in values:
            value = values.pop(name)
            if location == "header":
                own = member.serialization.get("name", name)
                if own.lower() == "content-length":
                    continue  # the body's own length is sent
                if own.lower() == "content-type":
                    headers = [header for header in headers if header[0] != "Content-Type"]
                headers.append((own, _header_text(member, value)))
            elif location == "headers":
                prefix = member.serialization.get("name", "")
                headers += [(prefix + key, str(element)) for key, element in value.items()]
            else:
                status = int(value)
    body = _rest_body(protocol, answer, shape, values)
    if body and status in (204, 304):
        status = 200
    return Reply(status, tuple(headers), body)


def _header_text(shape: Any, value: Any) -> str:
    if is_json_value_header(shape):
        return b64encode(json.dumps(value).encode()).decode()
    if shape.type_name == "list":
        return ",".join(scalar_text(shape.member, element, "rfc822") for element in value)
    return scalar_text(shape, value, "rfc822").replace("\n", " ")


def _rest_body(protocol: str, answer: Answer, shape: Any, values: dict[str, Any]) -> bytes:
    payload = shape.serialization.get("payload")
    if payload is not None:
        member = shape.members[payload]
        value = values.get(payload)
        if value is None:
            return b""
        if member.type_name in ("blob", "string"):
            return value if isinstance(value, bytes) else str(value).encode()
        if protocol == "rest-json":
            return json_body(member, value)
        tag = member.serialization.get("name") or member.name
        return _document(element_xml(member, value, tag, _NAMESPACE))
    if not values and not any(m.serialization.get("location") not in _LOCATED for m in shape.members.values()):
        return b""
    if protocol == "rest-json":
        return json_body(shape, values)
    if (answer.service, answer.operation.name) == ("s3", "GetBucketLocation"):
        # The one answer whose root element is the member itself (botocore: handlers.parse_get_bucket_location).
        return _document(element_xml(shape.members["LocationConstraint"], values["LocationConstraint"], "LocationConstraint"))
    return _document(f"<{shape.name}{_NAMESPACE}>{members_xml(shape, values)}</{shape.name}>")


def _document(element: str) -> bytes:
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + element).encode()


def error_reply(service: str, code: str, status: int, message: str) -> Reply:
    """An error of *service* in its protocol; of an unknown service in rest-json's, which says most by itself."""
    facts = models.by_name().get(service)
    protocol = facts.protocol if facts else "rest-json"
    headers = _headers(protocol)
    code_xml, message_xml = escape(code), escape(message)
    error = f"<Code>{code_xml}</Code><Message>{message_xml}</Message>"
    if protocol == "ec2":
        text = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
        return Reply(status, headers, _document(text))
    if service == "s3":
        headers += (("x-amz-request-id", REQUEST_ID), ("x-amz-id-2", "synthetic"))
        return Reply(status, headers, _document(f"<Error>{error}<RequestId>{REQUEST_ID}</RequestId></Error>"))
    if protocol in ("query", "rest-xml"):
        kind = "Sender" if status < 500 else "Receiver"
        error = f"<Error><Type>{kind}</Type>{error}</Error><RequestId>{REQUEST_ID}</RequestId>"
        text = f"<ErrorResponse>{error}</ErrorResponse>"
        return Reply(status, headers, _document(text))
    if protocol == "rest-json":
        headers += (("x-amzn-ErrorType", code),)
        return Reply(status, headers, json.dumps({"message": message}).encode())
    if facts and models.service_model(service).is_query_compatible:
        headers += (("x-amzn-query-error", f"{code};Sender"),)
    return Reply(status, headers, json.dumps({"__type": code, "message": message}).encode())


def throttled(service: str) -> tuple[str, int]:
    """Code and status with which *service* throttles (each service's API reference, "Common Errors")."""
    own = {
        "ec2": ("RequestLimitExceeded", 503),
        "s3": ("SlowDown", 503),
        "lambda": ("TooManyRequestsException", 429),
        "apigateway": ("TooManyRequestsException", 429),
        "apigatewayv2": ("TooManyRequestsException", 429),
        "organizations": ("TooManyRequestsException", 400),
    }
    if service in own:
        return own[service]
    protocol = models.by_name()[service].protocol
    if protocol in ("query", "rest-xml"):
        return ("Throttling", 400)
    return ("ThrottlingException", 429 if protocol == "rest-json" else 400)
