"""The phone's card as one of the stripe age: mag-stripe mode of kernels 2 and 4.

Stands in front of the ordinary card, which goes on selecting; from GET PROCESSING OPTIONS on it
answers itself. Mastercard: a profile without EMV mode, the issuer's track record, COMPUTE
CRYPTOGRAPHIC CHECKSUM, whose counter is on disk before a code leaves. A phone whose owner nobody
has recognised answers it without a code and asks to be looked at (DF4B), which makes the second tap
of a double tap. Amex: the ordinary record with a short list, GENERATE AC (lab approximation).
Source: Books C-2 and C-4. Knows no terminal.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from hardware.apdu import CommandApdu, ResponseApdu
from hardware.card.credentials import Network
from hardware.card.personality import PERSONALITIES, record
from hardware.card.signing import sign
from hardware.emv import tlv
from hardware.emv.bitfields import CryptogramType
from hardware.emv.dol import dol_length, parse_dol
from hardware.runtime.errors import ApduError, AtcExhausted, NotArmed, TlvError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.card.credentials import Credentials
    from hardware.card.payment_card import PaymentCard
    from hardware.card.purse import Purse
    from hardware.card.secure_element import SecureElement

_PROFILES = {
    Network.MASTERCARD: bytes.fromhex("0200"),  # verification on the device; no EMV mode
    Network.AMEX: bytes.fromhex("1040"),  # a mobile device; no EMV mode
}
_LOCATORS = {
    Network.MASTERCARD: bytes.fromhex("08010100"),
    Network.AMEX: bytes.fromhex("10010100"),
}
_PLACES = {Network.MASTERCARD: (1, 0x0C), Network.AMEX: (1, 0x14)}
"""Record number and P2 of each locator."""
_AMEX_LIST = bytes.fromhex("9F3704")
"""8C: of the terminal's objects the cryptogram covers the unpredictable number alone."""
_COVERED = {
    0x9F02: 6, 0x9F03: 6, 0x9F1A: 2, 0x95: 5, 0x5F2A: 2, 0x9A: 3, 0x9C: 1,
}  # fmt: skip
"""The other objects of a cryptogram, which are zeros here, and their lengths."""
_NUMBER_LENGTH = 4
_LOOK_AT_ME, _OWNER_VERIFIED = bytes.fromhex("000100"), bytes.fromhex("001000")
"""DF4B: a code has to be entered on the device; the device has verified its owner."""


class _State(Enum):
    IDLE = "idle"
    SELECTED = "application selected"
    PROCESSED = "processing options given"
    SPENT = "code given"


class StripeCard:
    """One card in the field; a conversation starts with its PPSE."""

    def __init__(
        self,
        selecting: PaymentCard,
        element: Purse,
        *,
        on_cryptogram: Callable[[str, int], None] | None,
    ) -> None:
        """Use `stripe_card`."""
        self._selecting = selecting
        self._element = element
        self._on_cryptogram = on_cryptogram
        self._state = _State.IDLE
        self._selected: Credentials | None = None

    def hear(self, frame: bytes) -> None:
        """A reader's frame between two polls; it concerns which application is offered."""
        self._selecting.hear(frame)

    def transmit(self, command: bytes) -> bytes:
        """The answer to one command; whatever comes in, a status word goes out."""
        try:
            asked = CommandApdu.parse(command)
        except ApduError:
            return bytes.fromhex("6700")
        if (asked.cla, asked.ins) == (0x00, 0xA4):
            return self._select(self._selecting.transmit(command))
        if self._selected is None:  # a directory's record, or nothing that this card answers
            return self._selecting.transmit(command)
        return self._answer(asked, self._selected).to_bytes()

    def _select(self, answer: bytes) -> bytes:
        self._state, self._selected = _State.IDLE, None
        shown = self._selecting.selected
        if shown is not None and has_stripe(shown):
            self._state, self._selected = _State.SELECTED, shown
        return answer

    def _answer(self, asked: CommandApdu, shown: Credentials) -> ResponseApdu:
        mastercard = shown.network is Network.MASTERCARD
        match (asked.cla, asked.ins):
            case (0x80, 0xA8):
                return self._options(asked, shown)
            case (0x00, 0xB2):
                return self._record(asked, shown)
            case (0x80, 0x2A) if mastercard:
                return self._checksum(asked, shown)
            case (0x80, 0xAE) if not mastercard:
                return self._cryptogram(asked, shown)
            case (_, 0xA8 | 0xB2):
                return ResponseApdu(b"", 0x6E00)
            case _:
                return ResponseApdu(b"", 0x6D00)

    def _options(self, asked: CommandApdu, shown: Credentials) -> ResponseApdu:
        if self._state is not _State.SELECTED:
            return ResponseApdu(b"", 0x6985)
        if (asked.p1, asked.p2) != (0x00, 0x00):
            return ResponseApdu(b"", 0x6A86)
        try:
            data = tlv.parse_one(asked.data, 0x83).value
        except TlvError:
            return ResponseApdu(b"", 0x6A80)
        wanted = PERSONALITIES[shown.network].pdol
        if len(data) != dol_length(parse_dol(wanted)):
            return ResponseApdu(b"", 0x6700)
        # Kernel 4 has no answer for "look at me" behind this point.
        if shown.network is Network.AMEX and self._element.armed != shown.token_ref:
            return ResponseApdu(b"", 0x6986)
        self._state = _State.PROCESSED
        return _told(0x77, {0x82: _PROFILES[shown.network], 0x94: _LOCATORS[shown.network]})

    def _record(self, asked: CommandApdu, shown: Credentials) -> ResponseApdu:
        if self._state not in {_State.PROCESSED, _State.SPENT}:
            return ResponseApdu(b"", 0x6985)
        if (asked.p1, asked.p2) != _PLACES[shown.network]:
            return ResponseApdu(b"", 0x6A83)
        if shown.stripe is not None and shown.network is Network.MASTERCARD:
            return ResponseApdu(shown.stripe.record, 0x9000)
        return _told(0x70, record(shown) | {0x8C: _AMEX_LIST})

    def _checksum(self, asked: CommandApdu, shown: Credentials) -> ResponseApdu:
        """COMPUTE CRYPTOGRAPHIC CHECKSUM (Book C-2): both tracks' codes, once a conversation."""
        if self._state is not _State.PROCESSED:
            return ResponseApdu(b"", 0x6985)
        if (asked.p1, asked.p2) != (0x8E, 0x80):
            return ResponseApdu(b"", 0x6A86)
        if len(asked.data) != _NUMBER_LENGTH:
            return ResponseApdu(b"", 0x6700)
        assert shown.stripe is not None, "has_stripe says so"
        try:
            atc = self._element.spend(shown.token_ref)
        except NotArmed:
            counter = self._counter(shown).to_bytes(2, "big")
            self._state = _State.SPENT
            return _told(0x77, {0x9F36: counter, 0xDF4B: _LOOK_AT_ME})
        except AtcExhausted:
            return ResponseApdu(b"", 0x6985)
        counter = atc.to_bytes(2, "big")
        codes = shown.stripe.codes(counter, asked.data)
        self._left(shown, atc)
        return _told(0x77, {**codes, 0x9F36: counter, 0xDF4B: _OWNER_VERIFIED})

    def _cryptogram(self, asked: CommandApdu, shown: Credentials) -> ResponseApdu:
        if self._state is not _State.PROCESSED:
            return ResponseApdu(b"", 0x6985)
        if asked.p1 != 0x80 or asked.p2:
            return ResponseApdu(b"", 0x6A86)
        if len(asked.data) != _NUMBER_LENGTH:
            return ResponseApdu(b"", 0x6700)
        try:
            atc = self._element.spend(shown.token_ref)
        except NotArmed:
            return ResponseApdu(b"", 0x6986)
        except AtcExhausted:
            return ResponseApdu(b"", 0x6985)
        values = {tag: bytes(length) for tag, length in _COVERED.items()}
        values |= {0x82: _PROFILES[Network.AMEX], 0x9F37: asked.data}
        version, key = shown.cryptogram_version, shown.proximity
        objects = sign(shown.network, key, version, atc, values, CryptogramType.ARQC)
        self._left(shown, atc)
        return _told(0x77, objects)

    def _counter(self, shown: Credentials) -> int:
        """Where the token's counter stands, without another step."""
        (token,) = self._element.offered(shown.token_ref, at_gate=False)
        return token.atc

    def _left(self, shown: Credentials, atc: int) -> None:
        self._state = _State.SPENT
        if self._on_cryptogram is not None:
            self._on_cryptogram(shown.token_ref, atc)


def stripe_card(
    element: SecureElement,
    *,
    token_ref: str | None = None,
    on_cryptogram: Callable[[str, int], None] | None = None,
) -> StripeCard:
    """The card that this element shows, in mag-stripe mode where its token has one.

    Args:
        element: the phone's.
        token_ref: show this token alone.
        on_cryptogram: told (token_ref, atc) just before an answer with a code leaves.
    """
    selecting = element.card(token_ref=token_ref, on_cryptogram=on_cryptogram)
    return StripeCard(selecting, element, on_cryptogram=on_cryptogram)


def shows_stripe(element: SecureElement, token_ref: str) -> bool:
    """Whether this token is here and can be shown in mag-stripe mode."""
    credentials = element.credentials(token_ref)
    return credentials is not None and has_stripe(credentials)


def has_stripe(credentials: Credentials) -> bool:
    """Whether a token can be shown in mag-stripe mode; Visa's book has none any more (C-3)."""
    match credentials.network:
        case Network.MASTERCARD:
            return credentials.stripe is not None
        case Network.AMEX:
            return True
        case Network.VISA:
            return False


def _told(template: int, objects: dict[int, bytes]) -> ResponseApdu:
    data = tlv.build(template, (tlv.build(tag, value) for tag, value in objects.items()))
    return ResponseApdu(data, 0x9000)
