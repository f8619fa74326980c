"""What may be set: how much is answered, how slowly, and what goes wrong. Frozen values, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ANY = "*"


@dataclass(frozen=True, slots=True)
class PagingRule:
    """Paging of one operation: *input* and *output* token members, *more* the member that says there is more.

    *input* and *output* name as many members as each other; *output* and *more* are dotted member paths, and ``[-1]``
    is allowed in *output*. *when* is an input member without which only the first page is given and no token (SQS
    ListQueues without MaxResults stops at 1,000 silently).
    """

    input: tuple[str, ...]
    output: tuple[str, ...]
    more: str | None = None
    results: tuple[str, ...] = ()
    when: str | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """*value* at *path* in every answer of an operation. Lists are passed through; ``*`` is every value of a map.

    A tuple gives its values in turn to the items of the outermost list; None leaves the member out.
    """

    service: str
    operation: str
    path: str
    value: Any


@dataclass(frozen=True, slots=True)
class Throttle:
    """A token bucket for each (account, region, service): *rate* calls per second, *burst* at once."""

    rate: float
    burst: float
    service: str = ANY


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong for the calls it matches.

    *kind*: ``error`` answers *code* and *status* in the service's protocol; ``raw`` answers *body* as it is;
    ``reset`` closes the connection without an answer; ``truncate`` announces the whole body, sends half and closes;
    ``hang`` never answers. *containing* must occur in the request's path or body. *first*: only the first so many
    matching calls; *after*: only those after so many; *every*: only each so-many-th one.
    """

    service: str = ANY
    operation: str = ANY
    account: str = ANY
    region: str = ANY
    containing: str = ""
    kind: Literal["error", "raw", "reset", "truncate", "hang"] = "error"
    code: str = "AccessDeniedException"
    status: int = 403
    message: str = "synthetic fault"
    body: bytes = b""
    first: int | None = None
    after: int = 0
    every: int = 1


# Paging that neither botocore's paginators nor the members' names tell (each operation's API reference).
PAGING: Mapping[tuple[str, str], PagingRule] = {
    ("firehose", "ListDeliveryStreams"): PagingRule(
        ("ExclusiveStartDeliveryStreamName",), ("DeliveryStreamNames[-1]",), "HasMoreDeliveryStreams"
    ),
    ("firehose", "ListTagsForDeliveryStream"): PagingRule(("ExclusiveStartTagKey",), ("Tags[-1].Key",), "HasMoreTags"),
    ("kinesis", "ListTagsForStream"): PagingRule(("ExclusiveStartTagKey",), ("Tags[-1].Key",), "HasMoreTags"),
    ("kinesisanalytics", "ListApplications"): PagingRule(
        ("ExclusiveStartApplicationName",), ("ApplicationSummaries[-1].ApplicationName",), "HasMoreApplications"
    ),
    ("route53", "ListHostedZonesByName"): PagingRule(("DNSName", "HostedZoneId"), ("NextDNSName", "NextHostedZoneId"), "IsTruncated"),
    ("route53", "ListTrafficPolicies"): PagingRule(("TrafficPolicyIdMarker",), ("TrafficPolicyIdMarker",), "IsTruncated"),
    ("route53", "ListTrafficPolicyInstances"): PagingRule(
        ("HostedZoneIdMarker", "TrafficPolicyInstanceNameMarker", "TrafficPolicyInstanceTypeMarker"),
        ("HostedZoneIdMarker", "TrafficPolicyInstanceNameMarker", "TrafficPolicyInstanceTypeMarker"),
        "IsTruncated",
    ),
    ("route53", "ListTrafficPolicyVersions"): PagingRule(("TrafficPolicyVersionMarker",), ("TrafficPolicyVersionMarker",), "IsTruncated"),
    # Without a parameter SQS gives 1,000 queues and no token.
    ("sqs", "ListQueues"): PagingRule(("NextToken",), ("NextToken",), results=("QueueUrls",), when="MaxResults"),
    ("sqs", "ListDeadLetterSourceQueues"): PagingRule(("NextToken",), ("NextToken",), results=("queueUrls",), when="MaxResults"),
}

# Members of maps whose keys are free text in botocore's models but fixed in the service's API reference.
MAP_KEYS: Mapping[tuple[str, str, str], tuple[str, ...]] = {
    ("sns", "GetTopicAttributes", "Attributes"): (
        "TopicArn",
        "Owner",
        "Policy",
        "DisplayName",
        "SubscriptionsConfirmed",
        "SubscriptionsPending",
        "SubscriptionsDeleted",
        "EffectiveDeliveryPolicy",
        "KmsMasterKeyId",
    ),
    ("sns", "GetSubscriptionAttributes", "Attributes"): (
        "SubscriptionArn",
        "TopicArn",
        "Owner",
        "Protocol",
        "Endpoint",
        "RawMessageDelivery",
        "PendingConfirmation",
    ),
    ("sns", "GetPlatformApplicationAttributes", "Attributes"): ("Enabled", "EventEndpointCreated"),
    ("sns", "ListPlatformApplications", "PlatformApplications.Attributes"): ("Enabled", "PlatformPrincipal", "PlatformCredential"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the server can be told. Times are seconds."""

    items: int = 3
    pages: int = 2
    nested: int = 2  # length of a list inside an item; deeper lists have one element, or answers grow without end
    latency: float = 0.0
    jitter: float = 0.0
    throttle: tuple[Throttle, ...] = ()
    faults: tuple[Fault, ...] = ()
    puts: tuple[Put, ...] = ()
    canaries: frozenset[tuple[str, str, str]] = frozenset()  # (service, operation, path from the answer's root)
    paging: Mapping[tuple[str, str], PagingRule] = field(default_factory=dict)
    infer_paging: bool = True  # operations with a token in and out page even where botocore has no paginator
    map_keys: Mapping[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)
    kinds: Mapping[tuple[str, str, str], Literal["arn", "account", "each"]] = field(default_factory=dict)  # of texts; see leaf.Where
    sizes: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)  # (service, operation) -> items, pages of its own
    fill_failures: bool = False  # per-item failures in successful answers are empty unless asked for
    regions: tuple[str, ...] = ("us-east-1", "eu-west-1", "ap-southeast-2")
    disabled_regions: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ("111111111111", "222222222222", "333333333333")
    account: str = "999999999999"  # the account of callers whose access key id names none
    access_keys: Mapping[str, str] = field(default_factory=dict)  # access key id -> account
    credential_seconds: int | None = None  # lifetime of assumed credentials; None: they end in 2099
    max_nodes: int = 20_000  # values in one item; what is over it is left out (dashboards nest to millions)
    cache_bytes: int = 256 * 1024 * 1024
    tls: bool = False
    port: int = 0
