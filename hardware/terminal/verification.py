"""How the cardholder is verified, out of the card's list of methods (Book 3, 10.5 and C3).

The list says in order which method under which condition; the first whose condition holds and that
the till can do is taken, and where none is, the verification has failed. A contactless till has
no PIN pad for the card itself: it knows online PIN, signature and none. Knows no kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from hardware.emv.formats import decode_numeric
from hardware.terminal import verdicts
from hardware.terminal.card_data import BrokenRule, CardData
from hardware.terminal.outcome import NO_VERIFICATION, CardholderVerification

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware.terminal.verdicts import Verdicts

DEVICE_VERIFIED = bytes.fromhex("010002")
"""9F34: verified by the device itself, coded as a PIN the card checked (Book C-2, CVM.4)."""
NOT_NEEDED = bytes.fromhex("3F0002")
"""9F34: none was needed, and that is fine (Book C-2, CVM.3)."""
_FAILED = bytes.fromhex("3F0001")
_METHOD = 0x3F
_GO_ON = 0x40


class Method(IntEnum):
    """Methods of a list's rules (Book 3, table C3-1)."""

    FAIL = 0x00
    CARD_PIN = 0x01
    ONLINE_PIN = 0x02
    CARD_PIN_AND_SIGNATURE = 0x03
    CARD_PIN_ENCIPHERED = 0x04
    CARD_PIN_ENCIPHERED_AND_SIGNATURE = 0x05
    SIGNATURE = 0x1E
    NONE = 0x1F


_NEEDS_PIN_PAD = {
    Method.CARD_PIN,
    Method.CARD_PIN_AND_SIGNATURE,
    Method.CARD_PIN_ENCIPHERED,
    Method.CARD_PIN_ENCIPHERED_AND_SIGNATURE,
}
_WAYS = {
    Method.ONLINE_PIN: CardholderVerification.ONLINE_PIN,
    Method.SIGNATURE: CardholderVerification.SIGNATURE,
    Method.NONE: CardholderVerification.NONE,
}
_RESULTS = {Method.NONE: 0x02}  # PIN online and signature stay unknown until they are checked


@dataclass(frozen=True, slots=True)
class Chosen:
    """How the cardholder is verified, and tag 9F34 for it."""

    way: CardholderVerification
    results: bytes


@dataclass(frozen=True, slots=True)
class Situation:
    """What the conditions of a list ask about.

    Attributes:
        amount_minor: of this payment.
        currency: tag 5F2A.
        ways: what this till can do for this amount.
    """

    amount_minor: int
    currency: bytes
    ways: frozenset[CardholderVerification]


def situation(values: Mapping[int, bytes], *, required: bool, online_pin: bool) -> Situation:
    """A till's situation; below its limit it does without verification (Book C-2, 6.2.1)."""
    ways = {CardholderVerification.NONE}
    if required:
        ways = {CardholderVerification.SIGNATURE}
        if online_pin:
            ways.add(CardholderVerification.ONLINE_PIN)
    amount_minor = decode_numeric(values[0x9F02])
    assert amount_minor is not None, "the terminal's own amount is a number"
    return Situation(amount_minor, values[0x5F2A], frozenset(ways))


def choose(data: CardData, here: Situation, found: Verdicts) -> Chosen:
    """The first method of the card's list that fits.

    Raises:
        BrokenRule: the list is no list.
    """
    methods = data.get(0x8E)
    if methods is None:
        found.note(verdicts.CARD_DATA_MISSING)
        return Chosen(CardholderVerification.NONE, NO_VERIFICATION)
    if len(methods) % 2:
        raise BrokenRule("bad_8E")
    x_minor, y_minor = (int.from_bytes(methods[at : at + 4], "big") for at in (0, 4))
    own_currency = data.get(0x9F42) == here.currency
    for at in range(8, len(methods), 2):
        code, condition = methods[at], methods[at + 1]
        limits = (x_minor, y_minor) if own_currency else None
        if not _holds(condition, here, limits):
            continue
        method = _method(code)
        if method is not None and method in _WAYS and _WAYS[method] in here.ways:
            if method is Method.ONLINE_PIN:
                found.note(verdicts.ONLINE_PIN_ENTERED)
            return Chosen(_WAYS[method], bytes([code, condition, _RESULTS.get(method, 0)]))
        _note_failure(method, found)
        if not code & _GO_ON:
            break
    found.note(verdicts.VERIFICATION_FAILED)
    return Chosen(CardholderVerification.NONE, _FAILED)


def _method(code: int) -> Method | None:
    try:
        return Method(code & _METHOD)
    except ValueError:
        return None


def _note_failure(method: Method | None, found: Verdicts) -> None:
    if method is None:
        found.note(verdicts.VERIFICATION_UNKNOWN)
    elif method in _NEEDS_PIN_PAD or method is Method.ONLINE_PIN:
        found.note(verdicts.PIN_PAD_MISSING)


def _holds(condition: int, here: Situation, limits: tuple[int, int] | None) -> bool:
    """Conditions of Book 3, table C3-2; those about cash do not hold at a till."""
    match condition:
        case 0x00 | 0x02:  # always; or: neither cash nor cashback
            return True
        case 0x03:  # if the terminal supports the method: looked at where the method is
            return True
        case 0x06 | 0x07 | 0x08 | 0x09 if limits is not None:
            limit = limits[0] if condition < 0x08 else limits[1]
            under = here.amount_minor < limit
            return under if condition in {0x06, 0x08} else not under
        case _:
            return False
