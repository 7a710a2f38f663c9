"""A snapshot every day, and the oldest thrown away: what lies under `snapshots/daily-…`.

A day begins at midnight UTC of lab time. A day that has its snapshot needs no other, so a restart
takes none again, and a clock that jumps over days takes one for where it lands. Knows no database.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from backend.runtime.clock import Clock, to_datetime
from backend.runtime.scheduler import Scheduler

PREFIX = "daily-"


async def take_daily(
    folder: Path, keep: int, take: Callable[[str], object], clock: Clock, scheduler: Scheduler
) -> None:
    """Take what is missing now and at every midnight; runs until cancelled.

    Args:
        folder: where snapshots lie.
        keep: how many days stay.
        take: makes the snapshot of that name.
        clock: lab time, whose days these are.
        scheduler: waits in lab time.
    """
    while True:
        today = to_datetime(clock.now_us())
        _take_one(folder, f"{PREFIX}{today:%Y-%m-%d}", keep, take)
        midnight = today.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        await scheduler.sleep_until(round(midnight.timestamp() * 1_000_000))


def _take_one(folder: Path, name: str, keep: int, take: Callable[[str], object]) -> None:
    if not (folder / name).exists():
        take(name)
    for old in sorted(folder.glob(f"{PREFIX}*"))[:-keep]:
        shutil.rmtree(old)
