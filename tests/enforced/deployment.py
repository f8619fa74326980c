"""The generated template as a customer deploys it: CloudFormation makes the stack, nothing here knows what is in it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.enforced.asking import Identity, client

STACK = "inventory-role"
INLINE_BYTES = 51_200
"""The longest template that CreateStack takes in the call itself; the emulator holds to it as AWS does."""


def deploy(url: str, root: Identity, template: str, parameters: Mapping[str, str]) -> str:
    """Create the stack; gives the role's ARN, from its outputs. Fails when a resource of the template cannot be made."""
    cloudformation = client(url, root, "cloudformation")
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    cloudformation.create_stack(StackName=STACK, Parameters=given, Capabilities=["CAPABILITY_NAMED_IAM"], **_body(url, root, template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
    outputs = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    return str({each["OutputKey"]: each["OutputValue"] for each in outputs}["RoleArn"])


def _body(url: str, root: Identity, template: str) -> dict[str, str]:
    if len(template.encode()) <= INLINE_BYTES:
        return {"TemplateBody": template}
    s3 = client(url, root, "s3")
    bucket = f"templates-{root.access_key_id}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="role.json", Body=template.encode())
    return {"TemplateURL": f"{url}/{bucket}/role.json"}


@contextmanager
def without(url: str, root: Identity, role_name: str, action: str) -> Iterator[None]:
    """For as long as the block lasts, the policy of the role that allows *action* does not."""
    iam = client(url, root, "iam")
    naming = []
    for policy in iam.list_attached_role_policies(RoleName=role_name)["AttachedPolicies"]:
        arn = policy["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        if (less := _less(document, action)) != document:
            naming.append((arn, document, less))
    assert len(naming) == 1, f"{action} is named by {len(naming)} policies of the role"
    ((arn, document, less),) = naming
    _replace(iam, arn, less)
    try:
        yield
    finally:
        _replace(iam, arn, document)


def _replace(iam: Any, arn: str, document: Any) -> None:
    """Make *document* the policy's only version. (The emulator cannot make an older version the default one again.)"""
    old = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(document), SetAsDefault=True)
    iam.delete_policy_version(PolicyArn=arn, VersionId=old)


def _less(document: Any, action: str) -> Any:
    """*document* without *action* in what it allows."""

    def kept(statement: dict[str, Any]) -> dict[str, Any]:
        if statement["Effect"] != "Allow":
            return statement
        return {**statement, "Action": [each for each in statement["Action"] if each != action]}

    return {**document, "Statement": [kept(statement) for statement in document["Statement"]]}
