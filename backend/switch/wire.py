"""What may happen to a frame on its way: the verdict of whoever plays the bad network.

The real proxy and the in-memory link both ask a `WireFaults` for each frame and carry out what it
says; with nobody to ask, every frame passes. Knows no fault by name.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Direction(Enum):
    """Which way a frame goes."""

    REQUEST = "request"  # from the switch to the network
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens to one frame.

    Attributes:
        delay_us: how much later it arrives.
        held_us: it waits until the next frame of its direction has passed, this long at most.
        copies: how often it arrives: 0 is lost, 2 is duplicated.
        reset: the connection is torn down instead.
        altered: what arrives in its place.
        answer: it goes no further; this frame comes back in its place.
        slice_bytes: it is written in pieces of this size (0: whole).
        slice_gap_us: the pause between two pieces.
        cut_after: only so many bytes of it arrive, then the connection ends.
        rate_bytes_s: bytes per second of this direction (0: unlimited).
        half_open: this side's connection dies without the other side hearing of it.
    """

    delay_us: int = 0
    held_us: int = 0
    copies: int = 1
    reset: bool = False
    altered: bytes | None = None
    answer: bytes | None = None
    slice_bytes: int = 0
    slice_gap_us: int = 0
    cut_after: int | None = None
    rate_bytes_s: int = 0
    half_open: bool = False

    def arriving(self, frame: bytes) -> bytes:
        """What arrives of a frame that gets through."""
        return frame if self.altered is None else self.altered


PASS = Verdict()


class WireFaults(Protocol):
    """Judges frames on named links."""

    def judge(self, link: str, direction: Direction, frame: bytes) -> Verdict:
        """What happens to this frame (without its length) on that link."""

    def close_delay_us(self, link: str) -> int:
        """How much later a closing of that link is passed on."""


class Overtaking:
    """One direction's frames that wait until another has passed them."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []  # in order: a simulated world repeats

    async def wait(self, limit_us: int) -> None:
        """Return when a frame has passed, or after `limit_us` of input/output time."""
        passed = asyncio.get_running_loop().create_future()
        self._waiting.append(passed)
        try:
            await asyncio.wait({passed}, timeout=limit_us / 1e6)
        finally:
            self._waiting.remove(passed)

    def passed(self) -> None:
        """A frame arrived: those that waited for one go on after it."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
