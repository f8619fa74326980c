"""Where services are, from botocore's endpoint data and without a call: partitions, regions, and the home of what is global."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.exceptions import UnknownRegionError
from botocore.session import Session

from collector.aws.models import loader, metadata


@cache
def _session() -> Session:
    session = Session()
    session.register_component("data_loader", loader({}, session.get_config_variable("data_path")))
    return session


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

    def home(self, service: str, said: str | None = None) -> str:
        """The region that signs for a service of global scope: ``us-west-2`` for Network Manager, ``us-east-1`` for most.

        *said* is what a spec says; it is of one partition, so where botocore knows the service in another, botocore is followed there.
        """
        known = self._service(service)
        if said is not None and (said in regions(self.partition) or not known):
            return said
        signing = _signing_region(known)
        if signing is not None:
            return signing
        served = [region for region in regions(self.partition) if region in known.get("endpoints", {})]
        default = default_region(self.partition)
        return default if default in served or not served else served[0]

    def serves(self, service: str, region: str) -> bool:
        """False only when botocore lists where *service* is, and *region* is not among it.

        A service that is one for the whole partition is where it signs, whichever other endpoints it has. Of a partition that botocore
        does not describe (without even IAM, which is everywhere), nothing is known.
        """
        if region not in regions(self.partition):
            return False
        known = self._service(service)
        if not known and self.partition != "aws":
            return metadata(service)["endpointPrefix"] not in _data("aws")["services"] or "iam" not in _data(self.partition)["services"]
        listed = [name for name in known.get("endpoints", {}) if name in regions(self.partition)]
        return not listed or region in listed or region == _signing_region(known)


def _signing_region(known: Mapping[str, Any]) -> str | None:
    """The region of a service's one endpoint for the whole partition, if it has one."""
    endpoint = known.get("endpoints", {}).get(known.get("partitionEndpoint", ""), {})
    region = endpoint.get("credentialScope", {}).get("region")
    return None if region is None else str(region)


def default_region(partition: str) -> str:
    """The region in which the partition's global services sign, and in which STS is asked when nothing else is said."""
    return _signing_region(_data(partition)["services"].get("iam", {})) or regions(partition)[0]
