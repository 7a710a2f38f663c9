"""Lab time. The only module (with `scheduler`) that may ask the operating system what time it is.

Two readings, both in integer microseconds: `now_us` is the laboratory's wall clock since the Unix
epoch, which a person can jump or speed up; `monotonic_us` measures durations and never jumps, so a
latency chart stays true while a trainer moves the date.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_JUMP_S = 10 * 366 * 86_400
MAX_RATE = 1_000.0


class Clock(Protocol):
    """What every rule that needs time takes as a parameter."""

    def now_us(self) -> int:
        """Lab wall time, microseconds since the Unix epoch (UTC)."""

    def monotonic_us(self) -> int:
        """Steady time for durations, microseconds since an arbitrary start."""


def to_datetime(at_us: int) -> datetime:
    """Lab time as an aware UTC datetime."""
    return EPOCH + timedelta(microseconds=at_us)


def to_iso(at_us: int) -> str:
    """Lab time as RFC 3339 with milliseconds, for people and JSON."""
    return to_datetime(at_us).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def real_now_us() -> int:
    """The operating system's wall clock, for the `real_time_us` of events and file names."""
    return time.time_ns() // 1_000


class SystemClock:
    """The operating system's own time: what a live laboratory's clock runs on."""

    def now_us(self) -> int:
        """The machine's wall clock."""
        return real_now_us()

    def monotonic_us(self) -> int:
        """The machine's monotonic clock."""
        return time.monotonic_ns() // 1_000


class LabClock:
    """The laboratory's clock: time from below plus an offset, at a rate.

    Below is the operating system, or a virtual loop's clock in a simulated world. Only forward: a
    jump back would let things expire twice. `changed` callbacks run after each jump or rate
    change, so that a scheduler can look at its timers again.
    """

    def __init__(self, below: Clock | None = None) -> None:
        self._below: Clock = SystemClock() if below is None else below
        self._anchor_lab_us = self._below.now_us()
        self._anchor_monotonic_us = self._below.monotonic_us()
        self._rate = 1.0
        self._jumped_us = 0
        self.changed: list[Callable[[], None]] = []

    @property
    def rate(self) -> float:
        """Lab seconds per real second."""
        return self._rate

    @property
    def offset_s(self) -> float:
        """How far lab time is ahead of unmoved time, seconds."""
        return (self.now_us() - self.unmoved_us()) / 1e6

    @property
    def is_moved(self) -> bool:
        """Whether a person moved it; drift of the system clock does not count."""
        return self._jumped_us != 0 or self._rate != 1.0

    def unmoved_us(self) -> int:
        """What the time would be had nobody moved it: real time, in a live world."""
        return self._below.now_us()

    def now_us(self) -> int:
        """Lab wall time, microseconds since the Unix epoch."""
        elapsed = self.monotonic_us() - self._anchor_monotonic_us
        return self._anchor_lab_us + int(elapsed * self._rate)

    def monotonic_us(self) -> int:
        """The steady clock below, microseconds."""
        return self._below.monotonic_us()

    def jump(self, seconds: float) -> None:
        """Move lab time forward.

        Raises:
            ValueError: backwards, or further than ten years.
        """
        if not 0 <= seconds <= MAX_JUMP_S:
            raise ValueError(f"a jump is 0 to {MAX_JUMP_S} s forward, not {seconds}")
        self._reanchor()
        self._anchor_lab_us += int(seconds * 1e6)
        self._jumped_us += int(seconds * 1e6)
        self._notify()

    def set_rate(self, rate: float) -> None:
        """Run lab time at `rate` lab seconds per real second (0 pauses it).

        Raises:
            ValueError: negative, or above 1000.
        """
        if not 0 <= rate <= MAX_RATE:
            raise ValueError(f"a rate is 0 to {MAX_RATE:g}, not {rate}")
        self._reanchor()
        self._rate = float(rate)
        self._notify()

    def reset(self) -> None:
        """Back to unmoved time. The one way lab time may go back; a world reset uses it."""
        self._anchor_lab_us = self.unmoved_us()
        self._anchor_monotonic_us = self.monotonic_us()
        self._rate = 1.0
        self._jumped_us = 0
        self._notify()

    def restore(self, jumped_s: float, rate: float) -> None:
        """Continue with the offset and rate of a saved world."""
        self.reset()
        if jumped_s:
            self.jump(jumped_s)
        if rate != 1.0:
            self.set_rate(rate)

    def _reanchor(self) -> None:
        now_lab, now_mono = self.now_us(), self.monotonic_us()
        self._anchor_lab_us, self._anchor_monotonic_us = now_lab, now_mono

    def _notify(self) -> None:
        for callback in self.changed:
            callback()
