"""A tap in mag-stripe mode over the engine's own route: approved once, and only once."""

from __future__ import annotations

from backend.payments.records import DEFAULT_MERCHANT
from backend.simulation import SimulatedWorld
from tests import stripe_issuer
from tests.backend.http.phone import Phone
from tests.backend.http.test_payments import ready_card


def swiped(
    phone: Phone, token_ref: object, number: int = 4321, **changes: object
) -> dict[str, object]:
    """The body for one tap, with a code that pyemv made."""
    phone.atc += 1
    payload = phone.payloads[str(token_ref)]
    stripe, token, expiry = payload["stripe"], str(payload["dpan"]), str(payload["expiry"])
    assert isinstance(stripe, dict)
    empty = stripe_issuer.track_2(token, expiry=expiry)
    code = stripe_issuer.code(empty, phone.atc, number, bytes.fromhex(stripe["mk"])) % 10_000
    body: dict[str, object] = {
        "entryMode": "magstripe",
        "token": token,
        "track2": f"{token}D{expiry}201{phone.atc:04d}{number:04d}{code:04d}9",
        "atc": phone.atc,
        "amount": 1240,
        "currency": "USD",
        "merchantId": DEFAULT_MERCHANT.id,
        "terminalId": DEFAULT_MERCHANT.terminal_id,
    }
    return {**body, **changes}


def test_a_swipe_is_approved_and_its_code_is_spent(world: SimulatedWorld, phone: Phone) -> None:
    card = ready_card(world, phone, "mastercard")
    body = swiped(phone, card["tokenRef"])
    told = world.run(phone.pay(body, "T-1")).json()
    assert (told["approved"], told["responseCode"], told["reason"]) == (True, "00", None)
    again = world.run(phone.pay(body, "T-1"))
    assert again.headers["idempotent-replayed"] == "true"
    replayed = world.run(phone.pay(body, "T-2")).json()
    assert (replayed["approved"], replayed["reason"]) == (False, "atc_replay")
    # with another counter the engine cannot know it; the network does
    claimed = world.run(phone.pay({**body, "atc": 10_001}, "T-3")).json()
    assert (claimed["approved"], claimed["reason"]) == (False, "atc_not_higher")
    rows = world.run(phone.client.get("/lab/payments")).json()["payments"]
    assert [row["bank"] for row in rows].count("held") == 1
    # and what was claimed counts for nothing: the next tap goes through, by track and by chip
    assert world.run(phone.pay(swiped(phone, card["tokenRef"]), "T-4")).json()["approved"]
    assert world.run(phone.pay(phone.tap(card["tokenRef"]), "T-5")).json()["approved"]


def test_a_false_code_is_the_networks_refusal(world: SimulatedWorld, phone: Phone) -> None:
    card = ready_card(world, phone, "mastercard")
    body = swiped(phone, card["tokenRef"])
    track = str(body["track2"])
    false = {**body, "track2": f"{track[:-2]}{(int(track[-2]) + 1) % 10}{track[-1]}"}
    told = world.run(phone.pay(false, "T-1")).json()
    assert (told["approved"], told["responseCode"], told["reason"]) == (
        False, "82", "cvc3_invalid",
    )  # fmt: skip
    assert world.run(phone.pay(body, "T-2")).json()["approved"]  # its counter was let go


def test_contradictions_are_told_apart(world: SimulatedWorld, phone: Phone) -> None:
    card = ready_card(world, phone, "mastercard")
    body = swiped(phone, card["tokenRef"])
    refused = world.run(phone.pay({**body, "emvData": "9F36020001"}, "T-1"))
    assert (refused.status_code, refused.json()["code"]) == (400, "field_contradicts")
    assert "emvData" in refused.json()["detail"]


def test_no_track_reaches_the_events(world: SimulatedWorld, phone: Phone) -> None:
    card = ready_card(world, phone, "mastercard")
    body = swiped(phone, card["tokenRef"])
    assert world.run(phone.pay(body, "T-1")).json()["approved"]
    payment = world.run(phone.client.get("/lab/payments")).json()["payments"][0]
    detail = world.run(phone.client.get(f"/lab/payments/{payment['id']}"))
    sent = [each for each in detail.json()["events"] if each["kind"] == "message.sent"]
    assert [each["data"]["fields"]["22"] for each in sent] == ["911"]
    assert str(body["track2"])[-13:] not in detail.text
    assert str(body["token"]) not in detail.text
