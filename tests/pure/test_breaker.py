"""What is not asked again."""

import pytest

from collector.aws.api_error import NO_SUCH_NAME, ApiError
from collector.aws.breaker import DENIALS, OF_A_RUN, OF_A_TASK, Breaker, Budget
from collector.aws.page import Tally
from collector.plan import Target
from collector.spec.model import Call

QUEUES = Call("sqs", "ListQueues", "sqs:ListQueues")
TOPICS = Call("sns", "ListTopics", "sns:ListTopics")
TAGS = Call("sqs", "ListQueueTags", "sqs:ListQueueTags", params={"QueueUrl": "{item}"})
HERE = Target("aws", "111122223333", "eu-west-1")
ELSEWHERE = Target("aws", "111122223333", "us-east-1")
OTHER = Target("aws", "444455556666", "eu-west-1")

GONE = ApiError("unreachable", "EndpointConnection", passing=True)


def test_an_endpoint_is_probed_once_more_and_then_given_up_for_every_account() -> None:
    breaker = Breaker()
    breaker.learn(GONE, QUEUES, HERE)
    assert breaker.known_refusal(QUEUES, HERE) is None

    breaker.learn(GONE, QUEUES, HERE)

    refusal = breaker.known_refusal(QUEUES, OTHER)
    assert refusal is not None
    assert (refusal.kind, refusal.code, refusal.passing) == ("unreachable", "EndpointConnection", False)
    assert breaker.known_refusal(QUEUES, ELSEWHERE) is None
    assert breaker.known_refusal(TOPICS, HERE) is None


def test_an_endpoint_that_answers_is_trusted_again() -> None:
    breaker = Breaker()
    breaker.learn(GONE, QUEUES, HERE)
    breaker.answered(HERE, QUEUES)
    breaker.learn(GONE, QUEUES, HERE)

    assert breaker.known_refusal(QUEUES, HERE) is None


def test_a_region_in_which_nothing_answers_is_given_up_as_a_whole() -> None:
    breaker = Breaker()
    for service in ("sqs", "sns", "ec2"):
        for _ in range(2):
            breaker.learn(GONE, Call(service, "ListX", f"{service}:ListX"), HERE)

    refusal = breaker.known_refusal(Call("lambda", "ListFunctions", "lambda:ListFunctions"), OTHER)
    assert refusal is not None
    assert refusal.kind == "unreachable"
    assert breaker.known_refusal(Call("lambda", "ListFunctions", "lambda:ListFunctions"), ELSEWHERE) is None


def test_a_region_in_which_something_answers_is_not_given_up() -> None:
    breaker = Breaker()
    breaker.answered(HERE, TOPICS)
    for service in ("sqs", "s3", "ec2"):
        for _ in range(2):
            breaker.learn(GONE, Call(service, "ListX", f"{service}:ListX"), HERE)

    assert breaker.known_refusal(Call("lambda", "ListFunctions", "lambda:ListFunctions"), HERE) is None


def test_a_denied_list_is_not_asked_again_in_that_account_and_region() -> None:
    breaker = Breaker()
    denial = ApiError("denied", "AccessDenied", reason="scp")
    breaker.learn(denial, QUEUES, HERE)

    assert breaker.known_refusal(QUEUES, HERE) is denial
    assert breaker.known_refusal(QUEUES, OTHER) is None
    assert breaker.known_refusal(QUEUES, ELSEWHERE) is None


def test_what_is_denied_for_one_resource_is_asked_for_the_next() -> None:
    breaker = Breaker()
    breaker.learn(ApiError("denied", "AccessDenied"), TAGS, HERE)

    assert breaker.known_refusal(TAGS, HERE) is None


def test_the_memory_of_denials_is_bounded() -> None:
    breaker = Breaker()
    for n in range(DENIALS + 10):
        breaker.learn(ApiError("denied", "AccessDenied"), QUEUES, Target("aws", f"{n:012}", "eu-west-1"))

    assert len(breaker._denied) == DENIALS


def test_a_name_that_does_not_resolve_is_a_service_that_is_not_there_only_where_others_answer() -> None:
    breaker = Breaker()
    nameless = ApiError("unreachable", NO_SUCH_NAME, passing=True)

    assert breaker.understood(nameless, HERE).kind == "unreachable"
    breaker.answered(HERE, TOPICS)
    assert breaker.understood(nameless, HERE).kind == "unavailable"
    assert breaker.understood(nameless, ELSEWHERE).kind == "unreachable"


@pytest.mark.parametrize(("budget", "free"), [(OF_A_RUN, 1_000), (OF_A_TASK, 100)])
def test_retries_have_a_budget(budget: Budget, free: int) -> None:
    assert budget.allows(Tally(calls=0, retries=free - 1))
    assert not budget.allows(Tally(calls=0, retries=free))
    assert budget.allows(Tally(calls=10_000, retries=2_500 + free - 1))
    assert not budget.allows(Tally(calls=10_000, retries=2_500 + free))
