"""Data object lists: tags and lengths without values (Book 3, 5.4).

Reads the list a card sends and builds the bytes a terminal answers with, padded or cut by each
tag's format; a tag the terminal does not know is answered with zeros. Knows no kernel.
"""

# ruff: noqa: PLR2004 -- the specifications' own numbers, named where they are not obvious

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.emv.formats import pad_or_cut
from hardware.emv.tags import format_of
from hardware.emv.tlv import is_constructed, read_tag
from hardware.runtime.errors import TlvError

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTRIES_MAX = 128
"""Entries one list may have: 252 bytes hold at most 126."""


@dataclass(frozen=True, slots=True)
class DolEntry:
    """One wanted object: its tag and the bytes it shall fill."""

    tag: int
    length: int


def parse_dol(data: bytes) -> tuple[DolEntry, ...]:
    """Read a list.

    Raises:
        TlvError: a tag or length cut off, a length above 127 bytes in long form beyond one byte,
            or too many entries.
    """
    entries: list[DolEntry] = []
    at = 0
    while at < len(data):
        start = at
        tag, at = read_tag(data, start, len(data))
        if tag == 0:
            raise TlvError("tag 00 in a data object list", start)
        if at >= len(data):
            raise TlvError("the length is missing", at)
        if data[at] > 0xFC:
            raise TlvError("a length that no command can carry", at)
        entries.append(DolEntry(tag, data[at]))
        at += 1
        if len(entries) > ENTRIES_MAX:
            raise TlvError(f"more than {ENTRIES_MAX} entries", start)
    return tuple(entries)


def dol_length(entries: tuple[DolEntry, ...]) -> int:
    """Bytes the answer to this list has."""
    return sum(entry.length for entry in entries)


def build_dol(entries: tuple[DolEntry, ...], values: Mapping[int, bytes]) -> bytes:
    """The concatenated values, each exactly as long as the list asks (Book 3, 5.4 step 2)."""
    parts: list[bytes] = []
    for entry in entries:
        value = None if is_constructed(entry.tag) else values.get(entry.tag)
        if value is None:
            parts.append(bytes(entry.length))
        else:
            parts.append(pad_or_cut(value, entry.length, format_of(entry.tag)))
    return b"".join(parts)


def split_dol(entries: tuple[DolEntry, ...], data: bytes) -> dict[int, bytes]:
    """The other side's work: the values out of the concatenation.

    Raises:
        TlvError: another length than the list asks for.
    """
    if len(data) != dol_length(entries):
        raise TlvError(f"{dol_length(entries)} bytes expected, got {len(data)}", 0)
    values: dict[int, bytes] = {}
    at = 0
    for entry in entries:
        values[entry.tag] = data[at : at + entry.length]
        at += entry.length
    return values
