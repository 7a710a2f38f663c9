"""Visa issuer application data and the cryptogram over it, for a tap and for an in-app payment.

The card's half only: version 10 or 18 as the token was personalised. The four card verification
results are a lab approximation beyond the cryptogram's type, which public sources agree on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware.crypto.cryptogram import CVN_10, visa_cvn10, visa_cvn18
from hardware.emv.bitfields import CryptogramType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware.card.credentials import CardKey

INTERCHANGE_PROFILE = bytes.fromhex("1000")
"""AIP: cardholder verification supported; no offline data authentication."""
_RESULTS = {
    CryptogramType.ARQC: bytes.fromhex("03A00000"),
    CryptogramType.AAC: bytes.fromhex("03800000"),
}
_INFORMATION = {CryptogramType.ARQC: b"\x80", CryptogramType.AAC: b"\x00"}


def sign(
    key: CardKey,
    version: int,
    atc: int,
    terminal_values: Mapping[int, bytes],
    kind: CryptogramType,
) -> dict[int, bytes]:
    """The objects a cryptogram comes with: 82, 9F36, 9F10, 9F27 and 9F26 itself.

    Args:
        key: master key and its index, proximity or remote.
        version: cryptogram version number byte, 0A or 12.
        atc: the counter, already on disk.
        terminal_values: the terminal's minimum data by tag.
        kind: what the card decided, ARQC or AAC.
    """
    results = _RESULTS[kind]
    values = {
        0x82: INTERCHANGE_PROFILE,
        0x9F36: atc.to_bytes(2, "big"),
        0x9F10: bytes([0x06, key.key_index, version]) + results,
        0x9F27: _INFORMATION[kind],
    }
    signed = {**terminal_values, **values}
    if version == CVN_10:
        values[0x9F26] = visa_cvn10(key.master_key, signed, results)
    else:
        values[0x9F26] = visa_cvn18(key.master_key, signed)
    return values
