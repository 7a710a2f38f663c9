"""Disputes over the engine's own routes: raised at the network, answered, decided, and refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.api import simulated, verify
from backend.gateway.dispute_machine import DisputeHappening, DisputeState, replay
from backend.payments.records import DEFAULT_MERCHANT
from backend.simulation import SimulatedWorld
from backend.storage import event_rows
from backend.storage.database import Transaction
from backend.storage.dispute_rows import SqlDisputeRows
from backend.storage.verify import verify as verify_store
from tests.backend.http.phone import Phone
from tests.backend.http.test_lab_routes import code_of, send
from tests.backend.http.test_merchants import jump
from tests.backend.http.test_payments import ready_card
from tests.backend.http.test_sales import at_network, ordered, paid

MERCHANT = DEFAULT_MERCHANT.id
DAY_S = 86_400
PENDING = f"liabilities:merchant-pending:{MERCHANT}"
HOLD = f"liabilities:dispute-hold:{MERCHANT}"


def sold(world: SimulatedWorld, phone: Phone, amount: int = 10_000) -> str:
    """A captured payment that its network has booked."""
    payment_id = paid(world, phone, amount=amount)
    assert ordered(world, phone, "capture", payment_id, "c1").status_code == 200
    world.run(world.sleep(1))
    return payment_id


def raised(world: SimulatedWorld, payment_id: str, **order: object) -> dict[str, Any]:
    answer = send(world, "POST", "/lab/disputes", {"payment_id": payment_id, **order})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["dispute"])


def look(world: SimulatedWorld, dispute_id: str) -> dict[str, Any]:
    return dict(send(world, "GET", f"/lab/disputes/{dispute_id}").json()["dispute"])


def hand_in(world: SimulatedWorld, dispute_id: str, **evidence: str) -> dict[str, Any]:
    path = f"/lab/disputes/{dispute_id}/evidence"
    answer = send(world, "POST", path, {"evidence": evidence, "submit": True})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["dispute"])


def balances(world: SimulatedWorld) -> dict[str, int]:
    """Debit positive, by account."""
    found = send(world, "GET", "/lab/ledger").json()["balances"]
    return {each["account"]: each["balance_minor"] for each in found}


def kinds(world: SimulatedWorld, payment_id: str) -> list[str]:
    """The dispute's stored events, in order."""
    store = world.engine.lab.engine_database
    found = store.read(lambda tx: event_rows.of_payment(tx, payment_id))
    return [event.kind for event in found if event.kind.startswith("dispute.")]


def letters(world: SimulatedWorld) -> list[str]:
    found = send(world, "GET", f"/lab/merchants/notices?merchant_id={MERCHANT}").json()
    return [notice["kind"] for notice in found["notices"]]


@pytest.fixture
def payment_id(world: SimulatedWorld, phone: Phone) -> Iterator[str]:
    """A sale of 100.00, of which 96.80 are the merchant's; afterwards nothing is broken."""
    made = sold(world, phone)
    assert balances(world)[PENDING] == -9_680
    yield made
    world.run(world.engine.lab.flush_events())
    red = [check for check in verify_store(world.engine.lab.engine_database) if not check.ok]
    assert red == []


@pytest.mark.inv(196, 197, 199, 200, 206, 207)
def test_a_dispute_takes_amount_and_fee_from_the_merchant(
    world: SimulatedWorld, payment_id: str
) -> None:
    before = send(world, "GET", "/lab/clock").json()["now_us"]
    dispute = raised(world, payment_id, reason="product_not_received")
    assert dispute["id"].startswith("dp_")
    assert dispute["payment_id"] == payment_id
    assert (dispute["amount_minor"], dispute["fee_minor"]) == (10_000, 1_500)
    assert (dispute["status"], dispute["reason"]) == ("needs_response", "product_not_received")
    assert 0 <= dispute["evidence_due_at_us"] - before - 14 * DAY_S * 1_000_000 < 60_000_000
    now = balances(world)
    assert (now[PENDING], now[HOLD]) == (-9_680 + 11_500, -11_500)
    assert letters(world) == ["dispute_opened", "dispute_rate"]
    listed = send(world, "GET", f"/lab/disputes?payment_id={payment_id}").json()["disputes"]
    assert listed == [dispute]


@pytest.mark.inv(196)
def test_the_same_notice_again_changes_nothing(world: SimulatedWorld, payment_id: str) -> None:
    first = raised(world, payment_id)
    before = balances(world)
    assert raised(world, payment_id, reason="duplicate", amount_minor=5) == first
    assert balances(world) == before
    assert kinds(world, payment_id) == ["dispute.opened"]


@pytest.mark.inv(198, 202, 203, 204)
def test_winning_evidence_gives_the_amount_back_and_keeps_the_fee(
    world: SimulatedWorld, payment_id: str
) -> None:
    dispute = raised(world, payment_id)
    submitted = hand_in(
        world, dispute["id"], uncategorized_text="winning_evidence", receipt="receipt.pdf"
    )
    assert submitted["status"] == "under_review"
    world.run(world.sleep(1))
    won = look(world, dispute["id"])
    assert (won["status"], won["closed_why"], won["fee_returned"]) == ("won", "decided", False)
    assert won["evidence"]["receipt"] == "receipt.pdf"
    now = balances(world)
    assert (now[PENDING], now[HOLD]) == (-9_680 + 1_500, 0)
    assert now["revenue:dispute-fees"] == -1_500
    assert kinds(world, payment_id) == ["dispute.opened", "dispute.submitted", "dispute.won"]
    assert letters(world)[-1] == "dispute_won"


@pytest.mark.inv(200, 204)
def test_a_merchant_whose_terms_say_so_gets_the_fee_back_too(
    world: SimulatedWorld, payment_id: str
) -> None:
    terms = {"dispute_fee": "25.00", "dispute_fee_back_if_won": True, "evidence_days": 7}
    assert send(world, "POST", f"/lab/merchants/{MERCHANT}", terms).status_code == 200
    dispute = raised(world, payment_id)
    assert dispute["fee_minor"] == 2_500
    hand_in(world, dispute["id"], uncategorized_text="winning_evidence")
    world.run(world.sleep(1))
    assert look(world, dispute["id"])["fee_returned"] is True
    now = balances(world)
    assert (now[PENDING], now[HOLD]) == (-9_680, 0)
    assert "revenue:dispute-fees" not in now


@pytest.mark.inv(205)
def test_losing_evidence_hands_the_money_to_the_cardholder(
    world: SimulatedWorld, payment_id: str, tmp_path: Path
) -> None:
    dispute = raised(world, payment_id, amount_minor=4_000)
    hand_in(world, dispute["id"], uncategorized_text="losing_evidence")
    world.run(world.sleep(1))
    lost = look(world, dispute["id"])
    assert (lost["status"], lost["closed_why"]) == ("lost", "decided")
    now = balances(world)
    assert (now[PENDING], now[HOLD]) == (-9_680 + 4_000 + 1_500, 0)
    card = next(minor for account, minor in now.items() if account.startswith("assets:customer"))
    assert card == 6_000
    booked = at_network(tmp_path, "SELECT kind, amount_minor FROM host_presentments ORDER BY at_us")
    assert booked == [("completion", 10_000), ("refund", 4_000)]
    for path, body in (("evidence", {"evidence": {"receipt": "r"}}), ("close", None)):
        answer = send(world, "POST", f"/lab/disputes/{dispute['id']}/{path}", body)
        assert code_of(answer) == (409, "dispute_closed")


@pytest.mark.inv(201, 205)
def test_a_deadline_that_passes_loses_the_dispute(world: SimulatedWorld, payment_id: str) -> None:
    dispute = raised(world, payment_id)
    jump(world, 14 * DAY_S - 60)
    world.run(world.sleep(1))
    assert look(world, dispute["id"])["status"] == "needs_response"
    jump(world, 60)
    world.run(world.sleep(1))
    lost = look(world, dispute["id"])
    assert (lost["status"], lost["closed_why"]) == ("lost", "lapsed")
    assert kinds(world, payment_id) == ["dispute.opened", "dispute.lost"]


@pytest.mark.inv(203)
def test_other_evidence_is_reviewed_for_three_days_and_then_decided(
    world: SimulatedWorld, payment_id: str
) -> None:
    dispute = raised(world, payment_id, reason="product_not_received")
    hand_in(
        world,
        dispute["id"],
        shipping_tracking_number="LAB-1",
        shipping_documentation="slip.pdf",
        customer_communication="mail.pdf",
    )
    jump(world, 3 * DAY_S - 60)
    world.run(world.sleep(1))
    assert look(world, dispute["id"])["status"] == "under_review"
    jump(world, 60)
    world.run(world.sleep(1))
    assert look(world, dispute["id"])["status"] in {"won", "lost"}
    assert balances(world)[HOLD] == 0


@pytest.mark.inv(198)
def test_what_was_kept_or_handed_in_is_taken_once(world: SimulatedWorld, payment_id: str) -> None:
    dispute = raised(world, payment_id)
    path = f"/lab/disputes/{dispute['id']}/evidence"
    kept = send(world, "POST", path, {"evidence": {"receipt": "a.pdf", "service_date": "May"}})
    assert kept.json()["dispute"]["status"] == "needs_response"
    less = send(world, "POST", path, {"evidence": {"service_date": ""}}).json()["dispute"]
    assert less["evidence"] == {"receipt": "a.pdf"}
    hand_in(world, dispute["id"])
    again = send(world, "POST", path, {"evidence": {}, "submit": True})
    assert code_of(again) == (409, "evidence_submitted")
    assert code_of(send(world, "POST", f"/lab/disputes/{dispute['id']}/close")) == (
        409,
        "evidence_submitted",
    )


@pytest.mark.inv(205)
def test_a_dispute_can_be_given_up(world: SimulatedWorld, payment_id: str) -> None:
    dispute = raised(world, payment_id)
    closed = send(world, "POST", f"/lab/disputes/{dispute['id']}/close").json()["dispute"]
    assert (closed["status"], closed["closed_why"]) == ("lost", "accepted")


def test_a_disputed_payment_is_not_refunded_unless_the_dispute_was_won(
    world: SimulatedWorld, phone: Phone, payment_id: str
) -> None:
    dispute = raised(world, payment_id)
    refused = ordered(world, phone, "refunds", payment_id, "r1", amount=100)
    assert code_of(refused) == (409, "charge_disputed")
    hand_in(world, dispute["id"], uncategorized_text="winning_evidence")
    world.run(world.sleep(1))
    assert ordered(world, phone, "refunds", payment_id, "r2", amount=100).status_code == 200


@pytest.mark.inv(211)
def test_the_issuer_bears_a_fraud_dispute_over_an_authenticated_payment(
    world: SimulatedWorld, payment_id: str
) -> None:
    store = world.engine.lab.engine_database
    rows = SqlDisputeRows()
    world.run(store.write(lambda tx: rows.shift_liability(tx, payment_id, 1)))
    before = balances(world)
    dispute = raised(world, payment_id, reason="fraudulent")
    assert (dispute["status"], dispute["liability"]) == ("won", "issuer")
    assert (dispute["fee_minor"], dispute["closed_why"]) == (0, "liability_shift")
    assert balances(world) == before
    assert letters(world) == []
    assert kinds(world, payment_id) == ["dispute.shifted"]


@pytest.mark.inv(208)
def test_the_warning_comes_once_in_thirty_days(world: SimulatedWorld, phone: Phone) -> None:
    card = ready_card(world, phone)
    for number in range(3):
        paid_now = world.run(phone.pay(phone.tap(card["tokenRef"]), f"T0000001-{number}")).json()
        assert paid_now["approved"]
        ordered(world, phone, "capture", paid_now["transactionId"], f"c{number}")
        world.run(world.sleep(1))
        raised(world, paid_now["transactionId"])
        if number == 1:
            jump(world, 31 * DAY_S)
    assert letters(world).count("dispute_rate") == 2


def test_what_cannot_be_disputed_or_answered_is_refused(
    world: SimulatedWorld, phone: Phone
) -> None:
    made = paid(world, phone)
    cases: list[tuple[dict[str, object], tuple[int, str]]] = [
        ({"payment_id": made}, (409, "not_captured")),
        ({"payment_id": "pay_nothing"}, (404, "payment_not_found")),
        ({}, (400, "missing_field")),
    ]
    for body, wanted in cases:
        assert code_of(send(world, "POST", "/lab/disputes", body)) == wanted
    ordered(world, phone, "capture", made, "c1")
    world.run(world.sleep(1))
    refused: list[tuple[dict[str, object], tuple[int, str]]] = [
        ({"payment_id": made, "reason": "spite"}, (400, "reason_unknown")),
        ({"payment_id": made, "amount_minor": 1_241}, (409, "dispute_exceeds_capture")),
        ({"payment_id": made, "amount_minor": 0}, (409, "dispute_exceeds_capture")),
        ({"payment_id": made, "amount_minor": -5}, (409, "dispute_exceeds_capture")),
    ]
    for body, wanted in refused:
        assert code_of(send(world, "POST", "/lab/disputes", body)) == wanted
    assert send(world, "GET", "/lab/disputes").json()["disputes"] == []
    dispute = raised(world, made)
    path = f"/lab/disputes/{dispute['id']}/evidence"
    bad: list[tuple[dict[str, object], tuple[int, str]]] = [
        ({"evidence": {"alibi": "x"}}, (400, "evidence_unknown")),
        ({"evidence": {"uncategorized_text": "x" * 20_001}}, (400, "evidence_too_long")),
        ({"evidence": {"receipt": "x" * 256}}, (400, "evidence_too_long")),
        ({"evidence": {}, "submit": True}, (400, "no_evidence")),
        ({"evidence": {"receipt": 5}}, (400, "invalid_field")),
    ]
    for body, wanted in bad:
        assert code_of(send(world, "POST", path, body)) == wanted
    assert look(world, dispute["id"]) == dispute
    assert code_of(send(world, "GET", "/lab/disputes/dp_nothing")) == (404, "dispute_not_found")


def test_a_network_that_does_not_answer_is_asked_again(
    world: SimulatedWorld, payment_id: str
) -> None:
    dispute = raised(world, payment_id)
    fault = {"link": "visa.tsp", "effect": "lost_response"}
    assert send(world, "PUT", "/lab/faults", {"faults": [fault]}).status_code == 200
    hand_in(world, dispute["id"], uncategorized_text="winning_evidence")
    world.run(world.sleep(30))
    assert look(world, dispute["id"])["status"] == "under_review"
    send(world, "POST", "/lab/faults/reset")
    jump(world, 3_600)
    world.run(world.sleep(1))
    assert look(world, dispute["id"])["status"] == "won"


def folded(world: SimulatedWorld, payment_id: str) -> tuple[DisputeState | None, DisputeState]:
    """What the events say of a dispute, and what its row says, at one moment."""

    def read(tx: Transaction) -> tuple[DisputeState | None, DisputeState]:
        found = event_rows.of_payment(tx, payment_id)
        told = [event.kind for event in found if event.kind.startswith("dispute.")]
        dispute = SqlDisputeRows().dispute_of_payment(tx, payment_id)
        assert dispute is not None
        return replay(DisputeHappening(kind) for kind in told), dispute.state

    return world.engine.lab.engine_database.read(read)


def test_the_state_is_the_fold_of_the_events(world: SimulatedWorld, payment_id: str) -> None:
    dispute = raised(world, payment_id)
    for step in ("keep", "hand in", "wait"):
        if step == "keep":
            path = f"/lab/disputes/{dispute['id']}/evidence"
            send(world, "POST", path, {"evidence": {"receipt": "a.pdf"}})
        if step == "hand in":
            hand_in(world, dispute["id"], uncategorized_text="losing_evidence")
        if step == "wait":
            world.run(world.sleep(1))
        by_events, by_row = folded(world, payment_id)
        assert by_events is by_row
    assert by_row is DisputeState.LOST


def test_a_disputed_world_passes_verify(tmp_path: Path) -> None:
    with simulated(7, tmp_path / "lab") as world:
        phone = Phone(world.client())
        world.run(phone.sign_in())
        made = sold(world, phone)
        dispute = raised(world, made)
        hand_in(world, dispute["id"], uncategorized_text="losing_evidence")
        world.run(world.sleep(1))
        world.run(phone.client.aclose())
    assert verify(tmp_path / "lab")["ok"]


@pytest.mark.inv(205, 224)
def test_a_lost_dispute_is_settled_and_cleared_to_the_cent(
    world: SimulatedWorld, payment_id: str
) -> None:
    dispute = raised(world, payment_id)
    hand_in(world, dispute["id"], uncategorized_text="losing_evidence")
    world.run(world.sleep(1))
    for _ in range(3):
        jump(world, DAY_S)
        world.run(world.sleep(2))
    (batch,) = send(world, "GET", "/lab/settlement/batches").json()["batches"]
    told = {name: batch[f"{name}_minor"] for name in ("gross", "fees", "disputes", "net")}
    assert told == {"gross": 10_000, "fees": 320, "disputes": 11_500, "net": -1_820}
    assert {account: minor for account, minor in balances(world).items() if minor} == {
        f"liabilities:merchant-balance:{MERCHANT}": 1_820,
        "revenue:dispute-fees": -1_500,
        "revenue:processing-fees": -320,
    }
    compared = send(world, "GET", "/lab/reconciliation").json()["networks"]
    assert (compared["ok"], compared["in_order"]) == (True, 2)
