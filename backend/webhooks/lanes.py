"""What one endpoint is like just now: who is on the way to it, its breaker, its health.

A lane lives as long as the process. The breaker is the switch's own: five failures in a row close
the lane for half a minute of lab time, then one delivery goes ahead alone. Health is the share of
the last attempts that arrived: it is called bad below 95 % and good again from 99 % (both designs
alert there). Knows no rows, no clock and no wire.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from backend.switch import breaker
from backend.switch.breaker import Breaker, Permit

IN_FLIGHT_MAX = 16
"""Deliveries on the way to one endpoint at once."""
HEALTH_ATTEMPTS = 100
HEALTH_ATTEMPTS_MIN = 20
BAD_BELOW = 0.95
GOOD_FROM = 0.99


@dataclass(slots=True)
class Lane:
    """One endpoint's.

    Attributes:
        on_the_way: identifiers of deliveries.
    """

    is_healthy: bool
    on_the_way: set[int] = field(default_factory=set)
    _breaker: Breaker = field(default_factory=Breaker)
    _outcomes: deque[bool] = field(default_factory=lambda: deque(maxlen=HEALTH_ATTEMPTS))

    @property
    def free(self) -> int:
        """How many more may go."""
        return IN_FLIGHT_MAX - len(self.on_the_way)

    @property
    def breaker(self) -> Breaker:
        """As it is."""
        return self._breaker

    def ask(self, now_us: int) -> Permit | None:
        """Leave to make one attempt."""
        self._breaker, permit = breaker.ask(self._breaker, now_us)
        return permit

    def opens_at_us(self, now_us: int) -> int | None:
        """When the next attempt may go; None when nothing but time of its own stands against it."""
        wait_us = self._breaker.retry_in_us(now_us)
        return None if wait_us is None else now_us + wait_us

    def tell(self, permit: Permit, now_us: int, *, arrived: bool) -> None:
        """How an attempt ended."""
        happening = breaker.Happening.SUCCEEDED if arrived else breaker.Happening.FAILED
        self._breaker = breaker.advance(self._breaker, permit, happening, now_us)

    def abandon(self, permit: Permit, now_us: int) -> None:
        """An attempt ended without telling anything."""
        self._breaker = breaker.advance(self._breaker, permit, breaker.Happening.ABANDONED, now_us)

    def remember(self, outcomes: Iterable[bool]) -> None:
        """Take up what an earlier process saw, oldest first."""
        self._outcomes.extend(outcomes)

    def note(self, *, arrived: bool) -> bool | None:
        """Count an attempt; the new health when it changed, else None."""
        self._outcomes.append(arrived)
        share = self.share
        if share is None:
            return None
        if self.is_healthy and share < BAD_BELOW:
            self.is_healthy = False
        elif not self.is_healthy and share >= GOOD_FROM:
            self.is_healthy = True
        else:
            return None
        return self.is_healthy

    @property
    def share(self) -> float | None:
        """Of the last attempts, how many arrived: 0 to 1; None while there are too few."""
        count = len(self._outcomes)
        return sum(self._outcomes) / count if count >= HEALTH_ATTEMPTS_MIN else None
