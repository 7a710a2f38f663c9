"""EMV's data formats: n, cn, an, ans, b, and what amounts and dates look like (Book 3, 4.3).

Bytes to words and back; knows no tag.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import Enum

AMOUNT_DIGITS = 12
NUMERIC_DIGITS_MAX = 510
"""What fits into one short command; beyond it a number is an attack on whoever prints it."""


class Format(Enum):
    """How a value's bytes are to be read."""

    N = "n"
    """BCD digits, right-justified, leading zeros."""
    CN = "cn"
    """BCD digits, left-justified, trailing F."""
    AN = "an"
    ANS = "ans"
    B = "b"
    VAR = "var"
    """Structured otherwise: a template, a list, a track."""


def encode_numeric(value: int, length: int) -> bytes:
    """An integer as format n in `length` bytes.

    >>> encode_numeric(1240, 6).hex()
    '000000001240'
    """
    assert value >= 0
    digits = str(value).zfill(length * 2)
    assert len(digits) == length * 2, "the number does not fit"
    return bytes.fromhex(digits)


def decode_numeric(value: bytes) -> int | None:
    """Format n as an integer, or None where a nibble is no digit or no format n is so long."""
    text = value.hex()
    return int(text) if text.isdecimal() and len(text) <= NUMERIC_DIGITS_MAX else None


def encode_compressed(digits: str, length: int | None = None) -> bytes:
    """Digits as format cn: left-justified, padded with F to whole bytes or to `length` bytes."""
    assert digits.isdecimal()
    wanted = length * 2 if length is not None else len(digits) + len(digits) % 2
    return bytes.fromhex(digits.ljust(wanted, "F"))


def decode_compressed(value: bytes) -> str | None:
    """Format cn as digits without padding, or None where it is not cn."""
    digits = value.hex().upper().rstrip("F")
    return digits if digits.isdecimal() else None


def decode_text(value: bytes) -> str:
    """Format an or ans in printable characters; others are shown as dots."""
    return "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in value)


def date_yymmdd(lab_time_us: int) -> bytes:
    """Lab time as a transaction date (tag 9A): UTC, YYMMDD in format n."""
    return bytes.fromhex(datetime.fromtimestamp(lab_time_us / 1_000_000, UTC).strftime("%y%m%d"))


def describe_date(value: bytes) -> str | None:
    """YYMMDD as a date in ISO form; two-digit years count from 2000. None if it is no date."""
    text = value.hex()
    if len(text) != len("YYMMDD") or not text.isdecimal():
        return None
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:])).isoformat()
    except ValueError:
        return None


def luhn_valid(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1 Annex B)."""
    if not digits.isdecimal():
        return False
    total = 0
    for place, character in enumerate(reversed(digits)):
        digit = int(character) * (2 if place % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def pad_or_cut(value: bytes, length: int, data_format: Format) -> bytes:
    """A value brought to the length a data object list asks for (Book 3, 5.4).

    Numeric: leading bytes go, leading zeros come. Compressed numeric: trailing bytes go, trailing
    FF come. Everything else: trailing bytes go, trailing zeros come.
    """
    if len(value) == length:
        return value
    if data_format is Format.N:
        # Not value[-length:], which for a length of 0 is all of it.
        return value[max(0, len(value) - length) :].rjust(length, b"\x00")
    if len(value) > length:
        return value[:length]
    return value.ljust(length, b"\xff" if data_format is Format.CN else b"\x00")
