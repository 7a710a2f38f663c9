"""The add-card form: recognises, refuses, seals, forgets."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import ECKey

from lab.wallet.add_card import CardDraft, edit, form_of, problems, seal
from lab.wallet.card_number import grouped, network_of, passes_luhn

GOOD = CardDraft("4242424242424242", "1230", "123", terms=True)


@pytest.mark.inv(27)
@pytest.mark.parametrize(
    ("digits", "network"),
    [
        ("4", "visa"),
        ("51", "mastercard"),
        ("2221", "mastercard"),
        ("2720", "mastercard"),
        ("2721", ""),
        ("222", ""),
        ("34", "amex"),
        ("37", "amex"),
        ("6011", ""),
        ("", ""),
    ],
)
def test_the_prefix_names_the_network(digits: str, network: str) -> None:
    assert network_of(digits) == network


@pytest.mark.inv(28)
@settings(max_examples=60)
@given(st.text("0123456789", min_size=12, max_size=18), st.integers(0, 9))
def test_one_check_digit_in_ten_fits(head: str, digit: int) -> None:
    fitting = [last for last in "0123456789" if passes_luhn(head + last)]
    assert len(fitting) == 1
    assert passes_luhn(head + str(digit)) == (str(digit) == fitting[0])


@pytest.mark.parametrize(
    ("draft", "field", "key"),
    [
        (CardDraft("", "1230", "123", terms=True), "number", "wallet.add.number_missing"),
        (CardDraft("42424242", "1230", "123", terms=True), "number", "wallet.add.number_short"),
        (
            CardDraft("4242424242424241", "1230", "123", terms=True),
            "number",
            "wallet.add.number_mistyped",
        ),
        (
            CardDraft("6011111111111117", "1230", "123", terms=True),
            "number",
            "wallet.add.network_unknown",
        ),
        (CardDraft(GOOD.number, "", "123", terms=True), "expiry", "wallet.add.expiry_missing"),
        (CardDraft(GOOD.number, "1330", "123", terms=True), "expiry", "wallet.add.expiry_month"),
        (CardDraft(GOOD.number, "0826", "123", terms=True), "expiry", "wallet.add.expiry_past"),
        (CardDraft(GOOD.number, "1230", "12", terms=True), "cvv", "wallet.add.cvv_length"),
        (
            CardDraft("378282246310005", "1230", "123", terms=True),
            "cvv",
            "wallet.add.cvv_length",
        ),
        (CardDraft(GOOD.number, "1230", "123"), "terms", "wallet.add.terms"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(draft: CardDraft, field: str, key: str) -> None:
    found = problems(draft, "2609", final=True)
    assert {name: message.key for name, message in found.items()} == {field: key}


def test_a_card_is_good_in_the_month_it_expires() -> None:
    assert problems(CardDraft(GOOD.number, "0926", "123", terms=True), "2609", final=True) == {}


def test_nothing_is_wrong_with_a_number_that_is_still_being_typed() -> None:
    draft = CardDraft()
    for typed in ("4", "42", "4242", "4242 4242"):
        draft = edit(draft, "number", typed)
        assert problems(draft, "2609", final=False) == {}
    assert form_of(draft, {}, complete=False).number_text == "4242 4242"


def test_an_amex_number_is_grouped_as_on_the_card() -> None:
    assert grouped("378282246310005") == "3782 822463 10005"


def test_an_unknown_field_is_a_slip_of_the_program() -> None:
    with pytest.raises(KeyError):
        edit(CardDraft(), "pin", "1234")


def test_the_form_does_not_show_its_secrets_by_accident() -> None:
    shown = repr(form_of(GOOD, {}, complete=True)) + repr(GOOD)
    assert "4242" not in shown
    assert "123'" not in shown


@pytest.mark.inv(29)
def test_only_the_network_reads_the_sealed_number() -> None:
    key = ECKey.generate_key("P-256")
    sealed = seal(GOOD, key.as_dict(private=False), {"kty": "EC", "x": "abc"})
    assert GOOD.number not in sealed
    opened = orjson.loads(jwe.decrypt_compact(sealed, key).plaintext or b"")
    assert opened == {"pan": GOOD.number, "deviceKey": {"kty": "EC", "x": "abc"}}


def test_a_key_of_an_unknown_kind_seals_nothing() -> None:
    with pytest.raises(ValueError, match="oct"):
        seal(GOOD, {"kty": "oct", "k": "abc"}, {})
