"""The card a phone shows: PPSE, PSE, SELECT, GPO, READ RECORD and GENERATE AC.

A state machine over bytes; what the applications say is in `personality`. Contactless terminals
find the application in the answer to SELECT 2PAY.SYS.DDF01; for contact readers, where a card has
that way too, the same entry is a record of 1PAY.SYS.DDF01 (Book 1, 12.2). A cryptogram is made once
a conversation: in Visa's answer to GPO, in the others' answer to GENERATE AC. A token whose issuer
gave it certificates can be authenticated offline: it shows their records and signs. Without an
authentication GPO is refused with 6986, "see phone". Every lab card carries tag 42 with the lab's
issuer number in BF0C, so that a till can tell it from a real one. Knows no terminal.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from hardware.apdu import CommandApdu, ResponseApdu
from hardware.card.approving import approve_or_ask, visa_kind
from hardware.card.credentials import Credentials, Network
from hardware.card.offline_data import (
    FILE,
    NUMBER_LENGTH,
    RELATED_NUMBER_LENGTH,
    combined_signature,
    fast_signature,
    related_data,
)
from hardware.card.personality import (
    DEVICE_VERIFIED,
    FORM_FACTOR,
    PERSONALITIES,
    profile,
    record,
    static_data,
    track_2,
)
from hardware.card.signing import sign
from hardware.emv import tlv
from hardware.emv.bitfields import (
    AIP_COMBINED_AUTHENTICATION,
    AIP_DYNAMIC_AUTHENTICATION,
    TTQ_AUTHENTICATION_FOR_ONLINE,
    TTQ_EMV_SUPPORTED,
    CryptogramType,
    has_bit,
)
from hardware.emv.dol import parse_dol, split_dol
from hardware.runtime.errors import ApduError, AtcExhausted, NotArmed, TlvError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.card.purse import Purse

LAB_IIN = bytes.fromhex("999901")
"""The issuer number no issuer has: what marks a lab card."""
PPSE_NAME = b"2PAY.SYS.DDF01"
PSE_NAME = b"1PAY.SYS.DDF01"
RECORD_LOCATOR = bytes.fromhex("10010100")
"""AFL: file 2, record 1, not signed."""
_OWN_RECORD = (1, 2)
_RELATED_RECORD = (1, 4)
_PSE_DIRECTORY_FILE = 1
_AID_LENGTH_MIN = 5
_RELATED_LOCATOR = bytes.fromhex("20010100")
"""AFL: file 4, record 1, not signed: what Visa's signature covers besides the terminal's data."""
_CRYPTOGRAM_TYPE = 0xC0
_APPROVAL = 0x40
_SIGN_IT = 0x10
_RESERVED_TYPE = 0xC0


class _State(Enum):
    IDLE = "idle"
    LISTED = "contact directory selected"
    SELECTED = "application selected"
    PROCESSED = "processing options given"
    SPENT = "cryptogram given"


_READABLE = frozenset({_State.LISTED, _State.PROCESSED, _State.SPENT})


class _Refused(Exception):
    def __init__(self, sw: int) -> None:
        super().__init__(f"{sw:04X}")
        self.sw = sw


class PaymentCard:
    """One card in the field; a conversation starts with its PPSE."""

    def __init__(
        self,
        element: Purse,
        *,
        token_ref: str | None,
        with_records: bool,
        with_pse: bool,
        on_cryptogram: Callable[[str, int], None] | None,
    ) -> None:
        """Use `SecureElement.card`."""
        self._element = element
        self._token_ref = token_ref
        self._with_records = with_records
        self._with_pse = with_pse
        self._on_cryptogram = on_cryptogram
        self._state = _State.IDLE
        self._selected: Credentials | None = None
        self._options_data = b""
        self._related = b""

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
            case (0x80, 0xAE):
                return self._generate_cryptogram(command)
            case (_, 0xA4 | 0xA8 | 0xB2 | 0xAE):
                raise _Refused(0x6E00)
            case _:
                raise _Refused(0x6D00)

    # SELECT --------------------------------------------------------------------------------

    def _select(self, command: CommandApdu) -> bytes:
        if (command.p1, command.p2) != (0x04, 0x00):
            raise _Refused(0x6A86)
        self._state, self._selected = _State.IDLE, None
        self._options_data = self._related = b""
        credentials = self._element.shown_credentials(self._token_ref)
        if credentials is None:
            raise _Refused(0x6A82)
        if command.data == PPSE_NAME:
            return _ppse(credentials)
        if self._with_pse and command.data == PSE_NAME:
            self._state, self._selected = _State.LISTED, credentials
            return _pse()
        aid = PERSONALITIES[credentials.network].aid
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
        if credentials.network is Network.VISA:
            answer = self._visa_payment(credentials, command.data)
            self._state = _State.SPENT
        else:
            answer = self._options(credentials, command.data)
            self._state = _State.PROCESSED
        return answer

    def _options(self, credentials: Credentials, data: bytes) -> bytes:
        """Profile and locator, for applications that make the cryptogram later."""
        personality = PERSONALITIES[credentials.network]
        self._options_data = _options_values(data)
        _split(personality.pdol, self._options_data)
        if self._element.armed != credentials.token_ref:
            raise _Refused(0x6986)
        more = b"" if credentials.offline is None else credentials.offline.locator
        objects = {0x82: profile(credentials), 0x94: personality.locator + more}
        return _template(0x77, objects)

    def _visa_payment(self, credentials: Credentials, data: bytes) -> bytes:
        """Everything an online payment needs in one answer (Book C-3, 2.4)."""
        values = _split(PERSONALITIES[Network.VISA].pdol, _options_values(data))
        if not has_bit(values[0x9F66], TTQ_EMV_SUPPORTED):
            raise _Refused(0x6985)
        kind = visa_kind(self._element, credentials, values)
        objects = {0x82: profile(credentials), **self._spend(credentials, values, kind)}
        objects[0x57] = track_2(credentials)
        objects[0x5F34] = bytes.fromhex(credentials.psn)
        objects[0x9F6C] = DEVICE_VERIFIED
        objects[0x9F6E] = FORM_FACTOR
        signed = self._fast_objects(credentials, values, objects, kind)
        locator = RECORD_LOCATOR if self._with_records else b""
        locator += signed.pop(0x94, b"")
        if locator:
            objects[0x94] = locator
        if not self._with_records and not signed:
            objects |= static_data(credentials)
        return _template(0x77, objects | signed)

    def _fast_objects(
        self,
        credentials: Credentials,
        values: dict[int, bytes],
        objects: dict[int, bytes],
        kind: CryptogramType,
    ) -> dict[int, bytes]:
        """Signature and record locator, where the reader wants them and the token has a key."""
        offline, approved = credentials.offline, kind is CryptogramType.TC
        asked = approved or has_bit(values[0x9F66], TTQ_AUTHENTICATION_FOR_ONLINE)
        if offline is None or not asked or kind is CryptogramType.AAC:
            return {}
        if not has_bit(offline.profile, AIP_DYNAMIC_AUTHENTICATION):
            return {}
        number = self._element.draw(RELATED_NUMBER_LENGTH)
        self._related = related_data(number, objects[0x9F6C])
        counter = objects[0x9F36]
        signature = fast_signature(offline, values, counter, self._related, approved=approved)
        return {0x94: offline.locator + _RELATED_LOCATOR, 0x9F4B: signature}

    def _spend(
        self, credentials: Credentials, values: dict[int, bytes], kind: CryptogramType
    ) -> dict[int, bytes]:
        """One counter and one cryptogram; the authentication is over."""
        try:
            atc = self._element.spend(credentials.token_ref)
        except NotArmed:
            raise _Refused(0x6986) from None
        except AtcExhausted:
            raise _Refused(0x6985) from None
        if kind is CryptogramType.TC:
            self._element.count_offline(credentials.token_ref, values)
        objects = sign(
            credentials.network,
            credentials.proximity,
            credentials.cryptogram_version,
            atc,
            {**values, 0x82: profile(credentials)},
            kind,
        )
        if self._on_cryptogram is not None:
            self._on_cryptogram(credentials.token_ref, atc)
        return objects

    # GENERATE AC -----------------------------------------------------------------------------

    def _generate_cryptogram(self, command: CommandApdu) -> bytes:
        """The first and only cryptogram (Book 3, 6.5.5): what was asked for, or less."""
        credentials = self._selected
        if self._state is not _State.PROCESSED or credentials is None:
            raise _Refused(0x6985)
        signed, control = bool(command.p1 & _SIGN_IT), command.p1 & ~_SIGN_IT
        if control & ~_CRYPTOGRAM_TYPE or control == _RESERVED_TYPE or command.p2:
            raise _Refused(0x6A86)
        if signed and not has_bit(profile(credentials), AIP_COMBINED_AUTHENTICATION):
            raise _Refused(0x6A86)
        values = _split(PERSONALITIES[credentials.network].cdol, command.data)
        kind = CryptogramType.ARQC if control else CryptogramType.AAC
        if control == _APPROVAL:
            kind = approve_or_ask(self._element, credentials, values)
        objects = self._spend(credentials, values, kind)
        self._state = _State.SPENT
        if signed and kind is not CryptogramType.AAC:
            objects = self._signed(credentials, values, objects, command.data)
        return _template(0x77, objects)

    def _signed(
        self,
        credentials: Credentials,
        values: dict[int, bytes],
        objects: dict[int, bytes],
        listed: bytes,
    ) -> dict[int, bytes]:
        """The cryptogram's objects with the cryptogram inside the card's signature."""
        assert credentials.offline is not None, "the profile says that it can sign"
        shown = {tag: value for tag, value in objects.items() if tag != 0x9F26}
        answer = b"".join(tlv.build(tag, value) for tag, value in shown.items())
        shown[0x9F4B] = combined_signature(
            credentials.offline,
            self._element.draw(NUMBER_LENGTH),
            values[0x9F37],
            objects,
            self._options_data + listed + answer,
        )
        return shown

    # READ RECORD -----------------------------------------------------------------------------

    def _read_record(self, command: CommandApdu) -> bytes:
        if self._state not in _READABLE or self._selected is None:
            raise _Refused(0x6985)
        if command.p2 & 0x07 != 0x04:
            raise _Refused(0x6A86)
        where = command.p1, command.p2 >> 3
        if self._state is _State.LISTED:
            if where != (1, _PSE_DIRECTORY_FILE):
                raise _Refused(0x6A83)
            return tlv.build(0x70, tlv.build(0x61, _entry(self._selected)))
        objects = self._records(self._selected).get(where)
        if objects is None:
            raise _Refused(0x6A83)
        return objects

    def _records(self, credentials: Credentials) -> dict[tuple[int, int], bytes]:
        """Every record there is now, by number and file: the card's own, then its issuer's."""
        offline, static = credentials.offline, static_data(credentials)
        records: dict[tuple[int, int], bytes] = {}
        if credentials.network is not Network.VISA:
            covered = frozenset() if offline is None else offline.tags
            own = record(credentials)
            kept = {tag: value for tag, value in own.items() if tag not in covered}
            records[_OWN_RECORD] = _template(0x70, kept)
        elif self._with_records:
            records[_OWN_RECORD] = _template(0x70, static)
        if self._related:
            more = {} if self._with_records else static
            records[_RELATED_RECORD] = _template(0x70, {0x9F69: self._related, **more})
        if offline is not None and (credentials.network is not Network.VISA or self._related):
            places = ((number, FILE) for number in range(1, len(offline.records) + 1))
            records |= zip(places, offline.records, strict=True)
        return records


def _template(tag: int, objects: dict[int, bytes]) -> bytes:
    return tlv.build(tag, (tlv.build(tag, value) for tag, value in objects.items()))


def _options_values(data: bytes) -> bytes:
    """The terminal's data out of the command template."""
    try:
        return tlv.parse_one(data, 0x83).value
    except TlvError:
        raise _Refused(0x6A80) from None


def _split(wanted: bytes, data: bytes) -> dict[int, bytes]:
    try:
        return split_dol(parse_dol(wanted), data)
    except TlvError:
        raise _Refused(0x6700) from None


def _entry(credentials: Credentials) -> bytes:
    """What a directory says of an application: name, label, priority (Book 1, 12.2.3)."""
    return (
        tlv.build(0x4F, PERSONALITIES[credentials.network].aid)
        + tlv.build(0x50, _label(credentials))
        + tlv.build(0x87, b"\x01")
    )


def _pse() -> bytes:
    """The contact directory: which file holds its records (Book 1, 11.3.4)."""
    proprietary = tlv.build(0xA5, tlv.build(0x88, bytes([_PSE_DIRECTORY_FILE])))
    return tlv.build(0x6F, (tlv.build(0x84, PSE_NAME), proprietary))


def _ppse(credentials: Credentials) -> bytes:
    """The contactless directory with its one entry (Book B, 3.3.2.3)."""
    kernel = tlv.build(0x9F2A, bytes([PERSONALITIES[credentials.network].kernel]))
    entry = tlv.build(0x61, _entry(credentials) + kernel)
    proprietary = tlv.build(0xA5, tlv.build(0xBF0C, entry))
    return tlv.build(0x6F, (tlv.build(0x84, PPSE_NAME), proprietary))


def _application(credentials: Credentials) -> bytes:
    """SELECT's answer (Book 1, 11.3.4), with the lab's mark."""
    personality = PERSONALITIES[credentials.network]
    pdol = personality.pdol
    proprietary = (
        tlv.build(0x50, _label(credentials)),
        tlv.build(0x87, b"\x01"),
        tlv.build(0x9F38, pdol) if pdol else b"",
        tlv.build(0xBF0C, tlv.build(0x42, LAB_IIN)),
    )
    name = tlv.build(0x84, personality.aid)
    return tlv.build(0x6F, (name, tlv.build(0xA5, proprietary)))


def _label(credentials: Credentials) -> bytes:
    """At most 16 characters of the label (Book 3, A)."""
    return credentials.label[:16].encode("ascii")
