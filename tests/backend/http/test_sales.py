"""After the sale over the engine's own routes, to a network's own books."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from backend.api import verify
from backend.simulation import SimulatedWorld
from tests.backend.http.phone import Phone
from tests.backend.http.test_payments import ready_card

MERCHANT = "mer_corner_market"


def paid(world: SimulatedWorld, phone: Phone, network: str = "visa", amount: int = 1240) -> str:
    """An approved payment's identifier."""
    card = ready_card(world, phone, network)
    answer = world.run(phone.pay(phone.tap(card["tokenRef"], amount=amount), "T0000001-1"))
    assert answer.json()["approved"], answer.text
    return str(answer.json()["transactionId"])


def ordered(
    world: SimulatedWorld, phone: Phone, what: str, payment_id: str, key: str, **body: object
) -> httpx.Response:
    return world.run(
        phone.client.post(
            f"/api/payments/{payment_id}/{what}",
            json={"merchantId": MERCHANT, **body},
            headers={"Idempotency-Key": key},
        )
    )


def at_network(tmp_path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(tmp_path / "lab" / "networks.db")) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.inv(112, 178, 185, 188, 189)
@pytest.mark.parametrize("network", ["visa", "mastercard", "amex"])
def test_a_sale_is_captured_and_refunded_at_its_network(
    world: SimulatedWorld, phone: Phone, tmp_path: Path, network: str
) -> None:
    payment_id = paid(world, phone, network)
    captured = ordered(world, phone, "capture", payment_id, "c1")
    assert captured.status_code == 200, captured.text
    world.run(world.sleep(1))
    assert at_network(tmp_path, "SELECT posted_minor FROM host_postings") == [(1240,)]
    assert at_network(tmp_path, "SELECT held_minor FROM host_balances") == [(0,)]

    refund = ordered(world, phone, "refunds", payment_id, "r1", amount=240, reason="one returned")
    assert refund.json()["status"] == "pending"
    again = ordered(world, phone, "refunds", payment_id, "r1", amount=240, reason="one returned")
    assert again.content == refund.content
    assert again.headers["idempotent-replayed"] == "true"
    world.run(world.sleep(1))
    assert at_network(tmp_path, "SELECT posted_minor FROM host_postings") == [(1000,)]
    path = f"/api/payments/{payment_id}/refunds?merchantId={MERCHANT}"
    (told,) = world.run(phone.client.get(path)).json()["refunds"]
    assert (told["status"], told["amount"], told["amountRefunded"]) == ("succeeded", 240, 240)

    (row,) = world.run(phone.client.get("/lab/payments")).json()["payments"]
    assert (row["state"], row["bank"], row["refunded_minor"]) == ("captured", "booked", 240)
    (seen,) = world.run(phone.client.get("/api/transactions")).json()["transactions"]
    assert (seen["captured"], seen["refunded"]) == (1240, 240)
    ledger = world.run(phone.client.get("/lab/ledger")).json()
    assert sum(each["balance_minor"] for each in ledger["balances"]) == 0
    assert verify(tmp_path / "lab")["ok"]


@pytest.mark.inv(179, 190)
def test_a_void_lets_the_money_go_at_its_network(
    world: SimulatedWorld, phone: Phone, tmp_path: Path
) -> None:
    payment_id = paid(world, phone)
    assert ordered(world, phone, "void", payment_id, "v1").json()["status"] == "voided"
    world.run(world.sleep(1))
    assert at_network(tmp_path, "SELECT held_minor FROM host_balances") == [(0,)]
    refused = ordered(world, phone, "capture", payment_id, "c1")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_approved")
    assert verify(tmp_path / "lab")["ok"]


def test_a_network_books_an_advice_once_and_never_more_than_was_sold(
    world: SimulatedWorld, phone: Phone, tmp_path: Path
) -> None:
    payment_id = paid(world, phone)
    fault = {"link": "visa.auth", "effect": "lost_response"}
    world.run(phone.client.put("/lab/faults", json={"faults": [fault]}))
    ordered(world, phone, "capture", payment_id, "c1")
    ordered(world, phone, "refunds", payment_id, "r1", amount=40)
    world.run(world.sleep(100))
    assert at_network(tmp_path, "SELECT posted_minor FROM host_postings") == [(1240,)]
    world.run(phone.client.post("/lab/faults/reset"))
    world.run(world.sleep(2 * 3600))
    assert at_network(tmp_path, "SELECT posted_minor FROM host_postings") == [(1200,)]
    kinds = at_network(tmp_path, "SELECT kind, amount_minor FROM host_presentments ORDER BY kind")
    assert kinds == [("completion", 1240), ("refund", 40)]
    assert verify(tmp_path / "lab")["ok"]


def test_the_end_of_the_day(world: SimulatedWorld, phone: Phone) -> None:
    paid(world, phone)
    close = {"merchantId": MERCHANT}
    answer = world.run(phone.client.post("/api/payments/capture-all", json=close))
    assert answer.json() == {"captured": 1, "totals": {"USD": 1240}}
    answer = world.run(phone.client.post("/api/payments/capture-all", json=close))
    assert answer.json() == {"captured": 0, "totals": {}}


@pytest.mark.inv(100, 110)
@pytest.mark.parametrize("what", ["capture", "void", "refunds"])
def test_bad_orders_are_named_and_change_nothing(
    world: SimulatedWorld, phone: Phone, what: str
) -> None:
    payment_id = paid(world, phone)

    def answer(**request: object) -> tuple[int, str]:
        headers = {"Idempotency-Key": "k1"} | dict(request.pop("headers", {}))  # type: ignore[call-overload]
        path = f"/api/payments/{request.pop('payment_id', payment_id)}/{what}"
        body = {"merchantId": MERCHANT, **request}
        got = world.run(phone.client.post(path, json=body, headers=headers))
        return got.status_code, got.json()["code"]

    assert answer(headers={"Idempotency-Key": ""}) == (400, "idempotency_key_required")
    assert answer(headers={"Idempotency-Key": "x" * 300})[0] == 400
    assert answer(headers={"Authorization": "Bearer wrong"}) == (401, "local_token_required")
    assert answer(payment_id="pay_none") == (404, "payment_not_found")
    assert answer(merchantId="mer_other") == (404, "payment_not_found")
    assert answer(merchantId=7) == (400, "invalid_field")
    assert answer(amount="12") == (400, "invalid_field")
    assert answer(amount=0) == (400, "amount_not_positive")
    assert answer(amount=10**13) == (400, "amount_too_large")
    assert answer(reason="x" * 256) == (400, "reason_too_long")
    assert answer(colour="red") == (400, "unknown_field")
    (row,) = world.run(phone.client.get("/lab/payments")).json()["payments"]
    assert (row["state"], row["captured_minor"]) == ("approved", 0)
