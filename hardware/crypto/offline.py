"""Offline data authentication: recover what an RSA signature holds, with pow() alone.

Source: Book 2, 5 and 6, tables 5 to 22. The library has no raw RSA, and cards' keys may be shorter
than it accepts. Everything returned is what stood inside; whether to trust it is the caller's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

_HEADER = 0x6A
_TRAILER = 0xBC
_HASH_LENGTH = 20
_SHA_1 = 0x01
_RSA = 0x01
_MODULUS_LENGTH_MIN = 64


@dataclass(frozen=True, slots=True)
class RecoveredKey:
    """A public key certificate, opened. `owner` is issuer identifier or account number, hex."""

    owner: str
    expiry_mmyy: str
    serial: str
    modulus: bytes
    hash_ok: bool


def recover(modulus: bytes, exponent: bytes, signature: bytes) -> bytes | None:
    """The block under a signature, or None where it is not one of this key (Book 2, A2.1.3)."""
    if len(signature) != len(modulus) or len(modulus) < _MODULUS_LENGTH_MIN:
        return None
    number = pow(
        int.from_bytes(signature, "big"),
        int.from_bytes(exponent, "big"),
        int.from_bytes(modulus, "big"),
    )
    block = number.to_bytes(len(modulus), "big")
    return block if block[0] == _HEADER and block[-1] == _TRAILER else None


def _hash_matches(block: bytes, behind: bytes) -> bool:
    body, digest = block[1 : -1 - _HASH_LENGTH], block[-1 - _HASH_LENGTH : -1]
    return hashlib.sha1(body + behind, usedforsecurity=False).digest() == digest


def issuer_key(
    ca_modulus: bytes, ca_exponent: bytes, certificate: bytes, remainder: bytes, exponent: bytes
) -> RecoveredKey | None:
    """Open tag 90 (Book 2, 5.3); None where it is no certificate, or one of unknown algorithms."""
    block = recover(ca_modulus, ca_exponent, certificate)
    if block is None or block[1] != 0x02 or block[11:13] != bytes((_SHA_1, _RSA)):
        return None
    modulus = _modulus(block, 15, block[13], remainder)
    if len(modulus) != block[13] or len(exponent) != block[14]:
        return None
    return RecoveredKey(
        owner=block[2:6].hex().upper(),
        expiry_mmyy=block[6:8].hex(),
        serial=block[8:11].hex().upper(),
        modulus=modulus,
        hash_ok=_hash_matches(block, remainder + exponent),
    )


def card_key(
    issuer_modulus: bytes,
    issuer_exponent: bytes,
    certificate: bytes,
    remainder: bytes,
    exponent: bytes,
    static_data: bytes = b"",
) -> RecoveredKey | None:
    """Open tag 9F46 (Book 2, 6.4); the hash also covers the records to be authenticated."""
    block = recover(issuer_modulus, issuer_exponent, certificate)
    if block is None or block[1] != 0x04 or block[17:19] != bytes((_SHA_1, _RSA)):
        return None
    modulus = _modulus(block, 21, block[19], remainder)
    if len(modulus) != block[19] or len(exponent) != block[20]:
        return None
    return RecoveredKey(
        owner=block[2:12].hex().upper(),
        expiry_mmyy=block[12:14].hex(),
        serial=block[14:17].hex().upper(),
        modulus=modulus,
        hash_ok=_hash_matches(block, remainder + exponent + static_data),
    )


def _modulus(block: bytes, start: int, length: int, remainder: bytes) -> bytes:
    """The key's digits inside the block, without padding, and those that did not fit."""
    inside = block[start : -1 - _HASH_LENGTH]
    return (inside[: length - len(remainder)] if len(inside) > length else inside) + remainder


def data_authentication_code(
    issuer_modulus: bytes, issuer_exponent: bytes, signature: bytes
) -> bytes | None:
    """The two bytes inside tag 93 (Book 2, 5.4)."""
    block = recover(issuer_modulus, issuer_exponent, signature)
    return block[3:5] if block is not None and block[1] == 0x03 else None


def signs_static_data(
    issuer_modulus: bytes, issuer_exponent: bytes, signature: bytes, static_data: bytes
) -> bool:
    """Whether tag 93 is the issuer's signature over these data (Book 2, 5.4)."""
    block = recover(issuer_modulus, issuer_exponent, signature)
    if block is None or block[1:3] != bytes((0x03, _SHA_1)):
        return False
    return _hash_matches(block, static_data)


@dataclass(frozen=True, slots=True)
class RecoveredDynamicData:
    """Signed dynamic application data, opened."""

    data_format: int
    """05, or 95 where Visa's online payments are signed."""
    dynamic_number: bytes
    behind_number: bytes
    """What stands behind the number: for CDA the type, cryptogram and data hash."""
    hash_ok: bool


def dynamic_data(
    modulus: bytes, exponent: bytes, signature: bytes, terminal_data: bytes
) -> RecoveredDynamicData | None:
    """Open tag 9F4B (Book 2, 6.5.2 and 6.6.2)."""
    block = recover(modulus, exponent, signature)
    if block is None or block[1] not in {0x05, 0x95} or block[2] != _SHA_1:
        return None
    inside = block[4 : 4 + block[3]]
    count = inside[0] if inside else 0
    return RecoveredDynamicData(
        data_format=block[1],
        dynamic_number=inside[1 : 1 + count],
        behind_number=inside[1 + count :],
        hash_ok=_hash_matches(block, terminal_data),
    )


def authority_key_hash(rid: bytes, index: bytes, modulus: bytes, exponent: bytes) -> bytes:
    """The check sum by which a certification authority's key is loaded (Book 2, 11.2.2)."""
    return hashlib.sha1(rid + index + modulus + exponent, usedforsecurity=False).digest()
