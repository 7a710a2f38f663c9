"""The door for a tap in mag-stripe mode: a track in place of chip data, and nothing of both."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.payments.order import order_from_json
from backend.runtime.errors import BadRequest

BODY = {
    "entryMode": "magstripe",
    "token": "5555555555554444",
    "track2": "5555555555554444D29122010007123448829",
    "atc": 7,
    "amount": 1_240,
    "currency": "USD",
    "merchantId": "mer_corner_market",
    "terminalId": "T0000001",
}
CHIP = {"cryptogram": "1122334455667788", "emvData": "9f360200079f26081122334455667788"}


def refused(body: dict[str, object]) -> str:
    with pytest.raises(BadRequest) as refusal:
        order_from_json(body)
    assert refusal.value.status == 400
    return refusal.value.code


def test_a_track_becomes_an_order():
    order = order_from_json(BODY)
    assert (order.expiry, order.atc, order.psn) == ("2912", 7, "00")
    assert (order.cryptogram, order.emv_data) == (b"", b"")
    assert order.track_2 == BODY["track2"]


def test_a_track_stays_out_of_an_orders_repr():
    assert "5555" not in repr(order_from_json(BODY))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"cryptogram": CHIP["cryptogram"]}, "field_contradicts"),
        ({"emvData": CHIP["emvData"]}, "field_contradicts"),
        ({"emvData": ""}, "field_contradicts"),
        ({"entryMode": "chip"}, "field_contradicts"),
        ({"entryMode": "swipe"}, "entry_mode_invalid"),
        ({"entryMode": None}, "entry_mode_invalid"),
        ({"entryMode": ["chip"]}, "entry_mode_invalid"),
        ({"track2": ""}, "track2_invalid"),
        ({"track2": 5}, "track2_invalid"),
        ({"track2": "5555555555554444"}, "track2_invalid"),
        ({"track2": "5555555555554444D2912201000712344882912"}, "track2_invalid"),
        ({"track2": ";5555555555554444=29122010007123448829?"}, "track2_invalid"),
        ({"track2": "5555555555554444D29122010007१२३४48829"}, "track2_invalid"),
        ({"track2": "4242424242424242D29122010007123448829"}, "track2_disagrees"),
        ({"token": "4242424242424242"}, "track2_disagrees"),
        ({"expiry": "2911"}, "track2_disagrees"),
        ({"atc": 0}, "atc_out_of_range"),
        ({"pin": "1234"}, "field_unknown"),
    ],
)
def test_contradictions_are_refused_at_the_door(change: dict[str, object], code: str):
    assert refused({**BODY, **change}) == code


@pytest.mark.parametrize("name", sorted(BODY.keys() - {"entryMode"}))
def test_every_field_is_needed(name: str):
    assert refused({key: value for key, value in BODY.items() if key != name}) == "field_missing"


def test_chip_data_without_an_entry_mode_are_chip_data():
    body = {key: value for key, value in BODY.items() if key not in {"entryMode", "track2"}}
    assert order_from_json({**body, **CHIP}).track_2 == ""
    assert refused({**body, **CHIP, "track2": BODY["track2"]}) == "field_contradicts"


def test_an_order_has_one_mode():
    order = order_from_json(BODY)
    with pytest.raises(AssertionError):
        dataclasses.replace(order, emv_data=bytes.fromhex("9f36020007"))


@given(st.text(max_size=45))
def test_any_track_is_an_order_or_a_refusal(track: str):
    try:
        order = order_from_json({**BODY, "track2": track})
    except BadRequest as refusal:
        code = refusal.code
    else:
        code = ""
        assert order.track_2 == track
    assert code in {"", "track2_invalid", "track2_disagrees"}
