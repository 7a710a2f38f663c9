"""Bit fields in words: TTQ, CTQ, AIP, TVR, CVR, CID and terminal capabilities, bit by bit.

Sources: Book C-3 Annex A for TTQ and CTQ, Book 3 Annex C for AIP and TVR, Book 4 Annex A for the
terminal's. The Visa CVR's layout is not public beyond the cryptogram's type: the rest is shown
as numbers and labelled lab approximation. Also the one place that names single bits for code.
"""

from __future__ import annotations

from enum import Enum

TTQ_EMV_SUPPORTED = (0, 0x20)
TTQ_OFFLINE_ONLY = (0, 0x08)
TTQ_ONLINE_PIN = (0, 0x04)
TTQ_SIGNATURE = (0, 0x02)
TTQ_AUTHENTICATION_FOR_ONLINE = (0, 0x01)
TTQ_ONLINE_CRYPTOGRAM_REQUIRED = (1, 0x80)
TTQ_CVM_REQUIRED = (1, 0x40)
TTQ_CDCVM_SUPPORTED = (2, 0x40)
CTQ_ONLINE_PIN_REQUIRED = (0, 0x80)
CTQ_SIGNATURE_REQUIRED = (0, 0x40)
CTQ_ONLINE_IF_ODA_FAILS = (0, 0x20)
CTQ_SWITCH_IF_ODA_FAILS = (0, 0x10)
CTQ_CDCVM_PERFORMED = (1, 0x80)
AIP_STATIC_AUTHENTICATION = (0, 0x40)
AIP_DYNAMIC_AUTHENTICATION = (0, 0x20)
AIP_COMBINED_AUTHENTICATION = (0, 0x01)
AIP_VERIFICATION_SUPPORTED = (0, 0x10)
AIP_CDCVM_SUPPORTED = (0, 0x02)
AIP_EMV_MODE = (1, 0x80)
CAPABILITY_STATIC_AUTHENTICATION = (2, 0x80)
CAPABILITY_COMBINED_AUTHENTICATION = (2, 0x08)

BitTable = tuple[tuple[int, int, str], ...]

_TTQ: BitTable = (
    (0, 0x80, "magnetic-stripe mode supported"),
    (0, 0x20, "EMV mode supported"),
    (0, 0x10, "EMV contact chip supported"),
    (0, 0x08, "offline-only reader"),
    (0, 0x04, "online PIN supported"),
    (0, 0x02, "signature supported"),
    (0, 0x01, "offline data authentication for online authorisations supported"),
    (1, 0x80, "online cryptogram required"),
    (1, 0x40, "cardholder verification required"),
    (1, 0x20, "contact chip offline PIN supported"),
    (2, 0x80, "issuer update processing supported"),
    (2, 0x40, "verification on the consumer's device supported"),
)
_CTQ: BitTable = (
    (0, 0x80, "online PIN required"),
    (0, 0x40, "signature required"),
    (0, 0x20, "go online if offline data authentication fails"),
    (0, 0x10, "switch interface if offline data authentication fails"),
    (0, 0x08, "go online if the application is expired"),
    (0, 0x04, "switch interface for cash"),
    (0, 0x02, "switch interface for cashback"),
    (1, 0x80, "verification on the consumer's device performed"),
    (1, 0x40, "issuer update processing supported by the card"),
)
_AIP: BitTable = (
    (0, 0x40, "static data authentication supported"),
    (0, 0x20, "dynamic data authentication supported"),
    (0, 0x10, "cardholder verification supported"),
    (0, 0x08, "terminal risk management to be performed"),
    (0, 0x04, "issuer authentication supported"),
    (0, 0x02, "verification on the consumer's device supported"),
    (0, 0x01, "combined data authentication supported"),
    (1, 0x80, "EMV mode supported (kernel 2) or magnetic-stripe mode (kernel 3)"),
    (1, 0x01, "relay resistance protocol supported"),
)
_TVR: BitTable = (
    (0, 0x80, "offline data authentication was not performed"),
    (0, 0x40, "static data authentication failed"),
    (0, 0x20, "card data missing"),
    (0, 0x10, "card is on the exception file"),
    (0, 0x08, "dynamic data authentication failed"),
    (0, 0x04, "combined data authentication failed"),
    (1, 0x80, "card and terminal have different application versions"),
    (1, 0x40, "expired application"),
    (1, 0x20, "application not yet effective"),
    (1, 0x10, "requested service not allowed for this card"),
    (1, 0x08, "new card"),
    (2, 0x80, "cardholder verification was not successful"),
    (2, 0x40, "unrecognised verification method"),
    (2, 0x20, "PIN try limit exceeded"),
    (2, 0x10, "PIN entry required, PIN pad missing or not working"),
    (2, 0x08, "PIN entry required, PIN pad present, PIN not entered"),
    (2, 0x04, "online PIN entered"),
    (3, 0x80, "transaction exceeds floor limit"),
    (3, 0x40, "lower consecutive offline limit exceeded"),
    (3, 0x20, "upper consecutive offline limit exceeded"),
    (3, 0x10, "selected at random for online processing"),
    (3, 0x08, "merchant forced the transaction online"),
    (4, 0x80, "default transaction certificate list used"),
    (4, 0x40, "issuer authentication failed"),
    (4, 0x20, "script failed before the final GENERATE AC"),
    (4, 0x10, "script failed after the final GENERATE AC"),
    (4, 0x08, "relay resistance threshold exceeded"),
    (4, 0x04, "relay resistance time limits exceeded"),
)
_TERMINAL_CAPABILITIES: BitTable = (
    (0, 0x80, "manual key entry"),
    (0, 0x40, "magnetic stripe"),
    (0, 0x20, "chip with contacts"),
    (1, 0x80, "plaintext PIN for verification by the card"),
    (1, 0x40, "enciphered PIN for online verification"),
    (1, 0x20, "signature"),
    (1, 0x10, "enciphered PIN for offline verification"),
    (1, 0x08, "no verification required"),
    (2, 0x80, "static data authentication"),
    (2, 0x40, "dynamic data authentication"),
    (2, 0x20, "card capture"),
    (2, 0x08, "combined data authentication"),
)

_FIELDS: dict[int, tuple[int, BitTable]] = {
    0x9F66: (4, _TTQ),
    0x9F6C: (2, _CTQ),
    0x82: (2, _AIP),
    0x95: (5, _TVR),
    0x9F33: (3, _TERMINAL_CAPABILITIES),
}
_CRYPTOGRAM_VERSIONS = {0x0A: "10", 0x11: "17", 0x12: "18", 0x22: "22"}


class CryptogramType(Enum):
    """What a cryptogram says (Book 3, 6.5.5.4)."""

    AAC = "AAC"
    """Declined by the card."""
    TC = "TC"
    """Approved offline by the card."""
    ARQC = "ARQC"
    """The card asks the issuer."""


def has_bit(value: bytes, bit: tuple[int, int]) -> bool:
    """Whether a named bit is set; a byte that is not there counts as zero."""
    index, mask = bit
    return index < len(value) and bool(value[index] & mask)


def explain(tag: int, value: bytes) -> tuple[str, ...]:
    """The set bits of a bit field in words; empty for other tags and for all-zero fields."""
    match tag:
        case 0x9F27:
            kind = cryptogram_type(value)
            return (kind.value if kind else "reserved cryptogram type",)
        case 0x9F10:
            return _explain_issuer_data(value)
    known = _FIELDS.get(tag)
    if known is None:
        return ()
    length, table = known
    words = [text for index, mask, text in table if has_bit(value, (index, mask))]
    if len(value) != length:
        words.insert(0, f"{len(value)} bytes where {length} are due")
    return tuple(words)


def cryptogram_type(cid: bytes) -> CryptogramType | None:
    """The type in cryptogram information data (9F27), bits 8 and 7; None for the reserved code."""
    if len(cid) != 1:
        return None
    kinds = (CryptogramType.AAC, CryptogramType.TC, CryptogramType.ARQC, None)
    return kinds[cid[0] >> 6]


def visa_card_results(issuer_application_data: bytes) -> bytes | None:
    """The card verification results inside Visa issuer application data (9F10).

    Formats 0/1/3: length, key index, version, CVR. Format 2 starts 1F: version, key index, CVR.
    Both put the CVR at byte 4. None where it is too short.
    """
    return issuer_application_data[3:7] if len(issuer_application_data) >= 7 else None


def visa_cryptogram_type(issuer_application_data: bytes) -> CryptogramType | None:
    """The type in the CVR's second byte, bits 6 and 5, for cards that send no 9F27."""
    results = visa_card_results(issuer_application_data)
    if results is None:
        return None
    kinds = (CryptogramType.AAC, CryptogramType.TC, CryptogramType.ARQC, None)
    return kinds[(results[1] >> 4) & 0x03]


def _explain_issuer_data(value: bytes) -> tuple[str, ...]:
    results = visa_card_results(value)
    if results is None or value[0] not in {0x06, 0x1F}:
        return ()
    version, key_index = (value[2], value[1]) if value[0] == 0x06 else (value[1], value[2])
    kind = visa_cryptogram_type(value)
    name = _CRYPTOGRAM_VERSIONS.get(version, f"byte {version:02X}")
    return (
        f"cryptogram version {name}",
        f"key index {key_index:02X}",
        f"first cryptogram {kind.value if kind else 'of a reserved type'}",
        f"card verification results {results.hex().upper()} (other bits: lab approximation)",
    )
