"""Inputs for the fuzz targets: nonsense, sense, and above all sense with something wrong in it.

Everything is drawn from the stream given; nothing here knows what the target does with it.
"""

from __future__ import annotations

from typing import Any

from backend.runtime.entropy import Stream
from hardware.emv import tlv
from hardware.runtime.errors import TlvError

LONG_BYTES = 3_000
"""More than any answer has: what a file or a command line may bring all the same."""
_TAGS = (
    0x42, 0x4F, 0x50, 0x57, 0x5A, 0x82, 0x84, 0x87, 0x94, 0x95, 0x9A, 0x5F24, 0x5F25, 0x5F2A,
    0x5F34, 0x9F02, 0x9F03, 0x9F06, 0x9F10, 0x9F19, 0x9F24, 0x9F26, 0x9F27, 0x9F29, 0x9F2A, 0x9F36,
    0x9F38, 0x8C, 0x9F4F, 0x9F66, 0x9F6B, 0x9F6C, 0x9F6E, 0x56, 0x5F20, 0x9F1F, 0xDF8129,
)  # fmt: skip
_TEMPLATES = (0x61, 0x6F, 0x70, 0x77, 0x80, 0xA5, 0xBF0C, 0xE1)
_LENGTH_FORMS = (b"\x80", b"\x81", b"\x82\xff\xff", b"\x83\x00\x00\x01", b"\x84\x7f\xff\xff\xff",
                 b"\x85\x01", b"\xff", b"\x81\xff", b"\x82\x00\x01")  # fmt: skip


def spoiled(data: bytes, stream: Stream) -> bytes:  # noqa: PLR0911 - one a kind of change
    """One change: a bit, a byte, a cut, a gap, a doubling, an insertion, a strange length."""
    if not data:
        return stream.bytes(stream.randint(0, 8))
    at = stream.randint(0, len(data) - 1)
    match stream.randint(0, 7):
        case 0:
            return data[:at] + bytes([data[at] ^ 1 << stream.randint(0, 7)]) + data[at + 1 :]
        case 1:
            return data[:at] + stream.bytes(1) + data[at + 1 :]
        case 2:
            return data[:at]
        case 3:
            return data[:at] + data[at + stream.randint(1, 4) :]
        case 4:
            return data[: at + stream.randint(1, 16)] + data[at:]
        case 5:
            return data[:at] + stream.bytes(stream.randint(1, 12)) + data[at:]
        case 6:
            return data[:at] + stream.choice(_LENGTH_FORMS) + data[at + 1 :]
        case _:
            return (
                data[:at] + bytes([stream.choice((0x00, 0x7F, 0x80, 0x81, 0xFF))]) + data[at + 1 :]
            )


def reshaped(data: bytes, stream: Stream) -> bytes:
    """Data objects with one of them dropped, doubled, moved, replaced, wrapped, or grown."""
    try:
        nodes = tlv.parse(data)
    except TlvError:
        return spoiled(data, stream)
    everything = [node for root in nodes for node in root.walk()]
    if not everything:
        return objects(stream)
    victim = stream.choice(everything)
    how = stream.randint(0, 6)
    return b"".join(_rebuilt(node, victim, how, stream) for node in nodes)


def _rebuilt(  # noqa: PLR0911 - one a kind of change
    node: tlv.Tlv, victim: tlv.Tlv, how: int, stream: Stream
) -> bytes:
    if node.constructed:
        body = b"".join(_rebuilt(child, victim, how, stream) for child in node.children)
    else:
        body = node.value
    whole = tlv.build(node.tag, body)
    if node is not victim:
        return whole
    match how:
        case 0:
            return b""
        case 1:
            return whole + whole
        case 2:
            return tlv.build(node.tag, stream.bytes(len(body)))
        case 3:
            return tlv.build(stream.choice(_TAGS + _TEMPLATES), body)
        case 4:
            return tlv.build(stream.choice(_TEMPLATES), whole)
        case 5:
            return tlv.build(node.tag, body + stream.bytes(stream.randint(1, 40)))
        case _:
            return tlv.build(node.tag, body[: stream.randint(0, len(body))])


def objects(stream: Stream, depth: int = 0) -> bytes:
    """A few data objects, some inside templates, most of them sound."""
    parts = []
    for _ in range(stream.randint(1, 4)):
        if depth < 20 and stream.random() < 0.35:
            parts.append(tlv.build(stream.choice(_TEMPLATES), objects(stream, depth + 1)))
        else:
            parts.append(tlv.build(stream.choice(_TAGS), value(stream)))
    return b"".join(parts)[: tlv.TOTAL_LENGTH_MAX]


def value(stream: Stream) -> bytes:
    """A primitive's content: digits, bytes, an account number, sometimes far too long."""
    match stream.randint(0, 5):
        case 0:
            return stream.bytes(stream.randint(0, 32))
        case 1:
            digits = "".join(str(stream.randint(0, 9)) for _ in range(2 * stream.randint(0, 19)))
            return bytes.fromhex(digits)
        case 2:
            return bytes.fromhex("4242424242424242")
        case 3:
            return bytes.fromhex("4242424242424242D2912201000000000F")
        case 4 if stream.random() < 0.01:
            return bytes([stream.randint(0, 9)]) * stream.randint(1, LONG_BYTES)
        case _:
            return bytes(stream.choice(_TEXT) for _ in range(stream.randint(0, 20)))


_TEXT = b"ABCdef0123456789 .-*\xff\x00"


def nested(stream: Stream) -> bytes:
    """Templates inside each other, near the limit of depth and far beyond it."""
    data = value(stream)
    for _ in range(stream.randint(1, 3 * tlv.DEPTH_MAX)):
        data = tlv.build(stream.choice(_TEMPLATES), data)
    return data


def crowd(stream: Stream) -> bytes:
    """Objects without anything in them, up to as many as the longest answer holds."""
    one = tlv.build(stream.choice((0x50, 0x5A, 0x9F36, 0x70, 0x61)), b"")
    data = one * stream.randint(1, 65_000 // len(one))
    return tlv.build(0x6F, data) if stream.random() < 0.5 else data


def indefinite(stream: Stream) -> bytes:
    """The form of length that EMV does not have, closed or left open."""
    tag = tlv.tag_bytes(stream.choice(_TEMPLATES))
    closed = b"\x00\x00" if stream.random() < 0.5 else b""
    return tag + b"\x80" + objects(stream) + closed


# Documents -----------------------------------------------------------------------------------

ODD_VALUES: tuple[object, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63 - 1, -(2**63), 1e308, -0.0, 0.5, "", " ", "0", "-1",
    "visa", "é", "\u0000", "\U0001f4b3", "٣٤", "4242424242424242", "x" * 5_000, "00", "zz", [], {},
    [[]], [None], {"": ""}, {"nth": 0}, [{"c": "00"}],
)  # fmt: skip


def misshapen(document: Any, stream: Stream) -> Any:
    """A JSON-like document with one place changed: dropped, added, retyped, or nested."""
    if isinstance(document, dict) and document and stream.random() < 0.85:
        key = stream.choice(sorted(document))
        changed = dict(document)
        match stream.randint(0, 5):
            case 0:
                del changed[key]
            case 1:
                changed[stream.choice(("x", key + " ", key.upper(), ""))] = changed[key]
            case 2:
                changed[key] = stream.choice(ODD_VALUES)
            case _:
                changed[key] = misshapen(changed[key], stream)
        return changed
    if isinstance(document, list) and document and stream.random() < 0.85:
        at = stream.randint(0, len(document) - 1)
        changed_list = list(document)
        if stream.random() < 0.2:
            del changed_list[at]
        else:
            changed_list[at] = misshapen(changed_list[at], stream)
        return changed_list
    if isinstance(document, str) and document and stream.random() < 0.6:
        return spoiled(document.encode(), stream).decode("utf-8", "replace")
    if isinstance(document, int) and stream.random() < 0.6:
        return document + stream.choice((-1, 1, 10**6, 2**40, -(10**4)))
    return stream.choice(ODD_VALUES)
