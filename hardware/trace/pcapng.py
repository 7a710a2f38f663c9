"""A trace as a capture file that Wireshark opens: pcapng with ISO/IEC 14443 frames.

Where the reader told its frames, the capture has those, with their own times. Else a trace has
commands and answers only: each is put into the I-block that would carry it (ISO/IEC 14443-4, 7.1;
block numbers alternate), after the activation that a phone's would have begun with, so that every
dissector finds its way. The file's comment says which of the two it is. CRCs are made anew, of the
masked frames: dissectors take a frame of one byte for a request. Sources: the pcapng format
(section header, interface description, enhanced packet) and link type 264, LINKTYPE_ISO_14443,
whose pseudo-header is version, event and length.
"""

from __future__ import annotations

import struct
from datetime import datetime
from typing import TYPE_CHECKING

from hardware.readers.frames import Way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardware.trace.recorder import Trace

_SECTION_HEADER = 0x0A0D0D0A
_INTERFACE = 0x00000001
_PACKET = 0x00000006
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_LINK_TYPE = 264
_OPTION_END, _OPTION_COMMENT, _OPTION_HARDWARE, _OPTION_APPLICATION = 0, 1, 2, 4
_OPTION_RESOLUTION, _MICROSECONDS = 9, b"\x06"
# Events of the pseudo-header; data without a CRC is the selection, most of which never has one.
_FIELD_ON, _FROM_CARD, _TO_CARD, _FIELD_OFF = 0xFC, 0xFF, 0xFE, 0xFD
_FROM_CARD_NO_CRC, _TO_CARD_NO_CRC = 0xFB, 0xFA
_CRC_START, _CRC_POLYNOMIAL = 0x6363, 0x8408
_COMMENT_HEARD = "Frames as the reader sent and heard them; card numbers are masked"
_COMMENT_REBUILT = "Frames rebuilt from a trace of commands and answers; card numbers are masked"
_EVENTS = {
    Way.TO_CARD: _TO_CARD,
    Way.FROM_CARD: _FROM_CARD,
    Way.FIELD_ON: _FIELD_ON,
    Way.FIELD_OFF: _FIELD_OFF,
}
"""Silence is no packet, and of a garbled answer nothing is known."""
_TOLD = {Way.TO_CARD: _TO_CARD_NO_CRC, Way.FROM_CARD: _FROM_CARD_NO_CRC}
_ACTIVATION = (
    (_FIELD_ON, b""),
    (_TO_CARD_NO_CRC, bytes.fromhex("52")),  # WUPA
    (_FROM_CARD_NO_CRC, bytes.fromhex("0400")),  # ATQA
    (_TO_CARD, bytes.fromhex("E080")),  # RATS: frames up to 256 bytes
    (_FROM_CARD, bytes.fromhex("0578807002")),  # ATS of a phone
)
_INFORMATION_MAX = 250
_CHAINING = 0x10
_ACKNOWLEDGED = 0xA2
_ACTIVATION_US = 5_000


def to_pcapng(trace: Trace) -> bytes:
    """The capture file; times are the trace's, to the microsecond."""
    comment = _COMMENT_HEARD if trace.has_frames else _COMMENT_REBUILT
    frames = _heard(trace) if trace.has_frames else _rebuilt(trace)
    blocks = [
        _block(
            _SECTION_HEADER,
            struct.pack("<IHHq", _BYTE_ORDER_MAGIC, 1, 0, -1)
            + _options(
                (_OPTION_COMMENT, comment.encode()),
                (_OPTION_HARDWARE, trace.reader.encode()),
                (_OPTION_APPLICATION, b"tap-lab"),
            ),
        ),
        _block(
            _INTERFACE,
            struct.pack("<HHI", _LINK_TYPE, 0, 0) + _options((_OPTION_RESOLUTION, _MICROSECONDS)),
        ),
    ]
    start_us = _start_us(trace.date)
    blocks += [_packet(max(0, start_us + at_us), event, frame) for at_us, event, frame in frames]
    return b"".join(blocks)


def _start_us(date: str) -> int:
    try:
        return round(datetime.fromisoformat(date).timestamp() * 1_000_000)
    except ValueError:  # a trace without a date is shown from the beginning of time
        return 0


def _heard(trace: Trace) -> Iterator[tuple[int, int, bytes]]:
    """Time since the first exchange, event and frame, as the reader told them."""
    for line in trace.lines:
        for frame in line.frames:
            event = (_TOLD if frame.told else _EVENTS).get(frame.way)
            if event is not None:
                yield line.since_us + frame.at_us, event, frame.data


def _rebuilt(trace: Trace) -> Iterator[tuple[int, int, bytes]]:
    """The same for a trace without frames."""
    for number, (event, frame) in enumerate(_ACTIVATION):
        yield (number - len(_ACTIVATION)) * _ACTIVATION_US // len(_ACTIVATION), event, frame
    number = 0
    end_us = 0
    for line in trace.lines:
        for event, text, at_us in (
            (_TO_CARD, line.command, line.since_us),
            (_FROM_CARD, line.response, line.since_us + line.duration_us),
        ):
            pieces = _pieces(bytes.fromhex(text))
            for frame_event, frame in _blocks(event, pieces, number):
                yield at_us, frame_event, frame
                end_us = at_us
            # An answer begins with the number its command ended with.
            number += max(0, len(pieces) - 1)
        number += 1
    yield end_us, _FIELD_OFF, b""


def _pieces(data: bytes) -> list[bytes]:
    return [data[at : at + _INFORMATION_MAX] for at in range(0, len(data), _INFORMATION_MAX)]


def _blocks(event: int, pieces: list[bytes], number: int) -> Iterator[tuple[int, bytes]]:
    """One I-block, or a chain of them with the other side's acknowledgements between."""
    other = _FROM_CARD if event == _TO_CARD else _TO_CARD
    for place, piece in enumerate(pieces):
        more = place < len(pieces) - 1
        block_number = (number + place) & 1
        yield event, bytes([0x02 | block_number | (_CHAINING if more else 0)]) + piece
        if more:
            acknowledged = block_number if event == _TO_CARD else block_number ^ 1
            yield other, bytes([_ACKNOWLEDGED | acknowledged])


def crc_a(frame: bytes) -> bytes:
    """CRC_A of a frame, low byte first (ISO/IEC 14443-3, 6.2.4 and annex B)."""
    register = _CRC_START
    for byte in frame:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (_CRC_POLYNOMIAL if register & 1 else 0)
    return register.to_bytes(2, "little")


def _packet(at_us: int, event: int, frame: bytes) -> bytes:
    air = frame + crc_a(frame) if event in {_TO_CARD, _FROM_CARD} else frame
    data = struct.pack(">BBH", 0, event, len(air)) + air
    head = struct.pack("<IIIII", 0, at_us >> 32, at_us & 0xFFFFFFFF, len(data), len(data))
    return _block(_PACKET, head + _padded(data))


def _options(*options: tuple[int, bytes]) -> bytes:
    listed = b"".join(
        struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options if value
    )
    return listed + struct.pack("<HH", _OPTION_END, 0)


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
