"""What has become of one type in one task so far."""

from dataclasses import dataclass, field, replace
from time import monotonic

from collector.aws.page import Tally
from collector.plan import Task
from collector.record import CoverageRecord, Gap, now
from collector.spec.model import Resource


@dataclass(slots=True)
class Scan:
    """Its gaps, its number of resources, and whether its listing is complete."""

    task: Task
    resource: Resource
    began: float = field(default_factory=monotonic)
    complete: bool = True
    resources: int = 0
    tally: Tally = field(default_factory=Tally)
    gaps: dict[tuple[str, ...], Gap] = field(default_factory=dict)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        moment = now().replace("-", "").replace(":", "")
        self.id = f"{self.task.scan_name(self.resource.key)}@{moment}"

    def gap(self, gap: Gap, *, complete: bool = True) -> None:
        """Note *gap*, and whether the listing is *complete* in spite of it. Equal gaps are counted, not repeated: a line stays short."""
        self.complete = self.complete and complete
        key = (gap.action, gap.code, gap.kind, gap.reason or "")
        same = self.gaps.get(key)
        if same is not None:
            # Which came first is chance; the same run again says the same.
            gap = replace(gap, arn=min(filter(None, (same.arn, gap.arn)), default=None), count=same.count + gap.count)
        self.gaps[key] = gap

    def coverage(self) -> CoverageRecord:
        return CoverageRecord(
            account_id=self.task.target.account_id,
            calls=self.tally.calls,
            complete=self.complete,
            gaps=tuple(self.gaps[key] for key in sorted(self.gaps)),
            observed_at=now(),
            partition=self.task.target.partition,
            region=self.task.target.region,
            resource_type=self.resource.type,
            resources=self.resources,
            retries=self.tally.retries,
            scan_id=self.id,
            seconds=round(monotonic() - self.began, 3),
            service=self.resource.service,
        )
