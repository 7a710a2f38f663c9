"""How often one person may ask: a token bucket for each, and for each kind of asking.

A bucket holds `burst` askings and gains `per_s` of them a second of lab time. Signing in is scarce
because it is guessing; putting a card on a device is what the design tried with five a second for
thirty seconds. The buckets live in this process: a limit that a cache forgets is none, and one
engine serves one data folder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType

from backend.runtime.clock import Clock
from backend.runtime.errors import BadRequest

BUCKETS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of one kind of asking.

    Attributes:
        burst: at once.
        per_s: for ever.
    """

    burst: int
    per_s: float


SIGN_IN = Limit(burst=10, per_s=0.1)
REQUESTS = Limit(burst=2_000, per_s=500.0)
PROVISIONING = Limit(burst=150, per_s=5.0)


class TooMany(BadRequest):
    """Asked more often than the limit allows.

    Attributes:
        headers: what the limit is and when it lets go, for the answer.
    """

    status = 429

    def __init__(self, limit: Limit, wait_s: float) -> None:
        seconds = math.ceil(wait_s)
        super().__init__("too_many_requests", f"too many of these: wait {seconds} s")
        self.retry_after_s = seconds
        self.headers = MappingProxyType(
            {
                "X-RateLimit-Limit": str(limit.burst),
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": str(seconds),
            }
        )


class Limits:
    """Counts askings."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[Limit, str], tuple[float, int]] = {}

    def take(self, limit: Limit, who: str) -> None:
        """Count one asking.

        Raises:
            TooMany: the bucket is empty.
        """
        now_us = self._clock.now_us()
        level = self._level(limit, who, now_us)
        if level < 1:
            raise TooMany(limit, (1 - level) / limit.per_s)
        if len(self._buckets) >= BUCKETS_MAX:
            self._sweep(now_us)
        self._buckets[limit, who] = (level - 1, now_us)

    def _level(self, limit: Limit, who: str, now_us: int) -> float:
        level, at_us = self._buckets.get((limit, who), (float(limit.burst), now_us))
        gained = max(0, now_us - at_us) / 1e6 * limit.per_s
        return min(float(limit.burst), level + gained)

    def _sweep(self, now_us: int) -> None:
        """Forget full buckets; where none is full, the one that was used longest ago."""
        used = {
            key: bucket
            for key, bucket in self._buckets.items()
            if self._level(*key, now_us) < key[0].burst
        }
        if len(used) >= BUCKETS_MAX:
            del used[min(used, key=lambda key: used[key][1])]
        self._buckets = used
