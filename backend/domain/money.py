"""Money is a whole number of minor units and a currency; a float never comes near it.

How many decimals a currency has is ISO 4217's business (JPY 0, USD 2, KWD 3). Knows nothing of
exchange rates, of accounts, or of how a locale likes to print an amount.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import iso4217

from backend.runtime.errors import BadRequest

AMOUNT_MINOR_MAX = 999_999_999_999  # twelve digits: EMV tag 9F02, ISO 8583 DE 4
_DECIMAL = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,15}))?", re.ASCII)

_EXPONENTS: dict[str, int] = {}
_NUMBERS: dict[str, str] = {}
for _currency in iso4217.Currency:
    if _currency.exponent is not None:  # gold, testing and "no currency" have no minor unit
        _EXPONENTS[_currency.code] = _currency.exponent
        _NUMBERS[_currency.code] = f"{_currency.number:03d}"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount that is never negative; direction is said by whoever posts it.

    Attributes:
        amount_minor: whole minor units.
        currency: ISO 4217 letters.
    """

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        assert isinstance(self.amount_minor, int), "minor units are whole"
        assert self.amount_minor >= 0, "direction is not a sign"
        assert self.currency in _EXPONENTS, f"{self.currency} is no currency"

    def __str__(self) -> str:
        return format_amount(self.amount_minor, self.currency)


def is_currency(letters: str) -> bool:
    """Whether ISO 4217 lists these letters as a currency with minor units."""
    return letters in _EXPONENTS


def currencies() -> list[str]:
    """The letters of every currency with minor units, in order."""
    return sorted(_EXPONENTS)


def exponent(currency: str) -> int:
    """How many decimals a currency has (ISO 4217).

    Raises:
        BadRequest: `currency_unknown`.
    """
    try:
        return _EXPONENTS[currency]
    except KeyError:
        raise _unknown_currency(currency) from None


def numeric_code(currency: str) -> str:
    """ISO 4217's three digits, as in EMV tag 5F2A and ISO 8583 DE 49.

    Raises:
        BadRequest: `currency_unknown`.
    """
    try:
        return _NUMBERS[currency]
    except KeyError:
        raise _unknown_currency(currency) from None


def check_amount(amount_minor: object, *, field: str = "amount") -> int:
    """An amount to be charged: a whole number of minor units, above zero, at most twelve digits.

    Raises:
        BadRequest: `amount_not_whole`, `amount_not_positive` or `amount_too_large`.
    """
    if not isinstance(amount_minor, int) or isinstance(amount_minor, bool):
        raise BadRequest(
            "amount_not_whole", "an amount is a whole number of minor units", field=field
        )
    if amount_minor <= 0:
        raise BadRequest("amount_not_positive", "an amount is above zero", field=field)
    if amount_minor > AMOUNT_MINOR_MAX:
        raise BadRequest("amount_too_large", "an amount has at most 12 digits", field=field)
    return amount_minor


def parse_amount(text: str, currency: str) -> Money:
    """Read a decimal amount such as "12.40" as a person types it.

    Raises:
        BadRequest: `amount_not_a_number`, `amount_negative`, `amount_too_precise` (more decimals
            than the currency has), `amount_not_positive`, `amount_too_large`,
            `currency_unknown`.
    """
    places = exponent(currency)
    stripped = text.strip()
    if stripped.startswith("-"):
        raise BadRequest("amount_negative", f"{stripped} is negative", field="amount")
    matched = _DECIMAL.fullmatch(stripped)
    if matched is None:
        raise BadRequest(
            "amount_not_a_number", f"{stripped[:40]!r} is no decimal amount", field="amount"
        )
    whole, fraction = matched.group(1), matched.group(2) or ""
    if len(fraction) > places:
        raise BadRequest(
            "amount_too_precise", f"{currency} has {places} decimals, not more", field="amount"
        )
    minor = int(whole + fraction.ljust(places, "0"))
    return Money(check_amount(minor), currency)


def format_amount(amount_minor: int, currency: str) -> str:
    """`12.40 USD`, `1240 JPY`: the same everywhere, whatever the locale.

    Raises:
        BadRequest: `currency_unknown`.
    """
    places = exponent(currency)
    sign, digits = ("-" if amount_minor < 0 else ""), str(abs(amount_minor))
    if not places:
        return f"{sign}{digits} {currency}"
    digits = digits.rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]} {currency}"


def _unknown_currency(currency: str) -> BadRequest:
    return BadRequest(
        "currency_unknown", f"{currency[:12]!r} is no ISO 4217 currency", field="currency"
    )
