"""Ask the server without sockets: requests made by botocore's serialisers, answers read by its parsers."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.compat import HTTPHeaders
from botocore.model import OperationModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from tests.synthetic import models
from tests.synthetic.route import Request

_READS = re.compile(r"(?:Describe|List|Get|BatchGet|BatchDescribe)[A-Z]")


def reads_of(service: str) -> list[OperationModel]:
    """The read-like operations of *service* that answer with data."""
    names = models.service_model(service).operation_names
    found = [models.operation_model(service, name) for name in names if _READS.match(name)]
    return [operation for operation in found if not operation.has_event_stream_output and not operation.deprecated]


def smallest(shape: Any) -> Any:
    """The least that botocore's validation accepts for *shape*."""
    kind = shape.type_name
    if kind == "structure":
        names = shape.required_members or (list(shape.members)[:1] if shape.is_tagged_union else [])
        return {name: smallest(shape.members[name]) for name in names}
    if kind == "list":
        return [smallest(shape.member) for _ in range(max(1, int(shape.metadata.get("min", 1))))]
    if kind == "map":
        return {str(smallest(shape.key)): smallest(shape.value)}
    if kind == "string":
        return (shape.metadata.get("enum") or ["asked"])[0].ljust(int(shape.metadata.get("min", 0)), "d")
    if kind == "boolean":
        return True
    if kind == "timestamp":
        return "2024-01-01T00:00:00Z"
    return b"blob" if kind == "blob" else max(1, int(shape.metadata.get("min", 1)))


def request_for(
    service: str, operation: OperationModel, params: dict[str, Any], *, account: str, region: str, hint: bool = True
) -> Request:
    """What botocore would send for *account* in *region*; with *hint*, it says which service it means."""
    facts = models.by_name()[service]
    parts = create_serializer(facts.protocol, include_validation=False).serialize_to_request(params, operation)
    prepare_request_dict(parts, "http://127.0.0.1")
    prepared = create_request_object(parts).prepare()
    body = prepared.body or b""
    headers = {name.lower(): value if isinstance(value, str) else value.decode() for name, value in prepared.headers.items()}
    signing_name = signing_name_of(service, operation)
    scope = f"20260101/{region}/{signing_name}/aws4_request"
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential=AKIA{account}TEST/{scope}, SignedHeaders=host, Signature=0"
    if hint:
        headers["x-synthetic-service"] = service
    url = urlsplit(prepared.url)
    target = urlunsplit(("", "", url.path, url.query, ""))
    return Request(prepared.method, target, headers, body.encode() if isinstance(body, str) else bytes(body))


def signing_name_of(service: str, operation: OperationModel) -> str:
    """The signing name of a call; S3 signs calls about directory buckets for another service (its endpoint rules)."""
    if service == "s3" and "DirectoryBucket" in operation.name:
        return "s3express"
    return models.by_name()[service].signing_name


def parsed(service: str, operation: OperationModel, sent: bytes) -> tuple[int, dict[str, Any]]:
    """Status and content of *sent*, a whole HTTP response, as botocore's parser understands it."""
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = HTTPHeaders()
    for line in lines:
        name, _, value = line.partition(": ")
        headers[name] = value
    status = int(first.split()[1])
    response = {"status_code": status, "headers": headers, "body": body, "context": {}}
    parser = create_parser(models.by_name()[service].protocol)
    answer: dict[str, Any] = parser.parse(response, operation.output_shape)
    answer.pop("ResponseMetadata", None)
    return status, answer
