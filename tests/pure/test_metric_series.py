"""Records and specs -> the series that CloudWatch is asked for, and batches of them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from collector.metrics.batches import QUERIES, WAITING, batched
from collector.metrics.estimate import estimate
from collector.metrics.price import Budget
from collector.metrics.series import Series, series_of
from collector.plan import Target
from collector.spec.model import Metrics, Resource
from collector.spec.reader import read_specs
from tests.model.metered import ACCOUNT, BALANCERS, EXAMPLES, REGION, Example
from tests.model.test_wastage_metrics import FACTS


@cache
def metered() -> Mapping[str, Resource]:
    return {resource.type: resource for service in read_specs().values() for resource in service.resources.values() if resource.metrics}


def example(type: str, **configuration: Any) -> Example:
    """The example of *type*, with some of its configuration changed; a member that is None is not there."""
    found = next(each for each in EXAMPLES if each.type == type)
    changed = {**found.configuration, **configuration}
    return replace(found, configuration={name: value for name, value in changed.items() if value is not None})


def series(of: Example) -> list[Series]:
    return list(series_of(of.line(), metered()[f"AWS::{of.type}"]))


def needs() -> Iterator[tuple[Example, Mapping[str, Any]]]:
    """Every metric that checks need, with the example of its type; of load balancers, with that of its kind."""
    kinds = dict(zip(("AWS/ApplicationELB", "AWS/NetworkELB", "AWS/GatewayELB"), BALANCERS, strict=True))
    for need in FACTS["metrics"].values():
        yield kinds.get(need["namespace"]) or example(need["type"]), need


@pytest.mark.parametrize(("of", "need"), [pytest.param(*each, id=f"{each[1]['type']} {each[1]['metric']}") for each in needs()])
def test_every_metric_is_asked_for_by_the_dimensions_that_aws_documents(of: Example, need: Mapping[str, Any]) -> None:
    found = [
        dict(each.dimensions)
        for each in series(of)
        if (each.metrics.namespace, each.metric, sorted(dict(each.dimensions))) == (need["namespace"], need["metric"], need["dimensions"])
    ]
    expected = [
        each
        for each in of.series(need["dimensions"])
        if of.type != "S3::Bucket" or (each["StorageType"] == "AllStorageTypes") == (need["metric"] == "NumberOfObjects")
    ]
    assert sorted(map(str, found)) == sorted(map(str, ({name: each[name] for name in found[0]} for each in expected)))


def test_every_metered_type_has_an_example() -> None:
    assert {f"AWS::{each.type}" for each in EXAMPLES} == set(metered())


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (example("EC2::Instance", State={"Name": "stopped"}), "It is not running."),
        (example("EC2::Volume", State="available"), "It is attached to nothing."),
        (example("RDS::DBInstance", DBInstanceStatus="stopped"), "It is stopped."),
        (example("Redshift::Cluster", ClusterStatus="paused"), "It is paused."),
        (example("EC2::NatGateway", State="deleted"), "It is not available."),
        (example("AutoScaling::AutoScalingGroup", Instances=[]), "It has no instances."),
        (example("AutoScaling::AutoScalingGroup", Instances=None), "It has no instances."),
        (example("AppStream::Fleet", State="STOPPED"), "It is stopped."),
        (example("ECS::Service", desiredCount=0, runningCount=0), "It runs no task."),
        (example("Transfer::Server", State="OFFLINE"), "It is offline."),
        (example("DynamoDB::Table", TableName=None), "Its record does not tell the dimension TableName."),
        (replace(example("MSK::Cluster"), supplementary={}), "What it has a series for could not be read."),
    ],
    ids=lambda value: value.type if isinstance(value, Example) else "",
)
def test_what_can_have_no_data_has_its_reason(of: Example, reason: str) -> None:
    assert {each.reason for each in series(of)} == {reason}


@pytest.mark.parametrize("type", [each.type for each in EXAMPLES])
def test_what_can_have_data_has_no_reason_against_it(type: str) -> None:
    assert {each.reason for each in series(example(type))} == {None}


@pytest.mark.parametrize(
    ("of", "metric", "there"),
    [
        (example("EC2::Volume", VolumeType="gp3"), "BurstBalance", False),
        (example("EC2::Volume", VolumeType="st1"), "BurstBalance", True),
        (example("RDS::DBInstance", Engine="aurora-mysql"), "FreeStorageSpace", False),
        (example("RDS::DBInstance", Engine=None), "FreeStorageSpace", True),
        (example("RDS::DBCluster", Engine="mysql"), "VolumeBytesUsed", False),
        (example("ElastiCache::CacheCluster", Engine="memcached"), "CacheHits", False),
        (example("ApiGatewayV2::Api", ProtocolType="WEBSOCKET"), "MessageCount", True),
        (example("AmazonMQ::Broker", EngineType="RabbitMQ"), "SystemCpuUtilization", True),
        (example("AmazonMQ::Broker", EngineType="RabbitMQ"), "CpuUtilization", False),
        (example("EC2::VPCEndpoint", VpcEndpointType="Gateway"), "BytesProcessed", False),
        (replace(example("Lambda::Function"), supplementary={"provisioned_concurrency": None}), "ProvisionedConcurrencyUtilization", False),
    ],
)
def test_a_metric_is_only_of_the_resources_that_have_it(of: Example, metric: str, there: bool) -> None:
    assert (metric in {each.metric for each in series(of)}) is there


@pytest.mark.parametrize(
    ("usage", "operations"),
    [("SIGN_VERIFY", {"Sign", "Verify"}), ("GENERATE_VERIFY_MAC", {"GenerateMac", "VerifyMac"}), ("KEY_AGREEMENT", set())],
)
def test_a_key_is_asked_only_about_operations_that_it_can_have(usage: str, operations: set[str]) -> None:
    assert {dict(each.dimensions)["Operation"] for each in series(example("KMS::Key", KeyUsage=usage))} == operations


def test_a_single_instance_broker_has_one_instance() -> None:
    found = series(example("AmazonMQ::Broker", DeploymentMode="SINGLE_INSTANCE"))
    assert {dict(each.dimensions)["Broker"] for each in found} == {"mq-1"}


def test_what_has_no_region_is_asked_for_where_it_was_listed() -> None:
    assert [each.subject.target.region for each in series(example("CloudFront::Distribution"))] == ["us-east-1"]
    assert [each.subject.target.region for each in series(example("GlobalAccelerator::Accelerator"))] == ["us-west-2"]


def test_buckets_are_asked_about_where_they_are_whatever_regions_were_chosen() -> None:
    subjects = {each.subject for each in series(example("S3::Bucket"))}
    assert [(subject.region, subject.target.region, subject.is_global) for subject in subjects] == [(REGION, REGION, True)]
    assert not any(each.subject.is_global for each in series(example("SQS::Queue")))


def test_a_record_of_another_shape_is_left_out_with_a_reason() -> None:
    odd = replace(example("EC2::Volume"), configuration={"VolumeId": "vol-1", "State": "in-use", "VolumeType": ["gp2"]})
    assert "BurstBalance" not in {each.metric for each in series(odd)}
    odd = replace(example("RDS::DBInstance"), configuration={"DBInstanceIdentifier": "db-1", "Engine": 5})
    assert {each.reason for each in series(odd) if each.metric == "FreeStorageSpace"} == {
        "Its record is not of the shape that the spec expects."
    }


# --- batches ---


def made(number: int, *, statistics: int = 1, region: str = REGION, days: int = 32, reason: str | None = None) -> Series:
    subject = replace(series(example("SQS::Queue"))[0].subject, target=Target("aws", ACCOUNT, region))
    metrics = Metrics("AWS/SQS", {}, {"M": ("Sum", "Average", "Maximum", "Minimum", "SampleCount")[:statistics]}, "zero", days)
    return Series(subject, metrics, "M", (("QueueName", str(number)),), reason)


@pytest.mark.parametrize(("statistics", "sizes"), [(1, [500, 500, 201]), (2, [250] * 4 + [201]), (3, [166] * 7 + [39])])
def test_a_batch_is_full_at_500_queries_and_splits_no_metric(statistics: int, sizes: list[int]) -> None:
    batches = list(batched(made(number, statistics=statistics) for number in range(1201)))

    assert [len(batch.series) for batch in batches] == sizes
    assert all(batch.queries == statistics * len(batch.series) <= QUERIES for batch in batches)


def test_regions_lengths_of_time_and_what_is_not_asked_for_are_batches_of_their_own() -> None:
    mixed = [made(1), made(2, region="us-east-1"), made(3, days=90), made(4, reason="No."), made(5)]

    batches = [(batch.target.region, batch.days, batch.askable, len(batch.series)) for batch in batched(mixed)]

    assert batches == [(REGION, 32, True, 2), ("us-east-1", 32, True, 1), (REGION, 90, True, 1), (REGION, 32, False, 1)]


def test_what_waits_for_its_batch_is_bounded_however_many_regions_there_are() -> None:
    taken = given = most = 0

    def many() -> Iterator[Series]:
        nonlocal taken
        template = made(0)
        for number in range(3 * WAITING):
            taken += 1
            target = Target("aws", ACCOUNT, f"r{number % 1000}")
            yield replace(template, subject=replace(template.subject, target=target))

    for batch in batched(many()):
        given += len(batch.series)
        most = max(most, taken - given)
    assert given == taken == 3 * WAITING
    assert most < WAITING


# --- price ---


def test_the_estimate_counts_metrics_not_statistics() -> None:
    found = [*(made(number, statistics=3) for number in range(200)), made(1, days=90), made(2, reason="No.")]

    told = estimate(found, per_thousand=0.01)

    assert (told.metrics, told.calls, told.dollars, told.by_type) == (201, 3, 0.00201, {"AWS::SQS::Queue": 201})


def test_a_budget_takes_nothing_that_would_pass_it() -> None:
    budget = Budget(per_thousand=0.01, limit=0.02)
    assert [budget.takes(1500), budget.takes(501), budget.takes(500), budget.takes(1)] == [True, False, True, False]
    assert budget.spent == 0.02


def test_a_budget_can_be_spent_to_the_last_cent() -> None:
    budget = Budget(per_thousand=0.01, limit=0.02)
    assert [budget.takes(2000), budget.takes(1)] == [True, False]


def test_no_limit_is_none() -> None:
    budget = Budget()
    assert budget.takes(10_000_000)
    budget.give_back(10_000_000)
    assert budget.spent == 0
