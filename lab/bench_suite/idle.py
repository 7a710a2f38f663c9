"""What watching readers costs while nothing happens: processor time over real time."""

from __future__ import annotations

import os

from backend.api import Clock, Scheduler
from hardware.api import DriverMissing, PcscMonitor, Winscard
from lab.bench_suite.figure import figure, missing

NAME = "idle_monitor_cpu_percent"
TARGET = 1.0
WATCHED_S = 3.0


async def figures(clock: Clock, scheduler: Scheduler, *, rounds: int) -> list[dict[str, object]]:
    """Percent of one processor that this process takes while it only watches."""
    try:
        service = Winscard()
    except DriverMissing as absent:
        return [missing(NAME, TARGET, f"{absent.what}: {absent.remedy}")]
    monitor = PcscMonitor(service)
    try:
        return [figure(NAME, [await _watch(clock, scheduler) for _ in range(rounds)], TARGET)]
    finally:
        monitor.close()


async def _watch(clock: Clock, scheduler: Scheduler) -> float:
    began_us, before = clock.monotonic_us(), os.times()
    await scheduler.sleep(WATCHED_S)
    after = os.times()
    used_s = after.user - before.user + after.system - before.system
    return 100 * used_s * 1_000_000 / (clock.monotonic_us() - began_us)
