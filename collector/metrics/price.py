"""What CloudWatch takes for an answer, and how much of it may be spent."""

from dataclasses import dataclass

from collector.settings import DOLLARS_PER_THOUSAND


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
