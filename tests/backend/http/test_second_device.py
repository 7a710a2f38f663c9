"""The same card on a second device: a token of its own, without its number being typed again."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from backend.simulation import SimulatedWorld
from tests.backend.http.phone import SEALING, Phone
from tests.backend.http.test_wallet_routes import code_of

WATCH = "dev_watch"


class Watch:
    """A second device of the phone's person."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.device = Phone(phone.client, WATCH)

    async def register(self) -> None:
        body = {"kind": "watch", "name": "Watch"}
        answer = await self.phone.client.put(f"/api/devices/{WATCH}", json=body)
        assert answer.status_code == 200, answer.text

    async def order(self, card: dict[str, Any], **changes: object) -> dict[str, object]:
        network = card["network"]
        key = (await self.phone.client.get(f"/api/networks/{network}/key")).json()
        public = ECKey.import_key({name: key[name] for name in ("kty", "crv", "x", "y")})
        inside = {"deviceKey": self.device.key.as_dict(private=False)}
        sealed = jwe.encrypt_compact(SEALING, json.dumps(inside).encode(), public)
        body: dict[str, object] = {
            "network": network, "encryptedPan": sealed, "expiry": "", "cvv": "",
            "last4": card["last4"], "deviceId": WATCH, "fromCardId": card["id"],
        }  # fmt: skip
        return {**body, **changes}

    async def add(self, body: dict[str, object], key: str) -> httpx.Response:
        headers = {"Idempotency-Key": key}
        return await self.phone.client.post("/api/cards", json=body, headers=headers)


@pytest.fixture
def watch(phone: Phone) -> Watch:
    return Watch(phone)


def installed(world: SimulatedWorld, device: Phone) -> None:
    for message in world.engine.devices.waiting(device.device_id):
        device.install(message.to_json())


@pytest.mark.inv(165, 167, 389)
def test_the_watch_gets_a_token_of_its_own_for_the_phones_card(
    world: SimulatedWorld, phone: Phone, watch: Watch
) -> None:
    async def main() -> dict[str, Any]:
        card: Any = await phone.add_card("visa")
        await watch.register()
        body = await watch.order(card)
        answer = await watch.add(body, "to-watch")
        assert answer.status_code == 201, answer.text
        again = await watch.add(body, "to-watch")
        assert (again.content, again.headers["Idempotent-Replayed"]) == (answer.content, "true")
        copy: dict[str, Any] = answer.json()["card"]
        assert (copy["deviceId"], copy["last4"], copy["status"]) == (WATCH, "4242", "active")
        assert copy["tokenRef"] != card["tokenRef"]
        return {"phone": card, "watch": copy}

    cards = world.run(main())
    installed(world, phone)
    installed(world, watch.device)
    mine, other = (
        phone.payloads[cards["phone"]["tokenRef"]],
        watch.device.payloads[cards["watch"]["tokenRef"]],
    )
    assert mine["par"] == other["par"], "one account"
    assert mine["dpan"] != other["dpan"], "two tokens"
    assert mine["keys"] != other["keys"]

    async def pay_and_lose() -> None:
        paid = await phone.pay(watch.device.tap(cards["watch"]["tokenRef"]), "by-watch")
        assert paid.json()["status"] == "approved", paid.text
        lost = await phone.client.post(f"/api/devices/{WATCH}/lost")
        assert lost.json()["suspendedCount"] == 1
        declined = await phone.pay(watch.device.tap(cards["watch"]["tokenRef"]), "after")
        assert declined.json()["status"] != "approved"
        by_phone = await phone.pay(phone.tap(cards["phone"]["tokenRef"]), "by-phone")
        assert by_phone.json()["status"] == "approved", "a lost watch is no lost phone"

    world.run(pay_and_lose())


@pytest.mark.inv(165)
@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"fromCardId": "card_nobodys"}, (404, "card_unknown")),
        ({"last4": "4444"}, (404, "card_unknown")),
        ({"network": "amex"}, (404, "card_unknown")),
        ({"cvv": "123"}, (400, "card_named_twice")),
        ({"expiry": "12/30"}, (400, "card_named_twice")),
        ({"deviceId": "dev_other"}, (400, "device_unknown")),
        ({"fromCardId": None}, (400, "expiry_invalid")),
        ({"encryptedPan": "a.b.c.d.e"}, (422, "not_sealed")),
    ],
)
def test_what_names_no_card_of_this_person_gets_no_token(
    world: SimulatedWorld,
    phone: Phone,
    watch: Watch,
    changes: dict[str, object],
    refused: tuple[int, str],
) -> None:
    async def main() -> None:
        card: Any = await phone.add_card("visa")
        await watch.register()
        body = await watch.order(card, **changes)
        assert code_of(await watch.add(body, "to-watch")) == refused
        listed = (await phone.client.get("/api/cards")).json()["cards"]
        assert [each["id"] for each in listed] == [card["id"]]

    world.run(main())


@pytest.mark.inv(165)
def test_a_stopped_card_and_another_persons_card_are_not_copied(
    world: SimulatedWorld, phone: Phone, watch: Watch
) -> None:
    async def main() -> None:
        card: Any = await phone.add_card("visa")
        await watch.register()
        await phone.client.post(f"/api/cards/{card['id']}/suspend", json={})
        answer = await watch.add(await watch.order(card), "stopped")
        assert code_of(answer) == (404, "card_unknown")
        await phone.client.post(f"/api/cards/{card['id']}/reactivate")
        stranger = {"email": "eve@example.invalid", "password": "a long enough one"}
        assert (await phone.client.post("/api/auth/register", json=stranger)).status_code == 201
        body = {"kind": "watch", "name": "Eve's"}
        await phone.client.put("/api/devices/dev_eve", json=body)
        order = await watch.order(card, deviceId="dev_eve")
        assert code_of(await watch.add(order, "eve")) == (404, "card_unknown")

    world.run(main())
