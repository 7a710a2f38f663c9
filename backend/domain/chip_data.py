"""The chip data that a till sends along (ISO 8583 DE 55): read just far enough to compare.

A flat walk over BER-TLV (EMV Book 3 annex B): it answers which value stands under which tag, so
that a payment whose fields disagree with what the card signed is refused at the door. Knows no
cryptogram, no card and no terminal; the network's chip code and the reader's side have their own
decoders on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping

from backend.runtime.errors import BadRequest

CHIP_DATA_BYTES_MAX = 255  # DE 55's customary limit
_MORE_TAG_BYTES = 0x1F
_LONG_LENGTH = 0x80
_ONE_LENGTH_BYTE = 0x81

TAG_PAN = 0x5A
TAG_TRACK_2 = 0x57
TAG_EXPIRY = 0x5F24
TAG_CURRENCY = 0x5F2A
TAG_PSN = 0x5F34
TAG_AMOUNT = 0x9F02
TAG_CRYPTOGRAM = 0x9F26
TAG_INFORMATION = 0x9F27
TAG_ATC = 0x9F36


def read_chip_data(data: bytes) -> Mapping[int, bytes]:
    """The top-level data objects by tag; templates stay unopened.

    Raises:
        BadRequest: `emv_data_malformed`: truncated, longer than DE 55 allows, an indefinite or
            oversized length, or a tag twice.
    """
    if len(data) > CHIP_DATA_BYTES_MAX:
        raise _malformed(f"{len(data)} bytes; at most {CHIP_DATA_BYTES_MAX}")
    objects: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        if data[at] == 0x00:  # filler between objects (EMV Book 3 annex B1)
            at += 1
            continue
        tag, at = _tag(data, at)
        length, at = _length(data, at)
        if at + length > len(data):
            raise _malformed(f"tag {tag:X} says {length} bytes, {len(data) - at} are left")
        if tag in objects:
            raise _malformed(f"tag {tag:X} stands there twice")
        objects[tag] = data[at : at + length]
        at += length
    return objects


def _tag(data: bytes, at: int) -> tuple[int, int]:
    tag, at = data[at], at + 1
    if tag & _MORE_TAG_BYTES != _MORE_TAG_BYTES:
        return tag, at
    for _ in range(3):
        if at >= len(data):
            break
        byte, at = data[at], at + 1
        tag = tag << 8 | byte
        if not byte & 0x80:
            return tag, at
    raise _malformed("a tag does not end")


def _length(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise _malformed("a length is missing")
    first, at = data[at], at + 1
    if first < _LONG_LENGTH:
        return first, at
    if first != _ONE_LENGTH_BYTE or at >= len(data):
        raise _malformed(f"length byte {first:02X}")
    return data[at], at + 1


def _malformed(detail: str) -> BadRequest:
    return BadRequest("emv_data_malformed", f"emvData: {detail}", field="emvData")
