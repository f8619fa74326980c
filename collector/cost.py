"""What a run costs: calls, bytes, memory and CPU, of one process or of several together."""

from dataclasses import dataclass
from time import process_time

from collector.aws.gateway import Gateway
from collector.machine import peak_memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """So much until now."""

    bytes_received: int = 0
    """Of answers, without their headers."""
    bytes_resident: int = 0
    """At the peak; of several processes, the largest one's."""
    calls: int = 0
    cpu_seconds: float = 0.0
    retries: int = 0
    throttled: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            bytes_received=self.bytes_received + other.bytes_received,
            bytes_resident=max(self.bytes_resident, other.bytes_resident),
            calls=self.calls + other.calls,
            cpu_seconds=self.cpu_seconds + other.cpu_seconds,
            retries=self.retries + other.retries,
            throttled=self.throttled + other.throttled,
        )

    @property
    def throttled_share(self) -> float:
        """Of all calls, those that were throttled: 0.0 to 1.0."""
        return self.throttled / self.calls if self.calls else 0.0


def spent(gateway: Gateway) -> Cost:
    """What this process has spent, its calls being those of *gateway*."""
    counts = gateway.counts
    return Cost(
        bytes_received=gateway.clients.connections.received,
        bytes_resident=peak_memory(),
        calls=counts.calls,
        cpu_seconds=process_time(),
        retries=counts.retries,
        throttled=counts.throttled,
    )
