"""The synthetic server answers what botocore asks: every member there, ids unique, pages that end.

Requests are made by botocore's own serialisers and answers read by its own parsers, without sockets; a handful of
tests go over HTTP through aioboto3. The sweep over every service is marked `slow`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aioboto3
import jmespath
import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import ClientError
from botocore.model import OperationModel

from tests.synthetic import Fault, PagingRule, Put, Settings, Throttle, models, serving
from tests.synthetic.answer import CANARY, answer_of, canaries_of
from tests.synthetic.asking import parsed, reads_of, request_for, signing_name_of, smallest
from tests.synthetic.leaf import singular, split_name
from tests.synthetic.paging import rule_for
from tests.synthetic.placeholders import filled
from tests.synthetic.route import route
from tests.synthetic.server import Server

SETTINGS = Settings(items=2, pages=3)
ACCOUNT, REGION = "111122223333", "eu-west-1"
CONTEXT = (ACCOUNT, REGION)  # said of many items, though it may look like an id
ARN = re.compile(r"arn:aws:[a-z0-9-]+:[a-z0-9-]*:\d*:.+")

SAMPLE = [
    "account",
    "acm",
    "apigateway",
    "apigatewayv2",
    "autoscaling",
    "backup",
    "batch",
    "cloudformation",
    "cloudfront",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "eks",
    "elasticache",
    "elb",
    "elbv2",
    "es",
    "events",
    "fsx",
    "iam",
    "iot",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "opensearch",
    "organizations",
    "rds",
    "route53",
    "s3",
    "s3control",
    "ses",
    "sesv2",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
    "sts",
    "wafv2",
]
# Models that share all that tells services apart in a request, for some operations, and which one answers instead
# when the client does not say which it means. RDS's endpoint does the same for Neptune's and DocumentDB's clients.
TWINS = {
    ("bedrock-agent-runtime", "bedrock-agent"),
    ("bedrock-data-automation", "bedrock"),
    ("chime", "chime-sdk-voice"),
    ("chime-sdk-identity", "chime-sdk-voice"),
    ("chime-sdk-media-pipelines", "chime-sdk-voice"),
    ("chime-sdk-meetings", "chime-sdk-voice"),
    ("chime-sdk-messaging", "chime-sdk-voice"),
    ("docdb", "rds"),
    ("greengrass", "greengrassv2"),
    ("ivs-realtime", "ivs"),
    ("lex-models", "lexv2-models"),
    ("neptune", "rds"),
    ("sms-voice", "pinpoint-sms-voice"),
    ("timestream-write", "timestream-query"),
    ("wisdom", "qconnect"),
}
# Too large with every member there: what is deeper than Settings.max_nodes is left out.
HUGE = {
    ("quicksight", "DescribeAnalysisDefinition"),
    ("quicksight", "DescribeDashboardDefinition"),
    ("quicksight", "DescribeTemplateDefinition"),
}
ALSO = {("s3", "ListBuckets"): {"MaxBuckets": 10}}  # without a parameter S3 leaves BucketRegion out


def missing(shape: Any, value: Any, path: str, above: frozenset[str]) -> Iterator[str]:
    """Members of *shape* that *value* lacks, but for shapes that contain themselves and the other arms of unions."""
    inner = above | {shape.name}
    if shape.type_name == "structure" and not shape.is_document_type:
        for name, member in shape.members.items():
            if name in value:
                yield from missing(member, value[name], f"{path}.{name}", inner)
            elif not shape.is_tagged_union and not contains_itself(member, inner):
                yield f"{path}.{name}"
    elif shape.type_name == "list":
        for element in value:
            yield from missing(shape.member, element, path, inner)
    elif shape.type_name == "map":
        for element in value.values():
            yield from missing(shape.value, element, f"{path}.*", inner)


def contains_itself(shape: Any, above: frozenset[str]) -> bool:
    """Whether *shape*, or what its lists and maps hold, is one of the shapes *above* it."""
    while True:
        if shape.name in above:
            return True
        if shape.type_name not in ("list", "map"):
            return False
        above = above | {shape.name}
        shape = shape.member if shape.type_name == "list" else shape.value


def own_ids(shape: Any, answer: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The ids, names and ARNs by which the items of an answer's lists go, with the path of each."""
    for list_name, items in answer.items():
        if not isinstance(items, list):
            continue
        element = shape.members[list_name].member
        members = element.members if element.type_name == "structure" and not element.is_document_type else {}
        for item in items:
            named = {"": item} if isinstance(item, str) else {name: item[name] for name in members if name in item}
            for name, value in named.items():
                stem, kind = split_name(name or list_name)
                own = not name or stem.lower() in ("", singular(list_name).lower())
                known = (members[name] if name else element).metadata
                if kind and own and isinstance(value, str) and "enum" not in known and value not in CONTEXT:
                    yield f"{list_name}.{name}", value


def plain(value: Any) -> Any:
    """*value* for comparing: blobs as text, times in UTC, and no content length, which is always the true one."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items() if name.lower() != "contentlength"}
    if isinstance(value, list):
        return [plain(member) for member in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return value.decode() if isinstance(value, bytes) else value


def check_operation(server: Server, service: str, operation: OperationModel) -> None:
    """Ask until the pages end; every page is whole and nothing comes twice."""
    shape: Any = operation.output_shape
    rule = rule_for(server.settings, service, operation)
    params = smallest(operation.input_shape) if operation.input_shape else {}
    params |= ALSO.get((service, operation.name), {})
    if rule is not None and rule.when is not None:
        params[rule.when] = 10
    if rule is not None:
        for name in rule.input:
            params.pop(name, None)
    meant = answer_of(server.settings, service, operation, params)
    assert bool(meant.cut) == ((service, operation.name) in HUGE), (service, operation.name, meant.cut)
    seen: list[tuple[str, str]] = []
    pages = 0
    while True:
        request = request_for(service, operation, params, account=ACCOUNT, region=REGION)
        status, answer = parsed(service, operation, server.respond(request, 0.0).data)
        assert status < 300, (service, operation.name, answer)
        pages += 1
        if shape is None:
            assert answer == {}
            return
        if (service, operation.name) == ("s3", "GetBucketLocation"):
            return  # its root element is read by a hook of botocore's clients, not by the parser
        if pages == 1:
            assert plain(answer) == plain(filled(meant.values, ACCOUNT, REGION)), (service, operation.name)
        tokens = {path.split(".")[0].removesuffix("[-1]") for path in rule.output} if rule else set()
        lost = [path for path in missing(shape, answer, "", frozenset()) if path.split(".")[1] not in tokens]
        if not meant.cut:
            assert not lost, (service, operation.name, lost[:5])
        seen += own_ids(shape, answer)
        token = jmespath.search(rule.output[0], answer) if rule else None
        more = rule is not None and (rule.more is None or jmespath.search(rule.more, answer))
        if rule is None or not token or not more:
            break
        params = {**params, rule.input[0]: token}
        assert pages < 10, (service, operation.name, "pages without end")
    assert pages == (1 if meant.next_page is None else SETTINGS.pages), (service, operation.name, pages)
    seen = [(path, value) for path, value in seen if not value.startswith("asked")]
    repeated = [entry for entry, count in Counter(seen).items() if count > 1]
    assert not repeated, (service, operation.name, sorted(repeated)[:4])
    for path, value in seen:
        if path.lower().endswith("arn"):
            assert ARN.fullmatch(value), (service, operation.name, path, value)


def check_service(service: str) -> None:
    server = Server(SETTINGS)
    for operation in reads_of(service):
        check_operation(server, service, operation)
    assert server.stats.unrouted == 0


def mistaken(services: list[str]) -> set[tuple[str, str]]:
    """Which of *services* are taken for which other, when a request does not say which it means."""
    found = set()
    for service in services:
        for operation in reads_of(service):
            params = smallest(operation.input_shape) if operation.input_shape else {}
            asked = request_for(service, operation, params, account=ACCOUNT, region=REGION, hint=False)
            answering = route(asked, signing_name_of(service, operation))
            assert answering.operation.name == operation.name
            if answering.service != service:
                found.add((service, answering.service))
    return found


@pytest.mark.parametrize("service", SAMPLE)
def test_every_read_of_a_service_is_answered_in_full(service: str) -> None:
    check_service(service)


@pytest.mark.slow
@pytest.mark.parametrize("service", [facts.name for facts in models.all_services() if facts.name not in SAMPLE])
def test_every_read_of_every_other_service_is_answered_in_full(service: str) -> None:
    check_service(service)


def test_services_with_one_signing_name_are_told_apart() -> None:
    assert mistaken(SAMPLE) == set()


@pytest.mark.slow
def test_only_known_twins_are_taken_for_each_other() -> None:
    assert mistaken([facts.name for facts in models.all_services()]) == TWINS


def ask(server: Server, service: str, name: str, account: str = ACCOUNT, region: str = REGION, **params: Any) -> dict[str, Any]:
    operation = models.operation_model(service, name)
    request = request_for(service, operation, params, account=account, region=region)
    return parsed(service, operation, server.respond(request, 0.0).data)[1]


def test_the_same_request_has_the_same_answer_and_accounts_have_their_own() -> None:
    server, other = Server(Settings()), Server(Settings())
    first = ask(server, "ec2", "DescribeVpcs")

    assert ask(other, "ec2", "DescribeVpcs") == first == ask(server, "ec2", "DescribeVpcs")
    for account, region in (("222222222222", REGION), (ACCOUNT, "us-west-2")):
        elsewhere = ask(server, "ec2", "DescribeVpcs", account, region)
        assert {vpc["OwnerId"] for vpc in elsewhere["Vpcs"]} == {account}
        assert not {vpc["VpcId"] for vpc in elsewhere["Vpcs"]} & {vpc["VpcId"] for vpc in first["Vpcs"]}


def test_arns_carry_the_partition_of_the_region() -> None:
    topics = ask(Server(Settings()), "sns", "ListTopics", region="cn-north-1")["Topics"]

    assert all(topic["TopicArn"].startswith(f"arn:aws-cn:sns:cn-north-1:{ACCOUNT}:topic/") for topic in topics)


def test_a_described_batch_has_one_item_for_each_value_asked() -> None:
    server = Server(Settings(items=5))
    arns = [f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{number}" for number in range(4)]

    clusters = ask(server, "ecs", "DescribeClusters", clusters=arns)
    instances = ask(server, "ec2", "DescribeInstances", InstanceIds=["i-1", "i-2", "i-3"])
    tags = ask(server, "elbv2", "DescribeTags", ResourceArns=arns)
    images = ask(server, "ecr", "DescribeImages", repositoryName="r", imageIds=[{"imageDigest": "d1"}])

    assert [cluster["clusterArn"] for cluster in clusters["clusters"]] == arns
    assert clusters["failures"] == []
    assert [r["Instances"][0]["InstanceId"] for r in instances["Reservations"]] == ["i-1", "i-2", "i-3"]
    assert "NextToken" not in instances
    assert [entry["ResourceArn"] for entry in tags["TagDescriptions"]] == arns
    assert [image["imageDigest"] for image in images["imageDetails"]] == ["d1"]


def test_an_answer_carries_the_identifier_that_was_asked_about() -> None:
    server = Server(Settings())

    assert ask(server, "lambda", "GetFunction", FunctionName="mine")["Configuration"]["FunctionName"] == "mine"
    assert ask(server, "cognito-idp", "DescribeUserPool", UserPoolId="eu_1")["UserPool"]["Id"] == "eu_1"
    databases = ask(server, "rds", "DescribeDBInstances", DBInstanceIdentifier="db")
    assert [each["DBInstanceIdentifier"] for each in databases["DBInstances"]] == ["db"]
    assert "Marker" not in databases
    versions = ask(server, "lambda", "ListVersionsByFunction", FunctionName="mine")["Versions"]
    assert [version["FunctionName"] for version in versions] == ["mine"] * 3


def test_a_token_that_was_not_given_to_this_account_is_refused() -> None:
    server = Server(Settings())
    operation = models.operation_model("dynamodb", "ListTables")
    token = ask(server, "dynamodb", "ListTables")["LastEvaluatedTableName"]

    for account, asked, expected in ((ACCOUNT, token, 200), ("222222222222", token, 400), (ACCOUNT, "made-up", 400)):
        request = request_for("dynamodb", operation, {"ExclusiveStartTableName": asked}, account=account, region=REGION)
        assert parsed("dynamodb", operation, server.respond(request, 0.0).data)[0] == expected


def test_queues_page_only_when_a_page_size_is_asked_for() -> None:
    server = Server(Settings())

    assert "NextToken" not in ask(server, "sqs", "ListQueues")
    assert "NextToken" in ask(server, "sqs", "ListQueues", MaxResults=1000)


def test_paging_that_only_the_last_item_continues_ends() -> None:
    server = Server(Settings(items=3))

    first = ask(server, "firehose", "ListDeliveryStreams")
    token = first["DeliveryStreamNames"][-1]
    last = ask(server, "firehose", "ListDeliveryStreams", ExclusiveStartDeliveryStreamName=token)

    assert (first["HasMoreDeliveryStreams"], last["HasMoreDeliveryStreams"]) == (True, False)
    assert len({*first["DeliveryStreamNames"], *last["DeliveryStreamNames"]}) == 6


def test_paging_rules_can_be_added() -> None:
    rule = PagingRule(("StartContinentCode",), ("GeoLocationDetailsList[-1].ContinentName",), "IsTruncated")
    plain_server, server = Server(Settings()), Server(Settings(paging={("route53", "ListGeoLocations"): rule}))

    first = ask(server, "route53", "ListGeoLocations")
    token = first["GeoLocationDetailsList"][-1]["ContinentName"]
    last = ask(server, "route53", "ListGeoLocations", StartContinentCode=token)

    assert (first["IsTruncated"], last["IsTruncated"]) == (True, False)
    assert ask(plain_server, "route53", "ListGeoLocations")["IsTruncated"] is False


def test_every_planted_canary_is_in_the_answer_and_listed() -> None:
    settings = Settings(canaries=frozenset({("lambda", "ListFunctions", "Functions.Description")}))
    answer = ask(Server(settings), "lambda", "ListFunctions")

    listed = canaries_of(settings, "lambda", "ListFunctions", {}, ACCOUNT, REGION)

    paths = {canary.path for canary in listed}
    assert {"Functions.Environment.Variables.*", "Functions.Description"} <= paths
    assert len({canary.text for canary in listed}) == len(listed)
    assert sorted(CANARY.findall(json.dumps(answer, default=str))) == sorted(CANARY.findall(" ".join(canary.text for canary in listed)))


def test_assumed_credentials_carry_the_account_of_the_role() -> None:
    server = Server(Settings())
    role = "arn:aws:iam::444455556666:role/inventory/reader"

    answer = ask(server, "sts", "AssumeRole", RoleArn=role, RoleSessionName="run")
    key = answer["Credentials"]["AccessKeyId"]
    operation = models.operation_model("sts", "GetCallerIdentity")
    request = request_for("sts", operation, {}, account=ACCOUNT, region=REGION)
    request.headers["authorization"] = request.headers["authorization"].replace(f"AKIA{ACCOUNT}TEST", key)
    identity = parsed("sts", operation, server.respond(request, 0.0).data)[1]

    assert identity["Account"] == "444455556666"
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::444455556666:assumed-role/reader/run"


def test_accounts_regions_and_buckets_are_what_was_set() -> None:
    accounts = tuple(str(100_000_000_000 + number) for number in range(45))
    server = Server(Settings(accounts=accounts, regions=("us-east-1", "eu-west-1"), disabled_regions=("me-south-1",)))

    found: list[str] = []
    page = ask(server, "organizations", "ListAccounts")
    found += [account["Id"] for account in page["Accounts"]]
    while token := page.get("NextToken"):
        page = ask(server, "organizations", "ListAccounts", NextToken=token)
        found += [account["Id"] for account in page["Accounts"]]
    regions = ask(server, "ec2", "DescribeRegions")["Regions"]
    buckets = ask(server, "s3", "ListBuckets", MaxBuckets=1000)["Buckets"]

    assert tuple(found) == accounts
    assert [region["RegionName"] for region in regions] == ["us-east-1", "eu-west-1"]
    assert len(ask(server, "ec2", "DescribeRegions", AllRegions=True)["Regions"]) == 3
    assert [bucket["BucketRegion"] for bucket in buckets] == ["us-east-1", "eu-west-1", "us-east-1"]
    assert all("BucketRegion" not in bucket for bucket in ask(server, "s3", "ListBuckets")["Buckets"])


def test_a_request_that_fits_no_operation_is_refused_and_counted() -> None:
    server = Server(Settings())
    request = request_for("dynamodb", models.operation_model("dynamodb", "ListTables"), {}, account=ACCOUNT, region=REGION)

    for strange in (
        replace(request, headers=request.headers | {"x-amz-target": "DynamoDB_20120810.Nothing"}),
        replace(request, body=b"{"),
    ):
        assert server.respond(strange, 0.0).data.startswith(b"HTTP/1.1 404 ")
    assert server.stats.unrouted == 2


def test_a_value_can_be_put_anywhere_in_an_answer() -> None:
    server = Server(Settings(puts=(Put("ec2", "DescribeInstances", "Reservations.Instances.State.Name", "stopped"),)))

    reservations = ask(server, "ec2", "DescribeInstances")["Reservations"]

    assert {i["State"]["Name"] for r in reservations for i in r["Instances"]} == {"stopped"}


def test_each_account_region_and_service_has_its_own_bucket_of_calls() -> None:
    server = Server(Settings(throttle=(Throttle(rate=2, burst=2),)))
    operation = models.operation_model("ec2", "DescribeVpcs")

    def status(account: str, now: float) -> tuple[int, str]:
        request = request_for("ec2", operation, {}, account=account, region=REGION)
        code, answer = parsed("ec2", operation, server.respond(request, now).data)
        return code, answer.get("Error", {}).get("Code", "")

    refused = (503, "RequestLimitExceeded")
    assert [status(ACCOUNT, 0.0) for _ in range(3)] == [(200, ""), (200, ""), refused]
    assert status("222222222222", 0.0) == (200, "")
    assert [status(ACCOUNT, 0.5) for _ in range(2)] == [(200, ""), refused]
    assert server.stats.throttled == {"ec2": 2}


@asynccontextmanager
async def client(url: str, service: str, verify: str | None = None) -> AsyncIterator[Any]:
    session = aioboto3.Session(aws_access_key_id=f"AKIA{ACCOUNT}TEST", aws_secret_access_key="secret", region_name=REGION)
    config = AioConfig(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=5)
    async with session.client(service, endpoint_url=url, config=config, verify=verify) as made:
        yield made


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("service", "operation", "result"),
    [
        ("iam", "list_roles", "Roles"),
        ("ec2", "describe_instances", "Reservations"),
        ("dynamodb", "list_tables", "TableNames"),
        ("ecs", "list_clusters", "clusterArns"),
        ("lambda", "list_functions", "Functions"),
        ("eks", "list_clusters", "clusters"),
        ("s3", "list_buckets", "Buckets"),
        ("cloudfront", "list_distributions", "DistributionList.Items"),
    ],
)
async def test_a_client_reads_every_page_over_one_connection(service: str, operation: str, result: str) -> None:
    async with serving(Settings(items=4, pages=3)) as running, client(running.url, service) as made:
        found = [item async for item in made.get_paginator(operation).paginate().search(f"{result}[]")]

        assert len(found) == 12
        assert len({json.dumps(item, default=str, sort_keys=True) for item in found}) == 12
        assert running.stats.connections == 1


@pytest.mark.asyncio
async def test_a_bucket_is_in_the_region_that_was_asked() -> None:
    async with serving() as running, client(running.url, "s3") as s3:
        assert (await s3.get_bucket_location(Bucket="b-1"))["LocationConstraint"] == REGION


@pytest.mark.asyncio
@pytest.mark.parametrize("service", ["sts", "ec2", "dynamodb", "lambda", "s3", "cloudfront"])
async def test_an_error_on_demand_speaks_the_protocol_of_its_service(service: str) -> None:
    calls = {
        "sts": "get_caller_identity",
        "ec2": "describe_vpcs",
        "dynamodb": "list_tables",
        "lambda": "list_functions",
        "s3": "list_buckets",
        "cloudfront": "list_distributions",
    }
    fault = Fault(service=service, account=ACCOUNT, code="AccessDenied", status=403, message="not <you>", first=1)
    async with serving(Settings(faults=(fault,))) as running, client(running.url, service) as made:
        with pytest.raises(ClientError) as refused:
            await getattr(made, calls[service])()
        assert refused.value.response["Error"]["Code"] == "AccessDenied"
        assert refused.value.response["Error"]["Message"] == "not <you>"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        assert await getattr(made, calls[service])()


async def raw(url: str, head: bytes) -> bytes:
    """What comes back on a bare connection until it is closed."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


def list_topics() -> bytes:
    body = b"Action=ListTopics&Version=2010-03-31"
    scope = f"Credential=AKIA{ACCOUNT}TEST/20260101/{REGION}/sns/aws4_request"
    return (
        f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n"
        f"Authorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


@pytest.mark.asyncio
async def test_an_answer_can_be_cut_or_replaced_or_the_connection_reset() -> None:
    whole = b""
    async with serving() as running:
        whole = await raw(running.url, list_topics())
    assert whole.endswith(b"</ListTopicsResponse>")

    async with serving(Settings(faults=(Fault(kind="truncate"),))) as running:
        cut = await raw(running.url, list_topics())
    assert whole.startswith(cut)
    assert cut.index(b"\r\n\r\n") < len(cut) < len(whole)

    async with serving(Settings(faults=(Fault(kind="raw", status=502, body=b"<html>proxy</html>"),))) as running:
        assert (await raw(running.url, list_topics())).endswith(b"<html>proxy</html>")

    async with serving(Settings(faults=(Fault(kind="reset"),))) as running:
        with pytest.raises(ConnectionResetError):
            await raw(running.url, list_topics())


@pytest.mark.asyncio
async def test_a_late_answer_still_comes_and_requests_sent_together_are_answered_in_order() -> None:
    together = list_topics().replace(b"Connection: close\r\n", b"") + list_topics()
    async with serving(Settings(latency=0.001, jitter=0.001)) as running:
        answered = await raw(running.url, together)

        assert answered.count(b"HTTP/1.1 200 OK") == 2
        assert running.stats.calls == {("sns", "ListTopics"): 2}


@pytest.mark.asyncio
async def test_tls_is_served_with_a_certificate_that_can_be_trusted() -> None:
    async with serving(Settings(tls=True)) as running:
        assert running.url.startswith("https://127.0.0.1:")
        async with client(running.url, "sts", verify=str(running.certificate)) as sts:
            assert (await sts.get_caller_identity())["Account"] == ACCOUNT
        host, port = running.url.removeprefix("https://").split(":")
        with pytest.raises(ssl.SSLError):
            await asyncio.open_connection(host, int(port), ssl=ssl.create_default_context())


@pytest.mark.parametrize("end", ["stdin", "signal", "seconds"])
def test_the_program_prints_its_url_and_stops_by_itself(end: str) -> None:
    seconds = "0.2" if end == "seconds" else "60"
    root = Path(__file__).parents[2]
    arguments = [sys.executable, "-m", "tests.synthetic", "--seconds", seconds]
    with subprocess.Popen(arguments, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin
        assert program.stdout
        assert re.fullmatch(rb"http://127\.0\.0\.1:\d+\n", program.stdout.readline())
        if end == "stdin":
            program.stdin.close()
        elif end == "signal":
            os.kill(program.pid, signal.SIGTERM)
        assert program.wait(10) == 0
