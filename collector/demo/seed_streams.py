"""What moves data: SNS, SQS, Kinesis, Firehose, EventBridge, Step Functions, Glue."""

import json

import anyio

from collector.demo.place import Place, lower_pairs, pairs


async def seed_topics(here: Place, *, count: int) -> None:
    """Topics; more than 100 are more than one page."""

    async def topic(number: int) -> None:
        name = f"order-events-{number:03}"
        tags = here.tags(name)
        answer = await here.call("sns", "create_topic", Name=name, Tags=pairs(tags))
        here.seeded("AWS::SNS::Topic", answer["TopicArn"], tags)

    async with anyio.create_task_group() as group:
        for number in range(count):
            group.start_soon(topic, number)


async def seed_queues(here: Place, *, count: int) -> None:
    """Queues, the first with a subscription to the first topic."""
    for number in range(count):
        name = f"orders-{number}"
        tags = here.tags(name)
        await here.call("sqs", "create_queue", QueueName=name, tags=tags)
        here.seeded("AWS::SQS::Queue", here.arn("sqs", name), tags)
    subscription = await here.call(
        "sns",
        "subscribe",
        TopicArn=here.arn("sns", "order-events-000"),
        Protocol="sqs",
        Endpoint=here.arn("sqs", "orders-0"),
        ReturnSubscriptionArn=True,
    )
    here.seeded("AWS::SNS::Subscription", subscription["SubscriptionArn"])


async def seed_messages(here: Place) -> None:
    """Messages with secrets in the first queue: one sent to it, one published through the topic."""
    url = (await here.call("sqs", "get_queue_url", QueueName="orders-0"))["QueueUrl"]
    await here.call("sqs", "send_message", QueueUrl=url, MessageBody=here.secret("sqs-message"))
    topic_arn = here.arn("sns", "order-events-000")
    await here.call("sns", "publish", TopicArn=topic_arn, Message=here.secret("sns-message"))


async def seed_streams(here: Place) -> None:
    """A stream with a secret in a record, and a delivery stream."""
    tags = here.tags("clicks")
    await here.call("kinesis", "create_stream", StreamName="clicks", ShardCount=1)
    # moto ignores tags on creation.
    await here.call("kinesis", "add_tags_to_stream", StreamName="clicks", Tags=tags)
    here.seeded("AWS::Kinesis::Stream", here.arn("kinesis", "stream/clicks"), tags)
    await here.call("kinesis", "put_record", StreamName="clicks", PartitionKey="1", Data=here.secret("kinesis-record").encode())
    answer = await here.call(
        "firehose",
        "create_delivery_stream",
        DeliveryStreamName="clicks-to-s3",
        ExtendedS3DestinationConfiguration={
            "RoleARN": f"arn:aws:iam::{here.account.id}:role/firehose",
            "BucketARN": f"arn:aws:s3:::{here.account.name}-records-{here.region}",
        },
        Tags=pairs(tags),
    )
    here.seeded("AWS::KinesisFirehose::DeliveryStream", answer["DeliveryStreamARN"], tags)


async def seed_workflow(here: Place) -> None:
    """A state machine with a secret in its definition, and a rule that starts it with another in its input."""
    tags = here.tags("refund")
    states = {"Pay": {"Type": "Pass", "Result": {"token": here.secret("state-machine")}, "End": True}}
    machine = await here.call(
        "stepfunctions",
        "create_state_machine",
        name="refund",
        definition=json.dumps({"StartAt": "Pay", "States": states}),
        roleArn=f"arn:aws:iam::{here.account.id}:role/states",
        tags=lower_pairs(tags),
    )
    here.seeded("AWS::StepFunctions::StateMachine", machine["stateMachineArn"], tags)
    rule = await here.call(
        "events",
        "put_rule",
        Name="nightly-refunds",
        ScheduleExpression="rate(1 day)",
        State="ENABLED",
        Tags=pairs(tags),
    )
    here.seeded("AWS::Events::Rule", rule["RuleArn"], tags)
    target = {"Id": "1", "Arn": machine["stateMachineArn"], "Input": json.dumps({"key": here.secret("rule-input")})}
    await here.call("events", "put_targets", Rule="nightly-refunds", Targets=[target])


async def seed_glue(here: Place) -> None:
    """A database, and a connection and a job with passwords in their settings."""
    await here.call("glue", "create_database", DatabaseInput={"Name": "sales"}, Tags=(tags := here.tags("sales")))
    here.seeded("AWS::Glue::Database", here.arn("glue", "database/sales"), tags)
    tags = here.tags("load-sales")
    await here.call(
        "glue",
        "create_job",
        Name="load-sales",
        Role=f"arn:aws:iam::{here.account.id}:role/glue",
        Command={"Name": "glueetl", "ScriptLocation": "s3://scripts/load.py"},
        DefaultArguments={"--db-password": here.secret("glue-argument")},
        Tags=tags,
    )
    here.seeded("AWS::Glue::Job", here.arn("glue", "job/load-sales"), tags)
    await here.call(
        "glue",
        "create_connection",
        ConnectionInput={
            "Name": "sales-db",
            "ConnectionType": "JDBC",
            "ConnectionProperties": {
                "JDBC_CONNECTION_URL": "jdbc:postgresql://db/sales",
                "USERNAME": "loader",
                "PASSWORD": here.secret("glue-connection"),
            },
        },
    )
    here.seeded("AWS::Glue::Connection", here.arn("glue", "connection/sales-db"))
