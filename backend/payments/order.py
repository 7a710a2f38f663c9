"""What a till asks for, checked once: every field, and that the fields say what the chip signed.

The one place where an order to pay is judged before anything is written. A tap in mag-stripe
mode (`entryMode` "magstripe") brings `track2` in place of cryptogram and chip data. The account
number lives in the order only while the payment is carried out; it is never stored. Knows nothing
of users, keys or databases. Fields of the chip data: EMV Book 3 annex A.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.domain import chip_data
from backend.domain.money import check_amount, is_currency, numeric_code
from backend.domain.pan import is_pan
from backend.domain.track import read_track_2
from backend.payments.records import Channel
from backend.runtime.errors import BadRequest
from backend.switch.answers import NO_AUTHENTICATION

ATC_MAX = 0xFFFF
UNKNOWN_EXPIRY = "0000"  # DE 14 when neither the till nor the chip data names one
_KIND_OF_CRYPTOGRAM, _APPROVED_BY_CARD = 0xC0, 0x40  # bits of tag 9F27: EMV Book 3, 6.5.5.4
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*", re.ASCII)
_REFERENCE = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
_TERMINAL = re.compile(r"[A-Za-z0-9]{1,8}", re.ASCII)  # DE 41 has eight places
_CHIP, _MAG_STRIPE = "chip", "magstripe"
_ALWAYS = frozenset({"token", "atc", "amount", "currency", "merchantId", "terminalId"})
_OPTIONAL = frozenset({"entryMode", "expiry", "psn", "tapId", "storeAndForward", "synthetic"})
_BRINGS = {_CHIP: frozenset({"cryptogram", "emvData"}), _MAG_STRIPE: frozenset({"track2"})}
_OTHERS = {_CHIP: _BRINGS[_MAG_STRIPE], _MAG_STRIPE: _BRINGS[_CHIP]}


@dataclass(frozen=True, slots=True)
class NfcOrder:
    """One tap, or one payment in an app, that wants to be paid.

    Attributes:
        token: device account number, digits.
        cryptogram: tag 9F26, 8 bytes; empty in mag-stripe mode.
        atc: application transaction counter, 1 to 65535.
        amount_minor: above zero, at most twelve digits.
        currency: ISO 4217 letters.
        emv_data: DE 55 as the till collected it; empty in mag-stripe mode.
        track_2: DE 35 with its dynamic digits; empty in EMV mode.
        expiry: YYMM, "0000" when unknown.
        psn: PAN sequence number, 2 digits.
        tap_id: the till's name for the tap, links its events to the payment.
        store_and_forward: the till says that it kept this tap while offline, so its counter may
            lie below the watermark.
        synthetic: made by a load generator, not by a person.
        channel: a tap at a till, or an app's payment with the token's remote key.
        cryptogram_block: of an app's payment that brings no chip data; else empty.
        eci: electronic commerce indicator of an app's payment, two digits.
    """

    token: str = field(repr=False)
    cryptogram: bytes = field(repr=False)
    atc: int
    amount_minor: int
    currency: str
    merchant_id: str
    terminal_id: str
    emv_data: bytes = field(repr=False)
    track_2: str = field(default="", repr=False)
    expiry: str = UNKNOWN_EXPIRY
    psn: str = "00"
    tap_id: str | None = None
    store_and_forward: bool = False
    synthetic: bool = False
    channel: Channel = Channel.NFC
    cryptogram_block: bytes = field(default=b"", repr=False)
    eci: str = NO_AUTHENTICATION

    def __post_init__(self) -> None:
        """Judge every field, whoever made the order.

        Raises:
            BadRequest: `token_invalid`, `cryptogram_invalid`, `atc_out_of_range`, `amount_…`,
                `currency_unknown`, `merchant_id_invalid`, `terminal_id_invalid`,
                `expiry_invalid`, `psn_invalid`, `tap_id_invalid`, `emv_data_malformed`,
                `emv_data_disagrees`, `track2_invalid`, `track2_disagrees`,
                `eci_indicator_invalid`.
        """
        _demand(is_pan(self.token), "token", "13 to 19 digits with a valid check digit")
        modes = (self.track_2, self.emv_data, self.cryptogram_block)
        assert sum(map(bool, modes)) <= 1, "a payment has one mode"
        _demand(len(self.cryptogram) == (0 if self.track_2 else 8), "cryptogram", "8 bytes")
        if not 1 <= self.atc <= ATC_MAX:
            raise BadRequest("atc_out_of_range", f"atc: 1 to {ATC_MAX}", field="atc")
        check_amount(self.amount_minor)
        if not is_currency(self.currency):
            raise BadRequest("currency_unknown", "no ISO 4217 currency", field="currency")
        _demand(_matches(_REFERENCE, self.merchant_id), "merchantId", "1 to 64 of A-Z 0-9 _.:-")
        _demand(_matches(_TERMINAL, self.terminal_id), "terminalId", "1 to 8 letters and digits")
        _demand(_is_digits(self.expiry, 4), "expiry", "YYMM")
        _demand(_is_digits(self.psn, 2), "psn", "2 digits")
        _demand(_is_digits(self.eci, 2), "eciIndicator", "2 digits")
        _demand(
            self.tap_id is None or _matches(_REFERENCE, self.tap_id), "tapId", "1 to 64 characters"
        )
        if self.track_2:
            self._compare_track()
        else:
            self._compare(chip_data.read_chip_data(self.emv_data))

    def _compare_track(self) -> None:
        """Refuse fields that are not what the track says."""
        track = read_track_2(self.track_2)
        for name, said, own in (
            ("token", track.number, self.token),
            ("expiry", track.expiry, self.expiry),
        ):
            if said != own:
                raise BadRequest("track2_disagrees", f"{name} is not what track2 says", field=name)

    @property
    def is_advice(self) -> bool:
        """Whether card and till have approved already (a TC), and this only tells of it."""
        said = chip_data.read_chip_data(self.emv_data).get(chip_data.TAG_INFORMATION, b"")
        approved = said[:1] and said[0] & _KIND_OF_CRYPTOGRAM == _APPROVED_BY_CARD
        return self.store_and_forward and bool(approved)

    def _compare(self, chip: Mapping[int, bytes]) -> None:
        """Refuse fields that are not what the card signed or said."""
        signed = {
            "amount": (chip_data.TAG_AMOUNT, f"{self.amount_minor:012d}"),
            "currency": (chip_data.TAG_CURRENCY, f"0{numeric_code(self.currency)}"),
            "atc": (chip_data.TAG_ATC, f"{self.atc:04x}"),
            "cryptogram": (chip_data.TAG_CRYPTOGRAM, self.cryptogram.hex()),
        }
        for name, (tag, expected) in signed.items():
            if tag in chip and chip[tag].hex() != expected:
                raise _disagrees(name, tag)
        pan = chip.get(chip_data.TAG_PAN)
        if pan is not None and pan.hex().rstrip("f") != self.token:
            raise _disagrees("token", chip_data.TAG_PAN)
        track = chip.get(chip_data.TAG_TRACK_2)
        if track is not None and track.hex().partition("d")[0] != self.token:
            raise _disagrees("token", chip_data.TAG_TRACK_2)


def order_from_json(body: Mapping[str, object]) -> NfcOrder:
    """Read the body of `POST /api/payments/nfc`.

    Raises:
        BadRequest: `field_missing`, `field_unknown`, `field_contradicts` (chip data with a track,
            or either with the other's entry mode), `…_invalid`, and all of `NfcOrder`.
    """
    mode = _entry_mode(body)
    emv_data = _hex(body, "emvData") if mode == _CHIP else b""
    chip = chip_data.read_chip_data(emv_data)
    track_2 = _text(body, "track2") if mode == _MAG_STRIPE else ""
    _demand(mode == _CHIP or bool(track_2), "track2", "a text that is not empty")
    expiry = read_track_2(track_2).expiry if track_2 else _expiry_of(chip)
    return NfcOrder(
        token=_text(body, "token"),
        cryptogram=_hex(body, "cryptogram") if mode == _CHIP else b"",
        atc=_whole(body, "atc"),
        amount_minor=check_amount(body["amount"]),
        currency=_text(body, "currency"),
        merchant_id=_text(body, "merchantId"),
        terminal_id=_text(body, "terminalId"),
        emv_data=emv_data,
        track_2=track_2,
        expiry=_text(body, "expiry") if "expiry" in body else expiry,
        psn=_text(body, "psn") if "psn" in body else _psn_of(chip),
        tap_id=_text(body, "tapId") if body.get("tapId") is not None else None,
        store_and_forward=_flag(body, "storeAndForward"),
        synthetic=_flag(body, "synthetic"),
    )


def _entry_mode(body: Mapping[str, object]) -> str:
    """How the card was read; exactly that mode's fields are there."""
    mode = body.get("entryMode", _CHIP)
    if not isinstance(mode, str) or mode not in _BRINGS:
        raise _invalid("entryMode", f'"{_CHIP}" or "{_MAG_STRIPE}"')
    if other := sorted(_OTHERS[mode] & body.keys()):
        detail = f"{other[0]} does not go with entryMode {mode}"
        raise BadRequest("field_contradicts", detail, field=other[0])
    required = _ALWAYS | _BRINGS[mode]
    if missing := sorted(required - body.keys()):
        raise BadRequest("field_missing", f"{missing[0]} is missing", field=missing[0])
    if unknown := sorted(body.keys() - required - _OPTIONAL):
        raise BadRequest("field_unknown", f"{unknown[0][:40]} is unknown", field=unknown[0][:40])
    return mode


def _expiry_of(chip: Mapping[int, bytes]) -> str:
    if (date := chip.get(chip_data.TAG_EXPIRY)) is not None:
        return date.hex()[:4]
    if (track := chip.get(chip_data.TAG_TRACK_2)) is not None:
        return track.hex().partition("d")[2][:4]
    return UNKNOWN_EXPIRY


def _psn_of(chip: Mapping[int, bytes]) -> str:
    return chip[chip_data.TAG_PSN].hex() if chip_data.TAG_PSN in chip else "00"


def _text(body: Mapping[str, object], name: str) -> str:
    value = body[name]
    if not isinstance(value, str):
        raise _invalid(name, "a text")
    return value


def _whole(body: Mapping[str, object], name: str) -> int:
    value = body[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise _invalid(name, "a whole number")
    return value


def _flag(body: Mapping[str, object], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise _invalid(name, "true or false")
    return value


def _hex(body: Mapping[str, object], name: str) -> bytes:
    text = _text(body, name)
    if not _matches(_HEX, text):
        raise _invalid(name, "hex, two digits a byte")
    return bytes.fromhex(text)


def _matches(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.fullmatch(text) is not None


def _is_digits(text: str, count: int) -> bool:
    return len(text) == count and text.isascii() and text.isdigit()


def _demand(holds: bool, name: str, rule: str) -> None:  # noqa: FBT001  (an assertion's shape)
    if not holds:
        raise _invalid(name, rule)


def _invalid(name: str, rule: str) -> BadRequest:
    word = re.sub("([A-Z])", r"_\1", name).lower()
    return BadRequest(f"{word}_invalid", f"{name}: {rule}", field=name)


def _disagrees(name: str, tag: int) -> BadRequest:
    return BadRequest(
        "emv_data_disagrees", f"{name} is not what emvData says (tag {tag:X})", field=name
    )
