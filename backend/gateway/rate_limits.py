"""How often a merchant may call: two token buckets, one for the second and one for the hour.

The design's tiers. Its own sketch counts into a key that expires (INCR, EXPIRE), which lets twice
the limit pass around the turn of a window; a bucket does not. Both buckets are taken from, or
neither. Every answer says the limit that binds, what is left of it and when it is full again.
Where the buckets are kept is a port: with a server they are one for all engines, and when that
server does not answer, this process counts alone rather than not at all. Knows no HTTP.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from backend.domain.token_bucket import SECOND_US, Buckets, Limit, Taken
from backend.gateway.merchant_account import MerchantAccount
from backend.runtime.clock import Clock
from backend.runtime.errors import BadRequest

HOUR_S = 3_600


def _tier(per_second: int, per_hour: int) -> tuple[Limit, Limit]:
    return Limit(per_second, per_second), Limit(per_hour, per_hour / HOUR_S)


TIERS: Mapping[int, tuple[Limit, Limit]] = MappingProxyType(
    {
        1: _tier(100, 10_000),
        2: _tier(1_000, 100_000),
        3: _tier(10_000, 1_000_000),
    }
)


class TooManyCalls(BadRequest):
    """A merchant called more often than its tier allows; nothing was done."""

    status = 429

    def __init__(self, taken: Taken) -> None:
        self.retry_after_s = math.ceil(taken.wait_us / SECOND_US)
        super().__init__("rate_limit", f"too many calls: wait {self.retry_after_s} s")
        self.headers = headers_of(taken)


class RateLimits:
    """Counts merchants' calls."""

    def __init__(self, buckets: Buckets, clock: Clock) -> None:
        self._buckets = buckets
        self._clock = clock

    async def take(self, merchant: MerchantAccount) -> Mapping[str, str]:
        """Count one call; the headers of its answer.

        Raises:
            TooManyCalls: the tier's limit is reached; its headers say when to come back.
        """
        limits = TIERS[merchant.tier]
        taken = await self._buckets.take(merchant.id, limits, self._clock.now_us())
        if not taken.allowed:
            raise TooManyCalls(taken)
        return headers_of(taken)


def headers_of(taken: Taken) -> Mapping[str, str]:
    """The limit that binds, what is left of it, and the seconds until it is full again."""
    return MappingProxyType(
        {
            "X-RateLimit-Limit": str(taken.limit.burst),
            "X-RateLimit-Remaining": str(taken.remaining),
            "X-RateLimit-Reset": str(math.ceil(taken.full_in_us / SECOND_US)),
        }
    )
