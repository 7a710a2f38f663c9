"""Amounts: what people type is minor units of a currency, or a refusal."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.amounts import currency_of, format_amount, format_decimal, parse_amount
from lab.errors import WrongUse


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [("12.40", "USD", 1240), ("12.4", "EUR", 1240), ("12", "GBP", 1200), ("1240", "JPY", 1240)],
)
def test_decimals_become_minor_units(text: str, code: str, minor: int) -> None:
    assert parse_amount(text, code) == minor


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("12.401", "USD"),
        ("12.5", "JPY"),
        ("-1", "USD"),
        ("0", "USD"),
        ("0.00", "USD"),
        ("1,000", "USD"),
        ("", "USD"),
        ("12.", "USD"),
        ("1e3", "USD"),
        ("١٢", "USD"),
        ("99999999999.99", "USD"),
        ("9" * 5_000, "USD"),
        ("1", "XAU"),
        ("1", "ZZZ"),
    ],
)
def test_what_cannot_be_an_amount_is_refused(text: str, code: str) -> None:
    with pytest.raises(WrongUse):
        parse_amount(text, code)


def test_the_largest_amount_has_twelve_digits() -> None:
    assert parse_amount("9999999999.99", "USD") == 999_999_999_999


def test_yen_have_no_decimals_on_the_display() -> None:
    assert format_amount(1240, "JPY") == "¥1,240"
    assert format_amount(1240, "USD") == "$12.40"
    assert format_amount(123_456_789, "EUR") == "€1,234,567.89"
    assert currency_of("jpy").exponent == 0


@settings(max_examples=60)
@given(st.integers(1, 999_999_999_999), st.sampled_from(["USD", "EUR", "JPY", "KWD"]))
def test_a_formatted_amount_reads_back(minor: int, code: str) -> None:
    assert parse_amount(format_decimal(minor, code), code) == minor
