"""Block ciphers and MACs: DES, two-key 3DES, AES, ISO 9797-1 algorithm 3, CMAC.

`cryptography` keeps 3DES among its decrepit algorithms and wants 24-byte keys, so every key is
spelled out to 24 bytes here and nowhere else. Knows keys and bytes; knows no card and no tag.
"""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.cmac import CMAC

DES_BLOCK = 8
AES_BLOCK = 16
_ODD = bytes((b & 0xFE) | ((b >> 1).bit_count() + 1) % 2 for b in range(256))


def xor(left: bytes, right: bytes) -> bytes:
    """Two byte strings of one length, bit by bit."""
    if len(left) != len(right):
        raise ValueError(f"{len(left)} bytes and {len(right)} bytes")
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


def _spell_out(key: bytes) -> bytes:
    """A single, double or triple length DES key as the 24 bytes the library takes."""
    if len(key) not in {8, 16, 24}:
        raise ValueError(f"a DES key has 8, 16 or 24 bytes, got {len(key)}")
    if len(key) == DES_BLOCK:
        return key * 3
    return key + key[:8] if len(key) == 16 else key


def des_encrypt(key: bytes, data: bytes) -> bytes:
    """DES or 3DES, ECB, whole blocks (Book 2, A1.1)."""
    encryptor = Cipher(TripleDES(_spell_out(key)), ECB()).encryptor()  # noqa: S305 -- EMV's mode
    return encryptor.update(data) + encryptor.finalize()


def des_decrypt(key: bytes, data: bytes) -> bytes:
    """The inverse of `des_encrypt`."""
    decryptor = Cipher(TripleDES(_spell_out(key)), ECB()).decryptor()  # noqa: S305 -- EMV's mode
    return decryptor.update(data) + decryptor.finalize()


def des_encrypt_chained(key: bytes, iv: bytes, data: bytes) -> bytes:
    """DES or 3DES in CBC mode, whole blocks."""
    encryptor = Cipher(TripleDES(_spell_out(key)), CBC(iv)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def aes_encrypt(key: bytes, data: bytes) -> bytes:
    """AES, ECB, whole blocks (Book 2, A1.2)."""
    encryptor = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 -- EMV's mode
    return encryptor.update(data) + encryptor.finalize()


def odd_parity(key: bytes) -> bytes:
    """Every byte with its last bit set so that the number of ones is odd."""
    return key.translate(_ODD)


def pad_zeros(data: bytes) -> bytes:
    """Padding method 1: zeros to a whole block; nothing where it fits (ISO 9797-1 6.3.2).

    Empty data becomes one block, since a MAC needs one.
    """
    short = -len(data) % DES_BLOCK
    return data + bytes(short) if data else bytes(DES_BLOCK)


def pad_marked(data: bytes) -> bytes:
    """Padding method 2: 80, then zeros to a whole block, always (ISO 9797-1 6.3.3)."""
    return pad_zeros(data + b"\x80")


def retail_mac(key: bytes, data: bytes, padding: int) -> bytes:
    """ISO 9797-1 algorithm 3 with DES: 8 bytes. `padding` is method 1 or 2.

    Chained with the left half alone; the last block is decrypted with the right half and
    encrypted with the left again, which makes it a block of 3DES.
    """
    if len(key) != 16 or padding not in {1, 2}:
        raise ValueError("algorithm 3 takes a 16-byte key and padding method 1 or 2")
    padded = pad_zeros(data) if padding == 1 else pad_marked(data)
    before, last = padded[:-DES_BLOCK], padded[-DES_BLOCK:]
    if before:
        chained = des_encrypt_chained(key[:DES_BLOCK], bytes(DES_BLOCK), before)[-DES_BLOCK:]
        last = xor(chained, last)
    return des_encrypt(key, last)


def aes_cmac(key: bytes, data: bytes) -> bytes:
    """AES-CMAC, 16 bytes (RFC 4493)."""
    mac = CMAC(AES(key))
    mac.update(data)
    return mac.finalize()
