"""What stands in for botocore's event handlers gives what they give."""

from copy import deepcopy
from typing import Any

import pytest
from botocore.handlers import json_decode_policies
from botocore.model import OperationModel
from botocore.session import Session

from collector.aws.handlers import at, of_answers
from tests.synthetic import models
from tests.synthetic.asking import reads_of

POLICY = "%7B%22Version%22%3A%222012-10-17%22%7D"


def generous(shape: Any) -> Any:
    """A value of *shape* with all its members, each text a policy. RecursionError for a shape that leads to itself."""
    match shape.type_name:
        case "structure":
            return {name: generous(member) for name, member in shape.members.items()}
        case "list":
            return [generous(shape.member), generous(shape.member)]
        case "map":
            return {"key": generous(shape.value)}
    return POLICY


@pytest.mark.parametrize("operation", [each for each in reads_of("iam") if each.output_shape], ids=lambda operation: operation.name)
def test_policies_are_decoded_where_botocore_decodes_them(operation: OperationModel) -> None:
    operation = models.operation_model("iam", operation.name)
    ours = generous(operation.output_shape)
    botocores = deepcopy(ours)

    for handler in of_answers((json_decode_policies,), operation):
        handler(parsed=ours, model=operation)
    json_decode_policies(botocores, operation)

    assert ours == botocores


@pytest.mark.parametrize(
    ("service", "operation"), [("iam", "ListRoles"), ("elbv2", "DescribeTags"), ("events", "ListRules"), ("sqs", "ListQueues")]
)
def test_the_handlers_of_a_moment_are_those_that_botocore_would_call(service: str, operation: str) -> None:
    session = Session()
    called: list[str] = []
    for name in (service, "*"):
        session.register(f"before-parse.{name}.{operation}", lambda name=name, **_: called.append(name))
    client = session.create_client(service, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret")
    model = client.meta.service_model.operation_model(operation)

    client.meta.events.emit(f"before-parse.{model.service_model.service_id.hyphenize()}.{operation}")
    of_botocore, called[:] = list(called), []
    for handler in at(client, "before-parse", model):
        if handler.__module__ == __name__:
            handler()

    assert called == of_botocore
    assert sorted(called) == ["*", service]
