"""What an account is run with: keys, logs, alarms, parameters, secrets, stacks, trails and Config."""

import json
import time

import anyio

from collector.demo.place import Place, pairs

_STACK = {
    "Parameters": {"AdminPassword": {"Type": "String", "NoEcho": True}, "ApiKey": {"Type": "String"}},
    "Resources": {"Audit": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "audit-from-stack"}}},
    "Outputs": {"Key": {"Value": {"Ref": "ApiKey"}}},
}


async def seed_key(here: Place) -> None:
    tags = here.tags("records")
    answer = await here.call(
        "kms",
        "create_key",
        Description="records",
        Tags=[{"TagKey": key, "TagValue": value} for key, value in tags.items()],
    )
    here.seeded("AWS::KMS::Key", answer["KeyMetadata"]["Arn"], tags)
    await here.call("kms", "create_alias", AliasName="alias/records", TargetKeyId=answer["KeyMetadata"]["KeyId"])
    here.seeded("AWS::KMS::Alias", here.arn("kms", "alias/records"))


async def seed_log_groups(here: Place, *, count: int) -> None:
    """Log groups, more than 50 are more than one page; the first has a line with a secret."""

    async def log_group(number: int) -> None:
        name = f"/app/service-{number:03}"
        tags = here.tags(name)
        await here.call("logs", "create_log_group", logGroupName=name, tags=tags)
        here.seeded("AWS::Logs::LogGroup", here.arn("logs", f"log-group:{name}"), tags)

    async with anyio.create_task_group() as group:
        for number in range(count):
            group.start_soon(log_group, number)
    await here.call("logs", "create_log_stream", logGroupName="/app/service-000", logStreamName="today")
    await here.call(
        "logs",
        "put_log_events",
        logGroupName="/app/service-000",
        logStreamName="today",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": f"token={here.secret('log-event')}"}],
    )


async def seed_alarm(here: Place) -> None:
    tags = here.tags("errors")
    await here.call(
        "cloudwatch",
        "put_metric_alarm",
        AlarmName="errors",
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        Tags=pairs(tags),
    )
    here.seeded("AWS::CloudWatch::Alarm", here.arn("cloudwatch", "alarm:errors"), tags)


async def seed_secrets(here: Place, *, parameters: int) -> None:
    """A secret, and parameters, whose values are what must never be read."""
    tags = here.tags("orders/password")
    secret = await here.call(
        "secretsmanager",
        "create_secret",
        Name="orders/password",
        SecretString=here.secret("secret-value"),
        Tags=pairs(tags),
    )
    here.seeded("AWS::SecretsManager::Secret", secret["ARN"], tags)
    for number in range(parameters):
        name = f"/orders/setting-{number}"
        tags = here.tags(name)
        kind = "SecureString" if number % 2 else "String"
        await here.call("ssm", "put_parameter", Name=name, Type=kind, Value=here.secret(f"ssm-{number}"), Tags=pairs(tags))
        here.seeded("AWS::SSM::Parameter", here.arn("ssm", f"parameter{name}"), tags)


async def seed_stack(here: Place) -> None:
    """A stack with a secret in a hidden parameter, in a plain one, and in an output."""
    tags = here.tags("audit")
    answer = await here.call(
        "cloudformation",
        "create_stack",
        StackName="audit",
        TemplateBody=json.dumps(_STACK),
        Parameters=[
            {"ParameterKey": "AdminPassword", "ParameterValue": here.secret("stack-noecho")},
            {"ParameterKey": "ApiKey", "ParameterValue": here.secret("stack-plain")},
        ],
        Tags=pairs(tags),
    )
    here.seeded("AWS::CloudFormation::Stack", answer["StackId"], tags)


async def seed_trail(here: Place) -> None:
    """A trail that writes to the account's bucket in this region."""
    tags = here.tags("audit")
    answer = await here.call(
        "cloudtrail",
        "create_trail",
        Name="audit",
        S3BucketName=f"{here.account.name}-records-{here.region}",
        IsMultiRegionTrail=False,
        TagsList=pairs(tags),
    )
    await here.call("cloudtrail", "start_logging", Name="audit")
    here.seeded("AWS::CloudTrail::Trail", answer["TrailARN"], tags)


async def seed_config_recorder(here: Place) -> None:
    await here.call(
        "config",
        "put_configuration_recorder",
        ConfigurationRecorder={
            "name": "default",
            "roleARN": f"arn:aws:iam::{here.account.id}:role/config",
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": False},
        },
    )
    here.seeded("AWS::Config::ConfigurationRecorder", "default")
