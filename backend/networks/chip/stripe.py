"""The issuer's half of mag-stripe mode: what goes into a card, and the check of what comes back.

Theory of operation. A track 2 (DE 35) from a tap in mag-stripe mode carries a dynamic code in its
discretionary data, and the transaction counter only by its last digits. Mastercard's layout is this
issuer's own choice: from the left four digits of the counter, four of the unpredictable number,
four of the code (CVC3), and one that says how many the number has, plus five where the device has
verified its owner. The counter is the lowest above the last one seen that ends so; where the code
does not fit that one, but fits the highest at or below, it was heard before. No other counter is
tried: each try would give a guess another chance. Amex's layout (five digits of the counter, five
of the cryptogram, four of the number) and its covered data are a lab approximation.

Shares no code with the card. Sources: Book C-2 for the bitmaps, public descriptions of CVC3.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from enum import Enum

from backend.networks.chip import keys
from backend.networks.chip.arqc import ChipData, cryptogram, read_covered_data
from backend.runtime.errors import MessageError

ATC_MAX = 0xFFFF
NAME = " /"  # of the cardholder, as phones write it
_TRACK_2 = re.compile(
    r"(?P<number>\d{12,19})[D=](?P<expiry>\d{4})(?P<service>\d{3})(?P<rest>\d*)", re.ASCII
)
_MASTERCARD_REST = re.compile(r"(?P<counter>\d{4})(?P<number>\d{4})(?P<code>\d{4})(?P<length>\d)")
_AMEX_REST = re.compile(r"(?P<counter>\d{5})(?P<code>\d{5})(?P<number>\d{4})")
_DIGITS = 4
_VERIFIED = {str(_DIGITS): False, str(_DIGITS + 5): True}
_CODE_MAP, _NUMBER_MAP = 0x001E, 0x1FE0  # positions 2 to 5, and 6 to 13; 1 is the last digit
_REST_DIGITS = 13
AMEX_PROFILE = bytes.fromhex("1040")
AMEX_RESULTS = bytes.fromhex("03A40000")  # ARQC, by a device that has verified its owner: no other
_AMEX_CODE_BYTES, _AMEX_CODE_SPAN = 3, 10**5
_AMEX_ZEROS = {"9F02": 6, "9F03": 6, "9F1A": 2, "95": 5, "5F2A": 2, "9A": 3, "9C": 1, "9F26": 8}


@dataclass(frozen=True, slots=True)
class Track:
    """Track 2 taken apart.

    Attributes:
        number: the device account number.
        expiry: YYMM.
        rest: the discretionary data, digits.
    """

    number: str = field(repr=False)
    expiry: str
    service_code: str
    rest: str = field(repr=False)


class StripeVerdict(Enum):
    """What the issuer found in a track's dynamic digits."""

    VALID = "valid"
    INVALID = "cvc3_invalid"
    SEEN_BEFORE = "atc_not_higher"
    NO_LAYOUT = "track_2_layout"


@dataclass(frozen=True, slots=True)
class CheckedTrack:
    """The verdict, and the counter that the digits stand for (0 where there is none).

    Attributes:
        verified_on_device: whether the device says that it has verified its owner; None where the
            layout has no place for it.
    """

    verdict: StripeVerdict
    atc: int = 0
    verified_on_device: bool | None = None

    @property
    def code_fits(self) -> bool:
        """Whether the card made it, now or before."""
        return self.verdict in {StripeVerdict.VALID, StripeVerdict.SEEN_BEFORE}


def read_track(text: str) -> Track:
    """DE 35, with `=` or `D` between number and expiry.

    Raises:
        MessageError: no track 2; the text names no digit of it.
    """
    found = _TRACK_2.fullmatch(text)
    if found is None:
        raise MessageError("DE 35 is no track 2")
    return Track(found["number"], found["expiry"], found["service"], found["rest"])


# What goes into a Mastercard device ----------------------------------------------------------


def personalise(card_key: bytes, number: str, expiry: str, service_code: str) -> dict[str, str]:
    """Key, start values and record of one token, as the device's credentials carry them (hex).

    Args:
        card_key: the token's own key for dynamic codes, 16 bytes.
        number: the device account number.
        expiry: YYMM.
        service_code: three digits.
    """
    tail = f"{expiry}{service_code}{'0' * _REST_DIGITS}"
    track_1 = f"B{number}^{NAME}^{tail}".encode("ascii")
    track_2 = _packed(f"{number}D{tail}")
    places = [
        ("9F62", _CODE_MAP.to_bytes(6, "big")),
        ("9F63", _NUMBER_MAP.to_bytes(6, "big")),
        ("56", track_1),
        ("9F64", bytes([_DIGITS])),
        ("9F65", _CODE_MAP.to_bytes(2, "big")),
        ("9F66", _NUMBER_MAP.to_bytes(2, "big")),
        ("9F6B", track_2),
        ("9F67", bytes([_DIGITS])),
        ("9F6C", bytes.fromhex("0001")),
    ]
    body = b"".join(bytes.fromhex(tag) + bytes([len(value)]) + value for tag, value in places)
    record = b"\x70" + (b"\x81" if len(body) > 127 else b"") + bytes([len(body)]) + body
    parts = {
        "mk": card_key,
        "ivcvc3Track1": start_value(card_key, track_1),
        "ivcvc3Track2": start_value(card_key, track_2),
        "record": record,
    }
    return {name: part.hex().upper() for name, part in parts.items()}


def start_value(card_key: bytes, track: bytes) -> bytes:
    """IVCVC3: the last two bytes of a MAC over the static track."""
    return keys.mac(card_key, track, bit_padding=True)[-2:]


def code_of(card_key: bytes, start: bytes, unpredictable: bytes, atc: int) -> str:
    """CVC3 of one counter and number, five digits.

    Args:
        card_key: the token's key.
        start: IVCVC3.
        unpredictable: the number as the card got it, four bytes.
        atc: transaction counter.
    """
    block = keys.encipher(card_key, start + unpredictable + atc.to_bytes(2, "big"))
    return f"{int.from_bytes(block[-2:], 'big'):05d}"


def _packed(digits: str) -> bytes:
    return bytes.fromhex(digits + "F" * (len(digits) % 2))


# What comes back -----------------------------------------------------------------------------


def check_mastercard(track: Track, card_key: bytes, atc_seen: int) -> CheckedTrack:
    """Whether this card's key made the code, and for which counter.

    Args:
        track: what arrived.
        card_key: the token's key for dynamic codes.
        atc_seen: the highest counter that came with a valid code or cryptogram.
    """
    digits = _MASTERCARD_REST.fullmatch(track.rest)
    if digits is None or digits["length"] not in _VERIFIED:
        return CheckedTrack(StripeVerdict.NO_LAYOUT)
    empty = f"{track.number}D{track.expiry}{track.service_code}{'0' * _REST_DIGITS}"
    start = start_value(card_key, _packed(empty))
    unpredictable = bytes.fromhex(digits["number"].zfill(8))
    verified = _VERIFIED[digits["length"]]
    above, below = _counters(int(digits["counter"]), 10**_DIGITS, atc_seen)
    for atc, verdict in ((above, StripeVerdict.VALID), (below, StripeVerdict.SEEN_BEFORE)):
        if atc is not None:
            code = code_of(card_key, start, unpredictable, atc)
            if hmac.compare_digest(code[-_DIGITS:], digits["code"]):
                return CheckedTrack(verdict, atc, verified)
    return CheckedTrack(StripeVerdict.INVALID, above or 0, verified)


def check_amex(track: Track, card_key: bytes, key_index: str, atc_seen: int) -> CheckedTrack:
    """The same for a track made of a cryptogram; its counter is whole.

    Args:
        track: what arrived.
        card_key: the token's master key for taps.
        key_index: that key's index, two hex digits.
        atc_seen: the highest counter that came with a valid cryptogram.
    """
    digits = _AMEX_REST.fullmatch(track.rest)
    if digits is None or not 0 < int(digits["counter"]) <= ATC_MAX:
        return CheckedTrack(StripeVerdict.NO_LAYOUT)
    atc = int(digits["counter"])
    made = cryptogram(_amex_data(atc, digits["number"], key_index), card_key)
    code = int.from_bytes(made[-_AMEX_CODE_BYTES:], "big") % _AMEX_CODE_SPAN
    if not hmac.compare_digest(f"{code:05d}", digits["code"]):
        return CheckedTrack(StripeVerdict.INVALID, atc)
    return CheckedTrack(StripeVerdict.VALID if atc > atc_seen else StripeVerdict.SEEN_BEFORE, atc)


def _amex_data(atc: int, number: str, key_index: str) -> ChipData:
    """What the cryptogram covers here: counter, number, profile, results; the rest is zeros."""
    objects = {tag: bytes(length) for tag, length in _AMEX_ZEROS.items()}
    objects |= {
        "9F37": bytes.fromhex(number.zfill(8)),
        "82": AMEX_PROFILE,
        "9F36": atc.to_bytes(2, "big"),
        "9F10": bytes.fromhex(f"06{key_index}01") + AMEX_RESULTS,
    }
    return read_covered_data(objects)


def _counters(ends_with: int, span: int, seen: int) -> tuple[int | None, int | None]:
    """The lowest counter above `seen`, and the highest at or below it, with these last digits."""
    above = seen + 1 + (ends_with - seen - 1) % span
    below = above - span
    return above if above <= ATC_MAX else None, below if below > 0 else None
