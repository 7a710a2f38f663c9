"""What a reader says before any card answers: a frame of its own between its polls.

Apple's Enhanced Contactless Polling is not published: everything here is reverse-engineered by
others and a lab approximation. A transit gate announces itself, and a phone may then pay with the
card that its owner chose for gates, without being looked at. Version 2: `6A 02`, a byte of flags
with the length of the data in its low half, terminal type and subtype, data; of a gate the data
begin with three bytes that name the operator's capabilities. Version 1: `6A 01 00 00 0m`. A frame
ends with CRC_A (ISO/IEC 14443-3, annex B), which a controller adds and takes off. Knows no card.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, runtime_checkable

HEADER = 0x6A
ANNOUNCE = "announce"
"""The capability of a reader that can send such a frame."""
_VERSION_1, _VERSION_2 = 0x01, 0x02
_VERSION_1_LENGTH = 5
_VERSION_2_HEAD_LENGTH = 5
_LENGTH_MASK = 0x0F
_CAPABILITIES_LENGTH = 3
_CRC_START, _CRC_POLYNOMIAL = 0x6363, 0x8408
_CRC_LENGTH = 2


class TerminalType(IntEnum):
    """Who announces itself, version 2's fourth byte."""

    TRANSIT = 0x01
    ACCESS = 0x02


@dataclass(frozen=True, slots=True)
class Announcement:
    """One frame, read.

    Attributes:
        terminal_type: a `TerminalType` or an unknown number; of version 1 always 0.
        capabilities: the operator's three bytes; empty where there are none.
        data: what follows them.
        flags: the high half of version 2's third byte: passes are supported, an owner is asked for.
    """

    version: int
    terminal_type: int = 0
    subtype: int = 0
    capabilities: bytes = b""
    data: bytes = b""
    flags: int = 0

    @property
    def is_transit(self) -> bool:
        """Whether a gate of public transport announces itself."""
        return self.terminal_type == TerminalType.TRANSIT


TRANSIT_FRAME = bytes.fromhex("6A02C8010003000279" + "00000000")
"""A gate that takes payment cards, without CRC_A."""


@runtime_checkable
class HearsPolling(Protocol):
    """A card that listens before it answers, as phones do."""

    def hear(self, frame: bytes) -> None:
        """A frame between two polls, without CRC_A."""


@runtime_checkable
class Announces(Protocol):
    """A reader that can say what it is (capability `announce`)."""

    def announce(self, frame: bytes | None) -> None:
        """Send this frame between polls from now on; None sends none."""


def crc_a(data: bytes) -> bytes:
    """The check sum behind a frame of type A, low byte first (ISO/IEC 14443-3, annex B)."""
    register = _CRC_START
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (_CRC_POLYNOMIAL if register & 1 else 0)
    return register.to_bytes(_CRC_LENGTH, "little")


def with_check_sum(frame: bytes) -> bytes:
    """The frame as it is in the field."""
    return frame + crc_a(frame)


def read_announcement(frame: bytes) -> Announcement | None:
    """A frame, with or without its check sum; None where it is no announcement."""
    if len(frame) > _CRC_LENGTH and crc_a(frame[:-_CRC_LENGTH]) == frame[-_CRC_LENGTH:]:
        frame = frame[:-_CRC_LENGTH]
    if len(frame) < _VERSION_1_LENGTH or frame[0] != HEADER:
        return None
    if frame[1] == _VERSION_1:
        return Announcement(1) if len(frame) == _VERSION_1_LENGTH else None
    if frame[1] != _VERSION_2:
        return None
    flags, data = frame[2], frame[_VERSION_2_HEAD_LENGTH:]
    if len(data) != flags & _LENGTH_MASK:
        return None
    return Announcement(
        version=2,
        terminal_type=frame[3],
        subtype=frame[4],
        capabilities=data[:_CAPABILITIES_LENGTH],
        data=data[_CAPABILITIES_LENGTH:],
        flags=flags & ~_LENGTH_MASK,
    )
