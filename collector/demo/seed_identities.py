"""IAM: users, groups, roles and policies."""

import json

import anyio

from collector.demo.place import Place, pairs


async def seed_identities(here: Place, *, users: int) -> None:
    """Users with a group and an access key, and a policy that the group has."""
    tags = here.tags("developers")
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "cloudwatch:ListMetrics", "Resource": "*"}],
    }
    policy = await here.call("iam", "create_policy", PolicyName="developers", PolicyDocument=json.dumps(document), Tags=pairs(tags))
    here.seeded("AWS::IAM::ManagedPolicy", policy["Policy"]["Arn"], tags, region="global")
    group = await here.call("iam", "create_group", GroupName="developers")
    here.seeded("AWS::IAM::Group", group["Group"]["Arn"], region="global")
    await here.call("iam", "attach_group_policy", GroupName="developers", PolicyArn=policy["Policy"]["Arn"])
    for number in range(users):
        name = f"developer-{number}"
        tags = here.tags(name)
        user = await here.call("iam", "create_user", UserName=name, Tags=pairs(tags))
        here.seeded("AWS::IAM::User", user["User"]["Arn"], tags, region="global")
        await here.call("iam", "add_user_to_group", GroupName="developers", UserName=name)
    key = await here.call("iam", "create_access_key", UserName="developer-0")
    here.ledger.secrets.add(key["AccessKey"]["SecretAccessKey"])


async def seed_roles(here: Place, *, count: int) -> None:
    """Roles for services; with the inventory's own, more than 100 are more than one page."""

    async def role(name: str) -> None:
        tags = here.tags(name)
        answer = await here.call("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=_trust("lambda"), Tags=pairs(tags))
        here.seeded("AWS::IAM::Role", answer["Role"]["Arn"], tags, region="global")

    await role("invoice-function")
    async with anyio.create_task_group() as group:
        for number in range(count):
            group.start_soon(role, f"service-{number:03}")


def _trust(service: str) -> str:
    principal = {"Service": f"{service}.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
