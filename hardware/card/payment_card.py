"""The card a phone shows: PPSE, PSE, SELECT, GET PROCESSING OPTIONS, READ RECORD.

A state machine over bytes. Contactless terminals find the application in the answer to SELECT
2PAY.SYS.DDF01; for contact readers, where a card has that way too, the same entry is a record of
1PAY.SYS.DDF01 (Book 1, 12.2). Visa answers GPO with everything an online payment needs in one 77
template (Book C-3, 2.4); Mastercard and Amex tokens are listed and answer SELECT, and refuse GPO.
Without an authentication GPO is refused with 6986, "see phone". Every lab card carries tag 42 with
the lab's issuer number in BF0C, so that a till can tell it from a real one. What a phone answers
beyond the books (9F6E, CTQ, AIP) is a lab approximation. Knows no terminal.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from hardware.apdu import CommandApdu, ResponseApdu
from hardware.card.credentials import Credentials, Network
from hardware.card.signing import sign
from hardware.emv import tlv
from hardware.emv.bitfields import (
    TTQ_EMV_SUPPORTED,
    TTQ_OFFLINE_ONLY,
    CryptogramType,
    has_bit,
)
from hardware.emv.dol import parse_dol, split_dol
from hardware.emv.formats import encode_numeric
from hardware.runtime.errors import ApduError, AtcExhausted, NotArmed, TlvError

if TYPE_CHECKING:
    from collections.abc import Callable

LAB_IIN = bytes.fromhex("999901")
"""The issuer number no issuer has: what marks a lab card."""
PPSE_NAME = b"2PAY.SYS.DDF01"
PSE_NAME = b"1PAY.SYS.DDF01"
AIDS: dict[Network, bytes] = {
    Network.VISA: bytes.fromhex("A0000000031010"),
    Network.MASTERCARD: bytes.fromhex("A0000000041010"),
    Network.AMEX: bytes.fromhex("A00000002501"),
}
KERNELS: dict[Network, int] = {Network.VISA: 3, Network.MASTERCARD: 2, Network.AMEX: 4}
PDOL: dict[Network, bytes] = {
    Network.VISA: bytes.fromhex("9F66049F02069F03069F1A0295055F2A029A039C019F3704"),
    Network.MASTERCARD: b"",
    Network.AMEX: bytes.fromhex("9F35019F6E04"),
}
FORM_FACTOR = bytes.fromhex("20700000")
"""9F6E of a phone (lab approximation: the wallet phones' table is not public)."""
DEVICE_VERIFIED = bytes.fromhex("0080")
"""9F6C: verification performed on the consumer's device."""
RECORD_LOCATOR = bytes.fromhex("10010100")
"""AFL: file 2, record 1, not signed."""
_PSE_DIRECTORY_FILE = 1
_DISCRETIONARY_DIGITS = "0000000000"
_AID_LENGTH_MIN = 5


class _State(Enum):
    IDLE = "idle"
    LISTED = "contact directory selected"
    SELECTED = "application selected"
    PROCESSED = "processing options given"


class _Refused(Exception):
    def __init__(self, sw: int) -> None:
        super().__init__(f"{sw:04X}")
        self.sw = sw


class Purse(Protocol):
    """What a card needs of the element that it lives in."""

    def shown_credentials(self) -> Credentials | None:
        """The token to show: the armed one, else the default one, else none."""

    def spend(self, token_ref: str) -> int:
        """Turn the authentication into one transaction counter, on disk when this returns.

        Raises:
            NotArmed: nobody was recognised for this token, or not lately.
            AtcExhausted: the token has no counter left.
        """


class PaymentCard:
    """One card in the field; a conversation starts with its PPSE."""

    def __init__(
        self,
        element: Purse,
        *,
        with_records: bool,
        with_pse: bool,
        on_cryptogram: Callable[[str, int], None] | None,
    ) -> None:
        """Use `SecureElement.card`."""
        self._element = element
        self._with_records = with_records
        self._with_pse = with_pse
        self._on_cryptogram = on_cryptogram
        self._state = _State.IDLE
        self._selected: Credentials | None = None

    def transmit(self, command: bytes) -> bytes:
        """The answer to one command; whatever comes in, a status word goes out."""
        try:
            return ResponseApdu(self._answer(CommandApdu.parse(command)), 0x9000).to_bytes()
        except ApduError:
            return bytes.fromhex("6700")
        except _Refused as refused:
            return refused.sw.to_bytes(2, "big")

    def _answer(self, command: CommandApdu) -> bytes:
        match (command.cla, command.ins):
            case (0x00, 0xA4):
                return self._select(command)
            case (0x80, 0xA8):
                return self._processing_options(command)
            case (0x00, 0xB2):
                return self._read_record(command)
            case (_, 0xA4 | 0xA8 | 0xB2):
                raise _Refused(0x6E00)
            case _:
                raise _Refused(0x6D00)

    # SELECT --------------------------------------------------------------------------------

    def _select(self, command: CommandApdu) -> bytes:
        if (command.p1, command.p2) != (0x04, 0x00):
            raise _Refused(0x6A86)
        self._state, self._selected = _State.IDLE, None
        credentials = self._element.shown_credentials()
        if credentials is None:
            raise _Refused(0x6A82)
        if command.data == PPSE_NAME:
            return _ppse(credentials)
        if self._with_pse and command.data == PSE_NAME:
            self._state, self._selected = _State.LISTED, credentials
            return _pse()
        aid = AIDS[credentials.network]
        if len(command.data) < _AID_LENGTH_MIN or not aid.startswith(command.data):
            raise _Refused(0x6A82)
        self._state, self._selected = _State.SELECTED, credentials
        return _application(credentials)

    # GET PROCESSING OPTIONS ------------------------------------------------------------------

    def _processing_options(self, command: CommandApdu) -> bytes:
        if self._state is not _State.SELECTED or self._selected is None:
            raise _Refused(0x6985)
        if (command.p1, command.p2) != (0x00, 0x00):
            raise _Refused(0x6A86)
        credentials = self._selected
        if credentials.network is not Network.VISA:
            raise _Refused(0x6985)
        values = _terminal_values(command.data)
        if not has_bit(values[0x9F66], TTQ_EMV_SUPPORTED):
            raise _Refused(0x6985)
        atc = self._spend(credentials)
        offline = has_bit(values[0x9F66], TTQ_OFFLINE_ONLY)
        kind = CryptogramType.AAC if offline else CryptogramType.ARQC
        answer = self._payment(credentials, atc, values, kind)
        self._state = _State.PROCESSED
        if self._on_cryptogram is not None:
            self._on_cryptogram(credentials.token_ref, atc)
        return answer

    def _spend(self, credentials: Credentials) -> int:
        try:
            return self._element.spend(credentials.token_ref)
        except NotArmed:
            raise _Refused(0x6986) from None
        except AtcExhausted:
            raise _Refused(0x6985) from None

    def _payment(
        self,
        credentials: Credentials,
        atc: int,
        values: dict[int, bytes],
        kind: CryptogramType,
    ) -> bytes:
        objects = sign(credentials.proximity, credentials.cryptogram_version, atc, values, kind)
        objects[0x57] = track_2(credentials)
        objects[0x5F34] = bytes.fromhex(credentials.psn)
        objects[0x9F6C] = DEVICE_VERIFIED
        objects[0x9F6E] = FORM_FACTOR
        if self._with_records:
            objects[0x94] = RECORD_LOCATOR
        else:
            objects |= _static_data(credentials)
        return tlv.build(0x77, (tlv.build(tag, value) for tag, value in objects.items()))

    # READ RECORD -----------------------------------------------------------------------------

    def _read_record(self, command: CommandApdu) -> bytes:
        if self._state not in {_State.LISTED, _State.PROCESSED} or self._selected is None:
            raise _Refused(0x6985)
        if command.p2 & 0x07 != 0x04:
            raise _Refused(0x6A86)
        record, file = command.p1, command.p2 >> 3
        if self._state is _State.LISTED:
            if (record, file) != (1, _PSE_DIRECTORY_FILE):
                raise _Refused(0x6A83)
            return tlv.build(0x70, tlv.build(0x61, _entry(self._selected)))
        if not self._with_records or (record, file) != (1, 2):
            raise _Refused(0x6A83)
        objects = _static_data(self._selected)
        return tlv.build(0x70, (tlv.build(tag, value) for tag, value in objects.items()))


def _terminal_values(data: bytes) -> dict[int, bytes]:
    """The terminal's data by tag, out of the command template."""
    try:
        template = tlv.parse_one(data, 0x83)
    except TlvError:
        raise _Refused(0x6A80) from None
    try:
        return split_dol(parse_dol(PDOL[Network.VISA]), template.value)
    except TlvError:
        raise _Refused(0x6700) from None


def _static_data(credentials: Credentials) -> dict[int, bytes]:
    """What does not change from tap to tap: token requestor and payment account reference."""
    return {
        0x9F19: encode_numeric(int(credentials.token_requestor_id), 6),
        0x9F24: credentials.par.encode("ascii"),
    }


def track_2(credentials: Credentials) -> bytes:
    """Track 2 equivalent data: number, expiry, service code, zeros where a stripe has secrets."""
    digits = f"{credentials.dpan}D{credentials.expiry}{credentials.service_code}"
    digits = (digits + _DISCRETIONARY_DIGITS)[:37]
    return bytes.fromhex(digits + "F" * (len(digits) % 2))


def _entry(credentials: Credentials) -> bytes:
    """What a directory says of an application: name, label, priority (Book 1, 12.2.3)."""
    return (
        tlv.build(0x4F, AIDS[credentials.network])
        + tlv.build(0x50, _label(credentials))
        + tlv.build(0x87, b"\x01")
    )


def _pse() -> bytes:
    """The contact directory: which file holds its records (Book 1, 11.3.4)."""
    proprietary = tlv.build(0xA5, tlv.build(0x88, bytes([_PSE_DIRECTORY_FILE])))
    return tlv.build(0x6F, (tlv.build(0x84, PSE_NAME), proprietary))


def _ppse(credentials: Credentials) -> bytes:
    """The contactless directory with its one entry (Book B, 3.3.2.3)."""
    kernel = tlv.build(0x9F2A, bytes([KERNELS[credentials.network]]))
    entry = tlv.build(0x61, _entry(credentials) + kernel)
    proprietary = tlv.build(0xA5, tlv.build(0xBF0C, entry))
    return tlv.build(0x6F, (tlv.build(0x84, PPSE_NAME), proprietary))


def _application(credentials: Credentials) -> bytes:
    """SELECT's answer (Book 1, 11.3.4), with the lab's mark."""
    pdol = PDOL[credentials.network]
    proprietary = (
        tlv.build(0x50, _label(credentials)),
        tlv.build(0x87, b"\x01"),
        tlv.build(0x9F38, pdol) if pdol else b"",
        tlv.build(0xBF0C, tlv.build(0x42, LAB_IIN)),
    )
    name = tlv.build(0x84, AIDS[credentials.network])
    return tlv.build(0x6F, (name, tlv.build(0xA5, proprietary)))


def _label(credentials: Credentials) -> bytes:
    """At most 16 characters of the label (Book 3, A)."""
    return credentials.label[:16].encode("ascii")
