"""What a spec says, as frozen values. ``service_specs/README.md`` teaches the language; names here are its words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Scope: TypeAlias = Literal["regional", "global"]


@dataclass(frozen=True, slots=True)
class Page:
    """A paging rule that botocore does not ship: *input* is a parameter, *output* and *more* are JMESPath on the answer."""

    input: str
    output: str
    more: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One operation as a spec allows it: with which parameters, and what is taken from its answer."""

    service: str
    operation: str
    action: str
    """The IAM action that AWS asks for: ``s3:ListAllMyBuckets``."""
    params: Mapping[str, Any] = field(default_factory=dict)
    take: str = "@"
    over: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    batch: int | None = None
    of: str = "{item}"
    failures: str | None = None
    absent: tuple[str, ...] = ()
    not_enabled: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    reveal: Mapping[str, str] = field(default_factory=dict)
    page: Page | None = None
    resources: tuple[str, ...] = ()
    """ARN patterns to which a policy limits the action, where the action alone would grant too much."""
    why: str | None = None


Missing: TypeAlias = Literal["zero", "unknown"]

LOOKBACK = 32
"""Days. AWS's own idle rules look at 14, 30 and 32; a daily point more costs nothing, for CloudWatch is paid by the metric."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """CloudWatch metrics that tell how a resource is used, all of one namespace and of the same dimensions."""

    namespace: str
    dimensions: Mapping[str, tuple[str, ...]]
    """Templates by the dimension's name; several, where the resource has a series for each."""
    statistics: Mapping[str, tuple[str, ...]]
    """By the metric's name."""
    missing: Missing
    """What it means that CloudWatch has no data point: that nothing was used, or that it is not known."""
    lookback: int = LOOKBACK
    when: str | None = None
    """JMESPath on the record: only resources of which it is true have these metrics at all."""
    unless: Mapping[str, str] = field(default_factory=dict)
    """By JMESPath on the record: why a resource of which it is true can have no data now."""
    each: str | None = None
    """JMESPath on the record to a list: a series for each of its elements."""


METRIC_DATA = Call(
    "cloudwatch",
    "GetMetricData",
    "cloudwatch:GetMetricData",
    params={"MetricDataQueries": "{queries}", "StartTime": "{start}", "EndTime": "{end}", "ScanBy": "TimestampAscending"},
    why="The only source of how much a resource was used. Daily numbers of the metrics that the specs name, never what was stored or sent.",
)
"""What metered types need beside their own calls."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource type: how it is listed, completed and turned into records."""

    service: str
    key: str
    type: str
    list: Call
    scope: Scope = "regional"
    rate: float | None = None
    """Calls per second to start with, in one account and region; None where AWS documents no tight limit."""
    home: str | None = None
    """The region in which a service of global scope is asked, where botocore's endpoint data does not say."""
    ours: bool = False
    parent: str | None = None
    describe: Call | None = None
    tags: str | Call | None = None
    get: Mapping[str, Call] = field(default_factory=dict)
    arn: str | None = None
    id: str = "{arn}"
    name: str | None = None
    created: str | None = None
    state: str | None = None
    region: str | None = None
    volatile: tuple[str, ...] = ()
    metrics: tuple[Metrics, ...] = ()

    def calls(self) -> Iterator[Call]:
        """Every call that reading this resource may make. Permissions, the guard and the documents are computed from this alone."""
        yield self.list
        if self.describe:
            yield self.describe
        if isinstance(self.tags, Call):
            yield self.tags
        yield from self.get.values()
        if self.metrics:
            yield METRIC_DATA


@dataclass(frozen=True, slots=True)
class Family:
    """A resource that is listed from nothing, with the resources declared under it.

    *wanted* holds the keys whose records are written; the others are read only because a wanted one lies under them.
    """

    root: Resource
    children: Mapping[str, tuple["Resource", ...]]
    wanted: frozenset[str]

    @property
    def service(self) -> str:
        return self.root.service

    @property
    def name(self) -> str:
        """``ec2.instance``: unique among all families."""
        return f"{self.root.service}.{self.root.key}"

    def resources(self) -> Iterator[Resource]:
        """The root, then everything under it, parents before children."""
        waiting = [self.root]
        while waiting:
            resource = waiting.pop(0)
            yield resource
            waiting.extend(self.children.get(resource.key, ()))

    def written(self) -> list[Resource]:
        """The resources whose records and coverage are written."""
        return [resource for resource in self.resources() if resource.key in self.wanted]

    def calls(self) -> Iterator[Call]:
        """Every call that reading this family may make; of a resource that is only on the way, its listing and description."""
        for resource in self.resources():
            if resource.key in self.wanted:
                yield from resource.calls()
            else:
                yield resource.list
                if resource.describe:
                    yield resource.describe


@dataclass(frozen=True, slots=True)
class Service:
    """One spec file."""

    name: str
    resources: Mapping[str, Resource]

    def families(self, wanted: frozenset[str] | None = None) -> Iterator[Family]:
        """The families of this service that hold a resource in *wanted* (all when None), cut down to what they need."""
        keys = frozenset(self.resources) if wanted is None else wanted & frozenset(self.resources)
        needed: set[str] = set()
        for key in keys:
            step: str | None = key
            while step is not None and step not in needed:
                needed.add(step)
                step = self.resources[step].parent
        children: dict[str, list[Resource]] = {}
        for resource in self.resources.values():
            if resource.parent and resource.key in needed:
                children.setdefault(resource.parent, []).append(resource)
        for root in self.resources.values():
            if root.parent is None and root.key in needed:
                yield _family(root, children, keys)


def _family(root: Resource, children: Mapping[str, list[Resource]], wanted: frozenset[str]) -> Family:
    below: dict[str, tuple[Resource, ...]] = {}
    waiting = [root.key]
    while waiting:
        key = waiting.pop()
        if key in children:
            below[key] = tuple(children[key])
            waiting.extend(child.key for child in children[key])
    inside = {root.key, *(child.key for group in below.values() for child in group)}
    return Family(root, below, wanted & frozenset(inside))
