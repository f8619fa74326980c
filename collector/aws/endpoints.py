"""Where services are, from botocore's endpoint data and without a call: partitions, regions, and the home of what is global."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.exceptions import UnknownRegionError
from botocore.session import Session

from collector.aws.models import metadata


@cache
def _session() -> Session:
    return Session()


@cache
def partitions() -> tuple[str, ...]:
    return tuple(_session().get_available_partitions())


def partition_of(region: str) -> str | None:
    """The partition in which *region* lies; None for a region that botocore does not know."""
    try:
        partition: str = _session().get_partition_for_region(region)
    except UnknownRegionError:
        return None
    return partition


@cache
def _data(partition: str) -> Mapping[str, Any]:
    every = _session().get_data("endpoints")["partitions"]
    found: Mapping[str, Any] = next(each for each in every if each["partition"] == partition)
    return found


def regions(partition: str) -> tuple[str, ...]:
    """The regions of *partition* that botocore knows, in its order."""
    return tuple(_data(partition)["regions"])


class PartitionEndpoints:
    """The endpoints of one partition."""

    def __init__(self, partition: str) -> None:
        self.partition = partition
        self._services: Mapping[str, Any] = _data(partition)["services"]

    def _service(self, service: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._services.get(metadata(service)["endpointPrefix"], {})
        return found

    def home(self, service: str) -> str:
        """The region that signs for a service of global scope: ``us-west-2`` for Network Manager, ``us-east-1`` for most."""
        known = self._service(service)
        endpoint = known.get("endpoints", {}).get(known.get("partitionEndpoint", ""), {})
        home = endpoint.get("credentialScope", {}).get("region")
        if home:
            return str(home)
        served = [region for region in regions(self.partition) if region in known.get("endpoints", {})]
        default = default_region(self.partition)
        return default if default in served or not served else served[0]

    def serves(self, service: str, region: str) -> bool:
        """False only when botocore lists where *service* is, and *region* is not among it."""
        if region not in _data(self.partition)["regions"]:
            return False
        known = self._service(service)
        if not known and self.partition != "aws":
            return metadata(service)["endpointPrefix"] not in _data("aws")["services"]
        listed = [name for name in known.get("endpoints", {}) if name in _data(self.partition)["regions"]]
        return not listed or region in listed


def default_region(partition: str) -> str:
    """The region in which the partition's global services sign, and in which STS is asked when nothing else is said."""
    home = _data(partition)["services"].get("iam", {}).get("endpoints", {}).get(f"{partition}-global", {})
    return str(home.get("credentialScope", {}).get("region") or regions(partition)[0])
