"""The issuer's answer to a cryptogram (ARPC), by which a card knows its issuer.

A phone has left the field before its issuer answers, so nobody delivers it in a tap; published
vectors check it all the same, with `vectors`. Source: EMV Book 2, 8.2.1 and 8.2.2.
"""

from __future__ import annotations

from backend.networks.chip import keys

RESPONSE_BYTES = 4


def method_1(key: bytes, cryptogram: bytes, response_code: bytes) -> bytes:
    """8 bytes: the cryptogram, combined with DE 39's two bytes, enciphered."""
    return keys.encipher(key, keys.combine(cryptogram, response_code.ljust(keys.BLOCK, b"\0")))


def method_2(
    session_key: bytes, cryptogram: bytes, status_update: bytes, own: bytes = b""
) -> bytes:
    """4 bytes: a MAC over the cryptogram, the card status update and the issuer's own data."""
    covered = cryptogram + status_update + own
    return keys.mac(session_key, covered, bit_padding=True)[:RESPONSE_BYTES]
