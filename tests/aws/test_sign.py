"""Our signatures are botocore's."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from collector.aws.sign import unsigned, with_signature

MOMENT = datetime(2026, 11, 23, 18, 29, 58, tzinfo=UTC)
URLS = [
    "https://sns.eu-west-1.amazonaws.com/",
    "https://sns.eu-west-1.amazonaws.com:443/",
    "http://127.0.0.1:4566/a",
    "http://[::1]:8080/",
    "https://Lambda.EU-west-1.amazonaws.com/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Af/policy",
    "https://s.amazonaws.com//double//slash/../up/./here/",
    "https://s.amazonaws.com/a%20b/%C3%BC?list-type=2&prefix=a%2Fb&prefix=&marker",
    "https://s.amazonaws.com/?b=2&a=1&a=%20&A=3&a-b=4",
    "https://s.amazonaws.com/?acl",
]
HEADERS: list[dict[str, str]] = [
    {},
    {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "DynamoDB_20120810.ListTables"},
    {"x-amz-account-id": "111122223333", "x-amz-zz": "  spaced   out  ", "User-Agent": "us", "Accept": "application/json"},
    {"Host": "elsewhere.test", "x-amz-expected-bucket-owner": "1"},
]


def by_botocore(url: str, headers: dict[str, str], body: bytes, keys: ReadOnlyCredentials, *, s3: bool) -> dict[str, str]:
    request = AWSRequest(method="POST", url=url, data=body, headers=headers)
    (S3SigV4Auth if s3 else SigV4Auth)(keys, "a-service", "eu-west-1").add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.mark.parametrize("s3", [False, True])
@pytest.mark.parametrize("token", ["a/token+==", None])
@pytest.mark.parametrize("body", [b"", b"Action=ListTopics&Version=2010-03-31"])
@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("url", URLS)
def test_a_request_is_signed_as_botocore_signs_it(
    url: str, headers: dict[str, str], body: bytes, token: str | None, s3: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: MOMENT)
    keys: Any = ReadOnlyCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)

    request = unsigned("sns", "ListTopics", "POST", url, headers, body, proxy=None, region="eu-west-1", service="a-service", s3=s3)
    found = {name.lower(): value for name, value in with_signature(request, keys, MOMENT.strftime("%Y%m%dT%H%M%SZ")).items()}

    assert found == by_botocore(url, headers, body, keys, s3=s3)


def test_a_request_can_be_signed_again_by_somebody_else() -> None:
    request = unsigned(
        "sns", "ListTopics", "POST", URLS[0], {"X-Amz-Target": "t"}, b"b", proxy=None, region="eu-west-1", service="sns", s3=False
    )
    first: Any = ReadOnlyCredentials("AKIAFIRST", "one", "token-one")
    second: Any = ReadOnlyCredentials("AKIASECOND", "two", None)

    with_signature(request, first, "20261123T182958Z")
    found = with_signature(request, second, "20261123T182958Z")

    assert "token-one" not in str(found)
    assert found["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIASECOND/20261123/eu-west-1/sns/aws4_request, ")
