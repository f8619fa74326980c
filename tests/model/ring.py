"""Specs against the synthetic server: what the server must be told, what it planted, and what a reading of one service gave."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal
from urllib.parse import quote

import structlog

from collector.aws.gateway import Gateway
from collector.aws.page import Tally
from collector.plan import Target
from collector.record import CoverageRecord, ResourceRecord
from collector.spec import facts
from collector.spec.api import answer, at, item_of, service_model
from collector.spec.model import METRIC_DATA, Call, Resource, Service
from collector.spec.reader import read_specs
from tests.model.in_process import Records, gateway_to, read_families, synthetic
from tests.synthetic import PagingRule, Put, Settings
from tests.synthetic.answer import CANARY, Answer
from tests.synthetic.asked import texts
from tests.synthetic.paging import rule_for
from tests.synthetic.route import Route
from tests.synthetic.server import Server

ITEMS, PAGES = 2, 3
MOST_CALLS = 3000
"""Twice what the widest spec asks; a listing that never ends is named before it fills the memory."""

EXTERNAL_ID = "CANARY-0000000001"
"""An ExternalId in a trust policy: the policy is text in AWS's model, so nothing can be planted in it by shape."""
TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "999988887777"},
         "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}, "StringLike": {"STS:externalid": [EXTERNAL_ID]}}},
    ],
})  # fmt: skip

GRANTS = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sns:ListTopics", "Resource": "*"}]})

HINTS: Mapping[Put, str] = {
    Put(
        "accessanalyzer", "ListFindingsV2", "findings.findingType", ("UnusedPermission", "ExternalAccess")
    ): "only of unused permissions are the details asked for",
    Put(
        "apigateway", "GetDomainNames", "items.domainNameId", (None, "abcd1234")
    ): "only private domain names have an id, and each kind is a type",
    Put(
        "docdb", "DescribeDBClusters", "DBClusters.Engine", "docdb"
    ): "RDS, Neptune and DocumentDB answer one call; the engine tells whose it is",
    Put("docdb", "DescribeDBInstances", "DBInstances.Engine", "docdb"): "as above",
    Put("docdb", "DescribeDBClusterSnapshots", "DBClusterSnapshots.Engine", "docdb"): "as above",
    Put("neptune", "DescribeDBClusters", "DBClusters.Engine", "neptune"): "as above",
    Put("neptune", "DescribeDBInstances", "DBInstances.Engine", "neptune"): "as above",
    Put("neptune", "DescribeDBClusterSnapshots", "DBClusterSnapshots.Engine", "neptune"): "as above",
    Put("health", "DescribeEvents", "events.eventScopeCode", "ACCOUNT_SPECIFIC"): "public events are left out",
    Put("iam", "ListRoles", "Roles.AssumeRolePolicyDocument", quote(TRUST)): "a trust policy with an ExternalId, as IAM encodes it",
    Put("iam", "GetRole", "Role.AssumeRolePolicyDocument", quote(TRUST)): "as above",
    Put("iam", "ListInstanceProfiles", "InstanceProfiles.Roles.AssumeRolePolicyDocument", quote(TRUST)): "as above",
    Put("iam", "GetPolicyVersion", "PolicyVersion.Document", quote(GRANTS)): "a role's policies are read before its account is",
    Put("iam", "GetRolePolicy", "PolicyDocument", quote(GRANTS)): "as above",
    Put("kms", "DescribeKey", "KeyMetadata.KeyManager", "CUSTOMER"): "AWS-managed keys are left out",
    Put("route53", "ListHostedZones", "HostedZones.Config.PrivateZone", (False, True)): "only public zones are asked about signing",
    Put("route53resolver", "ListFirewallDomainLists", "FirewallDomainLists.ManagedOwnerName", None): "lists that AWS manages are left out",
    Put("sagemaker", "ListApps", "Apps.Status", "InService"): "deleted apps, the first of the enum, are left out",
    Put("storagegateway", "ListFileShares", "FileShareInfoList.FileShareType", ("NFS", "SMB")): "each kind of share is a type",
    Put("support", "DescribeTrustedAdvisorChecks", "checks.category", "cost_optimizing"): "only checks of cost are read",
}
"""What the answers must say so that a ``take`` which leaves things out leaves something in, each with its reason."""

SIZES: Mapping[tuple[str, str], tuple[int, int]] = {
    ("accessanalyzer", "GetFindingV2"): (3, 1),  # each item is another kind of detail; the third is of unused permissions
    ("inspector2", "BatchGetAccountStatus"): (1, 1),  # asked about the account itself
    ("s3control", "ListAccessGrantsInstances"): (1, 1),  # at most one in an account and region
    ("organizations", "ListRoots"): (1, 1),  # an organisation has one root
    ("organizations", "ListOrganizationalUnitsForParent"): (1, 2),  # units nest five deep: six under each would be 9,330
}
"""Items and pages of operations that cannot have as many as the others."""

ONE_PAGE: Mapping[tuple[str, str], str] = {
    ("account", "ListRegions"): "the regions are those that the server was told of",
    ("organizations", "ListAccounts"): "the accounts likewise",
    ("organizations", "ListRoots"): "an organisation has one root",
    ("s3control", "ListAccessGrantsInstances"): "there is at most one",
    ("securitylake", "ListLogSources"): "it is asked about one region, and the server answers with that",
}
"""Lists that page and yet are read in one page, each with its reason; all others are read in several."""


KINDS: Mapping[tuple[str, str, str], Literal["arn", "account", "each"]] = {
    ("chatbot", "ListCustomActions", "CustomActions"): "arn",
    ("cloudformation", "DescribeStacks", "Stacks.StackId"): "arn",
    ("codebuild", "ListReportGroups", "reportGroups"): "arn",
    ("iam", "ListVirtualMFADevices", "VirtualMFADevices.SerialNumber"): "arn",
    ("resource-explorer-2", "ListViews", "Views"): "arn",
    ("securityhub", "ListEnabledProductsForImport", "ProductSubscriptions"): "arn",
    ("sso-admin", "ListPermissionSets", "PermissionSets"): "arn",
    ("serverlessrepo", "ListApplications", "Applications.ApplicationId"): "arn",
    # What is listed by a type or a version has another in each item.
    ("ec2", "DescribeInstanceTypes", "InstanceTypes.InstanceType"): "each",
    ("rds", "DescribeDBMajorEngineVersions", "DBMajorEngineVersions.MajorEngineVersion"): "each",
    # Other accounts, each of them once.
    ("inspector2", "ListMembers", "members.accountId"): "account",
    ("detective", "ListMembers", "MemberDetails.AccountId"): "account",
    ("guardduty", "ListMembers", "Members.AccountId"): "account",
    ("securityhub", "ListMembers", "Members.AccountId"): "account",
    ("sso-admin", "ListAccountsForProvisionedPermissionSet", "AccountIds"): "account",
}
"""Texts whose member's name does not tell what they are (each operation's API reference)."""


@cache
def specs() -> Mapping[str, Service]:
    """Our specs."""
    return read_specs()


def calls_of(service: Service) -> Iterator[tuple[Resource, Call]]:
    """Every call that a run makes of *service*, with the resource that makes it. Metrics are asked for afterwards, of CloudWatch."""
    for resource in service.resources.values():
        for call in resource.calls():
            if call != METRIC_DATA:
                yield resource, call


def origins(call: Call, paths: Sequence[str] | Mapping[str, str]) -> Iterator[str]:
    """Where in the whole answer the *paths* of *call*'s ``redact`` or ``reveal`` lie; none for what lies inside a policy's text."""
    item = item_of(call.take, service_model(call.service).operation_model(call.operation))
    for path in paths:
        node, keys = item, {}
        for name in path.split(".") if path != "@" else ():
            node = at(name, node)
            if node.origin[-1:] == ("*",):
                keys[len(node.origin) - 1] = name
        if node.origin:
            yield ".".join(keys.get(position, name) for position, name in enumerate(node.origin))


def planted_in(service: Service) -> frozenset[tuple[str, str, str]]:
    """(service, operation, path) of what the curated list and the specs' ``redact`` hold for secrets; AWS's own trait is planted anyway."""
    asked = {call.operation for _, call in calls_of(service)}
    curated = {(f.service, f.operation, f.path) for f in facts.all_secret_fields() if f.service == service.name and f.operation in asked}
    ours = {(call.service, call.operation, path) for _, call in calls_of(service) for path in origins(call, call.redact)}
    return frozenset(curated | ours)


def can_hold_text(service: str, operation: str, path: str) -> bool:
    """Whether anything can be planted at *path*: a number or a switch holds no canary."""
    return _holds_text(at(path, answer(service_model(service).operation_model(operation))).shape, frozenset())


def _holds_text(shape: Any, above: frozenset[str]) -> bool:
    if shape is None or shape.type_name in ("string", "blob"):
        return True
    if shape.name in above:
        return False
    below = {"structure": "members", "list": "member", "map": "value"}.get(shape.type_name)
    found = getattr(shape, below) if below else {}
    return any(_holds_text(each, above | {shape.name}) for each in (found.values() if isinstance(found, Mapping) else [found]))


def revealed_in(service: Service) -> frozenset[tuple[str, str, str]]:
    """(service, operation, path) of what is shown on purpose."""
    return frozenset((call.service, call.operation, path) for _, call in calls_of(service) for path in origins(call, call.reveal))


def settings_for(service: Service) -> Settings:
    """Three pages of two, lists inside items, and a canary in every sensitive place.

    Where neither botocore nor the members' names tell that an operation pages, the spec is believed.
    """
    plain = Settings(items=ITEMS, pages=PAGES, nested=2, canaries=planted_in(service), puts=tuple(HINTS), kinds=KINDS, sizes=SIZES)
    model = service_model(service.name)
    paging = {
        (call.service, call.operation): PagingRule((call.page.input,), (call.page.output,), call.page.more)
        for _, call in calls_of(service)
        if call.page is not None and rule_for(plain, call.service, model.operation_model(call.operation)) is None
    }
    return replace(plain, paging=paging)


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer that was given: to what, which page comes after it, and the canaries in it (mark -> path from the answer's root)."""

    service: str
    operation: str
    asked: str
    next_page: int | None
    canaries: Mapping[str, str]


class HearingServer(Server):
    """A synthetic server that remembers what it answered."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.heard: list[Heard] = []

    def answer(self, found: Route) -> Answer:
        answer = super().answer(found)
        rule = rule_for(self.settings, found.service, found.operation)
        shape = found.operation.input_shape
        asked = (texts(shape, found.params) or {}) if shape else {}
        without_tokens = {name: value for name, value in asked.items() if rule is None or name not in rule.input}
        canaries = {mark: canary.path for canary in answer.canaries for mark in CANARY.findall(canary.text)}
        self.heard.append(Heard(found.service, found.operation.name, repr(sorted(without_tokens.items())), answer.next_page, canaries))
        return answer

    def unfinished(self) -> list[str]:
        """What was asked for but not read to its last page."""
        ends: dict[tuple[str, ...], set[bool]] = defaultdict(set)
        for heard in self.heard:
            ends[heard.service, heard.operation, heard.asked].add(heard.next_page is None)
        return [" ".join(asked) for asked, ended in ends.items() if True not in ended]

    def in_one_page(self, *services: Service) -> set[tuple[str, str]]:
        """The lists of *services* that page, were asked, and never gave a second page."""
        asked = {(heard.service, heard.operation) for heard in self.heard}
        several = {(heard.service, heard.operation) for heard in self.heard if heard.next_page is not None}
        lists = {(each.list.service, each.list.operation) for service in services for each in service.resources.values()}
        return {
            (service, name)
            for service, name in (lists & asked) - several
            if rule_for(self.settings, service, service_model(service).operation_model(name)) is not None
        }

    def secrets(self, *services: Service) -> frozenset[str]:
        """The marks of every planted secret but those that *services* show on purpose."""
        shown = {place for service in services for place in revealed_in(service)}
        marks = {mark for heard in self.heard for mark, path in heard.canaries.items() if not _is_shown(heard, path, shown)}
        return frozenset({*marks, EXTERNAL_ID})


def _is_shown(heard: Heard, path: str, shown: set[tuple[str, str, str]]) -> bool:
    names = path.split(".")
    return any((heard.service, heard.operation, ".".join(names[:length])) in shown for length in range(1, len(names) + 1))


@dataclass(slots=True)
class ListPages:
    """The gateway, counting for each type the pages of its list. A run that does not end is stopped."""

    gateway: Gateway
    keys: Mapping[int, str]
    pages: Counter[str] = field(default_factory=Counter)

    async def once(self, call: Call, target: Target, params: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
        assert self.gateway.counts.calls < MOST_CALLS, f"{call.operation} is asked for without end"
        answer = await self.gateway.once(call, target, params, tally)
        if id(call) in self.keys:
            self.pages[self.keys[id(call)]] += 1
        return answer


@dataclass(frozen=True, slots=True)
class ServiceReading:
    """All that reading one service against the synthetic server gave."""

    service: Service
    server: HearingServer
    records: Records
    coverage: Sequence[CoverageRecord]
    list_pages: Mapping[str, int]
    """Answers to each resource's list, by the resource's key."""
    log: Sequence[Mapping[str, Any]]
    """Every event that was logged."""

    def every_record(self) -> Iterator[ResourceRecord]:
        for records in self.records.values():
            yield from records


async def read_service(service: Service, settings: Settings | None = None) -> ServiceReading:
    """Every family of *service*, read as a run would read it in one account and region, with the server in this process."""
    server = HearingServer(settings or settings_for(service))
    families = list(service.families())
    calls = [call for family in families for call in family.calls()]
    with structlog.testing.capture_logs() as log:
        async with gateway_to(synthetic(server.respond), calls) as gateway:
            asks = ListPages(gateway, {id(each.list): each.key for each in service.resources.values()})
            records, coverage = await read_families(families, asks)
    return ServiceReading(service, server, records, coverage, asks.pages, log)


ARN = re.compile(r"arn:aws(?:-[a-z]+)*:[a-z0-9-]+:[a-z0-9-]*:(?:\d{12}|aws)?:[^\s{}]+")
_PLACEHOLDER = re.compile(r"\$\{\w+\}")


def fits_a_format(template: str, prefix: str) -> bool:
    """Whether *template*, an ``arn`` with references, can give an ARN of one of the formats that AWS documents for *prefix*."""
    filled = re.sub(r"\{[^{}]*\}", "x", template.replace("{partition}", "aws"))
    formats = [each for several in facts.arn_formats(prefix).values() for each in several.split(", ")]
    return any(re.fullmatch("[^:]+".join(re.escape(part) for part in _PLACEHOLDER.split(format)), filled) for format in formats)


WIDEST = "us-east-1"
"""The region in which AWS has the most services."""


def settings_for_all(services: Mapping[str, Service]) -> Settings:
    """What each service must be told, for one server that answers them all: two pages, for each service by itself is read to a third."""
    each = [settings_for(service) for service in services.values()]
    paging = {operation: rule for settings in each for operation, rule in settings.paging.items()}
    return replace(
        each[0], pages=2, canaries=frozenset().union(*(settings.canaries for settings in each)), paging=paging, regions=(WIDEST,)
    )
