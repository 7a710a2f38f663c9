"""Business days: a cut-off in a time zone, through summer time, leap days and far years."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.runtime.errors import BadRequest
from backend.settlement.business_day import UTC_DAYS, Calendar

HOUR_US = 3_600_000_000
ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu")


def us(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("zone", "cut_off", "at", "day"),
    [
        ("UTC", 0, us(2026, 3, 2), date(2026, 3, 2)),
        ("UTC", 0, us(2026, 3, 2) - 1, date(2026, 3, 1)),
        ("UTC", 18 * 60, us(2026, 3, 2, 17, 59), date(2026, 3, 1)),
        ("UTC", 18 * 60, us(2026, 3, 2, 18), date(2026, 3, 2)),
        ("America/New_York", 0, us(2026, 3, 2, 4, 59), date(2026, 3, 1)),
        ("America/New_York", 0, us(2026, 3, 2, 5), date(2026, 3, 2)),
        ("UTC", 0, us(2028, 2, 29, 12), date(2028, 2, 29)),
        ("UTC", 0, us(2038, 1, 19, 3, 14, 8), date(2038, 1, 19)),
    ],
)
def test_a_moment_is_in_the_day_whose_cut_offs_are_around_it(zone, cut_off, at, day):
    found = Calendar(zone, cut_off).day_of(at)
    assert found.date == day
    assert found.opens_us <= at < found.closes_us


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 3, 9), 24)],
)
def test_summer_time_makes_a_day_shorter_and_another_longer(day, hours):
    found = Calendar("America/New_York").day(day)
    assert found.closes_us - found.opens_us == hours * HOUR_US


@given(
    at=st.integers(0, us(2100, 1, 1)),
    zone=st.sampled_from(ZONES),
    cut_off=st.integers(0, 24 * 60 - 1),
)
def test_days_follow_one_another_without_gap_or_overlap(at, zone, cut_off):
    day = Calendar(zone, cut_off).day_of(at)
    assert day.opens_us <= at < day.closes_us
    assert day.after(1).opens_us == day.closes_us
    assert day.after(1).after(-1) == day
    assert day.calendar.day_of(day.opens_us) == day
    assert day.calendar.day_of(day.closes_us) == day.after(1)


@pytest.mark.parametrize("zone", ["Moon/Sea", "", "../etc/passwd", "UTC\x00", "x" * 500])
def test_a_time_zone_that_there_is_not_is_refused(zone):
    with pytest.raises(BadRequest) as refused:
        Calendar(zone)
    assert refused.value.code == "time_zone_unknown"


@pytest.mark.parametrize("cut_off", [-1, 1_440])
def test_a_cut_off_outside_the_day_is_refused(cut_off):
    with pytest.raises(BadRequest) as refused:
        Calendar("UTC", cut_off)
    assert refused.value.code == "cut_off_range"


def test_days_of_utc_are_the_networks():
    assert UTC_DAYS.day_of(us(2026, 3, 2, 23, 59)).date == date(2026, 3, 2)
