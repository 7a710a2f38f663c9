"""What a person's bank and shops write, over the engine's own routes."""

from __future__ import annotations

from typing import Any

import pytest

from backend.simulation import SimulatedWorld
from tests.backend.http.phone import Phone
from tests.backend.http.shopper import Shopper
from tests.backend.http.test_payments import ready_card


@pytest.fixture
def shopper(world: SimulatedWorld, phone: Phone) -> Shopper:
    world.run(phone.prove())
    return Shopper(world, phone, ready_card(world, phone))


def kinds(shopper: Shopper) -> list[tuple[str, str]]:
    return [(each["sender"], each["kind"]) for each in shopper.get("/api/notices")["notices"]]


def tap(shopper: Shopper, key: str, amount: int = 1240) -> dict[str, Any]:
    order = shopper.phone.tap(shopper.card["tokenRef"], amount=amount)
    return dict(shopper.world.run(shopper.phone.pay(order, key)).json())


def test_a_bank_writes_of_each_payment_and_says_why_not(shopper: Shopper) -> None:
    tap(shopper, "T-1")
    tap(shopper, "T-2", amount=1251)
    newest, oldest = shopper.get("/api/notices")["notices"]
    assert (newest["kind"], newest["reason"]) == ("payment_declined", "insufficient_funds")
    assert (oldest["kind"], oldest["amount"], oldest["currency"]) == ("payment_made", 1240, "USD")
    assert oldest["merchantName"] == "Corner Market"
    assert (oldest["cardId"], oldest["last4"]) == (shopper.card["id"], "4242")
    assert shopper.get("/api/notices?limit=1")["notices"] == [newest]


def test_a_shop_in_an_app_mails_a_receipt_and_a_till_does_not(shopper: Shopper) -> None:
    paid = shopper.pay(shopper.order(shopper.session()), "k1").json()
    assert paid["approved"] is True
    assert sorted(kinds(shopper)) == [("bank", "payment_made"), ("shop", "receipt")]
    mail = next(each for each in shopper.get("/api/notices")["notices"] if each["sender"] == "shop")
    assert (mail["senderName"], mail["amount"]) == ("Tea House", 1800)
    assert mail["paymentId"] == paid["transactionId"]


def test_a_bank_does_not_write_of_what_it_never_heard(shopper: Shopper) -> None:
    order = shopper.phone.tap(shopper.card["tokenRef"])
    path = f"/api/cards/{shopper.card['id']}/suspend"
    shopper.world.run(shopper.phone.client.post(path))
    told = shopper.world.run(shopper.phone.pay(order, "T-1")).json()
    assert told["approved"] is False
    assert kinds(shopper) == []  # the engine refused it, and its person stopped the card


def test_a_card_that_its_bank_stops_is_news(shopper: Shopper) -> None:
    path = f"/lab/tokens/{shopper.card['tokenRef']}"

    async def by_bank(operation: str) -> None:
        answer = await shopper.phone.client.post(f"{path}/{operation}", json={"by": "ISSUER"})
        assert answer.status_code < 300, answer.text

    shopper.world.run(by_bank("suspend"))
    assert kinds(shopper) == [("bank", "card_stopped")]
    shopper.world.run(by_bank("resume"))
    assert kinds(shopper) == [("bank", "card_works_again"), ("bank", "card_stopped")]


def test_messages_are_their_persons_alone(world: SimulatedWorld, shopper: Shopper) -> None:
    tap(shopper, "T-1")
    stranger = Phone(world.client(), "dev_other")

    async def look() -> tuple[int, list[Any], int]:
        nobody = await stranger.client.get("/api/notices")
        credentials = {"email": "other@example.test", "password": "a long pass phrase"}
        await stranger.client.post("/api/auth/register", json=credentials)
        found = (await stranger.client.get("/api/notices")).json()["notices"]
        wrong = await stranger.client.get("/api/notices?limit=0")
        await stranger.client.aclose()
        return nobody.status_code, found, wrong.status_code

    assert world.run(look()) == (401, [], 400)
