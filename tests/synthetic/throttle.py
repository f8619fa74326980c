"""Token buckets: how AWS limits calls, for each account, region and service."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.synthetic.settings import ANY, Throttle


@dataclass(slots=True)
class Buckets:
    """The buckets of one server. Times are seconds of any clock that only goes forward."""

    limits: tuple[Throttle, ...]
    _levels: dict[tuple[str, str, str], tuple[float, float]] = field(default_factory=dict)

    def take(self, account: str, region: str, service: str, now: float) -> bool:
        """Whether a call may pass at *now*; a call that may not takes nothing."""
        limit = next((each for each in self.limits if each.service in (service, ANY)), None)
        if limit is None:
            return True
        key = (account, region, service)
        level, since = self._levels.get(key, (limit.burst, now))
        level = min(limit.burst, level + (now - since) * limit.rate)
        passes = level >= 1
        self._levels[key] = (level - 1 if passes else level, now)
        return passes
