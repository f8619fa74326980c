"""How fast may we call? One pace for each (account, region, service), because that is how AWS counts.

Additive increase, multiplicative decrease (Chiu and Jain, 1989; TCP since): each answered call makes the pace a little quicker, a throttled one
halves it. A throttle that belongs to calls sent before the pace was last cut does not cut it again.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeAlias

import anyio

Key: TypeAlias = tuple[str, str, str]
"""Account, region, service."""

START = 20.0
"""Calls per second where no tighter limit is documented: EC2's describe calls refill at 20 a second (EC2 API throttling, user guide)."""
SLOWEST, QUICKEST = 0.2, 200.0
STEP = 1.0
"""What a second of answered calls adds, in calls per second."""
REMEMBERED = 20_000
"""Paces kept. What was never throttled is forgotten first, so that a run over thousands of accounts stays flat."""


@dataclass(slots=True)
class Pace:
    """A leaky bucket: *burst* calls at once, then one every ``1 / rate`` seconds."""

    rate: float = START
    burst: float = START
    throttled: int = 0
    _ready: float = 0.0
    _cut: float = field(default=float("-inf"))

    def wait(self, moment: float) -> float:
        """Take the next place; seconds from *moment* until it comes."""
        start = max(self._ready, moment - self.burst / self.rate)
        self._ready = start + 1 / self.rate
        return max(0.0, self._ready - moment)

    def answered(self) -> None:
        """A call went through."""
        self.rate = min(QUICKEST, self.rate + STEP / self.rate)

    def refused(self, sent: float, moment: float) -> None:
        """The call sent at *sent* was throttled; it is *moment* now."""
        self.throttled += 1
        if sent > self._cut:
            self.rate = max(SLOWEST, self.rate / 2)
            self.burst = 1.0
            self._cut = moment
            self._ready = max(self._ready, moment)


class Paces:
    """The pace of every key, made when first asked for."""

    def __init__(self) -> None:
        self._paces: OrderedDict[Key, Pace] = OrderedDict()

    def of(self, key: Key, start: float | None = None) -> Pace:
        """The pace of *key*; *start* is the declared rate to begin with."""
        pace = self._paces.get(key)
        if pace is None:
            pace = self._paces[key] = Pace(start, start) if start else Pace()
            if len(self._paces) > REMEMBERED:
                self._forget()
        else:
            self._paces.move_to_end(key)
        return pace

    def _forget(self) -> None:
        """Drop the longest unused quarter, but keep what a throttle has taught, as long as there is room for it."""
        for key in list(self._paces)[: REMEMBERED // 4]:
            if not self._paces[key].throttled or len(self._paces) > 2 * REMEMBERED:
                del self._paces[key]


async def take_turn(pace: Pace) -> float:
    """Wait for *pace*'s next place; the moment at which it came, in the event loop's seconds."""
    moment = anyio.current_time()
    delay = pace.wait(moment)
    if delay > 0:
        await anyio.sleep(delay)
        return anyio.current_time()
    return moment
