"""Single bits by name, for code that decides by them; and a value's bits in words, for people.

Sources: Book C-3 Annex A for TTQ and CTQ, Book 3 Annex C for AIP, 6.5.5.4 for the cryptogram's
type. The words themselves stand in `bit_tables`, their places in `marks`.
"""

from __future__ import annotations

from enum import Enum

from hardware.emv.marks import marks

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
CTQ_ONLINE_IF_EXPIRED = (0, 0x08)
CTQ_CDCVM_PERFORMED = (1, 0x80)
AIP_STATIC_AUTHENTICATION = (0, 0x40)
AIP_DYNAMIC_AUTHENTICATION = (0, 0x20)
AIP_COMBINED_AUTHENTICATION = (0, 0x01)
AIP_VERIFICATION_SUPPORTED = (0, 0x10)
AIP_CDCVM_SUPPORTED = (0, 0x02)
AIP_EMV_MODE = (1, 0x80)
AIP_MSD_OFFERED = (1, 0x80)
"""The same bit for kernel 3: a magnetic-stripe path that the book has given up."""
AIP_RELAY_RESISTANCE = (1, 0x01)
CAPABILITY_STATIC_AUTHENTICATION = (2, 0x80)
CAPABILITY_COMBINED_AUTHENTICATION = (2, 0x08)


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
    """What bits and bytes of a value say; empty for other tags and for all-zero fields."""
    return tuple(mark.text for mark in marks(tag, value))


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
