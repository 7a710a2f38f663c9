"""ISO-DEP, the half-duplex block protocol of contactless cards: its blocks, sizes and times.

What both sides share: how a block is written, what an answer to select (ATS) says, how large a
frame may be and how long an answer may take. The two sides are `isodep_initiator` (a reader) and
`isodep_target` (a card); neither sends anything by itself. Frames are without their CRC, which
controllers make and check. Card identifier (CID) and node address (NAD) are not used: the reader
gives out CID 0, which allows blocks without one (ISO/IEC 14443-4, 5.6.1), and a block that carries
either is no valid block here.

Source: ISO/IEC 14443-4, 5.1 (RATS), 5.2 (ATS), 7.1 (block format), 7.2 and 7.3 (waiting times).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from hardware.runtime.errors import CardFault

FRAME_BYTES = (16, 24, 32, 40, 48, 64, 96, 128, 256)
"""Frame sizes by FSDI and FSCI (5.1, 5.2.3); greater codes are taken as the last one."""
FRAME_BYTES_DEFAULT = 32
OVERHEAD_BYTES = 3
"""Of a frame: the protocol control byte in front and the CRC behind."""
RATS = 0xE0
WAITING_UNIT_US = 302.0647
"""256 x 16 / fc: frame waiting time at FWI 0 (7.2), start-up guard time at SFGI 0 (5.2.5)."""
WAITING_INTEGER_DEFAULT, WAITING_INTEGER_MAX = 4, 14
ACTIVATION_US = 4_834
"""Longest wait for an ATS and for the answer to S(DESELECT): 65536 / fc (5.5.1, 8.1)."""
EXTENSION_MAX = 59
"""Greatest multiplier that S(WTX) may ask for (7.3)."""
_KIND_MASK, _CHAINING, _CID_FOLLOWS, _NAD_FOLLOWS = 0xC0, 0x10, 0x08, 0x04


def frame_bytes(code: int) -> int:
    """The frame size that FSDI or FSCI stands for."""
    return FRAME_BYTES[min(code, len(FRAME_BYTES) - 1)]


def waiting_us(integer: int) -> int:
    """The frame waiting time that FWI stands for, in microseconds, rounded up."""
    return int(WAITING_UNIT_US * 2**integer) + 1


class Kind(Enum):
    """What a block is for, with its protocol control byte (7.1.2.1)."""

    INFORMATION = 0x02
    ACK = 0xA2
    NAK = 0xB2
    DESELECT = 0xC2
    EXTENSION = 0xF2


_FIXED = {Kind.ACK: 0, Kind.NAK: 0, Kind.DESELECT: 0, Kind.EXTENSION: 1}
"""How many bytes a block carries that is no I-block."""
_NUMBERED = {Kind.ACK, Kind.NAK}


@dataclass(frozen=True, slots=True)
class Block:
    """One block: what it is for, its number where it has one, and what it carries."""

    kind: Kind
    number: int = 0
    information: bytes = b""
    more: bool = False
    """Whether the message goes on in another block (chaining, 7.5.2)."""

    def to_bytes(self) -> bytes:
        """The frame, without its CRC."""
        control = self.kind.value | self.number | (_CHAINING if self.more else 0)
        return bytes([control]) + self.information

    @property
    def multiplier(self) -> int:
        """WTXM of an S(WTX): bits 1 to 6, the others are the power level (7.3)."""
        return self.information[0] & 0x3F


def parse_block(frame: bytes) -> Block | None:
    """The block that a frame is; None for anything that is no valid block (7.1.2)."""
    if not frame or frame[0] & (_CID_FOLLOWS | _NAD_FOLLOWS):
        return None
    control, information = frame[0], frame[1:]
    if control & ~(_CHAINING | 1) == Kind.INFORMATION.value:
        return Block(Kind.INFORMATION, control & 1, information, more=bool(control & _CHAINING))
    for kind, length in _FIXED.items():
        number = control ^ kind.value
        if number <= (1 if kind in _NUMBERED else 0) and len(information) == length:
            block = Block(kind, number, information)
            valid = kind is not Kind.EXTENSION or 1 <= block.multiplier <= EXTENSION_MAX
            return block if valid else None
    return None


def cut(message: bytes, frame_size: int) -> Iterator[tuple[bytes, bool]]:
    """A message in the parts that fit into frames of this size, and whether more follow (7.5.2)."""
    step = frame_size - OVERHEAD_BYTES
    assert step > 0, "a frame holds more than its overhead"
    for start in range(0, max(len(message), 1), step):
        yield message[start : start + step], start + step < len(message)


@dataclass(frozen=True, slots=True)
class Ats:
    """What a card says about itself when it is selected (5.2)."""

    frame_bytes: int = FRAME_BYTES_DEFAULT
    """The largest frame that it takes."""
    waiting_us: int = waiting_us(WAITING_INTEGER_DEFAULT)
    """How long an answer of its may take."""
    guard_us: int = 0
    """How long it must be left alone before the first block."""
    historical: bytes = b""
    raw: bytes = field(default=b"", compare=False)
    """As it came."""

    @classmethod
    def parse(cls, data: bytes) -> Ats:
        """Read an ATS; every part of it but its length may be missing.

        Raises:
            CardFault: its length is not the one that it states, or a byte it announces is missing.
        """
        if not data or data[0] != len(data):
            raise CardFault(f"an answer to select that is none: {data.hex().upper() or 'nothing'}")
        if len(data) == 1:
            return cls(raw=data)
        announced, rest = data[1], data[2:]
        values: dict[str, int] = {}
        for bit, name in ((0x10, "TA1"), (0x20, "TB1"), (0x40, "TC1")):
            if not announced & bit:
                continue
            if not rest:
                raise CardFault(f"an answer to select without the {name} that it announces")
            values[name], rest = rest[0], rest[1:]
        size = frame_bytes(announced & 0x0F)
        times = values.get("TB1")
        if times is None:
            return cls(size, historical=rest, raw=data)
        waiting, guard = times >> 4, times & 0x0F
        if waiting > WAITING_INTEGER_MAX:  # 15 is reserved: take the default (5.2.5)
            waiting = WAITING_INTEGER_DEFAULT
        guarded = waiting_us(guard) if 0 < guard <= WAITING_INTEGER_MAX else 0
        return cls(size, waiting_us(waiting), guarded, rest, data)
