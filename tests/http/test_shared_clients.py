"""Clients shared by all accounts and regions, over real HTTP: who signed what, and how many clients there were."""

import re
from collections import Counter
from typing import Any

import anyio
import pytest
from aiohttp import web
from botocore.credentials import ReadOnlyCredentials

from collector.aws.api_error import ApiError
from collector.aws.gateway import Gateway
from collector.aws.page import Tally
from collector.aws.session import CALLER, Clients
from collector.errors import CallNotAllowedError
from collector.plan import Target
from collector.spec.model import Call
from collector.spec.permitted import Permitted
from tests.answering import answering

TOPICS = Call("sns", "ListTopics", "sns:ListTopics", take="Topics[]")
QUEUES = Call("sqs", "ListQueues", "sqs:ListQueues", take="QueueUrls[]")
LOCATION = Call("s3", "GetBucketVersioning", "s3:GetBucketVersioning", params={"Bucket": "{Name}"}, why="For this test.")
SIGNED = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")

ACCOUNTS = [f"{n:012}" for n in range(1, 21)]
REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-2", "cn-north-1"]


class KeysByAccount:
    """Each account's access key id names the account; handing one out takes a moment, as assuming a role does."""

    async def of(self, account_id: str) -> Any:
        await anyio.lowlevel.checkpoint()

        class Signer:
            async def get_frozen_credentials(self) -> ReadOnlyCredentials:
                await anyio.lowlevel.checkpoint()
                return ReadOnlyCredentials(f"AKIA{account_id}", "secret", "token")

        return Signer()

    def renew(self, account_id: str, expired: Any) -> None:
        raise AssertionError("nothing expires here")

    def require_renewable(self, account_id: str, error: ApiError) -> None:
        raise AssertionError("nothing expires here")


class Recorder:
    """A server that writes down who signed each request, and for which region and service."""

    def __init__(self) -> None:
        self.signed: Counter[tuple[str, str, str]] = Counter()
        self.agents: set[str] = set()

    async def answer(self, request: web.Request) -> web.Response:
        signature = SIGNED.search(request.headers["Authorization"])
        assert signature is not None
        self.signed[signature["key"], signature["region"], signature["service"]] += 1
        self.agents.add(request.headers["User-Agent"])
        await anyio.sleep(0.001)
        if signature["service"] == "sns":
            text = '<ListTopicsResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ListTopicsResult><Topics/></ListTopicsResult></ListTopicsResponse>'
            return web.Response(text=text, content_type="text/xml")
        if signature["service"] == "s3":
            return web.Response(
                status=301, headers={"x-amz-bucket-region": "eu-west-1"}, text="<Error><Code>PermanentRedirect</Code></Error>"
            )
        return web.json_response({"QueueUrls": []}, content_type="application/x-amz-json-1.0")


@pytest.fixture
async def recorder(monkeypatch: pytest.MonkeyPatch) -> Any:
    recording = Recorder()
    async with answering(recording.answer) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", str(url.origin()))
        yield recording


async def test_each_request_is_signed_by_the_account_and_for_the_region_it_is_for(recorder: Recorder) -> None:
    permitted = Permitted([TOPICS, QUEUES])
    async with Clients("aws", None, permitted) as clients:
        gateway = Gateway(clients, KeysByAccount(), permitted)
        async with anyio.create_task_group() as group:
            for _ in range(3):
                for account in ACCOUNTS:
                    for region in REGIONS:
                        for call in (TOPICS, QUEUES):
                            group.start_soon(gateway.once, call, Target("aws", account, region), {}, Tally())

        assert clients.made == {"sns": 1, "sqs": 1}
    expected = {(f"AKIA{account}", region, service) for account in ACCOUNTS for region in REGIONS for service in ("sns", "sqs")}
    assert set(recorder.signed) == expected
    assert set(recorder.signed.values()) == {3}


async def test_the_user_agent_names_us(recorder: Recorder) -> None:
    permitted = Permitted([TOPICS])
    async with Clients("aws", None, permitted) as clients:
        await Gateway(clients, KeysByAccount(), permitted).once(TOPICS, Target("aws", ACCOUNTS[0], "eu-west-1"), {}, Tally())

    (agent,) = recorder.agents
    assert "aws-service-inventory-collector/" in agent


async def test_a_call_outside_the_gateway_has_nobody_to_sign_it(recorder: Recorder) -> None:
    async with Clients("aws", None, Permitted([])) as clients:
        client = await clients.of("sns")

        with pytest.raises(CallNotAllowedError):
            await client.list_topics()
        with pytest.raises(CallNotAllowedError):
            await client.generate_presigned_url("publish", Params={"TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": "m"})

    assert recorder.signed == {}
    assert CALLER.get(None) is None


async def test_a_buckets_redirect_is_not_followed(recorder: Recorder) -> None:
    permitted = Permitted([LOCATION])
    async with Clients("aws", None, permitted) as clients:
        gateway = Gateway(clients, KeysByAccount(), permitted)

        with pytest.raises(Exception, match="PermanentRedirect"):
            await gateway.once(LOCATION, Target("aws", ACCOUNTS[0], "us-east-1"), {"Bucket": "b"}, Tally())

    assert sum(recorder.signed.values()) == 1
