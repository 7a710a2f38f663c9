"""When a delivery is tried again: lists of waits, one for each design that has one.

The two designs differ, and one has ten attempts but only eight waits; its last wait is repeated.
The other names only the waits after failures; its first attempt is at once. A wait counts from the
end of the attempt that failed, in lab time. Knows numbers only.
"""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 24 * HOUR_S
SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Schedule:
    """One way of trying.

    Attributes:
        name: as it is chosen.
        waits_s: before each attempt; the first counts from the event.
    """

    name: str
    waits_s: tuple[int, ...]

    @property
    def attempts_max(self) -> int:
        """How often a delivery is tried."""
        return len(self.waits_s)

    def wait_us(self, tries: int) -> int | None:
        """How long to wait after so many failed attempts; None when there are no more."""
        return self.waits_s[tries] * SECOND_US if tries < self.attempts_max else None


GATEWAY = Schedule(
    "gateway",
    (
        0,
        MINUTE_S,
        5 * MINUTE_S,
        30 * MINUTE_S,
        HOUR_S,
        6 * HOUR_S,
        12 * HOUR_S,
        DAY_S,
        DAY_S,
        DAY_S,
    ),
)
PAYMENT_SYSTEM = Schedule(
    "payment-system",
    (
        0,
        5 * MINUTE_S,
        30 * MINUTE_S,
        2 * HOUR_S,
        8 * HOUR_S,
        DAY_S,
        2 * DAY_S,
        3 * DAY_S,
    ),
)
SCHEDULES = {each.name: each for each in (GATEWAY, PAYMENT_SYSTEM)}
DEFAULT_SCHEDULE = GATEWAY.name
