"""Paging: to the end, and never in a circle."""

from itertools import count
from typing import Any

import pytest

from collector.aws.api_error import ApiError
from collector.aws.page import Tally, pages
from collector.spec.model import Call, Page
from tests.scripted.scripted import HERE, ScriptedGateway, failing

TOPICS = Call("sns", "ListTopics", "sns:ListTopics", take="Topics[]")
RECORDS = Call("route53", "ListResourceRecordSets", "route53:ListResourceRecordSets", params={"HostedZoneId": "Z"})
STREAMS = Call(
    "firehose",
    "ListDeliveryStreams",
    "firehose:ListDeliveryStreams",
    page=Page("ExclusiveStartDeliveryStreamName", "DeliveryStreamNames[-1]", "HasMoreDeliveryStreams"),
)


async def read(call: Call, gateway: ScriptedGateway) -> list[dict[str, Any]]:
    return [answer async for answer in pages(gateway, call, HERE, dict(call.params), Tally())]


async def test_pages_of_one_are_read_to_the_end() -> None:
    answers = [{"Topics": [{"TopicArn": str(n)}], "NextToken": str(n)} for n in range(5)]
    gateway = ScriptedGateway(ListTopics=[*answers, {"Topics": [{"TopicArn": "last"}]}])

    found = await read(TOPICS, gateway)

    assert [answer["Topics"][0]["TopicArn"] for answer in found] == ["0", "1", "2", "3", "4", "last"]
    assert [params.get("NextToken") for params in gateway.params("ListTopics")] == [None, "0", "1", "2", "3", "4"]


async def test_an_empty_page_in_the_middle_is_not_the_end() -> None:
    gateway = ScriptedGateway(ListTopics=[{"Topics": [], "NextToken": "1"}, {"NextToken": "2"}, {"Topics": [{"TopicArn": "x"}]}])

    assert len(await read(TOPICS, gateway)) == 3


async def test_an_empty_token_is_the_end() -> None:
    assert len(await read(TOPICS, ScriptedGateway(ListTopics=[{"Topics": [], "NextToken": ""}]))) == 1


async def test_a_repeated_token_is_refused_and_the_pages_before_it_are_good() -> None:
    gateway = ScriptedGateway(ListTopics={"Topics": [{"TopicArn": "x"}], "NextToken": "same"})
    reading = pages(gateway, TOPICS, HERE, {}, Tally())

    found = [await anext(reading), await anext(reading)]
    with pytest.raises(ApiError, match="RepeatedPageToken"):
        await anext(reading)

    assert [answer["Topics"] for answer in found] == [[{"TopicArn": "x"}]] * 2


async def test_tokens_that_go_round_are_refused() -> None:
    tokens = iter("abcabcabc")
    gateway = ScriptedGateway(ListTopics=lambda _: {"Topics": [], "NextToken": next(tokens)})

    with pytest.raises(ApiError, match="RepeatedPageToken"):
        await read(TOPICS, gateway)


async def test_a_listing_that_always_gives_another_token_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.aws.page.PAGES", 50)
    tokens = count()
    gateway = ScriptedGateway(ListTopics=lambda _: {"Topics": [], "NextToken": str(next(tokens))})

    with pytest.raises(ApiError, match="EndlessPages"):
        await read(TOPICS, gateway)

    assert len(gateway.asked) == 51


async def test_a_page_that_fails_does_not_start_again_at_the_first() -> None:
    gateway = ScriptedGateway(ListTopics=[{"Topics": [], "NextToken": "1"}, failing("ThrottlingException")])

    with pytest.raises(ApiError, match="ThrottlingException"):
        await read(TOPICS, gateway)

    assert len(gateway.asked) == 2


async def test_several_tokens_go_together_and_those_that_are_missing_are_not_sent() -> None:
    first = {"IsTruncated": True, "NextRecordName": "b.", "NextRecordType": "A"}
    gateway = ScriptedGateway(ListResourceRecordSets=[first, {"IsTruncated": False}])

    await read(RECORDS, gateway)

    assert gateway.params("ListResourceRecordSets")[1] == {"HostedZoneId": "Z", "StartRecordName": "b.", "StartRecordType": "A"}


async def test_a_spec_may_say_how_a_call_pages() -> None:
    gateway = ScriptedGateway(
        ListDeliveryStreams=[
            {"DeliveryStreamNames": ["a", "b"], "HasMoreDeliveryStreams": True},
            {"DeliveryStreamNames": ["c"], "HasMoreDeliveryStreams": False},
        ]
    )

    found = await read(STREAMS, gateway)

    assert [answer["DeliveryStreamNames"] for answer in found] == [["a", "b"], ["c"]]
    assert gateway.params("ListDeliveryStreams")[1] == {"ExclusiveStartDeliveryStreamName": "b"}


async def test_a_call_that_does_not_page_is_asked_once() -> None:
    call = Call("ec2", "DescribeKeyPairs", "ec2:DescribeKeyPairs")

    assert await read(call, ScriptedGateway(DescribeKeyPairs={"KeyPairs": [], "NextToken": "not a token"})) == [
        {"KeyPairs": [], "NextToken": "not a token"}
    ]
