"""Compiled parsing gives what botocore's own parsers give, on generated answers, on botocore's examples, and on answers gone wrong."""

import json
import random
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import HeadersDict
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import Loader
from botocore.model import OperationModel, Shape
from botocore.parsers import ResponseParserError, ResponseParserFactory
from botocore.utils import parse_timestamp

from collector.aws.parse import UNFORESEEN, Parse, compiled, moment_text, refuse_definitions
from collector.spec.reader import read_spec
from tests.synthetic import Settings, models
from tests.synthetic.answer import Answer, answer_of
from tests.synthetic.asking import smallest
from tests.synthetic.placeholders import filled
from tests.synthetic.wire import Reply, reply_of

SPECS = sorted((Path(__file__).parents[2] / "service_specs").glob("*.toml"))
SERVICES = [path.stem for path in SPECS]
GENEROUS = Settings(items=3, nested=2, fill_failures=True)
MUTATED = [
    ("ec2", "DescribeInstances"),
    ("iam", "ListRoles"),
    ("rds", "DescribeDBInstances"),
    ("sqs", "GetQueueAttributes"),
    ("sns", "GetTopicAttributes"),
    ("s3", "ListBuckets"),
    ("s3", "GetBucketAcl"),
    ("cloudfront", "ListDistributions"),
    ("route53", "ListResourceRecordSets"),
    ("lambda", "ListFunctions"),
    ("dynamodb", "DescribeTable"),
    ("quicksight", "ListUsers"),
    ("wafv2", "GetWebACL"),
    ("glue", "GetJobs"),
    ("ssm", "DescribeParameters"),
]
BY_HANDLER = {"GetBucketLocation"}  # botocore reads this answer in an event handler, not in its parser
REFERENCE = ResponseParserFactory()
REFERENCE.set_parser_defaults(timestamp_parser=moment_text)


def by_botocore(operation: OperationModel, status: int, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    response = {"status_code": status, "headers": HeadersDict(headers), "body": body, "context": {}}
    answer: dict[str, Any] = REFERENCE.create_parser(operation.service_model.resolved_protocol).parse(response, operation.output_shape)
    answer.pop("ResponseMetadata")
    return answer


def sent(reply: Reply) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body as they arrive."""
    account, region = "111122223333", "eu-west-1"
    headers = {name.lower(): filled(value, account, region) for name, value in reply.headers}
    return reply.status, headers, filled(reply.body.decode("latin-1"), account, region).encode("latin-1")


def operations_of(service: str) -> list[OperationModel]:
    """Every operation that the spec of *service* calls."""
    path = next(path for path in SPECS if path.stem == service)
    every = (call for family in read_spec(service, path.read_text()).families() for call in family.calls())
    calls = {call.operation for call in every if call.service == service}
    return [models.operation_model(service, operation) for operation in sorted(calls)]


def compiled_surely(operation: OperationModel) -> Parse:
    parse = compiled(operation)
    assert parse is not None, f"{operation.service_model.service_name}.{operation.name} is left to botocore's parser"
    return parse


@pytest.mark.parametrize("service", SERVICES)
def test_every_call_of_a_spec_is_read_as_botocore_reads_it(service: str) -> None:
    for operation in operations_of(service):
        params = smallest(operation.input_shape) if operation.input_shape else {}
        received = sent(reply_of(answer_of(GENEROUS, service, operation, params)))

        found = compiled_surely(operation)(*received)

        assert found == by_botocore(operation, *received), operation.name
        assert operation.output_shape is None or found or operation.name in BY_HANDLER, f"{operation.name}: an empty answer shows nothing"


@pytest.mark.parametrize("service", SERVICES)
def test_an_answer_without_any_member_is_read_as_botocore_reads_it(service: str) -> None:
    for operation in operations_of(service):
        if operation.name in BY_HANDLER:
            continue
        received = sent(reply_of(Answer(service, operation, {}, (), frozenset(), None)))

        assert compiled_surely(operation)(*received) == by_botocore(operation, *received), operation.name


def as_values(shape: Shape, value: Any) -> Any:
    """An example's *value* with real timestamps and bytes, without members that have left the model since it was written."""
    match shape.type_name:
        case "structure" if not shape.is_document_type:
            return {name: as_values(shape.members[name], below) for name, below in value.items() if name in shape.members}
        case "list":
            return [as_values(shape.member, below) for below in value]
        case "map":
            return {name: as_values(shape.value, below) for name, below in value.items()}
        case "timestamp":
            return parse_timestamp(value)
        case "blob":
            return value.encode()
    return value


def examples() -> Iterator[tuple[str, OperationModel, int, Any]]:
    loader = Loader()
    for service in SERVICES:
        try:
            every = loader.load_service_model(service, "examples-1")["examples"]
        except (UnknownServiceError, DataNotFoundError):
            continue
        known = models.service_model(service).operation_names
        for name in sorted(every):
            for number, example in enumerate(every[name]):
                if name in known and example.get("output"):
                    yield service, models.operation_model(service, name), number, example["output"]


def test_botocores_examples_are_read_as_botocore_reads_them() -> None:
    read = 0
    for service, operation, number, output in examples():
        parse = compiled(operation)
        if parse is None:
            continue
        received = sent(reply_of(Answer(service, operation, as_values(operation.output_shape, output), (), frozenset(), None)))

        assert parse(*received) == by_botocore(operation, *received), f"{service}.{operation.name}, example {number}"
        read += 1
    assert read > 500


def spoil_json(value: Any, chance: random.Random) -> Any:
    """*value* with something in it that its model does not foresee."""
    if isinstance(value, dict):
        spoilt = {name: spoil_json(below, chance) for name, below in value.items() if chance.random() > 0.05}
        return {**spoilt, "Unheard-of": [1]} if chance.random() < 0.1 else spoilt
    if isinstance(value, list):
        return [spoil_json(below, chance) for below in value]
    odd = [None, True, 7, 2**63, 1.5, "text", "", {}, [], {"a": None}, [None]]
    return chance.choice(odd) if chance.random() < 0.05 else value


def spoil_xml(node: ET.Element, chance: random.Random) -> None:
    for child in list(node):
        if child.tag.endswith("ResponseMetadata"):
            continue  # nobody reads it but botocore
        spoil_xml(child, chance)
        dice = chance.random()
        if dice < 0.03:
            node.remove(child)
        elif dice < 0.06:
            node.append(child)
        elif dice < 0.09:
            ET.SubElement(node, "{https://elsewhere.test/}" + child.tag.rpartition("}")[2]).text = "text"
        elif dice < 0.12 and len(child) == 0:
            child.text = chance.choice([None, "", " ", "true", "1e400", "2024-13-45T00:00:00Z"])
        elif dice < 0.14:
            ET.SubElement(node, "Unheard-of").text = "text"


def spoilt(body: bytes, chance: random.Random) -> bytes:
    if body.startswith(b"{"):
        return json.dumps(spoil_json(json.loads(body), chance)).encode()
    root = ET.fromstring(body)
    spoil_xml(root, chance)
    return ET.tostring(root)


@pytest.mark.parametrize(("service", "name"), MUTATED)
def test_an_answer_gone_wrong_is_read_as_botocore_reads_it_or_left_to_botocore(service: str, name: str) -> None:
    operation = models.operation_model(service, name)
    params = smallest(operation.input_shape) if operation.input_shape else {}
    status, headers, body = sent(reply_of(answer_of(GENEROUS, service, operation, params)))
    parse = compiled_surely(operation)
    chance = random.Random(f"{service}.{name}")
    read = 0
    for _ in range(200):
        wrong = spoilt(body, chance)
        try:
            found = parse(status, headers, wrong)
        except UNFORESEEN:
            continue
        assert found == by_botocore(operation, status, headers, wrong), wrong.decode()
        read += 1
    assert read, "every answer was left to botocore: nothing was compared"


@pytest.mark.parametrize(
    ("service", "operation", "body"),
    [("lambda", "ListFunctions", b'{"Functions":[{"CodeSize":%d}]}'), ("ssm", "DescribeParameters", b'{"Parameters":[{"Version":%d}]}')],
)
def test_an_integer_beyond_64_bits_is_left_to_botocore(service: str, operation: str, body: bytes) -> None:
    parse = compiled_surely(models.operation_model(service, operation))
    with pytest.raises(UNFORESEEN):
        parse(200, {}, body % 10**25)
    assert parse(200, {}, body % 2**63)


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE r [<!ENTITY e "expanded">]><r><ListTopicsResult><NextToken>&e;</NextToken></ListTopicsResult></r>',
        b'<?xml version="1.0"?> <!-- - --> \n<!DOCTYPE r SYSTEM "file:///etc/passwd"><r><ListTopicsResult/></r>',
        b"\xef\xbb\xbf<!DOCTYPE r><r><ListTopicsResult/></r>",
    ],
)
def test_an_answer_that_may_define_entities_is_refused_by_either_parser(body: bytes) -> None:
    with pytest.raises(UNFORESEEN):
        compiled_surely(models.operation_model("sns", "ListTopics"))(200, {}, body)
    with pytest.raises(ResponseParserError):
        refuse_definitions({"body": body})


def test_text_that_only_speaks_of_a_document_type_is_read() -> None:
    operation = models.operation_model("sns", "ListTopics")
    body = b"<r><ListTopicsResult><NextToken><![CDATA[<!DOCTYPE html>]]></NextToken></ListTopicsResult></r>"

    refuse_definitions({"body": body})
    assert compiled_surely(operation)(200, {}, body) == {"NextToken": "<!DOCTYPE html>"}


@pytest.mark.parametrize(("service", "operation"), [("s3", "GetObject"), ("kinesis", "SubscribeToShard"), ("s3", "HeadObject")])
def test_streams_and_unusual_headers_are_left_to_botocore(service: str, operation: str) -> None:
    assert compiled(models.operation_model(service, operation)) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00Z"),
        (1709208000, "2024-02-29T12:00:00.000Z"),
        ("1709208000.5", "2024-02-29T12:00:00.500Z"),
        ("Thu, 29 Feb 2024 12:00:00 GMT", "2024-02-29T12:00:00.000Z"),
        ("2024-02-29T13:00:00+01:00", "2024-02-29T12:00:00.000Z"),
        ("no time at all", "no time at all"),
        (1e300, "1e+300"),
    ],
)
def test_a_moment_becomes_its_text(value: Any, text: str) -> None:
    assert moment_text(value) == text
