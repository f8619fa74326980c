"""A finished snapshot of a few resources, for costs to meet."""

from typing import Any

import anyio

from collector.record import CoverageRecord, ResourceRecord
from collector.sink import open_sink
from tests.billing.files import MEMBER


def resource(id: str, arn: str, **other: Any) -> ResourceRecord:
    told = {
        "account_id": MEMBER, "arn": arn, "configuration": {}, "created_at": None, "name": None, "observed_at": "2026-11-05T00:00:00.000Z",
        "parent_arn": None, "partition": "aws", "region": "eu-west-1", "resource_id": id, "resource_type": "AWS::EC2::Instance",
        "scan_id": SCAN, "service": "ec2", "state": None, "supplementary": {}, "tags": {},
    }  # fmt: skip
    return ResourceRecord(**{**told, **other})


SCAN = f"{MEMBER}/eu-west-1/ec2.instance@20261105T000000.000Z"


def write_snapshot(to: str, *resources: ResourceRecord, compress: bool = False) -> None:
    coverage = CoverageRecord(
        account_id=MEMBER, calls=1, complete=True, gaps=(), observed_at="2026-11-05T00:00:00.000Z", partition="aws", region="eu-west-1",
        resource_type="AWS::EC2::Instance", resources=len(resources), retries=0, scan_id=SCAN, seconds=0.1, service="ec2",
    )  # fmt: skip

    async def write() -> None:
        async with open_sink(to, compress=compress) as sink:
            await sink.begin({})
            await sink.write([*resources, coverage])
            await sink.finish({"resources": len(resources)})

    anyio.run(write)
