"""Card numbers: check digit, network, and a mask that nothing slips through."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.pan import (
    MaskingFilter,
    is_pan,
    luhn_ok,
    mask,
    mask_text,
    network_of,
    with_check_digit,
)

PUBLISHED = ["4242424242424242", "5555555555554444", "378282246310005", "2223003122003222"]


@pytest.mark.parametrize("number", PUBLISHED)
def test_published_test_numbers_pass_and_a_changed_digit_does_not(number):
    assert is_pan(number)
    for place, digit in enumerate(number):
        other = number[:place] + str((int(digit) + 1) % 10) + number[place + 1 :]
        assert not luhn_ok(other)


@pytest.mark.parametrize("text", ["", "42424242424242AB", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"])
def test_what_is_not_digits_is_no_card_number(text):
    assert not is_pan(text)


@given(st.from_regex(r"[0-9]{12,18}", fullmatch=True))
def test_a_check_digit_makes_a_card_number(body):
    assert is_pan(with_check_digit(body))


@pytest.mark.parametrize(
    ("number", "network"),
    [
        *zip(PUBLISHED, ["visa", "mastercard", "amex", "mastercard"], strict=True),
        ("5105105105105100", "mastercard"),
        ("2720999999999996", "mastercard"),
        ("2721000000000004", None),
        ("2220999999999999", None),
        ("340000000000009", "amex"),
        ("350000000000000", None),
        ("6011000990139424", None),
        ("5600000000000000", None),
    ],
)
def test_leading_digits_name_the_network(number, network):
    assert network_of(number) == network


def test_a_mask_keeps_four_digits():
    assert mask("4242424242424242") == "•••• 4242"


@pytest.mark.parametrize("number", PUBLISHED)
@pytest.mark.parametrize(
    "frame",
    [
        "card {}", "{}", "pan={};", "({})", '{{"pan":"{}"}}', "track {}=29012010000000000",
        "57{{LEN}}{}D2901201",
    ],
)  # fmt: skip
def test_a_card_number_in_a_line_is_masked(number, frame):
    masked = mask_text(frame.format(number).replace("{LEN}", f"{(len(number) + 9) // 2:02X}"))
    assert number not in masked
    assert "•" in masked


@pytest.mark.parametrize("separated", ["4242 4242 4242 4242", "4242-4242-4242-4242"])
def test_separators_hide_nothing(separated):
    assert mask_text(f"card {separated}") == "card " + "•" * 12 + "4242"


@pytest.mark.parametrize(
    "line",
    [
        "5A084242424242424242",
        "9F36020001" + "5a084242424242424242" + "5f340100",
        "5a08378282246310005f",
    ],
)
def test_tag_5a_is_masked_wherever_it_stands(line):
    masked = mask_text(line)
    assert "424242424242" not in masked
    assert "3782822463" not in masked


@pytest.mark.parametrize(
    "line",
    ["amount 1240", "rrn 632500000001", "at_us 1790000000000001", "4242424242424241", "57 things"],
)
def test_other_numbers_stay_readable(line):
    assert mask_text(line) == line


def test_the_filter_masks_arguments_before_any_handler_sees_them():
    record = logging.LogRecord("x", logging.INFO, "", 1, "%s paid", ("4242424242424242",), None)
    assert MaskingFilter().filter(record)
    assert record.getMessage() == "•" * 12 + "4242 paid"
    plain = logging.LogRecord("x", logging.INFO, "", 1, "%s paid", ("somebody",), None)
    assert MaskingFilter().filter(plain)
    assert plain.args == ("somebody",)


def test_the_filter_masks_tracebacks_too():
    with pytest.raises(ValueError, match="no such card") as caught:
        int_of_card("4242424242424242")
    info = (caught.type, caught.value, caught.tb)
    record = logging.LogRecord("x", logging.ERROR, "", 1, "failed", None, info)
    MaskingFilter().filter(record)
    line = logging.Formatter().format(record)
    assert "ValueError" in line
    assert "4242424242424242" not in line


def int_of_card(number):
    raise ValueError(f"no such card: {number}")
