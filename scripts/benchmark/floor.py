"""The floor: the same bytes over aiohttp, signed, and read by orjson or expat into plain values. No models, pace, retries or records.

Whoever is to read AWS with Python pays at least this; what the collector takes beyond it is the price of everything it is for.
"""

import hmac
import os
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import aiohttp
import anyio
import orjson
from yarl import URL

from benchmark.shared import assumed
from benchmark.work import Carry, Work, tell
from collector.event_loop import in_event_loop

_FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


@dataclass(frozen=True)
class Request:
    """One list call on the wire. *items*: the elements between the root and the items."""

    items: tuple[str, ...]
    body: bytes = b""
    method: str = "POST"
    target: str = "/"
    headers: tuple[tuple[str, str], ...] = tuple(_FORM.items())


def _json(target: str) -> tuple[tuple[str, str], ...]:
    return ("Content-Type", "application/x-amz-json-1.0"), ("X-Amz-Target", target)


REQUESTS = {
    "ec2": Request(("reservationSet",), b"Action=DescribeInstances&Version=2016-11-15"),
    "iam": Request(("ListRolesResult", "Roles"), b"Action=ListRoles&Version=2010-05-08"),
    "lambda": Request(("Functions",), method="GET", target="/2015-03-31/functions", headers=()),
    "s3": Request(("Buckets", "Bucket"), method="GET", target="/?max-buckets=1000", headers=()),
    "dynamodb": Request(("TableNames",), b"{}", headers=_json("DynamoDB_20120810.ListTables")),
    "sns": Request(("ListTopicsResult", "Topics"), b"Action=ListTopics&Version=2010-03-31"),
    "sqs": Request(("QueueUrls",), b'{"MaxResults":1000}', headers=_json("AmazonSQS.ListQueues")),
}


def signed(request: Request, host: str, region: str, service: str, keys: dict[str, str]) -> dict[str, str]:
    """The headers of *request*, signed now (Signature Version 4)."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    digest = sha256(request.body).hexdigest()
    headers = {
        "Host": host,
        **dict(request.headers),
        "X-Amz-Content-SHA256": digest,
        "X-Amz-Date": moment,
        "X-Amz-Security-Token": keys["aws_session_token"],
    }
    lower = sorted((name.lower(), value) for name, value in headers.items())
    names = ";".join(name for name, _ in lower)
    path, _, query = request.target.partition("?")
    lines = "".join(f"{name}:{value}\n" for name, value in lower)
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    canonical = sha256(f"{request.method}\n{path}\n{query}\n{lines}\n{names}\n{digest}".encode()).hexdigest()
    key = f"AWS4{keys['aws_secret_access_key']}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{canonical}".encode(), "sha256").hex()
    credential = f"{keys['aws_access_key_id']}/{scope}"
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return headers


def plain(element: ET.Element) -> Any:
    """What *element* holds: a text, a list of what is called ``item`` or ``member``, or a map; what is there twice is a list."""
    if not len(element):
        return element.text or ""
    if element[0].tag.endswith(("}item", "}member")):
        return [plain(child) for child in element]
    found: dict[str, Any] = {}
    for child in element:
        name, value = child.tag.rpartition("}")[2], plain(child)
        if name in found:
            found[name] = [*found[name], value] if isinstance(found[name], list) else [found[name], value]
        else:
            found[name] = value
    return found


@asynccontextmanager
async def floor(work: Work) -> AsyncIterator[Carry]:
    keys = await assumed((work.warm, *work.timed))
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    host = urlsplit(endpoint).netloc
    context = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
    urls = {service: URL(endpoint + request.target, encoded=True) for service, request in REQUESTS.items()}
    connector = aiohttp.TCPConnector(ssl=context, limit=work.abreast)
    async with aiohttp.ClientSession(connector=connector, skip_auto_headers={"Content-Type"}) as session:

        async def carry(accounts: Sequence[str]) -> tuple[int, int]:
            cells = work.cells(accounts)
            counts = [0, 0]

            async def one() -> None:
                for account, region, service in cells:
                    request = REQUESTS[service]
                    headers = signed(request, host, region, service, keys[account])
                    async with session.request(request.method, urls[service], headers=headers, data=request.body or None) as response:
                        body = await response.read()
                        if response.status != 200:
                            raise RuntimeError(body[:500])
                    found = plain(ET.fromstring(body)) if body.startswith(b"<") else orjson.loads(body)
                    counts[0] += 1
                    for name in request.items:
                        found = found.get(name) if found else None
                    counts[1] += len(found) if isinstance(found, list) else bool(found)

            async with anyio.create_task_group() as group:
                for _ in range(work.abreast):
                    group.start_soon(one)
            return counts[0], counts[1]

        yield carry


if __name__ == "__main__":
    tell(floor, in_loop=in_event_loop)
