"""How fast may we call? One pace for each (account, region, service), because that is how AWS counts.

AWS's limits are token buckets: a burst, then so many calls a second. What is answered between two throttles tells how many, so a throttle
sets the rate a little below that, never by more than half at once. From there it rises slowly, then quicker, over calls and not over
seconds:
the share of throttled calls is then the same for an API of one call a second as for one of a hundred.
"""

from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic
from typing import TypeAlias

import anyio

Key: TypeAlias = tuple[str, str, str]
"""Account, region, service."""

START = 20.0
"""Calls per second where no tighter limit is documented: EC2's describe calls refill at 20 a second (EC2 API throttling, user guide)."""
SLOWEST, QUICKEST = 0.2, 200.0
STEP = 1.0
"""What a second of answered calls adds, in calls per second, as long as nothing was ever throttled."""
LEAST_FALL, MOST_FALL = 0.85, 0.5
"""What is left of the rate after a throttle, at most and at least."""
ROUND, RISE = 60, 0.15
"""After so many answered calls the rate has risen by this share: about one throttle in a round, two or three calls in a hundred."""
REMEMBERED = 5_000
"""Paces kept, so that a run over thousands of accounts stays flat. So many others take more than a second to come by, in which the bucket
of one that was never throttled fills again: a new one is as good.
"""
LEARNT = 40_000
"""Further paces kept, of those that a throttle has taught something."""


@dataclass(slots=True)
class Pace:
    """A leaky bucket: *burst* calls at once, then one every ``1 / rate`` seconds."""

    rate: float = START
    burst: float = START
    throttled: int = 0
    _base: float = 0.0
    """The rate after the last throttle, in calls per second; zero as long as there was none."""
    _answered: int = 0
    """Calls answered since then."""
    _ready: float = 0.0
    _fell: float = float("-inf")
    """When that was."""

    def wait(self, moment: float) -> float:
        """Take the next place; seconds from *moment* until it comes."""
        start = max(self._ready, moment - self.burst / self.rate)
        self._ready = start + 1 / self.rate
        return max(0.0, self._ready - moment)

    def answered(self) -> None:
        """A call went through."""
        self._answered += 1
        rise = self.rate + STEP / self.rate if not self._base else self._base * (1 + RISE * (self._answered / ROUND) ** 2)
        self.rate = min(QUICKEST, rise)

    def refused(self, taken: float, moment: float) -> None:
        """The call that took its place at *taken* was throttled; it is *moment* now. Places taken before the last fall were given out at
        the rate before it, and tell nothing new.
        """
        self.throttled += 1
        if taken <= self._fell:
            return
        measured = self._answered / (moment - self._fell)
        self._base = max(SLOWEST, min(LEAST_FALL * self.rate, max(MOST_FALL * self.rate, measured)))
        self.rate = self._base
        self._answered = 0
        self.burst = 1.0
        self._fell = moment
        self._ready = max(self._ready, moment + 1 / self.rate)


class Paces:
    """The pace of every key, made when first asked for."""

    def __init__(self) -> None:
        self._paces: OrderedDict[Key, Pace] = OrderedDict()
        self._learnt: OrderedDict[Key, Pace] = OrderedDict()
        """Not used of late. In both, the longest unused comes first."""

    def of(self, key: Key, start: float | None = None) -> Pace:
        """The pace of *key*; *start* is the declared rate to begin with."""
        pace = self._paces.get(key)
        if pace is None:
            pace = self._learnt.pop(key, None) or (Pace(start, start) if start else Pace())
            self._paces[key] = pace
            if len(self._paces) > REMEMBERED:
                self._put_away(*self._paces.popitem(last=False))
        else:
            self._paces.move_to_end(key)
        return pace

    def _put_away(self, key: Key, pace: Pace) -> None:
        if pace.throttled:
            self._learnt[key] = pace
            if len(self._learnt) > LEARNT:
                self._learnt.popitem(last=False)


async def take_turn(pace: Pace) -> float:
    """Take *pace*'s next place and wait until it comes; the moment at which it was taken."""
    moment = monotonic()
    delay = pace.wait(moment)
    if delay > 0:
        await anyio.sleep(delay)
    return moment
