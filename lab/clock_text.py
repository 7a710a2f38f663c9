"""Lab time as people read it on a phone, a receipt and a payments table (UTC)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_datetime(at_us: int) -> datetime:
    """Microseconds of lab time as an aware datetime."""
    return _EPOCH + timedelta(microseconds=at_us)


def hour_and_minute(at_us: int) -> str:
    """What a phone's status line shows: "14:02"."""
    return to_datetime(at_us).strftime("%H:%M")


def time_of_day(at_us: int) -> str:
    """What a payments table shows: "14:02:31"."""
    return to_datetime(at_us).strftime("%H:%M:%S")


def date_and_time(at_us: int) -> str:
    """What a receipt shows: "21 Sep 2026 14:02"."""
    return to_datetime(at_us).strftime("%d %b %Y %H:%M")


def day_and_time(at_us: int) -> str:
    """What a list of messages shows: "21 Sep 14:02"."""
    return to_datetime(at_us).strftime("%d %b %H:%M")


def iso_to_text(moment: str) -> str:
    """An RFC 3339 moment as a receipt shows it.

    Raises:
        ValueError: it is none.
    """
    return datetime.fromisoformat(moment).strftime("%d %b %Y %H:%M")
