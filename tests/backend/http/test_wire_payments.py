"""Intents, charges and refunds over `/v1`, to the ledger and to a network's own books."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.api import verify
from backend.gateway import intent_machine
from backend.gateway.intent_machine import Happening, IntentState
from backend.payments import machine
from backend.simulation import SimulatedWorld
from tests.backend.http.merchant import VISA, Merchant
from tests.backend.http.phone import Phone
from tests.backend.http.test_sales import at_network, ordered, paid
from tests.backend.http.test_wire import tables

INTENTS = "/v1/payment_intents"
DAY_S = 86_400


def sound(folder: Path) -> bool:
    report = verify(folder / "lab")
    assert report["ok"], [check for check in report["checks"] if not check["ok"]]
    return True


@pytest.mark.inv(172, 174, 178, 182, 184, 185, 189, 193)
def test_an_intent_lives_from_its_making_to_its_refund(
    world: SimulatedWorld, merchant: Merchant, tmp_path: Path
) -> None:
    customer = merchant.post("/v1/customers", "name=Ann")["id"]
    method = merchant.post("/v1/payment_methods", VISA)["id"]
    merchant.post(f"/v1/payment_methods/{method}/attach", {"customer": customer})
    intent = merchant.post(
        INTENTS, {"amount": 1240, "currency": "usd", "customer": customer, "metadata[order]": 7}
    )
    path = f"{INTENTS}/{intent['id']}"
    assert intent["status"] == "requires_payment_method"
    assert merchant.refused("POST", f"{path}/confirm")[1] == "payment_intent_unexpected_state"
    assert merchant.post(path, {"payment_method": method})["status"] == "requires_confirmation"
    merchant.post(path, {"capture_method": "manual", "description": "Lunch"})
    held = merchant.post(f"{path}/confirm", {"expand[]": "latest_charge.customer"})
    assert (held["status"], held["amount_capturable"]) == ("requires_capture", 1240)
    charge = held["latest_charge"]
    assert (charge["captured"], charge["customer"]["name"]) == (False, "Ann")
    assert (charge["metadata"], charge["description"]) == ({"order": "7"}, "Lunch")
    assert at_network(tmp_path, "SELECT held_minor FROM host_balances") == [(1240,)]
    done = merchant.post(f"{path}/capture", {"amount_to_capture": 1000})
    assert (done["status"], done["amount_received"]) == ("succeeded", 1000)
    assert merchant.refused("POST", f"{path}/capture")[1] == "payment_intent_unexpected_state"
    refund = merchant.post(
        "/v1/refunds", {"payment_intent": intent["id"], "amount": 400, "metadata[why]": "late"}
    )
    assert (refund["status"], refund["charge"]) == ("pending", charge["id"])
    world.run(world.sleep(2))
    assert at_network(tmp_path, "SELECT posted_minor FROM host_postings") == [(600,)]
    shown = merchant.get(f"/v1/refunds/{refund['id']}", "expand[]=charge.payment_intent")
    assert (shown["status"], shown["metadata"]) == ("succeeded", {"why": "late"})
    assert shown["charge"]["amount_refunded"] == 400
    assert shown["charge"]["payment_intent"]["status"] == "succeeded"
    changed = merchant.post(f"/v1/refunds/{refund['id']}", {"metadata[why]": ""})
    assert changed["metadata"] == {}
    merchant.post("/v1/refunds", {"charge": charge["id"]})
    for more in ({}, {"amount": 1}):
        again = merchant.refused("POST", "/v1/refunds", {"charge": charge["id"], **more})
        assert again[1] == "charge_already_refunded"
    assert merchant.get(f"/v1/charges/{charge['id']}")["refunded"] is True
    assert len(merchant.get("/v1/refunds", {"charge": charge["id"]})["data"]) == 2
    assert sound(tmp_path)


@pytest.mark.inv(172)
def test_an_automatic_intent_is_paid_at_once(merchant: Merchant, tmp_path: Path) -> None:
    intent = merchant.paid(off_session="true")
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 1240)
    assert merchant.refused("POST", f"{INTENTS}/{intent['id']}/cancel")[1] == (
        "payment_intent_unexpected_state"
    )
    assert sound(tmp_path)


@pytest.mark.inv(177)
@pytest.mark.parametrize(
    ("method", "code", "decline"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
def test_a_declined_card_is_a_card_error_and_another_may_be_tried(
    world: SimulatedWorld, merchant: Merchant, tmp_path: Path, method: str, code: str, decline: str
) -> None:
    form = {"amount": 1240, "currency": "usd", "payment_method": method, "confirm": "true"}
    first = merchant.call("POST", INTENTS, form, key="k1")
    error = first.json()["error"]
    assert (first.status_code, error["type"], error["code"]) == (402, "card_error", code)
    assert error["decline_code"] == decline
    intent = error["payment_intent"]
    assert (intent["status"], intent["latest_charge"]) == (
        "requires_payment_method", error["charge"],
    )  # fmt: skip
    again = merchant.call("POST", INTENTS, form, key="k1")
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert merchant.get(f"/v1/charges/{error['charge']}")["status"] == "failed"
    world.run(world.sleep(1))
    path = f"{INTENTS}/{intent['id']}/confirm"
    paid_at_last = merchant.post(path, {"payment_method": "pm_card_visa"})
    assert (paid_at_last["status"], paid_at_last["last_payment_error"]) == ("succeeded", None)
    tries = merchant.get("/v1/charges", {"payment_intent": intent["id"]})["data"]
    assert [each["status"] for each in tries] == ["succeeded", "failed"]
    assert sound(tmp_path)


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ("amount=0&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=-5&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=12.40&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=9999999999999&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=99999999999999999999&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=100", "parameter_missing", "currency"),
        ("currency=usd", "parameter_missing", "amount"),
        ("amount=100&currency=zzz", "invalid_currency", "currency"),
        ("amount=100&currency=usd&capture_method=later", "parameter_invalid_choice",
         "capture_method"),
        ("amount=100&currency=usd&confirm=yes", "parameter_invalid_boolean", "confirm"),
        ("amount=100&currency=usd&confirm=true", "payment_intent_unexpected_state", None),
        ("amount=100&currency=usd&customer=cus_none", "resource_missing", "customer"),
        ("amount=100&currency=usd&payment_method=pm_none", "resource_missing", "payment_method"),
        ("amount=100&currency=usd&payment_method_types[]=ideal", "payment_method_type_unknown",
         "payment_method_types"),
        ("amount=100&currency=usd&transfer_data[destination]=x", "parameter_unknown",
         "transfer_data"),
    ],
)  # fmt: skip
def test_an_intent_that_cannot_be_is_refused_and_changes_nothing(
    merchant: Merchant, tmp_path: Path, form: str, code: str, param: str | None
) -> None:
    before = tables(tmp_path)
    assert merchant.refused("POST", INTENTS, form)[1:] == (code, param)
    assert tables(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"card[number]": "4242424242424241"}, "incorrect_number", "card[number]"),
        ({"card[number]": "42 42"}, "incorrect_number", "card[number]"),
        ({"card[number]": "abcd"}, "invalid_number", "card[number]"),
        ({"card[exp_month]": "13"}, "invalid_expiry_month", "card[exp_month]"),
        ({"card[exp_year]": "2020"}, "expired_card", "card[exp_month]"),
        ({"card[cvc]": "12"}, "invalid_cvc", "card[cvc]"),
    ],
)
def test_a_card_that_cannot_be_is_a_card_error(
    merchant: Merchant, tmp_path: Path, change: dict[str, str], code: str, param: str
) -> None:
    before = tables(tmp_path)
    for path, form in (
        ("/v1/payment_methods", {**VISA, **change}),
        ("/v1/tokens", {name: text for name, text in {**VISA, **change}.items() if name != "type"}),
    ):
        assert merchant.refused("POST", path, form) == (402, code, param)
    assert tables(tmp_path) == before


def test_a_token_is_used_once_and_a_method_belongs_to_its_customer(merchant: Merchant) -> None:
    card = {name: text for name, text in VISA.items() if name != "type"}
    token = merchant.post("/v1/tokens", card)
    charge = merchant.post(
        "/v1/charges", {"amount": 900, "currency": "usd", "source": token["id"]}, key="c1"
    )
    assert (charge["status"], charge["captured"], charge["payment_intent"]) == (
        "succeeded", True, None,
    )  # fmt: skip
    assert merchant.get(f"/v1/tokens/{token['id']}")["used"] is True
    used = merchant.refused(
        "POST", "/v1/charges", {"amount": 900, "currency": "usd", "source": token["id"]}
    )
    assert used[1] == "token_already_used"
    assert merchant.get(INTENTS)["data"] == []  # the charge's own stays unseen
    ann, bob = (merchant.post("/v1/customers", f"name={name}")["id"] for name in ("Ann", "Bob"))
    method = merchant.post("/v1/payment_methods", VISA)["id"]
    merchant.post(f"/v1/payment_methods/{method}/attach", {"customer": ann})
    path = f"/v1/payment_methods/{method}"
    assert merchant.refused("POST", f"{path}/attach", {"customer": bob})[1] == (
        "payment_method_already_attached"
    )
    for customer in ({}, {"customer": bob}):
        form = {"amount": 100, "currency": "usd", "payment_method": method, **customer}
        assert merchant.refused("POST", INTENTS, form)[1] == "payment_method_customer_decline"
    assert [m["id"] for m in merchant.get(f"/v1/customers/{ann}/payment_methods")["data"]] == [
        method
    ]
    assert merchant.post(f"{path}/detach")["customer"] is None
    assert merchant.get("/v1/payment_methods", {"customer": ann})["data"] == []


def test_a_setup_intent_keeps_a_card(merchant: Merchant) -> None:
    customer = merchant.post("/v1/customers")["id"]
    setup = merchant.post("/v1/setup_intents", {"customer": customer})
    path = f"/v1/setup_intents/{setup['id']}"
    assert merchant.refused("POST", f"{path}/confirm")[1] == "setup_intent_unexpected_state"
    done = merchant.post(f"{path}/confirm", {"payment_method": "pm_card_visa"})
    assert done["status"] == "succeeded"
    shown = merchant.get(path, "expand[]=payment_method")
    assert shown["payment_method"]["customer"] == customer
    assert merchant.refused("POST", f"{path}/cancel")[1] == "setup_intent_unexpected_state"
    intent = merchant.paid(customer=customer, payment_method=done["payment_method"])
    assert intent["status"] == "succeeded"
    other = merchant.post("/v1/setup_intents", {"confirm": "false"})
    canceled = merchant.post(f"/v1/setup_intents/{other['id']}/cancel")
    assert canceled["status"] == "canceled"
    assert len(merchant.get("/v1/setup_intents")["data"]) == 2


@pytest.mark.inv(179, 190)
def test_cancel_lets_the_money_go(
    world: SimulatedWorld, merchant: Merchant, tmp_path: Path
) -> None:
    intent = merchant.paid(capture_method="manual")
    refused = merchant.refused("POST", "/v1/refunds", {"payment_intent": intent["id"]})
    assert refused[1:] == ("charge_not_captured", "charge")
    path = f"{INTENTS}/{intent['id']}"
    gone = merchant.post(f"{path}/cancel", "cancellation_reason=duplicate", key="c1")
    assert (gone["status"], gone["cancellation_reason"]) == ("canceled", "duplicate")
    assert (
        merchant.call("POST", f"{path}/cancel", "cancellation_reason=duplicate", key="c1").json()
        == gone
    )
    world.run(world.sleep(2))
    assert at_network(tmp_path, "SELECT held_minor FROM host_balances") == [(0,)]
    charge = merchant.get(f"/v1/charges/{intent['latest_charge']}")
    assert (charge["captured"], charge["refunded"], charge["paid"]) == (False, True, True)
    assert merchant.refused("POST", f"{path}/capture")[1] == "payment_intent_unexpected_state"
    fresh = merchant.post(INTENTS, "amount=100&currency=usd")
    assert merchant.post(f"{INTENTS}/{fresh['id']}/cancel")["status"] == "canceled"
    assert sound(tmp_path)


@pytest.mark.inv(173, 175)
def test_a_tills_payment_is_a_charge_and_an_intent(
    world: SimulatedWorld, merchant: Merchant, phone: Phone, tmp_path: Path
) -> None:
    own = paid(world, phone).removeprefix("pay_")
    typed = merchant.paid(500)
    charge = merchant.get(f"/v1/charges/ch_{own}")
    assert (charge["amount"], charge["payment_method_details"]["type"]) == (1240, "card_present")
    assert charge["payment_intent"] == f"pi_{own}"
    listed = merchant.get(INTENTS)["data"]
    assert {each["id"] for each in listed} == {f"pi_{own}", typed["id"]}
    assert len(merchant.get("/v1/charges")["data"]) == 2
    assert [c["id"] for c in merchant.get("/v1/charges", f"payment_intent=pi_{own}")["data"]] == [
        charge["id"]
    ]
    noted = merchant.post(f"/v1/charges/ch_{own}", "metadata[table]=4&description=Lunch")
    assert noted["metadata"] == {"table": "4"}
    shown = merchant.get(f"{INTENTS}/pi_{own}")
    assert (shown["status"], shown["metadata"]) == ("requires_capture", {"table": "4"})
    taken = merchant.post(f"{INTENTS}/pi_{own}/capture", "amount_to_capture=1000")
    assert (taken["status"], taken["amount_received"]) == ("succeeded", 1000)
    refund = merchant.post("/v1/refunds", f"payment_intent=pi_{own}&reason=duplicate")
    assert (refund["amount"], refund["reason"]) == (1000, "duplicate")
    refused = ordered(world, phone, "refunds", f"pay_{own}", "r1")
    assert refused.json()["code"] == "refund_exceeds_capture"
    assert sound(tmp_path)


@pytest.mark.inv(178)
def test_holds_lapse_after_seven_days_and_not_before(
    world: SimulatedWorld, merchant: Merchant, phone: Phone, tmp_path: Path
) -> None:
    own = paid(world, phone).removeprefix("pay_")
    intent = merchant.paid(capture_method="manual")
    world.run(world.sleep(6 * DAY_S))
    later = merchant.paid(700, capture_method="manual")
    states = {each["id"]: each["status"] for each in merchant.get(INTENTS)["data"]}
    assert set(states.values()) == {"requires_capture"}
    world.run(world.sleep(DAY_S + 120))
    canceled = merchant.get(f"{INTENTS}/{intent['id']}")
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "automatic")
    assert merchant.get(f"{INTENTS}/pi_{own}")["status"] == "canceled"
    assert merchant.get(f"{INTENTS}/{later['id']}")["status"] == "requires_capture"
    assert at_network(tmp_path, "SELECT sum(held_minor) FROM host_balances") == [(700,)]
    assert sound(tmp_path)


@pytest.mark.inv(182)
@pytest.mark.parametrize("effect", ["lost_response", "lost_request"])
def test_an_unknown_outcome_is_processing_and_then_nobody_has_paid(
    world: SimulatedWorld, merchant: Merchant, tmp_path: Path, effect: str
) -> None:
    fault = {"link": "visa.auth", "effect": effect, "when": {"nth": 1}}
    world.run(merchant.client.put("/lab/faults", json={"faults": [fault]}))
    intent = merchant.paid()
    assert intent["status"] == "processing"
    path = f"{INTENTS}/{intent['id']}"
    assert merchant.refused("POST", f"{path}/cancel")[1] == "payment_intent_unexpected_state"
    world.run(merchant.client.post("/lab/faults/reset"))
    world.run(world.sleep(120))
    ended = merchant.get(path)
    assert ended["status"] == "requires_payment_method"
    assert ended["last_payment_error"]["code"] == "processing_error"
    assert at_network(tmp_path, "SELECT coalesce(sum(held_minor), 0) FROM host_balances") == [(0,)]
    again = merchant.post(f"{path}/confirm", "payment_method=pm_card_visa")
    assert again["status"] == "succeeded"
    assert sound(tmp_path)


def test_a_breaker_that_is_open_fails_the_try_and_not_the_intent(
    world: SimulatedWorld, merchant: Merchant
) -> None:
    world.run(merchant.client.post("/lab/breakers/visa/force", json={"state": "open"}))
    form = {"amount": 100, "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    answer = merchant.call("POST", INTENTS, form)
    assert answer.status_code == 402
    assert answer.json()["error"]["code"] == "processing_error"
    world.run(merchant.client.post("/lab/breakers/visa/force", json={"state": "closed"}))
    intent = answer.json()["error"]["payment_intent"]["id"]
    done = merchant.post(f"{INTENTS}/{intent}/confirm", "payment_method=pm_card_visa")
    assert done["status"] == "succeeded"


def test_every_change_of_an_intent_is_an_event(merchant: Merchant, world: SimulatedWorld) -> None:
    intent = merchant.paid(capture_method="manual")
    merchant.post(f"{INTENTS}/{intent['id']}/capture")
    rows = world.engine.lab.engine_database.read(
        lambda tx: tx._connection.execute(
            "SELECT kind, data FROM events WHERE json_extract(data, '$.object_id') = ?"
            " ORDER BY seq", (intent["id"],)
        ).fetchall()
    )  # fmt: skip
    assert [row["kind"] for row in rows] == [
        "payment_intent.created",
        "payment_intent.confirmed",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
    ]
    assert all('"merchant_id":"mer_corner_market"' in row["data"] for row in rows)


def test_the_table_of_intents_has_no_way_out_of_an_end() -> None:
    ends = {IntentState.SUCCEEDED, IntentState.CANCELED}
    assert not [key for key in intent_machine.TRANSITIONS if key[0] in ends]
    reached = set(intent_machine.TRANSITIONS.values())
    assert reached == set(IntentState)
    for happened in machine.Happening:
        for at_once in (False, True):
            moved = intent_machine.happening_of(happened, captures_at_once=at_once)
            assert moved is None or isinstance(moved, Happening)
    with pytest.raises(intent_machine.UnexpectedState):
        intent_machine.advance(IntentState.SUCCEEDED, Happening.CANCELED)
    assert "requires_capture --> succeeded" in intent_machine.mermaid()
