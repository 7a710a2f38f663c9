"""The one door for a tap: every field judged, and held against what the chip signed."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.payments.order import order_from_json
from backend.runtime.errors import BadRequest

CHIP = "9f02060000000012405f2a0208409f360200079f26081122334455667788"
BODY = {
    "token": "4242424242424242",
    "cryptogram": "1122334455667788",
    "atc": 7,
    "amount": 1_240,
    "currency": "USD",
    "merchantId": "mer_corner_market",
    "terminalId": "T0000001",
    "emvData": CHIP,
}


def refused(**change: object) -> str:
    with pytest.raises(BadRequest) as refusal:
        order_from_json({**BODY, **change})
    assert refusal.value.status == 400
    return refusal.value.code


def test_a_body_in_order_becomes_an_order():
    order = order_from_json({**BODY, "tapId": "tap_1", "storeAndForward": True, "psn": "01"})
    assert (order.amount_minor, order.currency, order.atc) == (1_240, "USD", 7)
    assert (order.tap_id, order.psn, order.expiry) == ("tap_1", "01", "0000")
    assert order.store_and_forward
    assert not order.synthetic


def test_secrets_stay_out_of_an_orders_repr():
    text = repr(order_from_json(BODY))
    assert "4242424242424242" not in text
    assert "1122" not in text


@pytest.mark.parametrize(
    ("chip", "expiry", "psn"),
    [
        (CHIP + "5f24032812315f340102", "2812", "02"),
        (CHIP + "57114242424242424242d29012010000000000", "2901", "00"),
        (CHIP, "0000", "00"),
    ],
)
def test_expiry_and_sequence_number_come_from_the_chip(chip, expiry, psn):
    order = order_from_json({**BODY, "emvData": chip})
    assert (order.expiry, order.psn) == (expiry, psn)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("token", "4242424242424241", "token_invalid"),
        ("token", "424242424242", "token_invalid"),
        ("token", 4242424242424242, "token_invalid"),
        ("cryptogram", "11223344556677", "cryptogram_invalid"),
        ("cryptogram", "zz22334455667788", "cryptogram_invalid"),
        ("cryptogram", "112233445566778", "cryptogram_invalid"),
        ("atc", 0, "atc_out_of_range"),
        ("atc", 65_536, "atc_out_of_range"),
        ("atc", "7", "atc_invalid"),
        ("atc", True, "atc_invalid"),
        ("amount", 0, "amount_not_positive"),
        ("amount", -1, "amount_not_positive"),
        ("amount", 10**12, "amount_too_large"),
        ("amount", 12.4, "amount_not_whole"),
        ("amount", True, "amount_not_whole"),
        ("currency", "USX", "currency_unknown"),
        ("currency", "XAU", "currency_unknown"),
        ("merchantId", "", "merchant_id_invalid"),
        ("merchantId", "a b", "merchant_id_invalid"),
        ("terminalId", "T00000001", "terminal_id_invalid"),
        ("terminalId", "", "terminal_id_invalid"),
        ("expiry", "28-1", "expiry_invalid"),
        ("psn", "1", "psn_invalid"),
        ("tapId", "", "tap_id_invalid"),
        ("storeAndForward", "yes", "store_and_forward_invalid"),
        ("emvData", "9f", "emv_data_malformed"),
        ("emvData", CHIP + "9f3602", "emv_data_malformed"),
        ("emvData", CHIP + "9f36020007", "emv_data_malformed"),
        ("emvData", CHIP + "ff" * 230, "emv_data_malformed"),
        ("emvData", "xy", "emv_data_invalid"),
        ("surprise", 1, "field_unknown"),
    ],
)
@pytest.mark.inv(14)
def test_each_bad_field_has_its_stable_code(field, value, code):
    assert refused(**{field: value}) == code


@pytest.mark.parametrize("field", BODY)
def test_every_field_is_needed(field):
    with pytest.raises(BadRequest) as refusal:
        order_from_json({name: value for name, value in BODY.items() if name != field})
    assert (refusal.value.code, refusal.value.field) == ("field_missing", field)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 1_241},
        {"currency": "EUR"},
        {"atc": 8},
        {"cryptogram": "1122334455667789"},
        {"emvData": CHIP + "5a085555555555554444"},
        {"emvData": CHIP + "57115555555555554444d29012010000000000"},
    ],
)
def test_what_the_chip_signed_cannot_be_contradicted(change):
    assert refused(**change) == "emv_data_disagrees"


def test_an_order_made_in_code_is_judged_too():
    order = order_from_json(BODY)
    with pytest.raises(BadRequest):
        dataclasses.replace(order, atc=70_000)


@given(st.binary(max_size=260))
def test_any_chip_data_is_read_or_refused(data):
    order = order_from_json(BODY)
    outcome = "taken"
    try:
        dataclasses.replace(order, emv_data=data)
    except BadRequest as refusal:
        outcome = refusal.code
    assert outcome in {"taken", "emv_data_malformed", "emv_data_disagrees"}


@pytest.mark.parametrize(
    ("kind", "kept", "is_advice"),
    [("40", True, True), ("4F", True, True), ("40", False, False), ("80", True, False)],
)
def test_what_card_and_till_approved_is_told_and_not_asked(kind, kept, is_advice):
    order = order_from_json({**BODY, "emvData": CHIP + "9f2701" + kind, "storeAndForward": kept})
    assert order.is_advice is is_advice
