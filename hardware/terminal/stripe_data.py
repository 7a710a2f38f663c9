"""Dynamic digits on a track: where a card wants them, and the track with them in place.

Theory of operation (Book C-2, mag-stripe mode). The card's record holds a track whose
discretionary data are empty, and per track two bitmaps and a count. Bit 1 of a bitmap is the
track's last digit. PCVC3 marks the places of the dynamic code. PUNATC marks those of unpredictable
number and counter together: the count (NATC) says how many of the highest are the counter's, the
rest (nUN) are the number's. The very last digit tells the issuer nUN, or nUN plus five where the
device has verified its owner. Where two bitmaps name one place the later writer wins, as in the
book: code, number, counter, length. Knows no command and no card.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hardware.terminal.card_data import BrokenRule, CardData, Track2

STRIPE_LENGTHS: dict[int, range] = {
    0x56: range(1, 77),
    0x9F60: range(2, 3),
    0x9F61: range(2, 3),
    0x9F62: range(6, 7),
    0x9F63: range(6, 7),
    0x9F64: range(1, 2),
    0x9F65: range(2, 3),
    0x9F66: range(2, 3),
    0x9F67: range(1, 2),
    0x9F69: range(253),
    0x9F6B: range(8, 20),
    0xDF4B: range(3, 4),
}
"""Bytes that mag-stripe mode gives its objects; 9F69 is another object here than for Visa."""
NUMBER_DIGITS_MAX = 8
_COUNTER_DIGITS_MAX = 5
_CODE_DIGITS_MAX = 5
_VERIFIED_ON_DEVICE = 5
_HEAD_OF_TRACK_1 = len("YYMMSSS")


@dataclass(frozen=True, slots=True)
class Stripe:
    """The finished tracks of a tap in mag-stripe mode."""

    track_2: str = field(repr=False)
    """Digits with the separator D."""
    track_1: str = field(default="", repr=False)
    """As on a stripe, without sentinels; empty where the card has none."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where on one track each digit goes, as distances from its end; the last digit is 1.

    Each tuple rises: the least significant digit goes to its first place.
    """

    code: tuple[int, ...]
    number: tuple[int, ...]
    counter: tuple[int, ...]

    @property
    def furthest(self) -> int:
        """How many digits of discretionary data these places need."""
        return max((*self.code, *self.number, *self.counter, 1))


@dataclass(frozen=True, slots=True)
class Digits:
    """What is written: the code as the card gave it, counter and number as they are."""

    code: int
    number: int
    counter: int
    number_digits: int
    verified_on_device: bool


def read_places(data: CardData, code_tag: int, number_tag: int, count_tag: int) -> Places:
    """The places that a track's bitmaps name.

    Raises:
        BrokenRule: an object is missing, or names more digits than there are.
    """
    code = _positions(data.need(code_tag))
    both = _positions(data.need(number_tag))
    counted = data.need(count_tag)[0]
    if len(code) > _CODE_DIGITS_MAX:
        raise BrokenRule(f"bad_{code_tag:X}")
    if counted > min(len(both), _COUNTER_DIGITS_MAX):
        raise BrokenRule(f"bad_{count_tag:X}")
    numbers = len(both) - counted
    if numbers > NUMBER_DIGITS_MAX:
        raise BrokenRule(f"bad_{number_tag:X}")
    return Places(code, both[:numbers], both[numbers:])


def _positions(bitmap: bytes) -> tuple[int, ...]:
    bits = int.from_bytes(bitmap, "big")
    return tuple(at + 1 for at in range(len(bitmap) * 8) if bits >> at & 1)


def complete_track_2(track: Track2, places: Places, digits: Digits) -> str:
    """Track 2 with everything dynamic in it.

    Raises:
        BrokenRule: the bitmaps name places that the track has not.
    """
    if places.furthest > len(track.discretionary):
        raise BrokenRule("bad_9F6B")
    written = _write(track.discretionary, places, digits)
    return f"{track.number}D{track.expiry}{track.service_code}{written}"


def complete_track_1(value: bytes, places: Places, digits: Digits) -> str:
    """Track 1 (tag 56: `B`, number, name, expiry, service code, the rest) in the same way.

    Raises:
        BrokenRule: no such track, or places that it has not.
    """
    text = value.decode("latin-1")
    number, first, rest = text.partition("^")
    name, second, tail = rest.partition("^")
    head, discretionary = tail[:_HEAD_OF_TRACK_1], tail[_HEAD_OF_TRACK_1:]
    whole = bool(first and second) and text.isascii() and text.isprintable()
    if not whole or not number[1:].isdecimal() or not head.isdecimal():
        raise BrokenRule("bad_56")
    if len(head) != _HEAD_OF_TRACK_1 or places.furthest > len(discretionary):
        raise BrokenRule("bad_56")
    return f"{number}^{name}^{head}{_write(discretionary, places, digits)}"


def _write(discretionary: str, places: Places, digits: Digits) -> str:
    """Code, number, counter, then the number's length into the last digit."""
    written = list(discretionary)
    for value, where in (
        (digits.code, places.code),
        (digits.number, places.number),
        (digits.counter, places.counter),
    ):
        for weight, place in enumerate(where):
            written[-place] = str(value // 10**weight % 10)
    more = _VERIFIED_ON_DEVICE if digits.verified_on_device else 0
    written[-1] = str((digits.number_digits + more) % 10)
    return "".join(written)
