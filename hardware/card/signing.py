"""Issuer application data and the cryptogram over it, for a tap and for an in-app payment.

The card's half only: the network's layout of 9F10 and the cryptogram version the token was
personalised with. Of the card verification results only the cryptogram's type is public knowledge;
the other bits, and where they say that the device has verified its owner, are a lab approximation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware.card.credentials import Network
from hardware.card.versions import COUNTERS_LENGTH, VERSIONS
from hardware.emv.bitfields import CryptogramType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware.card.credentials import CardKey

_INFORMATION = {CryptogramType.ARQC: b"\x80", CryptogramType.TC: b"\x40", CryptogramType.AAC: b"\0"}
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
_VERIFIED = 0x04
"""Verification was performed: byte 2 of Visa's and Amex' results, byte 1 of Mastercard's."""


def card_results(network: Network, kind: CryptogramType, *, verified: bool) -> bytes:
    """Card verification results.

    Args:
        network: whose layout.
        kind: what the card decided.
        verified: whether the device has verified its owner for this payment.
    """
    mastercard = network is Network.MASTERCARD
    results = bytearray((_MASTERCARD_RESULTS if mastercard else _RESULTS)[kind])
    if verified:
        results[0 if mastercard else 1] |= _VERIFIED
    return bytes(results)


def sign(
    network: Network,
    key: CardKey,
    version: int,
    atc: int,
    values: Mapping[int, bytes],
    kind: CryptogramType,
    *,
    verified: bool = True,
    counters: bytes = bytes(COUNTERS_LENGTH),
) -> dict[int, bytes]:
    """The objects a cryptogram comes with: 9F27, 9F36, 9F10 and 9F26 itself.

    Args:
        network: whose layout of 9F10.
        key: master key and its index, proximity or remote.
        version: cryptogram version number byte; one that the network has.
        atc: the counter, already on disk.
        values: the terminal's minimum data by tag, and the card's profile (82).
        kind: what the card decided.
        verified: whether the device has verified its owner for this payment.
        counters: what Mastercard's odd versions sign besides; zeros of a card that never approves
            by itself.
    """
    made = VERSIONS[network, version]
    results = card_results(network, kind, verified=verified)
    objects = {0x9F27: _INFORMATION[kind], 0x9F36: atc.to_bytes(2, "big")}
    objects[0x9F10] = made.issuer_data(version, key.key_index, results, counters)
    cryptogram = made.algorithm(key.master_key, {**values, **objects}, results, counters)
    return objects | {0x9F26: cryptogram}
