"""What may happen to a frame on its way: the verdict of whoever plays the bad network.

The real proxy and the in-memory link both ask a `WireFaults` for each frame and carry out what it
says; with nobody to ask, every frame passes. Knows no fault by name.
"""

from __future__ import annotations

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
        copies: how often it arrives: 0 is lost, 2 is duplicated.
        reset: the connection is torn down instead.
        spoiled: its first bytes are overwritten, so that it is no message any more.
        slice_bytes: it is written in pieces of this size (0: whole).
        slice_gap_us: the pause between two pieces.
        cut_after: only so many bytes of it arrive, then the connection ends.
        rate_bytes_s: bytes per second of this direction (0: unlimited).
        half_open: this side's connection dies without the other side hearing of it.
    """

    delay_us: int = 0
    copies: int = 1
    reset: bool = False
    spoiled: bool = False
    slice_bytes: int = 0
    slice_gap_us: int = 0
    cut_after: int | None = None
    rate_bytes_s: int = 0
    half_open: bool = False


PASS = Verdict()
SPOILED_BYTES = 12  # message type and primary bitmap


class WireFaults(Protocol):
    """Judges frames on named links."""

    def judge(self, link: str, direction: Direction, frame: bytes) -> Verdict:
        """What happens to this frame (without its length) on that link."""

    def close_delay_us(self, link: str) -> int:
        """How much later a closing of that link is passed on."""


def spoil(frame: bytes) -> bytes:
    """The frame with message type and bitmap inverted: no longer decodable, same length."""
    head = bytes(byte ^ 0xFF for byte in frame[:SPOILED_BYTES])
    return head + frame[SPOILED_BYTES:]
