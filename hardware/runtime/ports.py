"""The ports of the hardware side: time, waiting and randomness.

Only Protocols live here; their arguments are positional, so an implementation names them as it
likes. What implements them is chosen outside (a live world gives real time, a simulated one a
virtual clock and seeded streams), so nothing below this package knows whether a tap is happening
on a desk or in a test.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """Lab time, and a second hand that never jumps."""

    def now_us(self) -> int:
        """Lab time in microseconds since the Unix epoch; may be moved by the user."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds on a clock that only goes forward; for durations."""
        ...


@runtime_checkable
class Scheduler(Protocol):
    """Waiting."""

    async def sleep(self, seconds: float, /) -> None:
        """Return after `seconds` of this world's time."""
        ...


@runtime_checkable
class Stream(Protocol):
    """A named, seeded stream of randomness."""

    def bytes(self, n: int, /) -> bytes:
        """The next `n` random bytes."""
        ...

    def random(self) -> float:
        """A float in [0, 1)."""
        ...

    def randint(self, a: int, b: int, /) -> int:
        """An integer in [a, b], both ends included."""
        ...
