"""What a resource is called in a billing file, and what the inventory calls it."""

import duckdb
import pytest

from collector.billing import resources
from collector.spec.reader import read_specs

ACCOUNT = "012345678901"
ARN = f"arn:aws:%s:eu-west-1:{ACCOUNT}:%s"

CALLED = {
    ("AmazonEC2", "i-0aa"): (ARN % ("ec2", "instance/i-0aa"), "i-0aa", "AWS::EC2::Instance"),
    ("AWSDataTransfer", "i-0aa"): (ARN % ("ec2", "instance/i-0aa"), "i-0aa", "AWS::EC2::Instance"),
    ("AmazonEC2", ARN % ("ec2", "instance/i-0aa")): (ARN % ("ec2", "instance/i-0aa"), "i-0aa", "AWS::EC2::Instance"),
    ("AmazonEC2", "vol-0bb"): (ARN % ("ec2", "volume/vol-0bb"), "vol-0bb", "AWS::EC2::Volume"),
    ("AmazonEC2", ARN % ("ec2", "snapshot/snap-0cc")): ("arn:aws:ec2:eu-west-1::snapshot/snap-0cc", "snap-0cc", "AWS::EC2::Snapshot"),
    ("AmazonEC2", ARN % ("ec2", "natgateway/nat-0dd")): (ARN % ("ec2", "natgateway/nat-0dd"), "nat-0dd", "AWS::EC2::NatGateway"),
    ("AmazonS3", "logs-bucket"): ("arn:aws:s3:::logs-bucket", "arn:aws:s3:::logs-bucket", "AWS::S3::Bucket"),
    ("AmazonEFS", "fs-0ee"): (
        ARN % ("elasticfilesystem", "file-system/fs-0ee"),
        ARN % ("elasticfilesystem", "file-system/fs-0ee"),
        "AWS::EFS::FileSystem",
    ),
    ("AmazonFSx", "fs-0ee"): (ARN % ("fsx", "file-system/fs-0ee"), "fs-0ee", "AWS::FSx::FileSystem"),
    ("AmazonRDS", ARN % ("rds", "db:orders")): (ARN % ("rds", "db:orders"), ARN % ("rds", "db:orders"), "AWS::RDS::DBInstance"),
    ("AmazonCloudWatch", ARN % ("logs", "log-group:/aws/lambda/x:*")): (
        ARN % ("logs", "log-group:/aws/lambda/x"),
        ARN % ("logs", "log-group:/aws/lambda/x"),
        "AWS::Logs::LogGroup",
    ),
    ("AmazonEC2", "a name of nobody's"): (None, "a name of nobody's", None),
    ("AmazonEC2", None): (None, None, None),
}


@pytest.mark.parametrize(("code", "resource"), CALLED)
def test_a_billed_resource_is_called_as_in_the_inventory(code: str, resource: str | None) -> None:
    with duckdb.connect() as database:
        found = database.execute(
            f"""with billed as (select $code service_code, $resource resource, $account account_id, 'eu-west-1' region, 'aws' partition),
            placed as (select *, {resources.arn()} as arn from billed)
            select arn, {resources.resource_id()}, {resources.resource_type()} from placed""",
            {"code": code, "resource": resource, "account": ACCOUNT},
        ).fetchone()

    assert found == CALLED[code, resource]


def test_the_specs_have_these_types_and_name_them_by_the_same_ids() -> None:
    written = {each.type: each for service in read_specs().values() for each in service.resources.values()}
    for called, type in resources._TYPES.items():
        by_arn = called.partition(":")[0] not in resources._NAMED_BY_ID
        assert (written[type].id == "{arn}") == by_arn, type
