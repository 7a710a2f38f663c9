"""The first gateway design's own paths: its bodies and its words over `/v1`'s services."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backend.api import verify
from backend.simulation import SimulatedWorld
from tests.backend.http.merchant import Merchant

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}


def send(merchant: Merchant, method: str, path: str, body: object = None) -> tuple[int, Any]:
    answer = merchant.call(
        method, path, "" if body is None else json.dumps(body),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    return answer.status_code, answer.json()


@pytest.mark.inv(173, 175, 188, 189, 190, 191)
def test_a_payment_is_authorized_captured_and_refunded(
    world: SimulatedWorld, merchant: Merchant, tmp_path: Path
) -> None:
    _, made = send(merchant, "POST", "/tokens", {"card": CARD})
    assert made["card"]["last4"] == "4242"
    order = {"amount": 1240, "card_token": made["token"], "idempotency_key": "k1"}
    status, payment = send(merchant, "POST", "/payments", order)
    assert (status, payment["status"], payment["currency"]) == (200, "authorized", "usd")
    assert send(merchant, "POST", "/payments", order) == (200, payment)
    path = f"/payments/{payment['payment_id']}"
    status, refused = send(merchant, "POST", f"{path}/capture", {"amount": 1241})
    assert (status, refused["error"]["code"]) == (400, "amount_too_large")
    _, captured = send(merchant, "POST", f"{path}/capture", {"amount": 1000})
    assert (captured["status"], captured["captured_amount"]) == ("captured", 1000)
    _, refund = send(merchant, "POST", f"{path}/refunds", {"amount": 300, "reason": "late"})
    assert (refund["status"], refund["reason"]) == ("processing", "late")
    status, over = send(merchant, "POST", f"{path}/refunds", {"amount": 701})
    assert (status, over["error"]["code"]) == (400, "amount_too_large")
    world.run(world.sleep(2))
    _, ended = send(merchant, "GET", f"/refunds/{refund['refund_id']}")
    assert (ended["status"], ended["payment_id"]) == ("completed", payment["payment_id"])
    send(merchant, "POST", "/refunds", {"payment_id": payment["payment_id"]})
    assert send(merchant, "GET", path)[1]["status"] == "refunded"
    shown = merchant.get(f"/v1/payment_intents/{payment['payment_id']}")
    assert shown["amount_received"] == 1000
    assert verify(tmp_path / "lab")["ok"]


@pytest.mark.inv(179, 190)
def test_a_refund_of_what_is_only_authorized_voids_it(merchant: Merchant) -> None:
    order = {"amount": 500, "currency": "eur", "card_token": "tok_visa"}
    _, payment = send(merchant, "POST", "/payments", order)
    _, voided = send(merchant, "POST", f"/payments/{payment['payment_id']}/refunds", {})
    assert (voided["refund_id"], voided["status"]) == (None, "voided")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"amount": 500}, 400, "parameter_missing"),
        ({"amount": 5.5, "card_token": "tok_visa"}, 400, "parameter_invalid_integer"),
        ({"amount": "5", "card_token": "tok_visa", "colour": 1}, 400, "parameter_unknown"),
        ({"amount": 500, "card_token": "tok_none"}, 404, "resource_missing"),
        ({"amount": 500, "card_token": "tok_chargeDeclined"}, 402, "card_declined"),
        ([1], 400, "parameter_invalid"),
        ({"amount": {"a": {"b": {"c": {"d": {"e": {}}}}}}}, 400, "parameter_invalid"),
    ],
)
def test_a_payment_that_cannot_be_is_refused(
    merchant: Merchant, body: object, status: int, code: str
) -> None:
    got, answer = send(merchant, "POST", "/payments", body)
    assert (got, answer["error"]["code"]) == (status, code)


def test_two_different_keys_and_no_key_at_the_door(merchant: Merchant) -> None:
    body = json.dumps({"amount": 500, "card_token": "tok_visa", "idempotency_key": "a"})
    answer = merchant.call(
        "POST", "/payments", body, key="b", headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")
    assert merchant.call("POST", "/payments", "", auth=False).status_code == 401
    assert merchant.call("GET", "/payments").status_code == 404
