"""The card a phone shows: PPSE, PSE, SELECT, GPO, READ RECORD and GENERATE AC.

A state machine over bytes; what the applications say is in `personality`, how they are listed and
selected in `directory` and `selection`. A cryptogram is made once a conversation: in Visa's answer
to GPO, in the others' answer to GENERATE AC, which Mastercard's RECOVER AC repeats after a torn
tap. A token whose issuer gave it certificates can be authenticated offline: it shows their records
and signs. Without an authentication GPO is refused with 6986, "see phone", except at a transit
gate (`express`). Knows no terminal.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from hardware.apdu import CommandApdu, ResponseApdu
from hardware.card.answers import Refused as _Refused
from hardware.card.answers import options_values as _options_values
from hardware.card.answers import split as _split
from hardware.card.answers import template as _template
from hardware.card.approving import approve_or_ask, visa_kind
from hardware.card.credentials import Credentials, Network
from hardware.card.offline_data import (
    FILE,
    NUMBER_LENGTH,
    RELATED_NUMBER_LENGTH,
    combined_signature,
    dynamic_signature,
    fast_signature,
    related_data,
)
from hardware.card.personality import (
    FORM_FACTOR,
    PERSONALITIES,
    SIGNED_LIST,
    options_list,
    profile,
    qualifiers,
    record,
    static_data,
    track_2,
)
from hardware.card.recovery import KeptAnswer
from hardware.card.relay import ENTROPY_LENGTH, EXCHANGES_MAX, relay_data
from hardware.card.selection import Selection, check_parameters
from hardware.card.signing import sign
from hardware.emv import tlv
from hardware.emv.bitfields import (
    AIP_COMBINED_AUTHENTICATION,
    AIP_DYNAMIC_AUTHENTICATION,
    AIP_RELAY_RESISTANCE,
    TTQ_AUTHENTICATION_FOR_ONLINE,
    TTQ_CVM_REQUIRED,
    TTQ_EMV_SUPPORTED,
    CryptogramType,
    has_bit,
)
from hardware.emv.dol import build_dol, parse_dol
from hardware.runtime.errors import ApduError, AtcExhausted, NotArmed

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.card.purse import Purse

RECORD_LOCATOR = bytes.fromhex("10010100")
"""AFL: file 2, record 1, not signed."""
_OWN_RECORD = (1, 2)
_RELATED_RECORD = (1, 4)
_RELATED_LOCATOR = bytes.fromhex("20010100")
"""AFL: file 4, record 1, not signed: what Visa's signature covers besides the terminal's data."""
_CRYPTOGRAM_TYPE = 0xC0
_APPROVAL = 0x40
_SIGN_IT = 0x10
_RESERVED_TYPE = 0xC0
_BY_DEVICE = b"\x01"
"""9F34 begins so where a till takes the device's word (Book C-2, CVM.4)."""


class _State(Enum):
    IDLE = "idle"
    LISTED = "contact directory selected"
    SELECTED = "application selected"
    PROCESSED = "processing options given"
    SPENT = "cryptogram given"


_READABLE = frozenset({_State.LISTED, _State.PROCESSED, _State.SPENT})


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
        self._with_records = with_records
        self._on_cryptogram = on_cryptogram
        self._selection = Selection(element, token_ref=token_ref, with_pse=with_pse)
        self._state = _State.IDLE
        self._selected: Credentials | None = None
        self._verified = True
        self._options_data = b""
        self._related = b""
        self._relayed: list[bytes] = []

    @property
    def selected(self) -> Credentials | None:
        """The token whose application is selected; None in a directory and before."""
        return self._selected

    def hear(self, frame: bytes) -> None:
        """A reader's frame between two polls; it may announce a transit gate."""
        self._selection.hear(frame)

    def transmit(self, command: bytes) -> bytes:
        """The answer to one command; whatever comes in, a status word goes out."""
        try:
            return ResponseApdu(self._answer(CommandApdu.parse(command)), 0x9000).to_bytes()
        except ApduError:
            return bytes.fromhex("6700")
        except _Refused as refused:
            return refused.sw.to_bytes(2, "big")

    def _answer(self, command: CommandApdu) -> bytes:
        work = {
            (0x00, 0xA4): self._select,
            (0x80, 0xA8): self._processing_options,
            (0x00, 0xB2): self._read_record,
            (0x80, 0xAE): self._generate_cryptogram,
            (0x80, 0xD0): self._recover_cryptogram,
            (0x80, 0xEA): self._relay_resistance,
            (0x00, 0x88): self._internal_authenticate,
        }
        if (command.cla, command.ins) in work:
            return work[command.cla, command.ins](command)
        known = any(command.ins == instruction for _class, instruction in work)
        raise _Refused(0x6E00 if known else 0x6D00)

    # SELECT --------------------------------------------------------------------------------

    def _select(self, command: CommandApdu) -> bytes:
        check_parameters(command)
        self._state, self._selected, self._verified = _State.IDLE, None, True
        self._options_data = self._related = b""
        self._relayed = []
        found = self._selection.select(command)
        if found.is_contact_directory:
            self._state = _State.LISTED
        if found.credentials is not None:
            self._state, self._selected = _State.SELECTED, found.credentials
        return found.answer

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
        _split(options_list(credentials), self._options_data)
        self._verified = self._selection.permit(credentials.token_ref)
        shown, offline = profile(credentials), credentials.offline
        if offline is None:
            return _template(0x77, {0x82: shown, 0x94: personality.locator})
        # Its own objects come along: with two records of certificates every command counts.
        own = record(credentials, verified=self._verified).items()
        kept = {tag: value for tag, value in own if tag not in offline.tags}
        return _template(0x77, {0x82: shown, 0x94: offline.locator, **kept})

    def _visa_payment(self, credentials: Credentials, data: bytes) -> bytes:
        """Everything an online payment needs in one answer (Book C-3, 2.4)."""
        values = _split(options_list(credentials), _options_values(data))
        if not has_bit(values[0x9F66], TTQ_EMV_SUPPORTED):
            raise _Refused(0x6985)
        self._verified = self._selection.permit(
            credentials.token_ref,
            is_signed=has_bit(values[0x9F66], TTQ_AUTHENTICATION_FOR_ONLINE),
            owner_wanted=has_bit(values[0x9F66], TTQ_CVM_REQUIRED),
        )
        kind = visa_kind(self._element, credentials, values)
        objects = {0x82: profile(credentials), **self._spend(credentials, values, kind)}
        objects[0x57] = track_2(credentials)
        objects[0x5F34] = bytes.fromhex(credentials.psn)
        objects[0x9F6C] = qualifiers(verified=self._verified)
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
        element = self._element
        spend = element.spend if self._verified else element.spend_express
        try:
            atc = spend(credentials.token_ref)
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
            verified=self._verified,
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
        if not self._verified and kind is not CryptogramType.AAC and not signed:
            raise _Refused(0x6985)
        if not self._verified and values.get(0x9F34, b"")[:1] == _BY_DEVICE:
            kind = CryptogramType.AAC  # the till counts on a device that recognised nobody
        objects = self._spend(credentials, values, kind)
        self._state = _State.SPENT
        if signed and kind is not CryptogramType.AAC:
            objects = self._signed(credentials, values, objects, command.data)
        answer = _template(0x77, objects)
        if recovery := PERSONALITIES[credentials.network].recovery:
            asked = build_dol(parse_dol(recovery), values)
            atc = int.from_bytes(objects[0x9F36], "big")
            self._element.keep_answer(credentials.token_ref, KeptAnswer(asked, atc, answer))
        return answer

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
            self._relayed[-1] if self._relayed else b"",
        )
        return shown

    def _recover_cryptogram(self, command: CommandApdu) -> bytes:
        """RECOVER AC (Book C-2): the last answer once more, to whoever knows its values."""
        credentials = self._at_processed(command)
        recovery = PERSONALITIES[credentials.network].recovery
        if not recovery:
            raise _Refused(0x6D00)
        _split(recovery, command.data)
        kept = self._element.recall_answer(credentials.token_ref, command.data)
        if kept is None:
            raise _Refused(0x6985)
        self._state = _State.SPENT
        if self._on_cryptogram is not None:
            self._on_cryptogram(credentials.token_ref, kept.atc)
        return kept.answer

    # Before the cryptogram -------------------------------------------------------------------

    def _at_processed(self, command: CommandApdu) -> Credentials:
        """The application whose options were given and whose cryptogram was not yet."""
        if self._state is not _State.PROCESSED or self._selected is None:
            raise _Refused(0x6985)
        if (command.p1, command.p2) != (0x00, 0x00):
            raise _Refused(0x6A86)
        return self._selected

    def _relay_resistance(self, command: CommandApdu) -> bytes:
        """EXCHANGE RELAY RESISTANCE DATA (Book C-2); the signature will cover the last one."""
        if not has_bit(profile(self._at_processed(command)), AIP_RELAY_RESISTANCE):
            raise _Refused(0x6D00)
        if len(command.data) != ENTROPY_LENGTH:
            raise _Refused(0x6700)
        if len(self._relayed) >= EXCHANGES_MAX:
            raise _Refused(0x6985)
        answer = relay_data(self._element.draw(ENTROPY_LENGTH))
        self._relayed.append(command.data + answer)
        return tlv.build(0x80, answer)

    def _internal_authenticate(self, command: CommandApdu) -> bytes:
        """The card's signature over what the terminal sends (Book 3, 6.5.9; Book 2, 6.5)."""
        credentials = self._at_processed(command)
        offline = credentials.offline
        if offline is None or not has_bit(offline.profile, AIP_DYNAMIC_AUTHENTICATION):
            raise _Refused(0x6D00)
        _split(SIGNED_LIST, command.data)
        signature = dynamic_signature(offline, self._element.draw(NUMBER_LENGTH), command.data)
        return _template(0x77, {0x9F4B: signature})

    # READ RECORD -----------------------------------------------------------------------------

    def _read_record(self, command: CommandApdu) -> bytes:
        if self._state not in _READABLE:
            raise _Refused(0x6985)
        if command.p2 & 0x07 != 0x04:
            raise _Refused(0x6A86)
        number, file = command.p1, command.p2 >> 3
        if self._state is _State.LISTED:
            found = self._selection.contact_record(number, file)
        else:
            assert self._selected is not None, "an application is selected"
            found = self._records(self._selected).get((number, file))
        if found is None:
            raise _Refused(0x6A83)
        return found

    def _records(self, credentials: Credentials) -> dict[tuple[int, int], bytes]:
        """Every record there is now, by number and file: the card's own, then its issuer's."""
        offline, static = credentials.offline, static_data(credentials)
        records: dict[tuple[int, int], bytes] = {}
        if credentials.network is not Network.VISA:
            if offline is None:
                own = record(credentials, verified=self._verified)
                records[_OWN_RECORD] = _template(0x70, own)
        elif self._with_records:
            records[_OWN_RECORD] = _template(0x70, static)
        if self._related:
            more = {} if self._with_records else static
            records[_RELATED_RECORD] = _template(0x70, {0x9F69: self._related, **more})
        if offline is not None and (credentials.network is not Network.VISA or self._related):
            places = ((number, FILE) for number in range(1, len(offline.records) + 1))
            records |= zip(places, offline.records, strict=True)
        return records
