"""Key derivation: from an issuer's master key to a card's, from a card's to a transaction's.

Source: Book 2, A1.3 (session keys) and A1.4 (master keys, options A, B and C). The card side's
own implementation; the issuer's exists apart from it on purpose.
"""

from __future__ import annotations

import hashlib

from hardware.crypto.blocks import aes_encrypt, des_encrypt, odd_parity, xor

_ACCOUNT_DIGITS = 16
_AES_DIGITS = 32
_INVERT_BLOCK = b"\xff" * 8


def icc_master_key_a(issuer_key: bytes, pan: str, psn: str) -> bytes:
    """Option A: the card's 16-byte master key from the rightmost 16 digits of PAN and PSN."""
    digits = (pan + psn)[-_ACCOUNT_DIGITS:].zfill(_ACCOUNT_DIGITS)
    return _double(issuer_key, bytes.fromhex(digits))


def option_b_digits(pan: str, psn: str) -> str:
    """The 16 digits that option B takes out of a SHA-1 of PAN and PSN.

    Decimal digits first in their order; if there are fewer than 16, the letters a-f follow as 0-5.
    """
    account = pan + psn
    packed = bytes.fromhex(account.zfill(len(account) + len(account) % 2))
    digest = hashlib.sha1(packed, usedforsecurity=False).hexdigest()
    letters = "".join(str(int(c, 16) - 10) for c in digest if c in "abcdef")
    return ("".join(c for c in digest if c.isdecimal()) + letters)[:_ACCOUNT_DIGITS]


def icc_master_key_b(issuer_key: bytes, pan: str, psn: str, *, hash_always: bool = False) -> bytes:
    """Option B: as A up to 16 digits of PAN, by hash beyond. `hash_always` for sources that do."""
    if len(pan) <= _ACCOUNT_DIGITS and not hash_always:
        return icc_master_key_a(issuer_key, pan, psn)
    return _double(issuer_key, bytes.fromhex(option_b_digits(pan, psn)))


def icc_master_key_c(issuer_key: bytes, pan: str, psn: str) -> bytes:
    """Option C, for AES: a key as long as the issuer's, 16, 24 or 32 bytes."""
    block = bytes.fromhex((pan + psn).zfill(_AES_DIGITS))
    derived = aes_encrypt(issuer_key, block)
    if len(issuer_key) > len(block):
        derived += aes_encrypt(issuer_key, xor(block, _INVERT_BLOCK * 2))
    return derived[: len(issuer_key)]


def _double(key: bytes, block: bytes) -> bytes:
    return odd_parity(des_encrypt(key, block + xor(block, _INVERT_BLOCK)))


def session_key(master_key: bytes, diversifier: bytes) -> bytes:
    """The common session key derivation for 3DES: F0 and 0F in the diversifier's third byte."""
    if len(diversifier) != 8:
        raise ValueError(f"a diversifier has 8 bytes, got {len(diversifier)}")
    left = diversifier[:2] + b"\xf0" + diversifier[3:]
    right = diversifier[:2] + b"\x0f" + diversifier[3:]
    return odd_parity(des_encrypt(master_key, left + right))


def session_key_common(master_key: bytes, atc: int) -> bytes:
    """EMV common session key of a transaction counter (Book 2, A1.3.1)."""
    return session_key(master_key, atc.to_bytes(2, "big") + bytes(6))


def session_key_mastercard(master_key: bytes, atc: int, unpredictable_number: bytes) -> bytes:
    """Mastercard's session key of counter and unpredictable number."""
    return session_key(master_key, atc.to_bytes(2, "big") + bytes(2) + unpredictable_number)


def session_key_common_aes(master_key: bytes, atc: int) -> bytes:
    """EMV common session key for AES-128: one block, no F0/0F."""
    if len(master_key) != 16:
        raise ValueError(f"an AES-128 key has 16 bytes, got {len(master_key)}")
    return aes_encrypt(master_key, atc.to_bytes(2, "big") + bytes(14))
