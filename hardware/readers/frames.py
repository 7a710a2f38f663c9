"""What went through the air: frames with their times, masked before anything keeps them.

A reader that works frame by frame gives its link a memory of them (`FramedLink`); the session takes
them after each command. What a controller did by itself, the selection of a card, is written down
as it must have been and marked as told. An I-block is masked by the message it is a part of: a
block whose bytes are no part of a whole message cannot be, so nothing of it is kept but its length.
Sources: ISO/IEC 14443-3, 6.5 (selection), 14443-4, 7.1 (blocks).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import reduce
from operator import xor
from typing import Protocol, runtime_checkable

from hardware.readers.isodep import RATS, Block, Kind, parse_block

FRAMES_KEPT = 4096
"""Of one command at most: a message of 64 KiB in the smallest frames, asked for twice."""
_HIDDEN = b"\xee"
_REQUEST, _WAKE = 0x26, 0x52
_LEVELS = {0x93: 1, 0x95: 2, 0x97: 3}
_ANTICOLLISION, _SELECT = 0x20, 0x70
_CASCADE = b"\x88"
_CASCADED_SAK = b"\x04"


class Way(Enum):
    """What happened in the field, by the sign that a trace writes."""

    TO_CARD = ">"
    FROM_CARD = "<"
    SILENCE = "."
    GARBLED = "?"
    FIELD_ON = "^"
    FIELD_OFF = "v"


CARRYING = frozenset({Way.TO_CARD, Way.FROM_CARD})
"""Those with a frame in them."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event in the field; the frame is without its CRC."""

    at_us: int
    """When, counted from the start of its command; what came before that is negative."""
    way: Way
    data: bytes = b""
    told: bool = False
    """Whether the controller made it by itself and only told what came of it."""
    hidden: bool = False
    """Whether what it carried was not kept."""


@runtime_checkable
class FramedLink(Protocol):
    """A link that remembers its frames."""

    def take_frames(self) -> tuple[Frame, ...]:
        """Those since the last call, their times counted back from now (so none is positive)."""
        ...


class FrameMemory:
    """What a link remembers until it is asked; times are seconds on the caller's clock."""

    def __init__(self) -> None:
        self._events: deque[tuple[float, Way, bytes, bool]] = deque(maxlen=FRAMES_KEPT)

    def add(self, at_s: float, way: Way, data: bytes = b"", *, told: bool = False) -> None:
        """Remember one event."""
        self._events.append((at_s, way, data, told))

    def take(self, now_s: float) -> tuple[Frame, ...]:
        """Everything since the last call, counted back from `now_s`."""
        taken = tuple(
            Frame(round((at_s - now_s) * 1_000_000), way, data, told)
            for at_s, way, data, told in self._events
        )
        self._events.clear()
        return taken


def frames_of(link: object) -> tuple[Frame, ...]:
    """A link's frames since they were last taken; none where the reader tells of none."""
    return link.take_frames() if isinstance(link, FramedLink) else ()


def shifted(frames: Iterable[Frame], by_us: int) -> tuple[Frame, ...]:
    """The same frames, counted from another moment."""
    return tuple(replace(frame, at_us=frame.at_us + by_us) for frame in frames)


def selection(atqa: bytes, uid: bytes, sak: int) -> Iterator[tuple[Way, bytes]]:
    """The frames by which a card of type A was selected, as the standard has them."""
    yield Way.TO_CARD, bytes([_REQUEST])
    yield Way.FROM_CARD, atqa
    parts = [uid] if len(uid) <= 4 else [_CASCADE + uid[:3]]
    if len(uid) > 4:
        parts += [uid[3:]] if len(uid) <= 7 else [_CASCADE + uid[3:6], uid[6:]]
    for code, part in zip(_LEVELS, parts, strict=False):
        checked = part + bytes([reduce(xor, part, 0)])
        yield Way.TO_CARD, bytes([code, _ANTICOLLISION])
        yield Way.FROM_CARD, checked
        yield Way.TO_CARD, bytes([code, _SELECT]) + checked
        yield Way.FROM_CARD, bytes([sak]) if part is parts[-1] else _CASCADED_SAK


# Masking ----------------------------------------------------------------------------------------


def mask_frames(
    frames: Iterable[Frame], *, command: tuple[bytes, bytes], response: tuple[bytes, bytes]
) -> tuple[Frame, ...]:
    """Frames as they may be kept.

    Args:
        frames: of one command, in order.
        command: it, as it was and masked.
        response: its answer, as it was and masked; empty where none came.
    """
    sides = {Way.TO_CARD: _Side(*command), Way.FROM_CARD: _Side(*response)}
    kept, ats_due = [], False
    for frame in frames:
        side = sides.get(frame.way)
        if side is None:
            kept.append(replace(frame, data=b""))
            continue
        if frame.told or (frame.way is Way.FROM_CARD and ats_due):
            kept.append(frame)
        else:
            kept.append(side.masked(frame))
        ats_due = frame.way is Way.TO_CARD and _is_rats(frame.data)
    return tuple(kept)


def _is_rats(data: bytes) -> bool:
    return len(data) == 2 and data[0] == RATS


class _Side:
    """One direction of one command: how far its message has come."""

    def __init__(self, message: bytes, masked: bytes) -> None:
        assert len(message) == len(masked), "masking keeps the length"
        self._message, self._masked = message, masked
        self._at = 0
        self._last: tuple[bytes, bytes] | None = None
        """The last block that was part of the message, as it was and masked."""

    def masked(self, frame: Frame) -> Frame:
        data = frame.data
        block = parse_block(data)
        if _is_rats(data) or (block is not None and block.kind is not Kind.INFORMATION):
            return frame
        if block is None or frame.hidden:
            return replace(frame, data=data[:1] + _HIDDEN * (len(data) - 1), hidden=True)
        if self._last is not None and data == self._last[0]:  # sent again
            return replace(frame, data=self._last[1])
        end = self._at + len(block.information)
        if self._message[self._at : end] != block.information:
            return replace(frame, data=data[:1] + _HIDDEN * (len(data) - 1), hidden=True)
        shown = data[:1] + self._masked[self._at : end]
        self._at, self._last = end, (data, shown)
        return replace(frame, data=shown)


# Words ------------------------------------------------------------------------------------------


def name_frames(frames: Iterable[Frame]) -> tuple[str, ...]:
    """What each frame is, in the standard's words; an answer is named by what was asked."""
    names, asked = [], b""
    for frame in frames:
        names.append(_name(frame, asked))
        if frame.way is Way.TO_CARD:
            asked = frame.data
    return tuple(names)


def _name(frame: Frame, asked: bytes) -> str:
    match frame.way:
        case Way.SILENCE:
            return "no answer"
        case Way.GARBLED:
            return "a garbled answer"
        case Way.FIELD_ON:
            return "field on"
        case Way.FIELD_OFF:
            return "field off"
        case Way.TO_CARD:
            return _request_name(frame) or _block_name(frame)
        case Way.FROM_CARD:
            return _answer_name(frame, asked) or _block_name(frame)


def _request_name(frame: Frame) -> str:
    data = frame.data
    if _is_rats(data):
        return "RATS"
    if not frame.told or not data:
        return ""
    if data[0] in _LEVELS and len(data) > 1:
        verb = "ANTICOLLISION" if data[1] == _ANTICOLLISION else "SELECT"
        return f"{verb} CL{_LEVELS[data[0]]}"
    return {_REQUEST: "REQA", _WAKE: "WUPA"}.get(data[0], "")


def _answer_name(frame: Frame, asked: bytes) -> str:
    if _is_rats(asked):
        return "ATS"
    if not frame.told or not asked:
        return ""
    if asked[0] in {_REQUEST, _WAKE}:
        return "ATQA"
    return "UID and check byte" if asked[1:2] == bytes([_ANTICOLLISION]) else "SAK"


def _block_name(frame: Frame) -> str:
    block = parse_block(frame.data)
    if block is None:
        return "no valid block"
    return block_name(block) + (", not kept" if frame.hidden else "")


def block_name(block: Block) -> str:
    """A block in the standard's words, such as `I(0), chained` or `S(WTX 8)`."""
    match block.kind:
        case Kind.INFORMATION:
            return f"I({block.number})" + (", chained" if block.more else "")
        case Kind.ACK:
            return f"R(ACK {block.number})"
        case Kind.NAK:
            return f"R(NAK {block.number})"
        case Kind.DESELECT:
            return "S(DESELECT)"
        case Kind.EXTENSION:
            return f"S(WTX {block.multiplier})"


def carrying_part(frames: list[tuple[Way, bytes]], command: bytes) -> int:
    """Where the frames begin that carry this command, the last thing that was heard."""
    left, start = len(command), len(frames)
    for place in range(len(frames) - 1, -1, -1):
        if left <= 0:
            break
        way, data = frames[place]
        block = parse_block(data) if way is Way.TO_CARD else None
        if block is not None and block.kind is Kind.INFORMATION:
            left -= len(block.information)
            start = place
    return start
