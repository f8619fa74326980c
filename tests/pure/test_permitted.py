"""The table of permitted calls: what a spec fixes cannot be changed, and what it does not name cannot be asked for."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from collector.errors import CallNotAllowedError
from collector.spec.api import service_model
from collector.spec.model import Call
from collector.spec.permitted import Permitted, page_inputs, permitted
from collector.spec.reader import read_specs
from collector.spec.select import families


@cache
def table() -> Permitted:
    return permitted(families(read_specs()))


@cache
def calls() -> tuple[Call, ...]:
    return tuple(table())


def asked(call: Call) -> dict[str, Any]:
    """Parameters as the collector gives them to *call*: something in place of every reference."""
    return {**filled(call.params), **{name: values[0] for name, values in call.over.items()}}


def filled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: filled(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [filled(each) for each in value]
    return "made-up" if is_filled(value) else value


def is_filled(value: Any) -> bool:
    return isinstance(value, str) and "{" in value


def changed(fixed: Any, given: Any) -> Iterator[Any]:
    """*given* with one thing that the spec fixes changed, taken away or added to."""
    if isinstance(fixed, Mapping):
        for name, value in fixed.items():
            if not is_filled(value):
                yield {each: kept for each, kept in given.items() if each != name}
            yield from ({**given, name: other} for other in changed(value, given[name]))
        yield {**given, "NotInTheSpec": "x"}
    elif isinstance(fixed, list | tuple):
        yield [*given, given[-1]]
        yield given[:-1]
        for at, value in enumerate(fixed):
            yield from ([*given[:at], other, *given[at + 1 :]] for other in changed(value, given[at]))
    elif not is_filled(fixed):
        yield f"{fixed}-but-different"
        yield None


def allowed(call: Call, params: Mapping[str, Any], among: Permitted | None = None) -> bool:
    try:
        (among or table()).require(call.service, call.operation, params)
    except CallNotAllowedError:
        return False
    return True


def test_every_call_may_be_made_as_its_spec_says() -> None:
    assert [call for call in calls() if not allowed(call, asked(call))] == []


def test_every_word_that_a_spec_asks_in_turn_may_be_asked_and_no_other() -> None:
    words = [(call, name, word) for call in calls() for name, values in call.over.items() for word in values]

    assert len(words) > 20
    assert [each for each in words if not allowed(each[0], {**asked(each[0]), each[1]: each[2]})] == []
    assert [each for each in words if allowed(each[0], {**asked(each[0]), each[1]: "AnotherWord"})] == []
    alone = [
        (call, name) for call, name, _ in words if allowed(call, {n: v for n, v in asked(call).items() if n != name}, Permitted([call]))
    ]
    assert alone == []


def test_nothing_that_a_spec_fixes_can_be_changed_left_out_or_added_to() -> None:
    tried, open_to = 0, []
    for call in calls():
        for params in changed(call.params, asked(call)):
            tried += 1
            if allowed(call, params, Permitted([call])):
                open_to.append((call.service, call.operation, params))

    assert open_to == []
    assert tried > 3_000


def test_no_other_parameter_of_an_operation_can_be_given_than_its_specs_name() -> None:
    """In the whole table, where several specs may name the same operation: every parameter that botocore knows."""
    tried, open_to = 0, []
    for call in calls():
        named = {name for same in calls() if (same.service, same.operation) == (call.service, call.operation) for name in names(same)}
        shape = service_model(call.service).operation_model(call.operation).input_shape
        for name in set(shape.members if shape else ()) - named:
            tried += 1
            if allowed(call, {**asked(call), name: "x"}):
                open_to.append((call.service, call.operation, name))

    assert open_to == []
    assert tried > 2_000


def names(call: Call) -> set[str]:
    return {*call.params, *call.over, *page_inputs(call)}


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("ec2", "DescribeInstanceAttribute", {"InstanceId": "i-1", "Attribute": "userData"}),
        ("ec2", "DescribeInstanceAttribute", {"InstanceId": "i-1"}),
        ("ec2", "DescribeImageAttribute", {"ImageId": "i-1", "Attribute": "productCodes"}),
        ("ec2", "DescribeSnapshots", {"RestorableByUserIds": ["all"]}),
        ("apigateway", "GetApiKeys", {"includeValues": True}),
        ("apigateway", "GetApiKey", {"apiKey": "k", "includeValue": True}),
        ("ssm", "GetParameters", {"Names": ["a"], "WithDecryption": True}),
        ("ssm", "DescribeDocumentPermission", {"Name": "a", "PermissionType": "Other"}),
        ("kms", "GetKeyPolicy", {"KeyId": "k", "PolicyName": "other"}),
        ("iam", "ListPolicies", {"Scope": "All"}),
        ("stepfunctions", "DescribeStateMachine", {"stateMachineArn": "a", "includedData": "ALL_DATA"}),
        ("sqs", "GetQueueAttributes", {"QueueUrl": "q"}),
        ("sqs", "ReceiveMessage", {"QueueUrl": "q"}),
        ("lambda", "GetFunction", {"FunctionName": "f"}),
    ],
)
def test_what_shows_secrets_or_data_cannot_be_asked_for(service: str, operation: str, params: dict[str, Any]) -> None:
    with pytest.raises(CallNotAllowedError):
        table().require(service, operation, params)


def test_text_around_what_is_filled_in_is_fixed_too() -> None:
    only = Permitted(
        [Call("sns", "ListTagsForResource", "sns:ListTagsForResource", params={"ResourceArn": "arn:{partition}:sns:*:{account}:t"})]
    )

    only.require("sns", "ListTagsForResource", {"ResourceArn": "arn:aws:sns:*:111122223333:t"})
    for other in ("arn:aws:sqs:*:111122223333:t", "t", 7, ["arn:aws:sns:*:1:t"]):
        with pytest.raises(CallNotAllowedError):
            only.require("sns", "ListTagsForResource", {"ResourceArn": other})
