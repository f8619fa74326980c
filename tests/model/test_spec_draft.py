"""A draft says what AWS's models know, in our order and spelling, holds as it is, and says TODO where a person must decide."""

import gc
import tomllib
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import SettingsError
from collector.spec.api import service_names
from collector.spec.check import check
from collector.spec.drafting.draft import draft
from collector.spec.drafting.words import camel, key_of, plain, singular, snake
from collector.spec.drafting.written import Unsure, inline, lines, sure
from collector.spec.model import Call
from collector.spec.reader import read_spec, read_specs

SOME = (
    "acm",
    "apigateway",
    "cloudfront",
    "cognito-idp",
    "dynamodb",
    "ec2",
    "ecs",
    "efs",
    "iam",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "rds",
    "route53",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "wafv2",
)


@pytest.fixture(scope="module", autouse=True)
def uncollected() -> Iterator[None]:
    """AWS's models stay in memory from test to test, and looking for garbage among them takes longer than the tests."""
    gc.disable()
    yield
    gc.enable()


def test_a_list_a_batch_and_what_may_fail() -> None:
    assert (
        draft("ecs", ("ListClusters",))
        == """\
[cluster]
type  = "AWS::ECS::Cluster"
list  = { call = "ListClusters", take = "clusterArns[]" }
arn   = "{clusterArn}"
name  = "{clusterName}"
state = "{status}"
tags  = "tags"

[cluster.describe]
call     = "DescribeClusters"
params   = { clusters = "{batch}" }
take     = "clusters[]"
batch    = 10   # TODO: how many AWS takes at once
failures = "failures[]"

[cluster.get.task_protection]
call   = "GetTaskProtection"
params = { cluster = "{clusterName}" }
take   = "protectedTasks"
absent = ["ClusterNotFoundException", "ResourceNotFoundException"]
why    = "TODO: what only it returns, and that this is no secret and no customer's data."
"""
    )


def test_what_a_child_lies_under_is_drafted_with_it() -> None:
    assert (
        draft("kinesis", ("ListStreamConsumers",))
        == """\
[stream]
type    = "AWS::Kinesis::Stream"
list    = { call = "ListStreams", take = "StreamSummaries[]" }
arn     = "{StreamARN}"
name    = "{StreamName}"
created = "{StreamCreationTimestamp}"
state   = "{StreamStatus}"

[stream.describe]
call   = "DescribeStream"
params = { StreamARN = "{StreamARN}" }
take   = "StreamDescription"
absent = ["ResourceNotFoundException"]

[stream.tags]
call   = "ListTagsForStream"
params = { StreamARN = "{StreamARN}" }
take   = "Tags"
absent = ["ResourceNotFoundException"]
page   = { input = "ExclusiveStartTagKey", output = "Tags[-1].Key", more = "HasMoreTags" }

[stream.get.summary]
call   = "DescribeStreamSummary"
params = { StreamARN = "{StreamARN}" }
take   = "StreamDescriptionSummary"
absent = ["ResourceNotFoundException"]

[stream_consumer]
type    = "AWS::Kinesis::StreamConsumer"
parent  = "stream"
arn     = "{ConsumerARN}"
name    = "{arn.name}"
created = "{ConsumerCreationTimestamp}"

[stream_consumer.list]
call   = "ListStreamConsumers"
params = { StreamARN = "{parent.StreamARN}" }
take   = "Consumers[]"
absent = ["ResourceNotFoundException"]
"""
    )


@cache
def whole(service: str) -> str:
    """The draft of all of *service*."""
    return draft(service)


def decided(text: str) -> str:
    """A draft in which a person has given every reason."""
    return text.replace('"TODO:', '"As we decided:')


def drafted(service: str, *operations: str) -> dict[str, Any]:
    return tomllib.loads(draft(service, operations))


def test_an_arn_that_is_in_no_answer_is_made_from_its_format() -> None:
    assert drafted("ec2", "DescribeInstances")["instance"] | {"get": None} == {
        "type": "AWS::EC2::Instance",
        "list": {"call": "DescribeInstances", "take": "Reservations[].Instances[]"},
        "arn": "arn:{partition}:ec2:{region}:{account_id}:instance/{InstanceId}",
        "name": "{tags.Name}",
        "state": "{State.Name}",
        "tags": "Tags",
        "get": None,
    }


def test_the_last_part_of_a_url_is_a_name() -> None:
    queue = drafted("sqs", "ListQueues")["queue"]

    assert (queue["arn"], queue["name"]) == ("arn:{partition}:sqs:{region}:{account_id}:{item.name}", "{item.name}")
    assert queue["get"]["attributes"]["params"] == {"QueueUrl": "{item}"}


def test_a_word_that_must_be_said_is_asked_in_turn_and_handed_on() -> None:
    ip_set = drafted("wafv2", "ListIPSets")["ip_set"]

    assert ip_set["list"]["over"] == {"Scope": ["CLOUDFRONT", "REGIONAL"]}
    assert ip_set["list"]["page"] == {"input": "NextMarker", "output": "NextMarker"}
    assert ip_set["describe"]["params"] == {"Name": "{Name}", "Scope": "{over.Scope}", "Id": "{Id}"}


def test_what_must_be_said_and_nobody_knows_is_for_a_person() -> None:
    text = draft("efs", ("DescribeFileSystemPolicy",))

    assert 'params = { FileSystemId = "TODO" }   # TODO: what to ask for' in text
    assert text.startswith('iam_prefix = "elasticfilesystem"\n\n[file_system_policy]\n')


def test_an_operation_that_is_named_twice_is_drafted_once() -> None:
    once = draft("efs", ("DescribeFileSystemPolicy",))

    assert draft("efs", ("DescribeFileSystemPolicy", "DescribeFileSystemPolicy")) == once


def test_how_much_goes_into_a_page_is_known() -> None:
    assert drafted("cognito-idp", "ListUserPools")["user_pool"]["list"]["params"] == {"MaxResults": 60}


def test_the_account_is_known() -> None:
    assert drafted("budgets", "DescribeBudgets")["budget"]["list"]["params"] == {"AccountId": "{account_id}"}


def test_secrets_are_redacted_and_the_names_of_variables_stay() -> None:
    function = drafted("lambda", "ListFunctions")["function"]

    assert "Environment.Variables.*" in function["list"]["redact"]
    assert "Environment.Variables.*" in function["get"]["configuration"]["redact"]


def test_what_the_record_needs_cannot_be_redacted_and_is_for_a_person() -> None:
    number = drafted("sns", "ListOriginationNumbers")["origination_number"]

    assert number["id"] == "{account_id}/{region}/{PhoneNumber}"
    assert number["list"]["reveal"] == {"PhoneNumber": "TODO: why it may be shown; it is needed here."}


def test_a_draft_in_which_nobody_has_decided_does_not_hold() -> None:
    text = draft("sns", ("ListTopics", "ListOriginationNumbers"))
    assert check({"sns": read_spec("sns", decided(text))}) == []
    assert [problem.partition(", and ")[0] for problem in check({"sns": read_spec("sns", text)})] == [
        "sns.toml [origination_number.list]: reveal PhoneNumber: say why it may be shown",
        "sns.toml [topic.get.attributes]: GetTopicAttributes is a Get: say in why what only it returns",
    ]


def test_list_calls_that_must_not_be_made_are_named_with_the_reason() -> None:
    lines = draft("timestream-write").splitlines()
    assert "# Left out: ListDatabases needs endpoint discovery, a call that no spec names" in lines
    assert "# Left out" not in draft("timestream-write", ("DescribeEndpoints",))


def test_what_has_no_name_but_tags_is_called_by_its_tag() -> None:
    assert drafted("ec2", "DescribeLocalGateways")["local_gateway"]["name"] == "{tags.Name}"


def test_what_ends_as_the_things_name_does_names_it() -> None:
    assert drafted("arc-region-switch")["plan_execution"]["id"] == "{executionId}"


def test_what_has_only_a_name_is_known_by_where_it_is() -> None:
    assert drafted("emr", "ListSecurityConfigurations")["security_configuration"]["id"] == "{account_id}/{region}/{Name}"
    assert drafted("iam", "ListGroupPolicies")["group_policy"]["id"] == "{parent.arn}/{item}"


def test_tags_that_aws_marks_sensitive_are_shown() -> None:
    tags = drafted("backup", "ListBackupVaults")["backup_vault"]["tags"]

    assert tags["reveal"] == {"@": "Tags are labels."}


def test_what_cannot_be_tagged_is_not_asked_for_tags() -> None:
    assert "tags" not in drafted("sns", "ListPlatformApplications")["platform_application"]


def test_a_global_service_says_so() -> None:
    assert drafted("iam", "ListRoles")["scope"] == "global"
    assert "scope" not in drafted("sns", "ListTopics")


def test_another_iam_action_is_said() -> None:
    assert drafted("s3", "ListBuckets")["bucket"]["list"]["action"] == "s3:ListAllMyBuckets"


def test_a_type_that_is_not_cloudformations_is_ours_and_in_doubt() -> None:
    text = draft("sns", ("ListPlatformApplications",))

    assert 'type = "AWS::SNS::PlatformApplication"\nours = true   # TODO' in text


def test_a_type_of_another_name_is_found_through_what_it_lies_under() -> None:
    assert drafted("cognito-idp", "ListGroups")["group"]["type"] == "AWS::Cognito::UserPoolGroup"


def test_what_is_customers_data_is_not_drafted() -> None:
    text = draft("s3", ("ListBuckets",))

    assert "ListObjects" not in text
    assert "GetObject\n" not in text


@pytest.mark.parametrize("service", SOME)
def test_a_draft_holds_as_it_is(service: str) -> None:
    text = whole(service)

    assert check({service: read_spec(service, decided(text))}) == []
    assert "# TODO" not in text.splitlines()[0]


@pytest.mark.slow
@pytest.mark.parametrize("service", sorted(service_names() - set(SOME)))
def test_every_service_has_a_draft_that_holds_or_nothing_to_list(service: str) -> None:
    try:
        text = draft(service)
    except SettingsError as error:
        assert str(error) == f"{service} has no list call that needs nothing; name the operations to draft"  # noqa: PT017
        return
    assert check({service: read_spec(service, decided(text))}) == []


ORDER = ["type", "ours", "parent", "list", "arn", "id", "name", "created", "state", "region", "tags", "volatile", "describe", "get"]
CALL_ORDER = ["call", "params", "take", "over", "batch", "failures", "absent", "redact", "reveal", "page", "action", "why"]


def tables(text: str) -> Iterator[tuple[str, list[str]]]:
    """(name, keys) of each table of a spec, in its order."""
    for part in text.split("\n["):
        head, *rest = part.splitlines() or [""]
        if "]" in head:
            yield head.rstrip("]").lstrip("["), [line.split("=")[0].strip() for line in rest if "=" in line and not line.startswith(" ")]


@pytest.mark.parametrize("service", SOME)
def test_keys_and_tables_are_in_the_houses_order(service: str) -> None:
    text = whole(service)
    found = list(tables("\n" + text))

    for name, keys in found:
        order = ORDER if "." not in name else CALL_ORDER
        assert keys == sorted(keys, key=order.index), name
    for key in {name.partition(".")[0] for name, _ in found}:
        calls = [name.split(".")[1] for name, _ in found if name.startswith(f"{key}.")]
        assert calls == sorted(calls, key=["list", "describe", "tags", "get"].index)


@pytest.mark.parametrize("service", SOME)
def test_every_get_waits_for_its_reason(service: str) -> None:
    spec = read_spec(service, whole(service))
    whys = {call.why for resource in spec.resources.values() for call in resource.calls() if call.operation.startswith(("Get", "BatchGet"))}

    assert whys <= {"TODO: what only it returns, and that this is no secret and no customer's data."}


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("acm", "ListCertificates"),
        ("dynamodb", "ListTables"),
        ("ec2", "DescribeSubnets"),
        ("ec2", "DescribeVolumes"),
        ("efs", "DescribeFileSystems"),
        ("iam", "ListRoles"),
        ("kinesis", "ListStreams"),
        ("lambda", "ListFunctions"),
        ("ecs", "ListClusters"),
        ("sns", "ListTopics"),
    ],
)
def test_a_draft_agrees_with_what_a_person_wrote(service: str, operation: str) -> None:
    """On the type, what is listed, its ARN and where its tags are; what else a person changes is taste."""
    written = next(each for each in read_specs()[service].resources.values() if each.list.operation == operation)
    (ours,) = [each for each in read_spec(service, draft(service, (operation,))).resources.values() if each.list.operation == operation]

    def tags(source: str | Call | None) -> str | None:
        return source.operation if isinstance(source, Call) else source

    assert (ours.type, ours.list.take, ours.arn, tags(ours.tags)) == (written.type, written.list.take, written.arn, tags(written.tags))


@pytest.mark.parametrize(
    ("service", "operations", "line"),
    [
        ("sqss", (), 'botocore knows no service "sqss" — did you mean "sqs"?'),
        ("sqs", ("ListQueus",), 'sqs has no operation "ListQueus" — did you mean "ListQueues"?'),
        ("sqs", ("DeleteQueue",), "DeleteQueue is not a Describe, List, Get or BatchGet, and not among the vetted exceptions"),
        ("secretsmanager", ("GetSecretValue",), "GetSecretValue must not be called: The secret itself."),
        ("sts", (), "sts has no list call that needs nothing; name the operations to draft"),
    ],
)
def test_what_cannot_be_drafted_is_said_in_one_line(service: str, operations: tuple[str, ...], line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        draft(service, operations)

    assert str(refused.value) == line


# --- names ---


@pytest.mark.parametrize(
    ("operation", "key"),
    [
        ("ListHostedZones", "hosted_zone"),
        ("DescribeDBInstances", "db_instance"),
        ("ListWebACLs", "web_acl"),
        ("ListMFADevices", "mfa_device"),
        ("DescribeAddresses", "address"),
        ("ListAliases", "alias"),
        ("DescribeDatabases", "database"),
        ("ListPolicies", "policy"),
        ("ListAnalyses", "analysis"),
        ("DescribeIndices", "index"),
        ("ListBranches", "branch"),
        ("DescribeFileCaches", "file_cache"),
        ("ListInvitationStatuses", "invitation_status"),
        ("ListAccountsForParent", "account"),
        ("ListSubscriptionsByTopic", "subscription"),
        ("DescribeEC2InstanceLimits", "ec_2_instance_limit"),
        ("GetRestApis", "rest_api"),
    ],
)
def test_a_thing_is_named_from_the_call_that_lists_it(operation: str, key: str) -> None:
    assert key_of(operation) == key


@given(st.text())
def test_no_name_breaks_the_taking_apart(name: str) -> None:
    assert key_of(name)[0].isalpha()
    assert plain(camel(snake(name))) == plain(snake(name))
    assert len(singular(name)) <= len(name) + 1


# --- TOML ---

VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda below: (
        st.lists(below, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), below, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_reads_back(value: Any) -> None:
    assert tomllib.loads(f"value = {inline(value)}") == {"value": value}


def test_a_long_list_takes_a_line_for_each_element_and_keeps_its_comment() -> None:
    table = {"take": "x", "redact": Unsure([f"Environment.Variables.Number{n}" for n in range(6)], "TODO: all?")}

    text = "\n".join(lines(table))

    assert tomllib.loads(text) == sure(table)
    assert text.splitlines()[1] == "redact = ["
    assert text.splitlines()[-1] == "]   # TODO: all?"
