"""What AWS's refusals mean. One table, from the codes and messages that AWS really sends, to the kinds of gap."""

import re
from typing import Any

from aiobotocore.httpsession import HTTPClientError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoAuthTokenError,
    NoCredentialsError,
    ParamValidationError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from collector.record import Gap, Kind

NOT_AS_MODELLED = (AttributeError, KeyError, IndexError, RecursionError, TypeError, ValueError)
"""What handling an answer raises when it is not of the shape that AWS's model says. A gap, for one odd answer must not end a run."""
UNREADABLE = "UnreadableAnswer"
"""The code of such a gap."""


class ApiError(Exception):
    """A call that was not answered: a *kind* of gap, AWS's *code*, and for a denial the *reason* that AWS's message names.

    *passing* says that the same call may succeed when it is made again. The message itself, which may quote a customer's policy, is not
    kept.
    """

    def __init__(self, kind: Kind, code: str, *, reason: str | None = None, passing: bool = False, expired: bool = False) -> None:
        super().__init__(f"{kind}: {code}")
        self.kind, self.code, self.reason, self.passing, self.expired = kind, code, reason, passing, expired
        self.asked: str | None = None
        """The IAM action that was refused when it was not the call's own: the role could not be assumed."""
        self.sent = True
        """Without credentials nothing is signed and sent, and nothing is learnt about the service."""

    def gap(self, action: str, arn: str | None = None) -> Gap:
        return Gap(action=self.asked or action, arn=arn, code=self.code, kind=self.kind, reason=self.reason)


# The codes of botocore's own retry rules (botocore/retries/standard.py), and what the services' API references add.
_THROTTLED = frozenset({
    "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown",
    "Throttled", "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequests", "TooManyRequestsException",
    "TransactionInProgressException",
})  # fmt: skip
_PASSING = frozenset({
    "HandshakeTimeout", "InternalError", "InternalFailure", "InternalServerError", "InternalServerException", "InternalServiceError",
    "InternalServiceException", "RequestTimeout", "RequestTimeoutException", "ServerException", "ServiceException", "ServiceFailure",
    "ServiceUnavailable", "ServiceUnavailableException", "Unavailable",
})  # fmt: skip
_DENIED = frozenset({
    "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthFailure", "AuthorizationError", "AuthorizationErrorException",
    "AuthorizationException", "Forbidden", "ForbiddenException", "InsufficientPrivilegesException",
    "InvalidAccessKeyId", "InvalidClientTokenId", "NotAuthorized", "NotAuthorizedException", "Unauthorized",
    "UnauthorizedException", "UnauthorizedOperation", "UnrecognizedClientException", "InvalidToken",
})  # fmt: skip
_EXPIRED = frozenset({
    "ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired", "RequestTimeTooSkewed",
})  # fmt: skip
_UNAVAILABLE = frozenset({
    "InvalidAction", "NotSignedUp", "OptInRequired", "RegionDisabledException", "SubscriptionRequiredException",
    "UnknownOperation", "UnknownOperationException", "UnsupportedOperationException",
})  # fmt: skip

NOT_SWITCHED_ON = "NotSwitchedOn"
"""Our code where only the message tells that an account never switched a service on, or that another account administers it."""
_TOLD_BY_MESSAGE = _DENIED | {
    "BadRequestException", "InvalidInputException", "InvalidOperationException", "InvalidParameterValue", "InvalidParameterValueException",
    "UnsupportedCommandException", "ValidationException",
}  # fmt: skip
# Texts that AWS's own resource providers and the sweepers of Terraform's provider go by; a policy's denial has none of them.
_NOT_SWITCHED_ON = re.compile(
    r"Macie is not enabled"
    r"|account is not enrolled for recommendations"  # Cost Optimization Hub
    r"|not enabled for cost explorer access"
    r"|Account not found for the request"  # Incident Manager's contacts
    r"|Service role not found\. Consult setup procedures in License Manager"
    r"|complete AWS Audit Manager setup"
    r"|No default admin could be found for account|only available to AWS Firewall Manager Administrators",
    re.IGNORECASE,
)
_NOT_OFFERED = re.compile(
    r"not available for the current AWS account|API is not available in|not supported for region|command is only supported in"
    r"|APIs are only available in|Access Denied to API Version|not permitted in this API version for your account"
    r"|not whitelisted to use this feature|operation is currently (disabled|unavailable)|We are retiring Amazon Sagemaker Edge",
    re.IGNORECASE,
)

# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html names the policy type in every such message.
_REASONS = (
    (re.compile(r"service control polic", re.IGNORECASE), "scp"),
    (re.compile(r"resource control polic", re.IGNORECASE), "rcp"),
    (re.compile(r"permissions boundar", re.IGNORECASE), "boundary"),
    (re.compile(r"session polic", re.IGNORECASE), "session-policy"),
    (re.compile(r"VPC endpoint polic", re.IGNORECASE), "vpc-endpoint-policy"),
    (re.compile(r"identity-based polic", re.IGNORECASE), "iam"),
    (re.compile(r"resource-based polic", re.IGNORECASE), "resource-policy"),
)


def denial_reason(message: str) -> str:
    """Which kind of policy refused, from AWS's message; ``iam`` when it does not say.

    "no identity-based policy allows" comes before a mention of resource-based policies: AWS names the one that decided first.
    """
    found = [(match.start(), reason) for pattern, reason in _REASONS if (match := pattern.search(message))]
    return min(found)[1] if found else "iam"


def from_client_error(error: ClientError) -> ApiError:
    """The meaning of an error answer."""
    answer: dict[str, Any] = error.response
    told = answer.get("Error", {})
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    code = _code(told, status)
    # Codes may come with a name before them: "Client.RequestLimitExceeded" of EC2, "AWS.SimpleQueueService.…" of SQS.
    known = code.rpartition(".")[2]
    message = str(told.get("Message") or told.get("message") or "")
    if known in _EXPIRED:
        return ApiError("failed", code, passing=True, expired=True)
    if known in _THROTTLED or status == 429 or (known == "AccessDenied" and "Rate exceeded" in message):
        return ApiError("throttled", code, passing=True)
    if known in _UNAVAILABLE:
        return ApiError("unavailable", code)
    if known in _TOLD_BY_MESSAGE and _NOT_SWITCHED_ON.search(message):
        return ApiError("unavailable", NOT_SWITCHED_ON)
    if known in _TOLD_BY_MESSAGE and _NOT_OFFERED.search(message):
        return ApiError("unavailable", code)
    if known in _DENIED:
        return ApiError("denied", code, reason=denial_reason(message))
    if known in _PASSING or status in (500, 502, 503, 504):
        return ApiError("failed", code, passing=True)
    return ApiError("failed", code)


NO_SUCH_NAME = "NoSuchName"
"""The endpoint's name does not resolve."""
_SAFE_CODE = re.compile(r"[A-Za-z0-9_.:\-]{1,128}\Z")


def _code(told: dict[str, Any], status: int) -> str:
    """AWS's code, without the namespace some protocols put before or after it. Text that is no code is not repeated."""
    code = str(told.get("Code") or "").split("#")[-1].split(":")[0]
    return code if _SAFE_CODE.match(code) and not code.isdecimal() else f"HTTP{status}"


def from_exception(error: Exception) -> ApiError | None:
    """The meaning of any error that making a call may raise; None when it is not the call's but ours."""
    if isinstance(error, HTTPClientError) and isinstance(error.kwargs.get("error"), ApiError):
        error = error.kwargs["error"]  # on botocore's way
    if isinstance(error, ApiError):
        return error
    if isinstance(error, ClientError):
        return from_client_error(error)
    if isinstance(error, EndpointConnectionError) and "DNS" in type(error.kwargs.get("error")).__name__:
        return ApiError("unreachable", NO_SUCH_NAME, passing=True)
    if isinstance(error, NoConnectionError | HTTPClientError):  # end points that cannot be found, time-outs, proxies, TLS
        return ApiError("unreachable", _inner_name(error), passing=True)
    if isinstance(error, ResponseParserError):
        return ApiError("failed", UNREADABLE, passing=True)
    if isinstance(error, NoCredentialsError | NoAuthTokenError | TokenRetrievalError):
        return ApiError("failed", type(error).__name__)
    if isinstance(error, ParamValidationError | BotoCoreError):
        return ApiError("failed", type(error).__name__)
    return None


def _inner_name(error: Exception) -> str:
    return type(error).__name__.removesuffix("Error")
