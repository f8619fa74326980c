"""One emulator for the ring, and in each test an empty billing bucket and an environment that reaches nothing else."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import certifi
import pytest

from collector.demo.demo import emulated_environment
from collector.demo.emulator import emulator
from tests.billing.files import BUCKET, Bucket

END = "-----END CERTIFICATE-----\n"


@pytest.fixture(scope="session")
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nothing here goes over TLS, and reading every authority anew for each client takes longer than most of the tests."""
    path = tmp_path_factory.mktemp("tls") / "one.pem"
    path.write_text(Path(certifi.where()).read_text().partition(END)[0] + END)
    return path


@pytest.fixture(autouse=True)
def garbage_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process makes its clients once, and looks for garbage then; here every test makes them, beside all that pytest holds."""
    monkeypatch.setattr("gc.collect", lambda generation=2: 0)


@pytest.fixture(scope="session")
def emulated() -> Iterator[str]:
    with emulator() as url:
        yield url


@contextmanager
def billing_bucket(emulated: str, one_authority: Path) -> Iterator[Bucket]:
    """An empty billing bucket, and an environment that reaches nothing else."""
    with emulated_environment(emulated):
        os.environ["AWS_CA_BUNDLE"] = str(one_authority)
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield Bucket(s3)
        for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
            s3.delete_object(Bucket=BUCKET, Key=each["Key"])
        s3.delete_bucket(Bucket=BUCKET)


@pytest.fixture
def bucket(emulated: str, one_authority: Path) -> Iterator[Bucket]:
    with billing_bucket(emulated, one_authority) as empty:
        yield empty
