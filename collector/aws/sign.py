"""Signature Version 4, for requests of which all but the time and the keys was prepared beforehand.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; botocore's SigV4Auth says the same, and
`tests/aws/test_sign.py` compares them.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from time import gmtime, strftime
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.utils import normalize_url_path
from yarl import URL

from collector.aws.caller import allowed_caller

_NOT_SIGNED = frozenset(
    {"accept-encoding", "authorization", "content-length", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"}
)
_DATE, _TOKEN = "x-amz-date", "x-amz-security-token"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A request that lacks only who sends it and when."""

    api: str
    """boto3's name of the service that is asked."""
    operation: str
    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes
    proxy: str | None
    region: str
    service: str
    """The name it is signed for, which is not always the endpoint's."""
    canonical: tuple[str, str, str, str]
    """Method, path, query and signed headers before the date; headers between date and token; after the token; the body's hash."""
    names: tuple[str, str, str]
    """Names of signed headers: before the date, between date and token, after the token."""


def unsigned(
    api: str,
    operation: str,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    proxy: str | None,
    region: str,
    service: str,
    s3: bool,
) -> Unsigned:
    """The request, prepared. *s3*: as S3 wants it, with the path as it is and the body's hash in a header."""
    parts = urlsplit(url)
    digest = sha256(body).hexdigest()
    if s3:
        headers = {**headers, "X-Amz-Content-SHA256": digest}
    signed = {name.lower(): " ".join(value.split()) for name, value in headers.items() if name.lower() not in _NOT_SIGNED}
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = parts.port
    signed.setdefault("host", host if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{port}")
    path = parts.path if s3 else quote(normalize_url_path(parts.path), safe="/~")
    query = (
        "&".join(f"{name}={value}" for name, _, value in sorted(pair.partition("=") for pair in parts.query.split("&")))
        if parts.query
        else ""
    )
    groups: tuple[list[str], list[str], list[str]] = ([], [], [])
    for name in sorted(signed):
        groups[(name > _DATE) + (name > _TOKEN)].append(name)
    before, between, after = ("".join(f"{name}:{signed[name]}\n" for name in group) for group in groups)
    names = tuple("".join(f"{name};" for name in group) for group in groups)
    return Unsigned(
        api=api,
        operation=operation,
        method=method,
        url=URL(url, encoded=True),
        headers=headers,
        body=body,
        proxy=proxy,
        region=region,
        service=service,
        canonical=(f"{method}\n{path}\n{query}\n{before}", between, after, digest),
        names=(names[0], names[1], names[2]),
    )


async def signed(request: Unsigned) -> dict[str, str]:
    """The headers of *request*, signed by the caller at this moment. Raises CallNotAllowedError unless it is the call that was asked."""
    caller = allowed_caller(request.api, request.operation)
    keys = await caller.credentials.get_frozen_credentials()
    return with_signature(request, keys, strftime("%Y%m%dT%H%M%SZ", gmtime()))


def with_signature(request: Unsigned, keys: Any, moment: str) -> dict[str, str]:
    """The headers of *request* with *keys*' signature of *moment* (``20261123T182958Z``)."""
    head, between, after, digest = request.canonical
    before_names, between_names, after_names = request.names
    headers = {**request.headers, "X-Amz-Date": moment}
    token_line = token_name = ""
    if keys.token:
        headers["X-Amz-Security-Token"] = keys.token
        token_line, token_name = f"{_TOKEN}:{keys.token}\n", f"{_TOKEN};"
    names = f"{before_names}{_DATE};{between_names}{token_name}{after_names}"[:-1]
    canonical = f"{head}{_DATE}:{moment}\n{between}{token_line}{after}\n{names}\n{digest}"
    day = moment[:8]
    scope = f"{day}/{request.region}/{request.service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    # Not kept: over many accounts a key is seldom used twice, and deriving one takes some four microseconds.
    key = f"AWS4{keys.secret_key}".encode()
    for part in (day, request.region, request.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return headers
