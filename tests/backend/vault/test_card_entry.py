"""A typed card: what is refused, by which word, and that it never prints itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.pan import with_check_digit
from backend.networks import numbers
from backend.runtime.errors import BadRequest
from backend.vault import card_entry
from backend.vault.card_entry import CardEntry
from tests.backend.vault.strategies import entries

GOOD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}
NOW_US = 1_790_000_000_000_000  # September 2026


@pytest.mark.inv(311)
@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"number": ""}, "invalid_number", "number"),
        ({"number": "4242 4242 4242 424x"}, "invalid_number", "number"),
        ({"number": "４242424242424242"}, "invalid_number", "number"),  # noqa: RUF001 - a wide four
        ({"number": "4242424242424241"}, "incorrect_number", "number"),
        ({"number": "42424242424242"}, "incorrect_number", "number"),
        ({"number": "6011111111111117"}, "incorrect_number", "number"),  # none of our networks
        ({"number": "4" * 4_000}, "incorrect_number", "number"),
        ({"exp_month": 0}, "invalid_expiry_month", "exp_month"),
        ({"exp_month": 13}, "invalid_expiry_month", "exp_month"),
        ({"exp_year": 1999}, "invalid_expiry_year", "exp_year"),
        ({"exp_year": 20_300}, "invalid_expiry_year", "exp_year"),
        ({"cvc": ""}, "invalid_cvc", "cvc"),
        ({"cvc": "12"}, "invalid_cvc", "cvc"),
        ({"cvc": "1234"}, "invalid_cvc", "cvc"),
        ({"cvc": "12a"}, "invalid_cvc", "cvc"),
        ({"number": "378282246310005", "cvc": "123"}, "invalid_cvc", "cvc"),
    ],
)
def test_a_card_that_cannot_be_is_refused_by_its_word(wrong: dict, code: str, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        CardEntry(**{**GOOD, **wrong})
    assert (refused.value.code, refused.value.field) == (code, field)
    assert "4242" not in str(refused.value)


@pytest.mark.parametrize(
    ("date", "code"),
    [
        ({"exp_month": 8, "exp_year": 2026}, "expired_card"),
        ({"exp_month": 12, "exp_year": 2025}, "expired_card"),
        ({"exp_month": 1, "exp_year": 2077}, "invalid_expiry_year"),
        ({"exp_month": 9, "exp_year": 2026}, None),
        ({"exp_month": 9, "exp_year": 26}, None),
    ],
)
def test_a_card_lasts_to_the_end_of_its_month(date: dict, code: str | None) -> None:
    entry = CardEntry(**{**GOOD, **date})
    if code is None:
        entry.check_date(NOW_US)
        return
    with pytest.raises(BadRequest) as refused:
        entry.check_date(NOW_US)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("4242424242424242", "US"), ("4000000000000002", "US"), ("4000002500003155", "FR"),
        ("4000000760000002", "BR"), ("4000008260000000", "GB"), ("5555555555554444", "US"),
    ],
)  # fmt: skip
def test_published_test_numbers_name_their_country(number: str, country: str) -> None:
    assert CardEntry(**{**GOOD, "number": number}).country == country


@given(entries())
def test_a_typed_card_does_not_print_itself(entry: CardEntry) -> None:
    shown = f"{entry!r} {entry}"
    assert entry.number not in shown
    assert entry.number[-4:] not in shown
    assert "cvc" not in shown


@given(st.sampled_from(numbers.NETWORKS), st.integers(0, 10**9))
def test_vault_and_networks_agree_about_card_numbers(network: str, drawn: int) -> None:
    """Two tables on purpose: the vault must not import another company's."""
    assert card_entry.LENGTHS == numbers.PAN_LENGTHS
    assert card_entry.CODE_DIGITS == numbers.CODE_DIGITS
    start = {"visa": "4", "mastercard": "53", "amex": "37"}[network]
    body = start + str(drawn).rjust(numbers.PAN_LENGTHS[network][0] - len(start) - 1, "0")
    number = with_check_digit(body[: numbers.PAN_LENGTHS[network][0] - 1])
    entry = CardEntry(number, 12, 2030)
    assert entry.network == numbers.network_of(number)
