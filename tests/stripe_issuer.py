"""An issuer of mag-stripe personalities for tests: written apart from card, till and network.

Its codes come from pyemv, an independent implementation; layouts are free, so that a test can put
the digits where no issuer of the laboratory would.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from pyemv.ac import PaddingType, generate_ac
from pyemv.cvv import generate_cvc3
from pyemv.mac import mac_iso9797_3

from hardware.api import build_tlv

KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")


@dataclass(frozen=True, slots=True)
class Layout:
    """Bitmaps and count of one track; the defaults are the laboratory's own."""

    code: int = 0x001E
    number: int = 0x1FE0
    counted: int = 4
    digits: int = 13


LAYOUT = Layout()


def track_2(number: str, layout: Layout = LAYOUT, *, expiry: str = "2912") -> bytes:
    """Track 2 with empty discretionary data."""
    digits = f"{number}D{expiry}201{'0' * layout.digits}"
    return bytes.fromhex(digits + "F" * (len(digits) % 2))


def track_1(number: str, layout: Layout = LAYOUT, *, expiry: str = "2912") -> bytes:
    """Track 1 with empty discretionary data."""
    return f"B{number}^ /^{expiry}201{'0' * layout.digits}".encode()


def record(number: str, layout: Layout = LAYOUT, *, with_track_1: bool = True) -> bytes:
    """The record of mag-stripe mode."""
    objects = {
        0x9F65: layout.code.to_bytes(2, "big"),
        0x9F66: layout.number.to_bytes(2, "big"),
        0x9F67: bytes([layout.counted]),
        0x9F6B: track_2(number, layout),
    }
    if with_track_1:
        objects |= {
            0x56: track_1(number, layout),
            0x9F62: layout.code.to_bytes(6, "big"),
            0x9F63: layout.number.to_bytes(6, "big"),
            0x9F64: bytes([layout.counted]),
        }
    return build_tlv(0x70, [build_tlv(tag, value) for tag, value in objects.items()])


def code(track: bytes, atc: int, number: int, key: bytes = KEY) -> int:
    """CVC3 as pyemv computes it, all five digits as a number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return int(
            generate_cvc3(key, track, atc.to_bytes(2, "big"), bytes.fromhex(f"{number:08d}"))
        )


def start_value(track: bytes, key: bytes = KEY) -> bytes:
    """IVCVC3 as pyemv's MAC makes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mac_iso9797_3(key[:8], key[8:], track, 2)[-2:]


def personality(number: str, layout: Layout = LAYOUT) -> dict[str, str]:
    """The part of a device's credentials that makes mag-stripe mode."""
    return {
        "mk": KEY.hex(),
        "ivcvc3Track1": start_value(track_1(number, layout)).hex(),
        "ivcvc3Track2": start_value(track_2(number, layout)).hex(),
        "record": record(number, layout).hex(),
    }


def amex_code(key: bytes, atc: int, number: int) -> int:
    """Amex's five digits, out of a cryptogram by pyemv over counter, number and the card's own."""
    covered = bytes(25) + bytes.fromhex(f"{number:08d}") + bytes.fromhex("1040")
    covered += atc.to_bytes(2, "big") + bytes.fromhex("03A40000")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = generate_ac(key, covered, PaddingType.VISA)
    return int.from_bytes(made[-3:], "big") % 100_000
