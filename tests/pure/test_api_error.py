"""What AWS's codes and messages mean."""

import pytest
from botocore.exceptions import ClientError

from collector.aws.api_error import NOT_SWITCHED_ON, denial_reason, from_client_error


def error(code: str, message: str = "", status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "X")


WHO = "User: arn:aws:sts::111122223333:assumed-role/Inventory/us is not authorized to perform: sqs:ListQueues on resource: * "


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (WHO + "because no identity-based policy allows the sqs:ListQueues action", "iam"),
        (WHO + "with an explicit deny in an identity-based policy", "iam"),
        (WHO + "with an explicit deny in a service control policy", "scp"),
        (WHO + "because no service control policy allows the sqs:ListQueues action", "scp"),
        (WHO + "with an explicit deny in a resource control policy", "rcp"),
        (WHO + "because no permissions boundary allows the sqs:ListQueues action", "boundary"),
        (WHO + "because no session policy allows the sqs:ListQueues action", "session-policy"),
        (WHO + "with an explicit deny in a resource-based policy", "resource-policy"),
        (WHO + "because no VPC endpoint policy allows the sqs:ListQueues action", "vpc-endpoint-policy"),
        ("You are not authorized to perform this operation. Encoded authorization failure message: x", "iam"),
        ("", "iam"),
    ],
)
def test_the_message_tells_which_policy_refused(message: str, reason: str) -> None:
    assert denial_reason(message) == reason


@pytest.mark.parametrize(
    ("code", "status", "kind", "passing"),
    [
        ("AccessDenied", 403, "denied", False),
        ("UnauthorizedOperation", 403, "denied", False),
        ("com.amazon.coral.service#AccessDeniedException", 400, "denied", False),
        ("AccessDeniedException:http://internal.amazon.com/coral/", 400, "denied", False),
        ("ThrottlingException", 400, "throttled", True),
        ("RequestLimitExceeded", 503, "throttled", True),
        ("SlowDown", 503, "throttled", True),
        ("", 429, "throttled", True),
        ("OptInRequired", 403, "unavailable", False),
        ("UnknownOperationException", 400, "unavailable", False),
        ("InternalFailure", 500, "failed", True),
        ("", 503, "failed", True),
        ("ValidationException", 400, "failed", False),
        ("ExpiredToken", 403, "failed", True),
    ],
)
def test_codes_become_kinds(code: str, status: int, kind: str, passing: bool) -> None:
    meaning = from_client_error(error(code, status=status))

    assert (meaning.kind, meaning.passing) == (kind, passing)


def test_text_that_is_no_code_is_not_repeated() -> None:
    meaning = from_client_error(error("<html>secret of the proxy</html>", status=502))

    assert meaning.code == "HTTP502"


def test_the_message_is_not_kept() -> None:
    meaning = from_client_error(error("AccessDenied", WHO))

    assert "111122223333" not in f"{meaning!r} {meaning} {vars(meaning)}"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDeniedException", "Macie is not enabled."),
        ("AccessDeniedException", "AWS account is not enrolled for recommendations."),
        ("AccessDeniedException", "User not enabled for cost explorer access"),
        ("AccessDeniedException", "No default admin could be found for account 111122223333 in Region eu-west-1"),
        ("AccessDeniedException", "Service role not found. Consult setup procedures in License Manager User Guide and create the role."),
        ("ValidationException", "Invalid value provided - Account not found for the request"),
    ],
)
def test_an_answer_that_says_that_nobody_switched_the_service_on_is_no_denial(code: str, message: str) -> None:
    meaning = from_client_error(error(code, message, 403))

    assert (meaning.kind, meaning.code, meaning.reason) == ("unavailable", NOT_SWITCHED_ON, None)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidInputException", "Domain-related APIs are only available in the us-east-1 Region. Please set your Region."),
        ("AccessDeniedException", "GetDevEndpoints operation is currently disabled"),
        ("ValidationException", "We are retiring Amazon Sagemaker Edge on April 26th, 2024."),
        ("InvalidParameterValue", "Access Denied to API Version: APIGlobalDatabases"),
        ("UnauthorizedException", "API is not available in us-gov-east-1"),
    ],
)
def test_what_aws_does_not_offer_here_is_unavailable(code: str, message: str) -> None:
    meaning = from_client_error(error(code, message))

    assert (meaning.kind, meaning.code) == ("unavailable", code)


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("AccessDeniedException", WHO, "denied"),
        ("ValidationException", "1 validation error detected", "failed"),
        ("ResourceNotFoundException", "Macie is not enabled.", "failed"),
    ],
)
def test_any_other_answer_stays_what_its_code_says(code: str, message: str, kind: str) -> None:
    meaning = from_client_error(error(code, message))

    assert (meaning.kind, meaning.code) == (kind, code)
