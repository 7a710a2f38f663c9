"""Amounts: whole minor units with ISO 4217's decimals, read and written without a float."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.money import (
    AMOUNT_MINOR_MAX,
    Money,
    check_amount,
    exponent,
    format_amount,
    is_currency,
    numeric_code,
    parse_amount,
)
from backend.runtime.errors import BadRequest

pytestmark = pytest.mark.inv(14)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.40", "USD", 1_240),
        ("12.4", "USD", 1_240),
        ("12", "USD", 1_200),
        (" 0.01 ", "EUR", 1),
        ("1240", "JPY", 1_240),
        ("1.234", "KWD", 1_234),
        ("9999999999.99", "USD", AMOUNT_MINOR_MAX),
    ],
)
def test_a_typed_amount_is_read(text, currency, minor):
    assert parse_amount(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency", "code"),
    [
        ("12.405", "USD", "amount_too_precise"),
        ("12.0", "JPY", "amount_too_precise"),
        ("-1", "USD", "amount_negative"),
        ("0", "USD", "amount_not_positive"),
        ("0.00", "USD", "amount_not_positive"),
        ("10000000000.00", "USD", "amount_too_large"),
        ("", "USD", "amount_not_a_number"),
        ("1e3", "USD", "amount_not_a_number"),
        ("NaN", "USD", "amount_not_a_number"),
        ("1,50", "USD", "amount_not_a_number"),
        (".5", "USD", "amount_not_a_number"),
        ("٣", "USD", "amount_not_a_number"),
        ("9" * 40, "USD", "amount_not_a_number"),
        ("1", "XYZ", "currency_unknown"),
        ("1", "XAU", "currency_unknown"),
        ("1", "usd", "currency_unknown"),
    ],
)
def test_an_amount_that_cannot_be_is_refused_with_its_reason(text, currency, code):
    with pytest.raises(BadRequest) as refused:
        parse_amount(text, currency)
    assert refused.value.code == code


@given(st.integers(1, AMOUNT_MINOR_MAX), st.sampled_from(["USD", "JPY", "KWD", "EUR", "CLF"]))
def test_what_is_written_is_read_back(minor, currency):
    text = format_amount(minor, currency)
    assert text.endswith(f" {currency}")
    assert parse_amount(text.removesuffix(f" {currency}"), currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (5, "USD", "0.05 USD"),
        (-1_240, "USD", "-12.40 USD"),
        (1_240, "JPY", "1240 JPY"),
        (1, "KWD", "0.001 KWD"),
    ],
)
def test_an_amount_is_written_the_same_everywhere(minor, currency, text):
    assert format_amount(minor, currency) == text


def test_iso_4217_says_how_many_decimals_and_which_number():
    assert [exponent(currency) for currency in ("JPY", "USD", "KWD")] == [0, 2, 3]
    assert [numeric_code(currency) for currency in ("ALL", "USD", "EUR")] == ["008", "840", "978"]
    assert is_currency("USD")
    assert not is_currency("XXX")
    with pytest.raises(BadRequest):
        numeric_code("ABC")


@pytest.mark.parametrize("amount", [1.0, "1", None, True, 10**12, 0, -5])
def test_only_a_positive_whole_number_of_twelve_digits_can_be_charged(amount):
    with pytest.raises(BadRequest):
        check_amount(amount)


@pytest.mark.parametrize("wrong", [(-1, "USD"), (1.5, "USD"), (1, "XYZ")])
def test_money_that_cannot_be_is_a_mistake_in_the_program(wrong):
    with pytest.raises(AssertionError):
        Money(*wrong)
