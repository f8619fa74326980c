"""Where services are, and what botocore's endpoint data does not say."""

import pytest

from collector.aws.endpoints import PartitionEndpoints, default_region, partition_of, partitions
from collector.spec.reader import read_specs

GLOBAL = sorted({service.name for service in read_specs().values() for each in service.resources.values() if each.scope == "global"})


@pytest.mark.parametrize("partition", partitions())
def test_the_home_of_a_global_service_is_in_its_partition(partition: str) -> None:
    endpoints = PartitionEndpoints(partition)

    assert [name for name in GLOBAL if partition_of(endpoints.home(name)) != partition] == []
    assert [
        name for name in GLOBAL if endpoints.serves(name, default_region(partition)) and not endpoints.serves(name, endpoints.home(name))
    ] == []


def test_a_service_with_one_endpoint_for_all_is_where_it_signs() -> None:
    assert PartitionEndpoints("aws").serves("health", "us-east-1")
    assert not PartitionEndpoints("aws").serves("health", "eu-west-1")


def test_a_service_without_an_endpoint_in_a_partition_is_not_there() -> None:
    assert not PartitionEndpoints("aws-cn").serves("shield", default_region("aws-cn"))


@pytest.mark.parametrize("partition", ["aws-eusc", "aws-iso-e"])
def test_of_a_partition_that_botocore_does_not_describe_nothing_is_denied(partition: str) -> None:
    """aws-eusc has no service at all in the endpoint data; read as "not there", a whole account would come out as covered and empty."""
    assert PartitionEndpoints(partition).serves("iam", default_region(partition))


def test_what_a_spec_says_of_a_home_is_of_one_partition() -> None:
    assert PartitionEndpoints("aws").home("notifications", "us-east-1") == "us-east-1"
    assert PartitionEndpoints("aws-us-gov").home("notifications", "us-east-1") == "us-gov-west-1"
    assert not PartitionEndpoints("aws-cn").serves("globalaccelerator", PartitionEndpoints("aws-cn").home("globalaccelerator", "us-west-2"))
