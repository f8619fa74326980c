"""What CloudWatch takes for an answer, and how much of it may be spent."""

from dataclasses import dataclass

DOLLARS_PER_THOUSAND = 0.01
"""US dollars for a thousand metrics asked for with GetMetricData, whatever the number of data points and of up to five statistics; never in
the free tier. https://aws.amazon.com/cloudwatch/pricing/, us-east-1, as of 2026-11; a few regions differ, so it is a setting.
"""


@dataclass(slots=True)
class Budget:
    """*limit* dollars at most; None: no limit."""

    per_thousand: float = DOLLARS_PER_THOUSAND
    limit: float | None = None
    metrics: int = 0
    """Asked for so far."""

    def dollars(self, metrics: int) -> float:
        return metrics * self.per_thousand / 1000

    @property
    def spent(self) -> float:
        return self.dollars(self.metrics)

    def takes(self, metrics: int) -> bool:
        """May a call for so many be made? If so, it is counted."""
        if self.limit is not None and self.dollars(self.metrics + metrics) > self.limit:
            return False
        self.metrics += metrics
        return True

    def give_back(self, metrics: int) -> None:
        """A call for so many was not answered, and is not billed."""
        self.metrics -= metrics
