"""The list of payments and the life of one, as the window and the shell get them."""

from __future__ import annotations

import pytest

from backend.payments.machine import State
from backend.payments.view import PaymentView, bank_belief
from backend.runtime.errors import NotFound
from backend.storage.payment_view_rows import SqlViewRows

ROW_FIELDS = {
    "id", "tap_id", "created_at_us", "network", "last4", "token_ref", "card_id", "amount_minor",
    "currency", "state", "response_code", "auth_code", "reason", "steered", "merchant_id",
    "merchant_name", "terminal_id", "atc", "phone", "till", "transaction_type", "bank",
    "latency_us", "synthetic",
    "captured_minor", "refunded_minor",
}  # fmt: skip


@pytest.fixture
def view(lab):
    return PaymentView(lab.database, SqlViewRows(), world="simulated")


@pytest.mark.inv(84, 86, 168)
def test_the_list_is_newest_first_and_pages_by_time(lab, order, view):
    for atc in (1, 2, 3):
        lab.pay(order(atc=atc), f"k{atc}")
    rows = view.recent(10)
    assert [row["atc"] for row in rows] == [3, 2, 1]
    assert rows[0].keys() == ROW_FIELDS
    assert rows[0]["bank"] == "held"
    assert rows[0]["latency_us"] == {
        "engine": 0, "network": 12_000, "issuer": 4_000, "database": 0,
    }  # fmt: skip
    assert [row["atc"] for row in view.recent(1, before_us=rows[0]["created_at_us"])] == [2]
    assert view.recent(0) == rows[:1]


@pytest.mark.inv(168)
def test_a_persons_history_merges_their_tokens(lab, order, view):
    lab.pay(order(atc=1), "k1")
    lab.pay(order(atc=2, token="5555555555554444"), "k2")
    lab.pay(order(atc=3), "k3")
    assert [row["atc"] for row in view.of_tokens(["tok_1", "tok_2"], 10)] == [3, 2, 1]
    assert [row["atc"] for row in view.of_tokens(["tok_1"], 10)] == [3, 1]
    first = view.of_tokens(["tok_1", "tok_2"], 1)
    assert [
        row["atc"]
        for row in view.of_tokens(["tok_1", "tok_2"], 1, before_us=first[0]["created_at_us"])
    ] == [2]
    assert view.of_tokens([], 10) == []


@pytest.mark.inv(169)
def test_the_life_of_a_payment_has_events_hops_entries_and_follow_ups(lab, order, view):
    lab.networks.behaviours.append(lab.networks.breaks("reset", host_said="00"))
    lab.pay(order())
    (row,) = view.recent(5)
    assert (row["state"], row["bank"]) == ("unknown", "unknown")
    lab.pass_time(20)
    lab.change("INSERT INTO tap_beliefs VALUES ('tap_1', 'not_completed', 'not_completed', 1)")
    life = view.detail(row["id"])
    assert (life["state"], life["bank"]) == ("reversed", "released")
    assert (life["phone"], life["till"]) == ("not_completed", "not_completed")
    assert [event["kind"] for event in life["events"]] == [
        "payment.created", "payment.no_answer", "payment.approval_too_late", "ledger.posted",
        "payment.reversed", "ledger.posted",
    ]  # fmt: skip
    assert {event["world"] for event in life["events"]} == {"simulated"}
    assert [hop["name"] for hop in life["hops"]] == ["database", "network", "issuer"]
    assert [entry["direction"] for entry in life["entries"]] == [
        "debit", "credit", "credit", "debit",
    ]  # fmt: skip
    assert life["entries"][2]["sentence"] == (
        "Visa ·4241 is released from 12.40 USD to Corner Market"
    )
    assert [
        (follow_up["kind"], follow_up["result"], follow_up["tries"])
        for follow_up in life["follow_ups"]
    ] == [("status_query", "found_approved", 0), ("reversal", "reversed", 0)]


def test_a_payment_that_is_not_there_is_said_so(view):
    with pytest.raises(NotFound) as missing:
        view.detail("pay_0")
    assert (missing.value.status, missing.value.code) == (404, "payment_not_found")


@pytest.mark.parametrize(
    ("state", "asked", "hold_open", "belief"),
    [
        (State.AUTHORIZING, False, False, "unknown"),
        (State.APPROVED, True, True, "held"),
        (State.DECLINED, True, False, "declined"),
        (State.DECLINED, False, False, "none"),
        (State.NOT_SENT, False, False, "none"),
        (State.UNKNOWN, False, False, "unknown"),
        (State.REVERSING, True, True, "held"),
        (State.REVERSING, False, False, "unknown"),
        (State.REVERSED, True, False, "released"),
    ],
)
def test_what_the_bank_believes(state, asked, hold_open, belief):
    assert bank_belief(state, asked=asked, hold_open=hold_open) == belief
