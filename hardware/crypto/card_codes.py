"""Card verification codes: the digits on a stripe, a chip's track image, and dynamic ones.

CVV, iCVV (service code 999) and CVV2 (000, expiry as MMYY) are one algorithm; dCVV derives its key
from the card's number, CVC3 covers counter and unpredictable number. Follows published vectors.
"""

from __future__ import annotations

from hardware.crypto.blocks import des_decrypt as _des_decrypt
from hardware.crypto.blocks import des_encrypt, retail_mac, xor

_INPUT_DIGITS = 32


def decimalised(block: bytes) -> str:
    """Decimal digits of a block's hex first, then its letters as a-f minus ten."""
    text = block.hex()
    letters = "".join(str(int(c, 16) - 10) for c in text if not c.isdecimal())
    return "".join(c for c in text if c.isdecimal()) + letters


def cvv(key_a: bytes, key_b: bytes, pan: str, expiry: str, service_code: str) -> str:
    """Three digits for a card number, an expiry (as the code's kind writes it), a service code."""
    digits = (pan + expiry + service_code).ljust(_INPUT_DIGITS, "0")
    first, second = bytes.fromhex(digits[:16]), bytes.fromhex(digits[16:])
    block = des_encrypt(key_a, xor(des_encrypt(key_a, first), second))
    block = des_encrypt(key_a, _des_decrypt(key_b, block))
    return decimalised(block)[:3]


def dynamic_cvv(card_key: bytes, pan: str, expiry: str, service_code: str, atc: str) -> str:
    """Visa dCVV: the counter takes the number's first four digits' place."""
    return cvv(card_key[:8], card_key[8:], atc + pan[4:], expiry, service_code)


def cvc3_initial(card_key: bytes, track: bytes) -> bytes:
    """IVCVC3: the last two bytes of a MAC over the static track."""
    return retail_mac(card_key, track, 2)[-2:]


def cvc3(card_key: bytes, initial: bytes, atc: bytes, unpredictable_number: bytes) -> str:
    """CVC3 as five digits; a track takes as many of the last ones as it has places for."""
    block = des_encrypt(card_key, initial + unpredictable_number + atc)
    return f"{int.from_bytes(block[-2:], 'big'):05d}"
