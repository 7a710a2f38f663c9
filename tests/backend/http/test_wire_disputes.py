"""`/v1/disputes`: what a merchant's own program sees of a disputed card, and does about it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from backend.simulation import SimulatedWorld
from backend.storage.verify import verify as verify_store
from tests.backend.http.phone import Phone
from tests.backend.http.test_disputes import balances, jump, letters, raised, sold
from tests.backend.http.test_merchants import take_on

DISPUTED = "4000000000000259"
KEY = "sk_test_taplab"
DAY_S = 86_400
AUTH = {"Authorization": f"Bearer {KEY}"}


def ask(
    world: SimulatedWorld, method: str, path: str, *, key: str = KEY, **form: str
) -> httpx.Response:
    async def main() -> httpx.Response:
        async with world.client(with_token=False) as client:
            headers = {"Authorization": f"Bearer {key}"}
            fields = {name.replace("__", "[") + "]" * name.count("__"): form[name] for name in form}
            if method == "GET":
                return await client.get(path, params=fields, headers=headers)
            return await client.post(path, data=fields, headers=headers)

    return world.run(main())


def told(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def charged(world: SimulatedWorld, number: str = DISPUTED, amount: str = "5000") -> dict[str, Any]:
    """A confirmed intent, a second after its capture."""
    method = told(
        ask(
            world, "POST", "/v1/payment_methods", type="card", card__number=number,
            card__exp_month="12", card__exp_year="2030", card__cvc="123",
        )
    )  # fmt: skip
    intent = told(
        ask(
            world, "POST", "/v1/payment_intents", amount=amount, currency="usd", confirm="true",
            payment_method=method["id"], payment_method_types__0="card",
        )
    )  # fmt: skip
    assert intent["status"] == "succeeded"
    world.run(world.sleep(1))
    return intent


def the_dispute(world: SimulatedWorld) -> dict[str, Any]:
    (dispute,) = told(ask(world, "GET", "/v1/disputes"))["data"]
    return dict(dispute)


@pytest.mark.inv(196, 197, 206)
def test_a_card_that_will_be_disputed_is_disputed_once_it_is_captured(
    world: SimulatedWorld,
) -> None:
    intent = charged(world)
    dispute = the_dispute(world)
    assert dispute["object"] == "dispute"
    assert (dispute["amount"], dispute["currency"]) == (5_000, "usd")
    assert (dispute["reason"], dispute["status"]) == ("fraudulent", "needs_response")
    assert dispute["payment_intent"] == intent["id"]
    assert dispute["charge"] == intent["latest_charge"]
    details = dispute["evidence_details"]
    assert details["due_by"] - dispute["created"] == 14 * DAY_S
    assert (details["has_evidence"], details["submission_count"]) == (False, 0)
    charge = told(ask(world, "GET", f"/v1/charges/{dispute['charge']}"))
    assert charge["disputed"] is True
    assert letters(world)[0] == "dispute_opened"
    shown = told(
        ask(world, "GET", f"/v1/disputes/{dispute['id']}", expand__0="charge.payment_intent")
    )
    assert shown["charge"]["payment_intent"]["id"] == intent["id"]
    for filtered in ({"charge": dispute["charge"]}, {"payment_intent": intent["id"]}):
        found = told(ask(world, "GET", "/v1/disputes", **filtered))
        assert [each["id"] for each in found["data"]] == [dispute["id"]]
    none = told(ask(world, "GET", "/v1/disputes", charge="ch_nothing"))
    assert (none["data"], none["has_more"]) == ([], False)


@pytest.mark.inv(202, 203, 204, 205)
@pytest.mark.parametrize(
    ("text", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")]
)
def test_evidence_in_the_published_words_decides(
    world: SimulatedWorld, text: str, status: str
) -> None:
    charged(world)
    path = f"/v1/disputes/{the_dispute(world)['id']}"
    answered = told(
        ask(
            world, "POST", path, evidence__uncategorized_text=text, metadata__case="7",
            evidence__customer_name="Ann",
        )
    )  # fmt: skip
    assert answered["status"] == "under_review"
    assert answered["metadata"] == {"case": "7"}
    assert answered["evidence_details"]["submission_count"] == 1
    world.run(world.sleep(1))
    closed = told(ask(world, "GET", path))
    assert closed["status"] == status
    assert closed["is_charge_refundable"] is (status == "won")
    assert closed["evidence"]["customer_name"] == "Ann"
    taken, *given = closed["balance_transactions"]
    assert (taken["amount"], taken["fee"], taken["net"]) == (-5_000, 1_500, -6_500)
    assert [line["net"] for line in given] == ([5_000] if status == "won" else [])
    assert {line["source"] for line in (taken, *given)} == {closed["id"]}
    refund = ask(world, "POST", "/v1/refunds", charge=closed["charge"], amount="100")
    assert refund.status_code == (200 if status == "won" else 400)
    if status == "lost":
        assert refund.json()["error"]["code"] == "charge_disputed"
    assert balances(world)["liabilities:dispute-hold:mer_corner_market"] == 0
    assert [check for check in verify_store(world.engine.lab.engine_database) if not check.ok] == []


def test_evidence_may_be_kept_for_later_and_a_key_submits_it_once(world: SimulatedWorld) -> None:
    charged(world)
    path = f"/v1/disputes/{the_dispute(world)['id']}"
    kept = told(ask(world, "POST", path, evidence__receipt="file_receipt", submit="false"))
    assert kept["status"] == "needs_response"
    assert kept["evidence"]["receipt"] == "file_receipt"
    assert kept["evidence_details"]["has_evidence"] is True

    async def twice() -> list[httpx.Response]:
        async with world.client(with_token=False) as client:
            headers = {**AUTH, "Idempotency-Key": "submit-1"}
            return [
                await client.post(path, data={"submit": "true"}, headers=headers) for _ in range(2)
            ]

    first, second = world.run(twice())
    assert told(first)["status"] == "under_review"
    assert second.content == first.content
    assert second.headers["idempotent-replayed"] == "true"
    late = ask(world, "POST", path, evidence__receipt="another")
    assert (late.status_code, late.json()["error"]["code"]) == (400, "evidence_submitted")
    noted = told(ask(world, "POST", path, metadata__seen="yes"))
    assert noted["metadata"] == {"seen": "yes"}


@pytest.mark.inv(205)
def test_a_merchant_gives_a_dispute_up_and_a_till_s_payment_is_disputed_too(
    world: SimulatedWorld, phone: Phone
) -> None:
    made = sold(world, phone)
    raised(world, made, reason="duplicate")
    dispute = the_dispute(world)
    assert dispute["charge"] == "ch_" + made.removeprefix("pay_")
    closed = told(ask(world, "POST", f"/v1/disputes/{dispute['id']}/close"))
    assert closed["status"] == "lost"
    again = ask(world, "POST", f"/v1/disputes/{dispute['id']}/close")
    assert (again.status_code, again.json()["error"]["code"]) == (400, "dispute_closed")


def test_another_merchants_dispute_does_not_exist(world: SimulatedWorld) -> None:
    charged(world)
    dispute = the_dispute(world)
    _, key = take_on(world)
    secret = key["secret"]
    assert told(ask(world, "GET", "/v1/disputes", key=secret))["data"] == []
    one = f"/v1/disputes/{dispute['id']}"
    for method, path in (("GET", one), ("POST", one), ("POST", f"{one}/close")):
        answer = ask(world, method, path, key=secret)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_missing")
    assert the_dispute(world) == dispute


def test_bad_evidence_is_refused_and_nothing_changes(world: SimulatedWorld) -> None:
    charged(world)
    dispute = the_dispute(world)
    path = f"/v1/disputes/{dispute['id']}"
    cases = [
        ({"evidence__alibi": "x"}, "parameter_unknown", "evidence[alibi]"),
        ({"evidence": "x"}, "parameter_invalid_hash", "evidence"),
        ({"evidence__uncategorized_text": "x" * 20_001}, None, "evidence[uncategorized_text]"),
        ({"submit": "perhaps"}, None, "submit"),
        ({"submit": "true"}, "no_evidence", "evidence"),
        ({"colour": "blue"}, "parameter_unknown", "colour"),
    ]
    for form, code, param in cases:
        error = ask(world, "POST", path, **form).json()["error"]
        assert error["param"] == param, error
        assert code in {None, error["code"]}
    assert the_dispute(world) == dispute


def test_a_deadline_that_passed_is_said(world: SimulatedWorld) -> None:
    charged(world)
    dispute = the_dispute(world)
    jump(world, 15 * DAY_S)
    world.run(world.sleep(1))
    lapsed = told(ask(world, "GET", f"/v1/disputes/{dispute['id']}"))
    assert (lapsed["status"], lapsed["evidence_details"]["past_due"]) == ("lost", True)


@pytest.mark.inv(206, 244)
def test_a_merchants_events_tell_a_dispute_as_it_was_then(world: SimulatedWorld) -> None:
    charged(world)
    path = f"/v1/disputes/{the_dispute(world)['id']}"
    told(ask(world, "POST", path, evidence__uncategorized_text="winning_evidence"))
    world.run(world.sleep(2))
    events = told(ask(world, "GET", "/v1/events", limit="50"))["data"]
    seen = [
        (event["type"], event["data"]["object"]["status"])
        for event in reversed(events)
        if event["type"].startswith("charge.dispute.")
    ]
    assert seen == [
        ("charge.dispute.created", "needs_response"),
        ("charge.dispute.funds_withdrawn", "needs_response"),
        ("charge.dispute.updated", "under_review"),
        ("charge.dispute.funds_reinstated", "won"),
        ("charge.dispute.closed", "won"),
    ]
