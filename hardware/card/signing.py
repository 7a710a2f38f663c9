"""Issuer application data and the cryptogram over it, for a tap and for an in-app payment.

The card's half only: the network's layout of 9F10 and the cryptogram version the token was
personalised with. Of the card verification results only the cryptogram's type is public knowledge;
the other bits are a lab approximation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware.card.credentials import Network
from hardware.crypto.cryptogram import (
    CVN_10,
    MASTERCARD_CVN_10,
    MASTERCARD_CVN_14,
    mastercard_csk,
    mastercard_skd,
    visa_cvn10,
    visa_cvn18,
)
from hardware.emv.bitfields import CryptogramType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware.card.credentials import CardKey

AMEX_VERSION = 0x01
_INFORMATION = {
    CryptogramType.ARQC: b"\x80",
    CryptogramType.TC: b"\x40",
    CryptogramType.AAC: b"\x00",
}
_RESULTS = {
    CryptogramType.ARQC: bytes.fromhex("03A00000"),
    CryptogramType.TC: bytes.fromhex("03900000"),
    CryptogramType.AAC: bytes.fromhex("03800000"),
}
_MASTERCARD_RESULTS = {
    CryptogramType.ARQC: bytes.fromhex("A00000000000"),
    CryptogramType.TC: bytes.fromhex("900000000000"),
    CryptogramType.AAC: bytes.fromhex("800000000000"),
}
_MASTERCARD_TAIL = bytes(10)
"""Dynamic number and counters behind the results; only odd versions sign the counters."""


def sign(
    network: Network,
    key: CardKey,
    version: int,
    atc: int,
    values: Mapping[int, bytes],
    kind: CryptogramType,
) -> dict[int, bytes]:
    """The objects a cryptogram comes with: 9F27, 9F36, 9F10 and 9F26 itself.

    Args:
        network: whose layout of 9F10.
        key: master key and its index, proximity or remote.
        version: cryptogram version number byte; of Mastercard 10 or 14, of Amex always 01.
        atc: the counter, already on disk.
        values: the terminal's minimum data by tag, and the card's profile (82).
        kind: what the card decided.
    """
    objects = {0x9F27: _INFORMATION[kind], 0x9F36: atc.to_bytes(2, "big")}
    signed = {**values, **objects}
    master = key.master_key
    match network:
        case Network.VISA:
            signed[0x9F10] = bytes([0x06, key.key_index, version]) + _RESULTS[kind]
            if version == CVN_10:
                cryptogram = visa_cvn10(master, signed, _RESULTS[kind])
            else:
                cryptogram = visa_cvn18(master, signed)
        case Network.MASTERCARD:
            results = _MASTERCARD_RESULTS[kind]
            own_key = version == MASTERCARD_CVN_10
            number = MASTERCARD_CVN_10 if own_key else MASTERCARD_CVN_14
            signed[0x9F10] = bytes([key.key_index, number]) + results + _MASTERCARD_TAIL
            algorithm = mastercard_skd if own_key else mastercard_csk
            cryptogram = algorithm(master, signed, results)
        case Network.AMEX:
            signed[0x9F10] = bytes([0x06, key.key_index, AMEX_VERSION]) + _RESULTS[kind]
            # AEIPS version 01: the same arithmetic as Visa's version 10.
            cryptogram = visa_cvn10(master, signed, _RESULTS[kind])
    return objects | {0x9F10: signed[0x9F10], 0x9F26: cryptogram}
