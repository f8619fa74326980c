"""What the server has counted, readable at GET /_synthetic/stats."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

_KEPT_MESSAGES = 50


@dataclass(slots=True)
class Stats:
    """Counters of one server since it started."""

    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    unrouted: int = 0
    unrouted_requests: list[str] = field(default_factory=list)
    callers: set[tuple[str, str]] = field(default_factory=set)
    connections: int = 0
    open_connections: int = 0
    peak_connections: int = 0
    bytes_sent: int = 0

    def connected(self) -> None:
        """One more connection."""
        self.connections += 1
        self.open_connections += 1
        self.peak_connections = max(self.peak_connections, self.open_connections)

    def not_routed(self, message: str) -> None:
        """A request that fits no operation; the first few are kept to be read."""
        self.unrouted += 1
        if len(self.unrouted_requests) < _KEPT_MESSAGES:
            self.unrouted_requests.append(message)

    def plain(self) -> dict[str, Any]:
        """The counters as JSON-able data."""
        by_service: dict[str, dict[str, int]] = {}
        for (service, operation), count in sorted(self.calls.items()):
            by_service.setdefault(service, {})[operation] = count
        return {
            "total": sum(self.calls.values()),
            "calls": by_service,
            "throttled": dict(self.throttled),
            "faults": dict(self.faults),
            "unrouted": self.unrouted,
            "unrouted_requests": self.unrouted_requests,
            "callers": len(self.callers),
            "connections": self.connections,
            "open_connections": self.open_connections,
            "peak_connections": self.peak_connections,
            "bytes_sent": self.bytes_sent,
            "cpu_seconds": time.process_time(),
        }
