"""Ask the emulator as somebody: plain clients, for what a test sets up or tries outside the collector."""

from functools import cache
from typing import Any, NamedTuple

import boto3
from botocore.config import Config

ROOT_SECRET = "the-root-of-every-account"
"""Of every account's root, whose access key id is the account's number."""
REGION = "us-east-1"


class Identity(NamedTuple):
    """Somebody's keys."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


def root_of(account: str) -> Identity:
    return Identity(account, ROOT_SECRET)


def s3_control(url: str) -> str:
    """The endpoint of S3 Control, which puts the account before the host; nothing can stand before 127.0.0.1."""
    return url.replace("127.0.0.1", "localhost")


@cache
def client(url: str, who: Identity, service: str, region: str = REGION) -> Any:
    """A client of *service* that signs as *who*, each call sent once."""
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, inject_host_prefix=False, proxies={})
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=s3_control(url) if service == "s3control" else url,
        config=config,
        aws_access_key_id=who.access_key_id,
        aws_secret_access_key=who.secret_access_key,
        aws_session_token=who.session_token,
    )
