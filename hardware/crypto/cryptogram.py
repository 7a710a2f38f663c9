"""Application cryptograms and the issuer's answer to them.

Source: Book 2, 8.1 (cryptogram), 8.2 (ARPC methods 1 and 2); what each cryptogram version of a
network puts into the MAC is not in the books and follows published vectors. The same number means
different things to different networks, so the functions carry the network's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware.crypto.blocks import aes_cmac, des_encrypt, retail_mac, xor
from hardware.crypto.keys import session_key_common, session_key_mastercard

if TYPE_CHECKING:
    from collections.abc import Mapping

CRYPTOGRAM_TAGS = (0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37, 0x82, 0x9F36)
"""The minimum data under every cryptogram, in this order (Book 2, 8.1.1, table 26)."""
CVN_10 = 0x0A
CVN_17 = 0x11
CVN_18 = 0x12
MASTERCARD_CVN_10 = 0x10
MASTERCARD_CVN_14 = 0x14


def minimum_data(values: Mapping[int, bytes]) -> bytes:
    """The minimum data concatenated; a missing value is a programmer's error."""
    return b"".join(values[tag] for tag in CRYPTOGRAM_TAGS)


def _atc(values: Mapping[int, bytes]) -> int:
    return int.from_bytes(values[0x9F36], "big")


def visa_cvn10(master_key: bytes, values: Mapping[int, bytes], card_results: bytes) -> bytes:
    """Visa CVN 10: the card's master key itself, CVR at the end, padding method 1."""
    return retail_mac(master_key, minimum_data(values) + card_results, 1)


def visa_cvn17(master_key: bytes, values: Mapping[int, bytes]) -> bytes:
    """Visa CVN 17, the short data of early qVSDC (derived layout, not confirmed in public)."""
    data = values[0x9F02] + values[0x9F37] + values[0x9F36] + values[0x9F10][4:5]
    return retail_mac(master_key, data, 1)


def visa_cvn18(master_key: bytes, values: Mapping[int, bytes]) -> bytes:
    """Visa CVN 18 and CVN '22': common session key, the whole 9F10 at the end, padding method 2."""
    key = session_key_common(master_key, _atc(values))
    return retail_mac(key, minimum_data(values) + values[0x9F10], 2)


def mastercard_skd(
    master_key: bytes, values: Mapping[int, bytes], card_results: bytes, counters: bytes = b""
) -> bytes:
    """Mastercard versions '10' and '11': own session key; counters only in odd versions."""
    key = session_key_mastercard(master_key, _atc(values), values[0x9F37])
    return retail_mac(key, minimum_data(values) + card_results + counters, 2)


def mastercard_csk(
    master_key: bytes, values: Mapping[int, bytes], card_results: bytes, counters: bytes = b""
) -> bytes:
    """Mastercard versions '14' and '15': common session key; counters only in odd versions."""
    key = session_key_common(master_key, _atc(values))
    return retail_mac(key, minimum_data(values) + card_results + counters, 2)


def aes_cryptogram(session_key: bytes, data: bytes) -> bytes:
    """AES: the leftmost 8 bytes of a CMAC (Book 2, 8.1.2)."""
    return aes_cmac(session_key, data)[:8]


def arpc_method_1(key: bytes, arqc: bytes, response_code: bytes) -> bytes:
    """The issuer's answer as 3DES over cryptogram xor response code: 8 bytes."""
    return des_encrypt(key, xor(arqc, response_code.ljust(8, b"\x00")))


def arpc_method_2(session_key: bytes, arqc: bytes, status_update: bytes, own: bytes = b"") -> bytes:
    """The issuer's answer as a MAC over cryptogram, status update and own data: 4 bytes."""
    return retail_mac(session_key, arqc + status_update + own, 2)[:4]
