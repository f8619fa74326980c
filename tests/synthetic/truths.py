"""What a few operations must say truly, because the collector's start depends on it: identity, regions, accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.synthetic.placeholders import ACCOUNT, PARTITION, REGION
from tests.synthetic.settings import Settings

_ACCOUNTS_ON_A_PAGE = 20  # Organizations ListAccounts: MaxResults is at most 20
_END_OF_CREDENTIALS = datetime(2099, 1, 1, tzinfo=UTC)
TIMELY = frozenset({"AssumeRole", "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML", "AssumeRoot", "GetSessionToken"})


def pages_of(settings: Settings, service: str, operation: str) -> int | None:
    """The number of pages of an operation whose items are settable; None for all others."""
    if (service, operation) == ("organizations", "ListAccounts"):
        return max(1, -(-len(settings.accounts) // _ACCOUNTS_ON_A_PAGE))
    if (service, operation) in (("ec2", "DescribeRegions"), ("account", "ListRegions")):
        return 1
    return None


def items_of(settings: Settings, service: str, operation: str, page: int) -> int | None:
    """The length of a page of an operation whose items are settable; None for all others."""
    if (service, operation) == ("organizations", "ListAccounts"):
        start = page * _ACCOUNTS_ON_A_PAGE
        return len(settings.accounts[start : start + _ACCOUNTS_ON_A_PAGE])
    return None


def tell(settings: Settings, service: str, operation: str, params: dict[str, Any], values: dict[str, Any], page: int) -> None:
    """Correct *values*, in place, where the truth is known."""
    truth = _TRUTHS.get((service, operation))
    if truth is not None:
        truth(settings, params, values, page)


def access_key(account: str) -> str:
    """A temporary access key id, 20 characters, that carries its account."""
    return f"ASIA{account}SYNT"


def _assumed(settings: Settings, params: dict[str, Any], values: dict[str, Any], page: int) -> None:
    role = params.get("RoleArn", "")
    parts = role.split(":")
    account = parts[4] if len(parts) > 4 else ACCOUNT
    path = role.rpartition("/")[2] or "synthetic"
    session = params.get("RoleSessionName") or "session"
    lifetime = settings.credential_seconds
    ends = _END_OF_CREDENTIALS
    if lifetime is not None:
        ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=lifetime)
    values["Credentials"].update(AccessKeyId=access_key(account), SessionToken=f"synthetic/{path}/{session}", Expiration=ends)
    user = values.get("AssumedRoleUser")
    if user is not None:
        user["Arn"] = f"arn:{PARTITION}:sts::{account}:assumed-role/{path}/{session}"
        user["AssumedRoleId"] = f"AROA{account}SYNT:{session}"


def _caller(settings: Settings, params: dict[str, Any], values: dict[str, Any], page: int) -> None:
    values.update(
        Account=ACCOUNT,
        UserId=f"AROA{ACCOUNT}SYNT:session",
        Arn=f"arn:{PARTITION}:sts::{ACCOUNT}:assumed-role/synthetic/session",
    )


def _regions(settings: Settings, params: dict[str, Any], values: dict[str, Any], page: int) -> None:
    rows = [
        {"OptInStatus": "opt-in-not-required", "RegionName": region, "Endpoint": f"ec2.{region}.amazonaws.com"}
        for region in settings.regions
    ]
    if params.get("AllRegions") in (True, "true"):
        rows += [
            {"OptInStatus": "not-opted-in", "RegionName": region, "Endpoint": f"ec2.{region}.amazonaws.com"}
            for region in settings.disabled_regions
        ]
    asked = params.get("RegionNames")
    values["Regions"] = [row for row in rows if not asked or row["RegionName"] in asked]


def _account_regions(settings: Settings, params: dict[str, Any], values: dict[str, Any], page: int) -> None:
    statuses = dict.fromkeys(settings.regions, "ENABLED_BY_DEFAULT") | dict.fromkeys(settings.disabled_regions, "DISABLED")
    asked = params.get("RegionOptStatusContains")
    values["Regions"] = [
        {"RegionName": region, "RegionOptStatus": status} for region, status in statuses.items() if not asked or status in asked
    ]


def _accounts(settings: Settings, params: dict[str, Any], values: dict[str, Any], page: int) -> None:
    start = page * _ACCOUNTS_ON_A_PAGE
    for account, row in zip(settings.accounts[start:], values["Accounts"], strict=False):
        arn = f"arn:{PARTITION}:organizations::{ACCOUNT}:account/o-synthetic/{account}"
        row.update(Id=account, Arn=arn, Status="ACTIVE", State="ACTIVE")


def _buckets(settings: Settings, params: dict[str, Any], values: dict[str, Any], page: int) -> None:
    for number, bucket in enumerate(values["Buckets"]):
        if params:
            bucket["BucketRegion"] = settings.regions[number % len(settings.regions)]
        else:
            # S3 fills BucketRegion only when a parameter is sent (S3 API reference, ListBuckets).
            bucket.pop("BucketRegion", None)


def _bucket_location(settings: Settings, params: dict[str, Any], values: dict[str, Any], page: int) -> None:
    values["LocationConstraint"] = REGION


_Truth = Callable[[Settings, dict[str, Any], dict[str, Any], int], None]
_TRUTHS: dict[tuple[str, str], _Truth] = {
    **{("sts", operation): _assumed for operation in sorted(TIMELY)},
    ("sts", "GetCallerIdentity"): _caller,
    ("ec2", "DescribeRegions"): _regions,
    ("account", "ListRegions"): _account_regions,
    ("organizations", "ListAccounts"): _accounts,
    ("s3", "ListBuckets"): _buckets,
    ("s3", "GetBucketLocation"): _bucket_location,
}
