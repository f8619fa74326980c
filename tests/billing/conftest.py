"""One emulator for the ring, and in each test an empty billing bucket and an environment that reaches nothing else."""

from collections.abc import Iterator

import boto3
import pytest

from collector.demo.demo import emulated_environment
from collector.demo.emulator import emulator
from tests.billing.files import BUCKET, Bucket


@pytest.fixture(scope="session")
def emulated() -> Iterator[str]:
    with emulator() as url:
        yield url


@pytest.fixture
def bucket(emulated: str) -> Iterator[Bucket]:
    with emulated_environment(emulated):
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield Bucket(s3)
        for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
            s3.delete_object(Bucket=BUCKET, Key=each["Key"])
        s3.delete_bucket(Bucket=BUCKET)
