"""Keys of one card, as its issuer derives them, and the MAC made with them.

Knows nothing of messages or tags. Sources: EMV Book 2 Annex A1.4.1 (option A), A1.4.2 (option B),
A1.4.3 (option C, AES), A1.3.1 (common session key), A1.2.1 (MAC, ISO/IEC 9797-1 algorithm 3);
Mastercard's SKD differs from the common session key only in its diversification value.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

BLOCK = 8
KEY_BYTES = 16
OPTION_A_DIGITS = 16
FULL_BYTE = 0xFF
CARDS_REMEMBERED_MAX = 4_096


@lru_cache(CARDS_REMEMBERED_MAX)
def master_key(issuer_key: bytes, pan: str, psn: str) -> bytes:
    """The card's master key: option A up to 16 digits, option B beyond.

    Args:
        issuer_key: the issuer's master key, 16 bytes.
        pan: card or device account number, digits.
        psn: PAN sequence number, 2 digits.
    """
    if len(pan) > OPTION_A_DIGITS:
        return master_key_option_b(issuer_key, pan, psn)
    return master_key_option_a(issuer_key, pan, psn)


def master_key_option_a(issuer_key: bytes, pan: str, psn: str) -> bytes:
    """EMV Book 2 A1.4.1: the rightmost 16 digits of PAN and PSN diversify the key."""
    return _diversify(issuer_key, bytes.fromhex((pan + psn)[-OPTION_A_DIGITS:].zfill(16)))


def master_key_option_b(issuer_key: bytes, pan: str, psn: str) -> bytes:
    """EMV Book 2 A1.4.2: 16 digits picked from the SHA-1 of PAN and PSN diversify the key."""
    digits = pan + psn
    packed = bytes.fromhex(digits if len(digits) % 2 == 0 else f"0{digits}")
    digest = hashlib.sha1(packed).hexdigest()  # noqa: S324 - EMV prescribes SHA-1 here
    decimal = [char for char in digest if char.isdigit()]
    letters = [str(int(char, 16) - 10) for char in digest if not char.isdigit()]
    return _diversify(issuer_key, bytes.fromhex("".join(decimal + letters)[:16]))


def master_key_option_c(issuer_key: bytes, pan: str, psn: str) -> bytes:
    """EMV Book 2 A1.4.3: PAN and PSN in one AES block, and inverted for what is longer than it."""
    value = bytes.fromhex((pan + psn).rjust(2 * KEY_BYTES, "0"))
    inverted = bytes(byte ^ FULL_BYTE for byte in value)
    # ECB is what EMV prescribes for single-block diversification
    cipher = Cipher(AES(issuer_key), modes.ECB()).encryptor()  # noqa: S305
    return cipher.update(value + inverted)[: len(issuer_key)]


def common_session_key(card_key: bytes, atc: bytes) -> bytes:
    """EMV Book 2 A1.3.1: diversified by the two bytes of the ATC and six zero bytes."""
    return session_key(card_key, atc + bytes(6))


def mastercard_session_key(card_key: bytes, atc: bytes, unpredictable: bytes) -> bytes:
    """Mastercard SKD: diversified by ATC, two zero bytes and the unpredictable number."""
    return session_key(card_key, atc + bytes(2) + unpredictable)


def mac(key: bytes, data: bytes, *, bit_padding: bool) -> bytes:
    """ISO/IEC 9797-1 algorithm 3, 8 bytes.

    Args:
        key: 16 bytes.
        data: what is protected.
        bit_padding: padding method 2 (a one bit, then zeros); else method 1 (zeros).
    """
    if bit_padding:
        data += b"\x80"
    data += bytes(-len(data) % BLOCK)
    chained = bytes(BLOCK)
    if len(data) > BLOCK:
        single = Cipher(TripleDES(key[:8] * 3), modes.CBC(bytes(BLOCK))).encryptor()
        chained = single.update(data[:-BLOCK])[-BLOCK:]
    return encipher(key, combine(chained, data[-BLOCK:]))


def session_key(card_key: bytes, diversifier: bytes) -> bytes:
    """EMV Book 2 A1.3: both halves from one 8-byte diversification value."""
    left = diversifier[:2] + b"\xf0" + diversifier[3:]
    right = diversifier[:2] + b"\x0f" + diversifier[3:]
    return _card_cipher(card_key).update(left + right)


def _diversify(issuer_key: bytes, value: bytes) -> bytes:
    inverted = bytes(byte ^ FULL_BYTE for byte in value)
    return _odd_parity(encipher(issuer_key, value + inverted))


def encipher(key: bytes, blocks: bytes) -> bytes:
    """Whole blocks under a 16-byte key, each by itself (Book 2 A2.1)."""
    return _cipher(key).update(blocks)


def _cipher(key: bytes) -> CipherContext:
    whole = key + key[:8]  # 24 bytes: the library warns about shorter keys
    # ECB is what EMV prescribes for single-block diversification
    return Cipher(TripleDES(whole), modes.ECB()).encryptor()  # noqa: S305


@lru_cache(CARDS_REMEMBERED_MAX)
def _card_cipher(card_key: bytes) -> CipherContext:
    """Kept for the card's next transaction: whole blocks leave nothing behind in ECB."""
    return _cipher(card_key)


def _odd_parity(key: bytes) -> bytes:
    return bytes(byte ^ (1 if byte.bit_count() % 2 == 0 else 0) for byte in key)


def combine(left: bytes, right: bytes) -> bytes:
    """Exclusive or of two values of the same length."""
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
