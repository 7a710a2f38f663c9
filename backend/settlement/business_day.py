"""A merchant's business day: from one cut-off to the next, in the merchant's own time zone.

A day is named by the date on which it opens. Pure functions of time zone rules (IANA, through
`zoneinfo`): a day is 23 hours long when summer time begins, and 25 when it ends. Every calendar day
is a business day here; banks' holidays are not kept. Knows no merchant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backend.runtime.clock import EPOCH, to_datetime
from backend.runtime.errors import BadRequest

CUT_OFF_MINUTES_MAX = 24 * 60 - 1
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """When days begin.

    Attributes:
        time_zone: IANA name.
        cut_off_minutes: after midnight there, 0 to 1439.
    """

    time_zone: str = "UTC"
    cut_off_minutes: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            BadRequest: `time_zone_unknown` or `cut_off_range`.
        """
        _zone(self.time_zone)
        if not 0 <= self.cut_off_minutes <= CUT_OFF_MINUTES_MAX:
            raise BadRequest(
                "cut_off_range", f"a cut-off is 0 to {CUT_OFF_MINUTES_MAX} minutes after midnight",
                field="cut_off_minutes",
            )  # fmt: skip

    def day_of(self, at_us: int) -> BusinessDay:
        """The business day in which a moment lies."""
        day = to_datetime(at_us).astimezone(_zone(self.time_zone)).date()
        while at_us < self._opening_us(day):
            day -= timedelta(days=1)
        while at_us >= self._opening_us(day + timedelta(days=1)):
            day += timedelta(days=1)
        return self.day(day)

    def day(self, day: date) -> BusinessDay:
        """The business day of a date."""
        return BusinessDay(
            self, day, self._opening_us(day), self._opening_us(day + timedelta(days=1))
        )

    def _opening_us(self, day: date) -> int:
        hours, minutes = divmod(self.cut_off_minutes, 60)
        opening = datetime.combine(day, time(hours, minutes), tzinfo=_zone(self.time_zone))
        return (opening - EPOCH) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class BusinessDay:
    """One day.

    Attributes:
        date: on which it opens.
        opens_us: its first moment.
        closes_us: the first moment that is no longer in it: its cut-off.
    """

    calendar: Calendar
    date: date
    opens_us: int
    closes_us: int

    def after(self, days: int) -> BusinessDay:
        """So many days later."""
        return self.calendar.day(self.date + timedelta(days=days))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadRequest(
            "time_zone_unknown", f"{name[:40]!r} is no time zone", field="time_zone"
        ) from error


UTC_DAYS = Calendar()
