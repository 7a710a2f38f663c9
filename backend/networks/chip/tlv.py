"""A small reader of BER-TLV as it arrives in DE 55.

Only what an issuer needs: one flat level of primitive objects, definite lengths, no repeats. Knows
nothing of what a tag means. Source: EMV Book 3 Annex B; ISO/IEC 8825-1.
"""

from __future__ import annotations

from backend.runtime.errors import MessageError

LONG_TAG = 0x1F
MORE = 0x80
TAG_BYTES_MAX = 3
LENGTH_BYTES_MAX = 2


def read_chip_data(data: bytes) -> dict[str, bytes]:
    """The data objects of DE 55: tag in upper-case hex to value.

    Raises:
        MessageError: cut short, repeated tag, or a length form that EMV does not use; the text says
            at which byte.
    """
    objects: dict[str, bytes] = {}
    position = 0
    while position < len(data):
        if data[position] == 0:  # padding between objects, Book 3 Annex B1
            position += 1
            continue
        start = position
        tag, position = _read_tag(data, position)
        length, position = _read_length(data, position)
        if position + length > len(data):
            raise MessageError(f"chip data: {tag} at byte {start} is cut short")
        if tag in objects:
            raise MessageError(f"chip data: {tag} at byte {start} appears twice")
        objects[tag] = data[position : position + length]
        position += length
    return objects


def _read_tag(data: bytes, start: int) -> tuple[str, int]:
    end = start + 1
    if data[start] & LONG_TAG == LONG_TAG:
        while True:
            if end >= len(data):
                raise MessageError(f"chip data: the tag at byte {start} is cut short")
            end += 1
            if not data[end - 1] & MORE:
                break
            if end - start >= TAG_BYTES_MAX:
                raise MessageError(f"chip data: the tag at byte {start} is too long")
    return data[start:end].hex().upper(), end


def _read_length(data: bytes, start: int) -> tuple[int, int]:
    if start >= len(data):
        raise MessageError(f"chip data: no length at byte {start}")
    first = data[start]
    if first < MORE:
        return first, start + 1
    count = first - MORE
    end = start + 1 + count
    if not 1 <= count <= LENGTH_BYTES_MAX or end > len(data):
        raise MessageError(f"chip data: unusable length at byte {start}")
    return int.from_bytes(data[start + 1 : end], "big"), end
