"""How often one person may ask: a token bucket for each, and for each kind of asking.

Signing in is scarce because it is guessing; putting a card on a device is what the design tried
with five a second for thirty seconds. The buckets live in this process: a limit that a cache
forgets is none, and one engine serves one data folder.
"""

from __future__ import annotations

import math
from types import MappingProxyType

from backend.domain.token_bucket import SECOND_US, Limit, LocalBuckets
from backend.runtime.clock import Clock
from backend.runtime.errors import BadRequest

__all__ = ["PROVISIONING", "REQUESTS", "SIGN_IN", "Limit", "Limits", "TooMany"]

BUCKETS_MAX = 10_000
SIGN_IN = Limit(burst=10, per_s=0.1)
REQUESTS = Limit(burst=2_000, per_s=500.0)
PROVISIONING = Limit(burst=150, per_s=5.0)


class TooMany(BadRequest):
    """Asked more often than the limit allows; the headers say what it is and when it lets go."""

    status = 429

    def __init__(self, limit: Limit, wait_us: int) -> None:
        seconds = math.ceil(wait_us / SECOND_US)
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
        self._buckets = LocalBuckets(BUCKETS_MAX)

    def take(self, limit: Limit, who: str) -> None:
        """Count one asking.

        Raises:
            TooMany: the bucket is empty.
        """
        taken = self._buckets.take_now(who, (limit,), self._clock.now_us())
        if not taken.allowed:
            raise TooMany(limit, taken.wait_us)
