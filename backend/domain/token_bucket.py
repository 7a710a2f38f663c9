"""The token bucket as one whole number: the moment at which it will be full again.

A bucket holds `burst` askings and gains one every `interval_us`. Its state is the moment at which
it will be full (the "theoretical arrival time" of the generic cell rate algorithm, ITU-T I.371), so
taking is one comparison and one addition, exact at any rate, and a bucket that is full is nothing
to remember. Over any time t no more than `burst + t / interval_us` askings pass. Knows no clock and
no storage: where buckets are kept by a server, the same arithmetic runs there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of one kind of asking.

    Attributes:
        burst: at once.
        per_s: for ever.
    """

    burst: int
    per_s: float

    @property
    def interval_us(self) -> int:
        """Between two askings in the long run."""
        return max(1, round(SECOND_US / self.per_s))

    @property
    def period_us(self) -> int:
        """From empty to full."""
        return self.burst * self.interval_us


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an asking.

    Attributes:
        allowed: whether it may go on; one that may not has cost nothing.
        limit: the bucket that decides: the one with the longest wait, else with the least left.
        remaining: what that bucket has left now.
        wait_us: how long until an asking passes; 0 for one that did.
        full_in_us: how long until that bucket is full.
    """

    allowed: bool
    limit: Limit
    remaining: int
    wait_us: int
    full_in_us: int


class Buckets(Protocol):
    """Where the buckets of everybody who asks are kept."""

    async def take(self, who: str, limits: Sequence[Limit], now_us: int) -> Taken:
        """Count one asking against all of its limits, or against none of them.

        Args:
            who: asks.
            limits: one bucket for each, in a fixed order.
            now_us: lab time.
        """


def take(limits: Sequence[Limit], full_at_us: Sequence[int], now_us: int) -> tuple[bool, list[int]]:
    """Take one from every bucket, or nothing when one of them has none left.

    Args:
        limits: of each bucket.
        full_at_us: when each will be full; in the past for one that is.
        now_us: lab time. A clock that was set back leaves no bucket emptier than empty.

    Returns:
        Whether it was taken, and when each will be full now.
    """
    waits = [full_in_us(limit, at_us, now_us) for limit, at_us in pairs(limits, full_at_us)]
    after = [wait + limit.interval_us for limit, wait in zip(limits, waits, strict=True)]
    if any(wait > limit.period_us for limit, wait in zip(limits, after, strict=True)):
        return False, [now_us + wait for wait in waits]
    return True, [now_us + wait for wait in after]


def outcome(
    limits: Sequence[Limit], full_at_us: Sequence[int], now_us: int, *, allowed: bool
) -> Taken:
    """What to say of an asking, from the buckets as they are after it."""
    views = []
    for limit, at_us in pairs(limits, full_at_us):
        full_in = full_in_us(limit, at_us, now_us)
        remaining = (limit.period_us - full_in) // limit.interval_us
        wait_us = 0 if allowed else max(0, full_in + limit.interval_us - limit.period_us)
        views.append(Taken(allowed, limit, remaining, wait_us, full_in))
    return max(views, key=lambda view: (view.wait_us, -view.remaining))


def full_in_us(limit: Limit, full_at_us: int, now_us: int) -> int:
    """How long until a bucket is full; at most as long as from empty."""
    return min(max(0, full_at_us - now_us), limit.period_us)


def pairs(limits: Sequence[Limit], full_at_us: Sequence[int]) -> list[tuple[Limit, int]]:
    """Each limit with its bucket."""
    return list(zip(limits, full_at_us, strict=True))


class LocalBuckets:
    """Buckets of this process; full ones are forgotten."""

    def __init__(self, most: int = 10_000) -> None:
        """No bucket yet, and never more than `most`."""
        self._most = most
        self._full_at_us: dict[tuple[str, Limit], int] = {}

    async def take(self, who: str, limits: Sequence[Limit], now_us: int) -> Taken:
        """Count one asking against all of its limits, or against none of them."""
        return self.take_now(who, limits, now_us)

    def take_now(self, who: str, limits: Sequence[Limit], now_us: int) -> Taken:
        """The same at once: there is nobody to wait for."""
        full_at_us = [self._full_at_us.get((who, limit), now_us) for limit in limits]
        allowed, after = take(limits, full_at_us, now_us)
        if len(self._full_at_us) + len(limits) > self._most:
            self._sweep(now_us, len(limits))
        for limit, at_us in pairs(limits, after):
            self._full_at_us[who, limit] = at_us
        return outcome(limits, after, now_us, allowed=allowed)

    def _sweep(self, now_us: int, room: int) -> None:
        """Forget full buckets; where that makes no room, those that are full soonest."""
        used = {key: at_us for key, at_us in self._full_at_us.items() if at_us > now_us}
        for key in sorted(used, key=lambda key: used[key])[: max(0, len(used) + room - self._most)]:
            del used[key]
        self._full_at_us = used
