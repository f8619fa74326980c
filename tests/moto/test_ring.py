"""The moto ring: every spec against a moto with something in it. What moto does not have is told apart from what is not there."""

from collections import Counter
from collections.abc import Mapping

import anyio
import pytest

from tests.model.ring import ARN
from tests.moto.ring import NOT_IMPLEMENTED, TABLE, Found, arns_in, listing, read_seeded, resources, table

pytestmark = pytest.mark.moto

WITH_RECORDS, NOT_SERVED = 380, 500
"""At least so many types; with fewer, the tests below would look at nothing."""

WITHOUT_ARN = frozenset({
    "AWS::Config::ConfigurationRecorder",
    "AWS::EC2::DHCPOptions",
    "AWS::EC2::SecurityGroupRule",
    "AWS::ManagedBlockchain::Member",
    "AWS::ManagedBlockchain::Network",
    "AWS::ManagedBlockchain::Node",
    "AWS::SSM::Parameter",
})  # fmt: skip
"""Types in whose answers moto leaves out the ARN, or the owner that is part of it."""

WITH_AN_ODD_ARN = frozenset({
    "AWS::DirectConnect::Connection",
    "AWS::MediaLive::Channel",
    "AWS::MediaLive::Input",
    "AWS::MediaPackage::OriginEndpoint",
    "AWS::NetworkManager::CoreNetwork",
    "AWS::NetworkManager::Device",
    "AWS::NetworkManager::GlobalNetwork",
    "AWS::NetworkManager::Link",
    "AWS::NetworkManager::Site",
})  # fmt: skip
"""Types whose ARNs moto makes in a form of its own: without a region or an account."""

NOT_FOUND: Mapping[tuple[str, str], str] = {
    ("apigateway", "vpc_link"): "its load balancer, which is not there",
    ("bedrock-agent", "base"): "AWS's model",
    ("bedrock-agentcore-control", "runtime"): "a workload identity, which moto does not list",
    ("clouddirectory", "directory"): "its schema, which moto does not list",
    ("clouddirectory", "schema"): "likewise",
    ("directconnect", "connection"): "moto gives the ARN, in a form of its own, as the id",
    ("directconnect", "lag"): "likewise",
    ("elasticbeanstalk", "environment"): "DescribeEnvironments of moto answers without ids",
    ("mediaconnect", "flow"): "its source, which is in the flow's configuration",
    ("network-firewall", "firewall"): "its policy, which is not there",
    ("quicksight", "dashboard"): "a version of the dashboard",
    ("s3tables", "table"): "ListTables of moto calls the ARN tableArn, AWS's tableARN",
}
"""What was made, and which ARN in moto's answer to it is no record's."""


@pytest.fixture(scope="module")
def found() -> Found:
    return anyio.run(read_seeded)


def test_what_moto_serves_is_written_down(found: Found) -> None:
    assert TABLE.read_text(encoding="utf-8") == table(found), (
        "the specs, the seeds or moto have changed: .venv/bin/python -m tests.moto.write_served, and look at the difference"
    )


def test_the_ring_is_wide(found: Found) -> None:
    assert sum(coverage.resources > 0 for coverage in found.coverage.values()) >= WITH_RECORDS


def test_what_moto_does_not_have_is_never_taken_for_nothing(found: Found) -> None:
    """moto itself says what it does not have, before the collector hears of it."""
    lacking = {
        resource.type: found.coverage[resource.type]
        for resource in resources()
        if found.coverage[resource.type].calls and any((call.service, call.operation) in found.unknown for call in listing(resource))
    }
    assert len(lacking) >= NOT_SERVED
    assert [type for type, coverage in lacking.items() if coverage.complete or not coverage.gaps] == []


def test_nothing_that_moto_has_is_taken_for_not_served(found: Found) -> None:
    unknown = {call.action for resource in resources() for call in resource.calls() if (call.service, call.operation) in found.unknown}
    told = {gap.action for coverage in found.coverage.values() for gap in coverage.gaps if gap.code in NOT_IMPLEMENTED}
    assert told == unknown


def test_ids_are_there_and_unique(found: Found) -> None:
    for type, records in found.records.items():
        ids = Counter(record.resource_id for record in records)
        assert all(ids), f"{type}: an empty id"
        assert [id for id, count in ids.items() if count > 1] == [], f"{type}: the same id twice"


def test_arns_are_there_and_well_formed(found: Found) -> None:
    arns = {resource.type: [record.arn for record in found.records.get(resource.type, ())] for resource in resources() if resource.arn}
    assert {type for type, seen in arns.items() if None in seen} == WITHOUT_ARN
    assert {type for type, seen in arns.items() if not all(arn is None or ARN.fullmatch(arn) for arn in seen)} == WITH_AN_ODD_ARN


def test_what_was_made_is_found_by_its_arn(found: Found) -> None:
    """Every ARN that the makers of things were answered is the ARN of a record."""
    read = {record.arn for records in found.records.values() for record in records}
    missing = {place for place, answer in found.made.items() if set(arns_in(answer)) - read}
    assert missing == set(NOT_FOUND)
