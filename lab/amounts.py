"""Amounts as people type and read them, and back: integer minor units with ISO 4217 exponents.

The engine has its own rules for money; this is only what a till's keypad, a receipt and the
command line need. Refuses more decimals than the currency has instead of rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from iso4217 import Currency as IsoCurrency

from lab.errors import WrongUse

AMOUNT_DIGITS_MAX = 12  # EMV tag 9F02 is n 12
TEXT_MAX = 64  # characters that an amount is looked at for
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency: ISO 4217 letters, number and how many decimals it has."""

    code: str
    numeric: int
    exponent: int


@cache
def currency_of(code: str) -> Currency:
    """Look up a currency by its letters.

    Raises:
        WrongUse: no such currency, or one without minor units (gold, testing).
    """
    try:
        found = IsoCurrency(code.upper())
    except ValueError as unknown:
        raise WrongUse(f"{code!r} is no ISO 4217 currency code, such as USD or JPY") from unknown
    if found.exponent is None:
        raise WrongUse(f"{code} has no minor units, so nothing can be priced in it")
    return Currency(found.code, int(found.number), int(found.exponent))


def parse_amount(text: str, code: str) -> int:
    """Minor units from a decimal text: ("12.40", "USD") → 1240, ("1240", "JPY") → 1240.

    Raises:
        WrongUse: not a positive decimal number, too many decimals, or more than 12 digits.
    """
    currency = currency_of(code)
    if len(text) > TEXT_MAX:
        raise WrongUse(f"an amount of {len(text)} characters is more than any price")
    whole, point, fraction = text.strip().partition(".")
    if not (whole.isascii() and whole.isdigit()) or (point and not _digits(fraction)):
        raise WrongUse(f"{text!r} is no amount, such as 12.40")
    if len(fraction) > currency.exponent:
        raise WrongUse(f"{currency.code} has {currency.exponent} decimals, {text!r} has more")
    minor = int(whole + fraction.ljust(currency.exponent, "0"))
    if minor == 0:
        raise WrongUse("an amount must be more than nothing")
    if len(str(minor)) > AMOUNT_DIGITS_MAX:
        raise WrongUse(f"{text!r} is more than {AMOUNT_DIGITS_MAX} digits of minor units")
    return minor


def format_amount(amount_minor: int, code: str) -> str:
    """For people: "$12.40", "¥1,240", "CHF 12.40"."""
    currency = currency_of(code)
    sign = _SIGNS.get(currency.code, f"{currency.code} ")
    return sign + format_decimal(amount_minor, code, grouped=True)


def format_decimal(amount_minor: int, code: str, *, grouped: bool = False) -> str:
    """The bare number: "12.40"."""
    exponent = currency_of(code).exponent
    whole, fraction = divmod(amount_minor, 10**exponent)
    head = f"{whole:,}" if grouped else str(whole)
    return f"{head}.{fraction:0{exponent}d}" if exponent else head


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
