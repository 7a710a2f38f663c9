"""Currencies by letters and number (ISO 4217), as DE 49 and tag 5F2A need them.

Knows no rates and no names.
"""

from __future__ import annotations

import iso4217

NUMBER_BY_CODE: dict[str, str] = {}
EXPONENT_BY_CODE: dict[str, int] = {}
for _currency in iso4217.Currency:
    if _currency.number is not None:
        NUMBER_BY_CODE[_currency.code] = f"{_currency.number:03d}"
        EXPONENT_BY_CODE[_currency.code] = _currency.exponent or 0
CODE_BY_NUMBER = {number: code for code, number in NUMBER_BY_CODE.items()}


def number_of(code: str) -> str | None:
    """Three digits for three letters, or None."""
    return NUMBER_BY_CODE.get(code)


def code_of(number: str) -> str | None:
    """Three letters for three digits, or None."""
    return CODE_BY_NUMBER.get(number)


def minor_units(major: int, code: str) -> int:
    """`major` whole units of the currency in its minor units."""
    return major * int(10 ** EXPONENT_BY_CODE[code])
