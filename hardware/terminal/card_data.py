"""What a card has said in one tap: objects collected once, lengths checked, nothing twice.

An object that comes twice is refused, whether in one template or across GPO and records, since
the two values could differ and only one of them is under the cryptogram (Book C-3, 5.4). Breaking
a rule is reported as a reason, not raised out of the terminal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware.emv.tlv import Tlv, tag_name
from hardware.terminal.limits import DEFAULT_LIMITS, ResponseLimits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LENGTHS: dict[int, range] = {
    0x57: range(8, 20),
    0x5A: range(6, 11),
    0x5F24: range(3, 4),
    0x5F25: range(3, 4),
    0x5F28: range(2, 3),
    0x5F34: range(1, 2),
    0x82: range(2, 3),
    0x8C: range(1, 253),
    0x8E: range(8, 253),
    0x8F: range(1, 2),
    0x90: range(64, 249),
    0x92: range(249),
    0x93: range(64, 249),
    0x94: range(253),
    0x9F07: range(2, 3),
    0x9F08: range(2, 3),
    0x9F0D: range(5, 6),
    0x9F0E: range(5, 6),
    0x9F0F: range(5, 6),
    0x9F10: range(7, 33),
    0x9F19: range(6, 7),
    0x9F24: range(29, 30),
    0x9F26: range(8, 9),
    0x9F27: range(1, 2),
    0x9F32: range(1, 4),
    0x9F36: range(2, 3),
    0x9F42: range(2, 3),
    0x9F46: range(64, 249),
    0x9F47: range(1, 4),
    0x9F48: range(249),
    0x9F4A: range(1, 2),
    0x9F4B: range(64, 249),
    0x9F69: range(7, 17),
    0x9F6C: range(2, 3),
    0x9F6E: range(4, 33),
    0x9F71: range(3, 4),
}
"""Bytes each object the kernels use may have (Book 3, A; Books C-2 to C-4, A)."""


class BrokenRule(Exception):
    """A rule the card breaks; carries the reason, and whether the next candidate may be tried."""

    def __init__(self, reason: str, *, select_next: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.select_next = select_next


@dataclass(frozen=True, slots=True)
class Track2:
    """Track 2 equivalent data, taken apart."""

    number: str
    expiry: str
    """YYMM."""
    service_code: str
    discretionary: str = field(default="", repr=False)


class CardData:
    """The objects of one tap."""

    def __init__(self, limits: ResponseLimits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._objects: dict[int, bytes] = {}
        self._lengths: Mapping[int, range] = _LENGTHS
        self.signed_records = b""
        """What the records hold that the locator calls signed, in its order (Book 3, 10.3)."""

    def expect(self, lengths: Mapping[int, range]) -> None:
        """From now on also these lengths: a number may be another object in another mode."""
        self._lengths = {**self._lengths, **lengths}

    def add(self, template: Tlv) -> None:
        """Collect every primitive in a template.

        Raises:
            BrokenRule: an object that is there already, or one of a length it cannot have; more
                or deeper than the till's limits.
        """
        if template.length > self.limits.response_bytes:
            raise BrokenRule("answer_too_long")
        if _depth(template) > self.limits.depth:
            raise BrokenRule("answer_too_deep")
        for node in template.walk():
            if not node.constructed:
                self.put(node.tag, node.value)

    def put(self, tag: int, value: bytes) -> None:
        """Collect one object; raises as `add` does."""
        if tag in self._objects:
            raise BrokenRule(f"duplicate_{tag_name(tag)}")
        if len(self._objects) >= self.limits.objects:
            raise BrokenRule("too_many_objects")
        allowed = self._lengths.get(tag)
        if allowed is not None and len(value) not in allowed:
            raise BrokenRule(f"bad_{tag_name(tag)}")
        self._objects[tag] = value

    def get(self, tag: int, otherwise: bytes | None = None) -> bytes | None:
        """An object's value, or what is given instead."""
        return self._objects.get(tag, otherwise)

    def need(self, tag: int) -> bytes:
        """An object that must be there.

        Raises:
            BrokenRule: it is not.
        """
        value = self._objects.get(tag)
        if value is None:
            raise BrokenRule(f"missing_{tag_name(tag)}")
        return value

    def track_2(self, tag: int = 0x57) -> Track2:
        """Track 2, taken apart and compared with 5A where both are there.

        Args:
            tag: 57, or 9F6B in kernel 2's mag-stripe mode.

        Raises:
            BrokenRule: it is missing, malformed, or names another number than 5A.
        """
        text = self.need(tag).hex().upper().rstrip("F")
        number, separator, rest = text.partition("D")
        expiry, service = rest[:4], rest[4:7]
        month_ok = expiry.isdecimal() and len(expiry) == 4 and 1 <= int(expiry[2:]) <= 12
        number_ok = number.isdecimal() and 8 <= len(number) <= 19
        if not (separator and number_ok and month_ok and len(service) == 3 and rest.isdecimal()):
            raise BrokenRule(f"bad_{tag_name(tag)}")
        pan = self._objects.get(0x5A)
        if pan is not None and pan.hex().upper().rstrip("F") != number:
            raise BrokenRule("pan_mismatch")
        return Track2(number, expiry, service, rest[7:])


def _depth(template: Tlv) -> int:
    """Templates inside templates, this one counted; level by level, a card chooses how many."""
    depth = 0
    level: tuple[Tlv, ...] = (template,)
    while level:
        depth += any(node.constructed for node in level)
        level = tuple(child for node in level for child in node.children)
    return depth


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record is, and whether offline data authentication covers it."""

    sfi: int
    record: int
    signed: bool


def locate_records(locator: bytes) -> Iterator[Place]:
    """The records an application file locator names (Book 3, 10.2).

    Raises:
        BrokenRule: not whole entries, or numbers that no card has.
    """
    if len(locator) % 4:
        raise BrokenRule("afl_malformed")
    for at in range(0, len(locator), 4):
        first_byte, first, last, signed = locator[at : at + 4]
        sfi = first_byte >> 3
        if first_byte & 0x07 or not 1 <= sfi <= 30 or not 1 <= first <= last:
            raise BrokenRule("afl_malformed")
        if signed > last - first + 1:
            raise BrokenRule("afl_malformed")
        for record in range(first, last + 1):
            yield Place(sfi, record, signed=record - first < signed)
