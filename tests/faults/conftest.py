"""The emulator that holds the buckets, in a process of its own: importing it changes botocore."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

SNAPSHOTS = "snapshots"
_START_SECONDS = 60


@contextmanager
def emulated_buckets() -> Iterator[tuple[str, Any]]:
    """The URL of an S3 with one bucket, and a client of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            client = boto3.client(
                "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="reader", aws_secret_access_key="reader"
            )
            _create_when_it_answers(client)
            yield url, client
            client.close()
        finally:
            process.kill()


def _create_when_it_answers(client: Any) -> None:
    last = time.monotonic() + _START_SECONDS
    while True:
        try:
            client.create_bucket(Bucket=SNAPSHOTS)
        except EndpointConnectionError:
            if time.monotonic() > last:
                raise
        else:
            return


@pytest.fixture(scope="session")
def buckets() -> Iterator[tuple[str, Any]]:
    """See `emulated_buckets`."""
    with emulated_buckets() as found:
        yield found
