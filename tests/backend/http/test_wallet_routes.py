"""Sign-in, devices and cards over `/api`: what is refused, what is remembered, who hears of it."""

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from backend.simulation import SimulatedWorld
from backend.storage.database import Statement, Transaction
from backend.storage.host_tables import host_tokens
from tests.backend.http.phone import Phone

PERSON = {"email": "ada@example.test", "password": "correct horse battery"}


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


@pytest.mark.inv(151, 152, 153, 154, 156, 160)
def test_a_person_registers_signs_in_and_out(world: SimulatedWorld) -> None:
    async def main() -> None:
        async with world.client(with_token=False) as client:
            answer = await client.post("/api/auth/register", json=PERSON)
            assert answer.status_code == 201
            cookie = answer.headers["set-cookie"]
            assert {"HttpOnly", "SameSite=lax", "Max-Age=604800"} <= set(cookie.split("; "))
            me = (await client.get("/api/auth/me")).json()
            assert me["user"]["email"] == PERSON["email"]
            stolen = client.cookies["session"]
            await client.post("/api/auth/logout")
            client.cookies.set("session", stolen)
            assert code_of(await client.get("/api/auth/me")) == (401, "not_signed_in")
            client.cookies.clear()
            assert (await client.post("/api/auth/login", json=PERSON)).status_code == 200
            assert (await client.get("/api/auth/me")).status_code == 200

    world.run(main())
    stored = b"".join(path.read_bytes() for path in world.engine.lab.data_dir.glob("engine.db*"))
    assert b"$argon2id$" in stored
    assert PERSON["password"].encode() not in stored


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({**PERSON, "password": "short"}, (400, "password_length")),
        ({**PERSON, "email": "nobody"}, (400, "email_invalid")),
        ({"email": PERSON["email"]}, (400, "missing_field")),
        ({**PERSON, "admin": True}, (400, "unknown_field")),
        ({**PERSON, "password": 5}, (400, "invalid_field")),
        ({"demo": True}, (401, "local_token_required")),
    ],
)
def test_bad_registrations(
    world: SimulatedWorld, body: dict[str, object], expected: tuple[int, str]
) -> None:
    async def main() -> None:
        async with world.client(with_token=False) as client:
            answer = await client.post("/api/auth/register", json=body)
            assert code_of(answer) == expected
            assert "short" not in answer.text

    world.run(main())


def test_a_taken_address_and_a_wrong_password(world: SimulatedWorld) -> None:
    async def main() -> None:
        async with world.client(with_token=False) as client:
            await client.post("/api/auth/register", json=PERSON)
            again = await client.post("/api/auth/register", json=PERSON)
            assert code_of(again) == (409, "email_taken")
            wrong = {**PERSON, "password": "wrong horse battery"}
            unknown = {**wrong, "email": "eve@example.test"}
            first = await client.post("/api/auth/login", json=wrong)
            second = await client.post("/api/auth/login", json=unknown)
            assert code_of(first) == code_of(second) == (401, "wrong_credentials")
            assert first.content == second.content

    world.run(main())


@pytest.mark.inv(154)
def test_a_session_ends_after_seven_days(world: SimulatedWorld) -> None:
    async def main() -> None:
        async with world.client(with_token=False) as client:
            await client.post("/api/auth/register", json=PERSON)
            await world.sleep(7 * 86_400 - 1)
            assert (await client.get("/api/auth/me")).status_code == 200
            await world.sleep(1)
            client.cookies.set("session", client.cookies.get("session", "gone"))
            assert code_of(await client.get("/api/auth/me")) == (401, "not_signed_in")

    world.run(main())


@pytest.mark.inv(25, 26, 35, 49, 100, 166)
def test_a_card_is_added_once_a_key_and_reaches_its_device(
    world: SimulatedWorld, phone: Phone
) -> None:
    async def main() -> None:
        order = await phone.order("visa")
        missing = await phone.client.post("/api/cards", json=order)
        assert code_of(missing) == (400, "idempotency_key_required")
        added = await phone.send(order, "provision-4242-1")
        assert added.status_code == 201
        card = added.json()["card"]
        assert (card["status"], card["last4"], card["isDefault"]) == ("active", "4242", True)
        assert (card["product"], card["cardType"]) == ("Everyday", "debit")
        again = await phone.send(order, "provision-4242-1")
        assert again.content == added.content
        assert again.headers["idempotent-replayed"] == "true"
        other = await phone.send({**order, "expiry": "11/30"}, "provision-4242-1")
        assert code_of(other) == (422, "idempotency_mismatch")
        listed = (await phone.client.get("/api/cards")).json()["cards"]
        assert listed == [card]

    world.run(main())
    waiting = world.engine.devices.waiting(phone.device_id)
    assert [message.kind for message in waiting] == ["provision_token"]
    phone.install(waiting[0].to_json())
    assert world.run(world.engine.devices.acknowledge(phone.device_id, waiting[0].id))
    assert not world.run(world.engine.devices.acknowledge(phone.device_id, waiting[0].id))
    assert world.engine.devices.waiting(phone.device_id) == []


@pytest.mark.inv(38, 40, 41, 42, 43)
def test_of_racers_one_asks_the_network_and_another_device_gets_its_own_token(
    world: SimulatedWorld, phone: Phone
) -> None:
    watch = replace(phone, device_id="dev_watch", payloads={})

    async def main() -> None:
        orders = [await phone.order("visa") for _ in range(8)]
        answers = await asyncio.gather(
            *(phone.send(order, f"race-{number}") for number, order in enumerate(orders))
        )
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [201, *[409] * 7]
        refused = {code_of(answer) for answer in answers if answer.status_code == 409}
        assert refused == {(409, "already_provisioned")}
        await watch.register()
        await watch.add_card("visa")
        cards = (await phone.client.get("/api/cards")).json()["cards"]
        assert len({card["tokenRef"] for card in cards}) == 2

    world.run(main())
    assert world.engine.lab.networks_database is not None
    tokens = world.engine.lab.networks_database.read(_count_tokens)
    assert tokens == 2


def _count_tokens(tx: Transaction) -> int:
    return len(tx.all(Statement(select(host_tokens))))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"network": "discover"}, (400, "network_unknown")),
        ({"encryptedPan": "4242424242424242"}, (400, "card_not_sealed")),
        ({"encryptedPan": "a.b.c.d.e"}, (422, "not_sealed")),
        ({"last4": "42"}, (400, "last4_invalid")),
        ({"last4": "1111"}, (422, "last4_differs")),
        ({"expiry": "13/30"}, (400, "expiry_invalid")),
        ({"expiry": "01/20"}, (422, "expired_card")),
        ({"cvv": "12"}, (400, "cvv_invalid")),
        ({"deviceId": "dev_nobody"}, (400, "device_unknown")),
        ({"pan": "4242424242424242"}, (400, "unknown_field")),
        ({"cvv": 123}, (400, "invalid_field")),
    ],
)
def test_cards_that_are_refused_leave_nothing(
    world: SimulatedWorld, phone: Phone, change: dict[str, str], expected: tuple[int, str]
) -> None:
    async def main() -> None:
        order = await phone.order("visa")
        answer = await phone.send({**order, **change}, "key-1")
        assert code_of(answer) == expected
        assert "4242" not in answer.text
        assert (await phone.client.get("/api/cards")).json() == {"cards": []}
        assert (await phone.send(order, "key-1")).status_code == 201

    world.run(main())


@pytest.mark.inv(44, 52, 53, 54, 57, 59, 138)
def test_the_life_of_a_card(world: SimulatedWorld, phone: Phone) -> None:
    async def main() -> None:
        visa, amex = await phone.add_card("visa"), await phone.add_card("amex")
        chosen = await phone.client.put(f"/api/cards/{amex['id']}/default")
        assert chosen.json()["card"]["isDefault"]
        listed = (await phone.client.get("/api/cards")).json()["cards"]
        assert [(card["id"], card["isDefault"]) for card in listed] == [
            (amex["id"], True),
            (visa["id"], False),
        ]
        for message in world.engine.devices.waiting(phone.device_id):
            phone.install(message.to_json())
        path = f"/api/cards/{visa['id']}"
        stopped = await phone.client.post(f"{path}/suspend", json={"reason": "misplaced"})
        again = await phone.client.post(f"{path}/suspend")
        assert stopped.json()["card"]["suspendReason"] == "misplaced"
        assert again.json() == stopped.json()
        state = (await phone.client.get("/lab/state")).json()
        assert [each["card_id"] for each in state["suspended"]] == [visa["id"]]
        refused = (await phone.pay(phone.tap(visa["tokenRef"]), "T-1")).json()
        assert (refused["approved"], refused["reason"]) == (False, "token_not_active")
        back = await phone.client.post(f"{path}/reactivate")
        assert back.json()["card"]["status"] == "active"
        paid = (await phone.pay(phone.tap(visa["tokenRef"]), "T-2")).json()
        assert paid["approved"]
        assert (await phone.client.delete(path)).json() == {"removed": visa["id"]}
        assert code_of(await phone.client.delete(path)) == (404, "card_unknown")
        gone = (await phone.pay(phone.tap(visa["tokenRef"]), "T-3")).json()
        assert gone["reason"] == "invalid_token"
        audit = (await phone.client.get("/lab/audit")).json()["audit"]
        actions = [line["action"] for line in reversed(audit)]
        assert actions[-4:] == [
            "card.reactivated",
            "payment.approved",
            "card.removed",
            "payment.declined",
        ]
        assert {"login", "device.registered", "card.provisioned", "card.suspended"} <= set(actions)

    world.run(main())
    kinds = [
        (message.kind, message.body.get("status"))
        for message in world.engine.devices.waiting(phone.device_id)
    ]
    assert kinds[2:] == [
        ("token_status_change", "suspended"),
        ("token_status_change", "active"),
        ("token_status_change", "removed"),
    ]


@pytest.mark.inv(162, 163, 164, 165)
def test_a_lost_device_loses_its_cards_and_its_sessions(
    world: SimulatedWorld, phone: Phone
) -> None:
    async def main() -> None:
        card = await phone.add_card("visa")
        async with world.client() as elsewhere:
            other = Phone(elsewhere, device_id="dev_other")
            await other.sign_in()
            await other.add_card("visa")
            lost = await elsewhere.post(f"/api/devices/{phone.device_id}/lost")
            assert lost.json() == {"suspendedCount": 1}
            assert code_of(await phone.client.get("/api/cards")) == (401, "not_signed_in")
            cards = {
                each["id"]: each for each in (await elsewhere.get("/api/cards")).json()["cards"]
            }
            assert cards[card["id"]]["suspendReason"] == "device_lost"
            assert sorted(each["status"] for each in cards.values()) == ["active", "suspended"]
            path = f"/api/cards/{card['id']}/reactivate"
            assert code_of(await elsewhere.post(path)) == (409, "device_lost")
            found = await elsewhere.post(f"/api/devices/{phone.device_id}/found")
            assert not found.json()["device"]["lost"]
            assert (await elsewhere.post(path)).status_code == 200

    world.run(main())


@pytest.mark.inv(45, 46, 135)
def test_a_card_has_a_picture_without_digits(world: SimulatedWorld, phone: Phone) -> None:
    async def main() -> None:
        card = await phone.add_card("mastercard")
        picture = await phone.client.get(str(card["cardArtUrl"]))
        assert picture.headers["content-type"].startswith("image/svg+xml")
        assert picture.headers["cache-control"] == "public, max-age=86400"
        assert "Travel" in picture.text
        assert str(card["last4"]) not in picture.text
        assert picture.headers["cdn-cache-control"] == "max-age=604800"
        assert picture.headers["vary"] == "Accept-Encoding"
        path, _, told = str(card["cardArtUrl"]).partition("?v=")
        assert picture.headers["etag"] == f'"{told}"'
        known = {"If-None-Match": f'"{told}"'}
        assert (await phone.client.get(path, headers=known)).status_code == 304
        assert (await phone.client.get(f"{path}?v=old")).text == picture.text
        unknown = await phone.client.get("/static/card-art/card_none.svg")
        assert code_of(unknown) == (404, "card_art_unknown")

    world.run(main())


def test_a_card_tells_its_terms_and_designs_before_it_is_added(
    world: SimulatedWorld, phone: Phone
) -> None:
    async def main() -> None:
        order = await phone.order("visa")
        asked = {"network": "visa", "encryptedPan": order["encryptedPan"]}
        offer = (await phone.client.post("/api/card-offers", json=asked)).json()
        assert (offer["product"], offer["cardType"]) == ("Everyday", "debit")
        assert [design["id"] for design in offer["designs"]] == ["everyday", "everyday-tide"]
        faces = [(await phone.client.get(each["artUrl"])).text for each in offer["designs"]]
        assert len(set(faces)) == 2
        version = offer["terms"]["version"]
        refused = [
            await phone.send({**order, "termsVersion": "everyday-1"}, "old terms"),
            await phone.send({**order, "design": "travel"}, "other design"),
        ]
        assert [code_of(answer) for answer in refused] == [
            (400, "terms_changed"),
            (400, "design_unknown"),
        ]
        chosen = {**order, "termsVersion": version, "design": "everyday-tide"}
        card = (await phone.send(chosen, "tide")).json()["card"]
        assert (card["design"], card["termsVersion"]) == ("everyday-tide", version)
        assert (await phone.client.get(card["cardArtUrl"])).text == faces[1]
        refreshed = await phone.client.post(f"/api/cards/{card['id']}/refresh")
        assert refreshed.json()["card"]["design"] == "everyday-tide"

    world.run(main())


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"network": "none"}, (400, "network_unknown")),
        ({"network": "mastercard"}, (422, "not_sealed")),
        ({"encryptedPan": "a.b"}, (400, "card_not_sealed")),
        ({"more": 1}, (400, "unknown_field")),
    ],
)
def test_an_offer_for_what_is_no_card_is_refused(
    world: SimulatedWorld, phone: Phone, changes: dict[str, object], answer: tuple[int, str]
) -> None:
    async def main() -> None:
        order = await phone.order("visa")
        body = {"network": "visa", "encryptedPan": order["encryptedPan"], **changes}
        told = code_of(await phone.client.post("/api/card-offers", json=body))
        assert told == answer

    world.run(main())


@pytest.mark.inv(36)
def test_a_card_number_stays_with_the_networks(world: SimulatedWorld, phone: Phone) -> None:
    number = "4242424242424242"
    folder = world.engine.lab.data_dir
    planted = folder / "planted.txt"
    planted.write_text(f"... {number} ...")
    assert holders(folder, number) == {"planted.txt"}, "the scanner finds a planted number"
    planted.unlink()

    async def main() -> None:
        card = await phone.add_card("visa")
        for message in world.engine.devices.waiting(phone.device_id):
            phone.install(message.to_json())
        await phone.pay(phone.tap(card["tokenRef"]), "T-1")
        await phone.client.post("/lab/world/snapshot", json={"directory": "copy"})

    world.run(main())
    token = str(next(iter(phone.payloads.values()))["dpan"])
    assert holders(folder, number) == set()
    assert holders(folder, token) == set()


def holders(folder: Path, number: str) -> set[str]:
    """Files under the folder that hold the number as text, hex of text, or packed digits."""
    forms = (number.encode(), number.encode().hex().encode(), bytes.fromhex(number))
    return {
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    }
