"""The yellow path over `/api`: colours, codes, wrong tries, and what is refused at the door."""

import asyncio
import sqlite3
from collections.abc import Coroutine
from contextlib import closing

import httpx
import pytest

from backend.simulation import SimulatedWorld
from tests.backend.http.phone import CARDS, Phone

CODE_DIGITS = {"visa": 6, "mastercard": 8, "amex": 6}
ALL_METHODS = ["sms", "email", "bank_app", "call"]


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


async def add(phone: Phone, rule: str = "610", network: str = "visa", key: str = "add") -> dict:
    """A card whose security code begins with `rule`: the answer of POST /api/cards."""
    order = await phone.order(network)
    cvv = rule + CARDS[network][1][3:]
    answer = await phone.send({**order, "cvv": cvv, "termsVersion": "1"}, f"{key}-{rule}")
    assert answer.status_code == 201, answer.text
    return answer.json()


async def step(phone: Phone, card: dict, key: str | None = None, **body: object) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await phone.client.post(f"/api/cards/{card['id']}/verify", json=body, headers=headers)


async def notices(phone: Phone, after: int = 0) -> list[dict]:
    return (await phone.client.get(f"/lab/notices?after={after}")).json()["notices"]


async def wrong_code(phone: Phone) -> str:
    """A code of the right length that was never sent."""
    last = (await notices(phone))[-1]["code"]
    return last[:-1] + str((int(last[-1]) + 1) % 10)


def play(world: SimulatedWorld, work: Coroutine[object, object, None]) -> None:
    world.run(work)


@pytest.mark.inv(33, 34, 35)
@pytest.mark.parametrize("network", ["visa", "mastercard", "amex"])
def test_a_code_makes_a_pending_card_pay(world: SimulatedWorld, phone: Phone, network: str) -> None:
    async def main() -> None:
        added = await add(phone, network=network)
        card = added["card"]
        assert added["status"] == "verification_required"
        assert [method["method"] for method in added["methods"]] == ALL_METHODS
        assert card["status"] == "pending"
        assert card["decisions"] == {"wallet": "green", "network": "green", "issuer": "yellow"}
        assert card["termsVersion"] == "1"
        assert not card["isDefault"]
        assert world.engine.devices.waiting(phone.device_id) == [], "no key has left the network"
        sent = await step(phone, card, method="sms")
        assert sent.status_code == 200, sent.text
        by = {method["method"]: method for method in sent.json()["methods"]}
        assert (by["sms"]["state"], by["email"]["state"]) == ("sent", "ready")
        assert by["sms"]["expiresInMs"] == 600_000
        (notice,) = await notices(phone)
        assert len(notice["code"]) == CODE_DIGITS[network] == by["sms"]["codeDigits"]
        assert notice["destination"] == by["sms"]["destination"]
        assert notice["destination"].startswith("•• ")
        done = await step(phone, card, method="sms", code=notice["code"])
        assert done.json()["status"] == "success"
        assert (done.json()["card"]["status"], done.json()["card"]["isDefault"]) == ("active", True)
        (message,) = world.engine.devices.waiting(phone.device_id)
        phone.install(message.to_json())
        if network == "visa":
            paid = (await phone.pay(phone.tap(card["tokenRef"]), "T-1")).json()
            assert paid["approved"]

    play(world, main())


@pytest.mark.inv(32, 33)
@pytest.mark.parametrize(
    ("rule", "decisions", "methods"),
    [
        ("611", {"wallet": "green", "network": "green", "issuer": "yellow"}, ["sms"]),
        ("612", {"wallet": "green", "network": "yellow", "issuer": "green"}, ["bank_app", "call"]),
        ("613", {"wallet": "yellow", "network": "green", "issuer": "green"}, ["sms", "email"]),
        ("123", {"wallet": "green", "network": "green", "issuer": "green"}, []),
    ],
)
def test_each_party_says_its_colour(
    world: SimulatedWorld, phone: Phone, rule: str, decisions: dict, methods: list[str]
) -> None:
    async def main() -> None:
        added = await add(phone, rule)
        assert added["card"]["decisions"] == decisions
        assert [method["method"] for method in added["methods"]] == methods
        assert added["status"] == ("verification_required" if methods else "success")
        audit = (await phone.client.get("/lab/audit")).json()["audit"]
        kind = "card.verification_required" if methods else "card.provisioned"
        (line,) = [line for line in audit if line["action"] == kind]
        assert decisions == line["metadata"]["decisions"]

    play(world, main())


@pytest.mark.parametrize("who", ["issuer", "network", "wallet"])
def test_any_red_is_a_refusal_with_its_reason(
    world: SimulatedWorld, phone: Phone, who: str
) -> None:
    rule = {"issuer": "620", "network": "621", "wallet": "622"}[who]

    async def main() -> None:
        order = await phone.order("visa")
        refused = await phone.send({**order, "cvv": rule}, "red")
        assert code_of(refused) == (422, f"{who}_declined")
        assert (await phone.client.get("/api/cards")).json() == {"cards": []}
        audit = (await phone.client.get("/lab/audit")).json()["audit"]
        assert audit[0]["action"] == "card.refused"
        assert audit[0]["result"] == "refused"

    play(world, main())


def test_three_wrong_tries_spend_a_method_and_all_spent_ends_the_card(
    world: SimulatedWorld, phone: Phone
) -> None:
    async def main() -> None:
        card = (await add(phone, "613"))["card"]
        for method in ("sms", "email"):
            assert (await step(phone, card, method=method)).status_code == 200
            wrong = await wrong_code(phone)
            for left in (2, 1):
                answer = await step(phone, card, method=method, code=wrong)
                assert code_of(answer) == (422, "code_wrong")
                by = {each["method"]: each for each in answer.json()["methods"]}
                assert by[method]["triesLeft"] == left
            last = await step(phone, card, method=method, code=wrong)
            if method == "sms":
                assert code_of(last) == (422, "code_wrong")
                assert code_of(await step(phone, card, method="sms")) == (409, "method_spent")
            else:
                assert code_of(last) == (409, "verification_failed")
        (shown,) = (await phone.client.get("/api/cards")).json()["cards"]
        assert shown["status"] == "rejected"
        assert code_of(await step(phone, card, method="sms")) == (409, "verification_failed")
        order = await phone.order("visa")
        locked = await phone.send({**order, "cvv": "610"}, "again")
        assert code_of(locked) == (422, "verification_failed"), "no fresh tries by adding it again"
        await world.sleep(86_401)
        again = await phone.send({**order, "cvv": "610"}, "again")
        assert again.json()["status"] == "verification_required"
        actions = [
            line["action"] for line in (await phone.client.get("/lab/audit")).json()["audit"]
        ]
        assert actions.count("card.code_wrong") == 5
        assert actions.count("card.rejected") == 1

    play(world, main())
    statuses = [message.body["status"] for message in world.engine.devices.waiting(phone.device_id)]
    assert statuses == ["rejected"]


def test_a_code_expires_and_another_one_may_not_be_asked_for_at_once(
    world: SimulatedWorld, phone: Phone
) -> None:
    async def main() -> None:
        card = (await add(phone, "611"))["card"]
        assert code_of(await step(phone, card, method="sms", code="123456")) == (
            409,
            "code_not_sent",
        )
        await step(phone, card, method="sms")
        early = await step(phone, card, method="sms")
        assert code_of(early) == (429, "resend_too_early")
        assert early.headers["retry-after"] == "30"
        await world.sleep(30)
        assert (await step(phone, card, method="sms")).status_code == 200
        first, second = await notices(phone)
        old = await step(phone, card, method="sms", code=first["code"])
        assert code_of(old) == (422, "code_wrong"), "the newer code ends the older one"
        await world.sleep(600)
        late = await step(phone, card, method="sms", code=second["code"])
        assert code_of(late) == (422, "code_expired")
        assert (await step(phone, card, method="sms")).status_code == 200
        assert code_of(await step(phone, card, method="sms")) == (409, "no_more_codes")
        looked = (await phone.client.get(f"/api/cards/{card['id']}/verify")).json()
        (method,) = looked["methods"]
        assert (method["sendsLeft"], method["triesLeft"], method["state"]) == (0, 2, "sent")
        await world.sleep(600)
        gone = await phone.client.get(f"/api/cards/{card['id']}/verify")
        assert code_of(gone) == (409, "verification_failed")

    play(world, main())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, "missing_field")),
        ({"method": "pigeon"}, (400, "method_unknown")),
        ({"method": "call"}, (409, "method_not_offered")),
        ({"method": "call", "code": "123456"}, (409, "method_not_offered")),
        ({"method": 7}, (400, "invalid_field")),
        ({"method": "sms", "code": 123456}, (400, "invalid_field")),
        ({"method": "sms", "code": "12345"}, (400, "code_invalid")),
        ({"method": "sms", "code": "1234567"}, (400, "code_invalid")),
        ({"method": "sms", "code": ""}, (400, "code_invalid")),
        ({"method": "sms", "code": "12a456"}, (400, "code_invalid")),
        ({"method": "sms", "code": "١٢٣٤٥٦"}, (400, "code_invalid")),
        ({"method": "sms", "code": "1" * 400}, (400, "invalid_field")),
        ({"method": "sms", "code": "123456", "force": True}, (400, "unknown_field")),
    ],
)
def test_bad_steps_cost_no_try(
    world: SimulatedWorld, phone: Phone, body: dict[str, object], expected: tuple[int, str]
) -> None:
    async def main() -> None:
        card = (await add(phone, "611"))["card"]
        await step(phone, card, method="sms")
        answer = await step(phone, card, "key", **body)
        assert code_of(answer) == expected
        assert str(body.get("code") or "no code") not in answer.json()["detail"]
        looked = (await phone.client.get(f"/api/cards/{card['id']}/verify")).json()
        assert looked["methods"][0]["triesLeft"] == 3
        (notice,) = await notices(phone)
        right = await step(phone, card, "key", method="sms", code=notice["code"])
        assert right.json()["status"] == "success", "a refused step leaves its key free"

    play(world, main())


def test_cards_that_are_not_to_be_verified(world: SimulatedWorld, phone: Phone) -> None:
    async def main() -> None:
        active = (await add(phone, "123"))["card"]
        assert code_of(await step(phone, active, method="sms")) == (409, "card_not_pending")
        unknown = {"id": "card_nobody"}
        assert code_of(await step(phone, unknown, method="sms")) == (404, "card_unknown")
        pending = (await add(phone, "610", "amex"))["card"]
        async with world.client(with_token=False) as stranger:
            person = {"email": "eve@example.test", "password": "correct horse battery"}
            await stranger.post("/api/auth/register", json=person)
            path = f"/api/cards/{pending['id']}/verify"
            foreign = await stranger.post(path, json={"method": "sms"})
            assert code_of(foreign) == (404, "card_unknown")
            assert code_of(await stranger.get(path)) == (404, "card_unknown")
            missing = await stranger.get("/lab/notices")
            assert missing.status_code == 401, "nobody reads the mailbox without the local token"
        for way in ("suspend", "reactivate"):
            answer = await phone.client.post(f"/api/cards/{pending['id']}/{way}")
            assert code_of(answer) == (409, "card_not_verified")
        default = await phone.client.put(f"/api/cards/{pending['id']}/default")
        assert code_of(default) == (409, "card_not_verified")
        removed = await phone.client.delete(f"/api/cards/{pending['id']}")
        assert removed.status_code == 200
        assert code_of(await step(phone, pending, method="sms")) == (404, "card_unknown")

    play(world, main())


def test_a_lost_device_verifies_nothing(world: SimulatedWorld, phone: Phone) -> None:
    async def main() -> None:
        card = (await add(phone))["card"]
        async with world.client() as elsewhere:
            other = Phone(elsewhere, device_id="dev_other")
            await other.sign_in()
            await elsewhere.post(f"/api/devices/{phone.device_id}/lost")
            assert code_of(await step(other, card, method="sms")) == (409, "device_lost")
            await elsewhere.post(f"/api/devices/{phone.device_id}/found")
            assert (await step(other, card, method="sms")).status_code == 200

    play(world, main())


def test_a_repeat_under_its_key_is_not_done_twice(world: SimulatedWorld, phone: Phone) -> None:
    async def main() -> None:
        card = (await add(phone, "611"))["card"]
        sent = await step(phone, card, "send", method="sms")
        again = await step(phone, card, "send", method="sms")
        assert again.content == sent.content
        assert again.headers["idempotent-replayed"] == "true"
        (notice,) = await notices(phone)
        wrong = await wrong_code(phone)
        first = await step(phone, card, "wrong", method="sms", code=wrong)
        second = await step(phone, card, "wrong", method="sms", code=wrong)
        assert first.content == second.content
        assert second.json()["methods"][0]["triesLeft"] == 2
        other = await step(phone, card, "wrong", method="sms", code=notice["code"])
        assert code_of(other) == (422, "idempotency_mismatch")
        both = await asyncio.gather(
            *(step(phone, card, f"right-{n}", method="sms", code=notice["code"]) for n in range(2))
        )
        assert [answer.json().get("status") for answer in both].count("success") >= 1
        repeated = await step(phone, card, "right-0", method="sms", code=notice["code"])
        assert repeated.json()["status"] == "success"
        assert code_of(await step(phone, card, method="sms", code=notice["code"])) == (
            409,
            "card_not_pending",
        )

    play(world, main())
    kinds = [message.kind for message in world.engine.devices.waiting(phone.device_id)]
    assert kinds == ["provision_token"], "the keys are delivered once"


def test_terms_that_changed_are_accepted_anew(world: SimulatedWorld, phone: Phone) -> None:
    async def main() -> None:
        terms = (await phone.client.get("/api/terms")).json()
        assert terms["version"] == "1"
        order = await phone.order("visa")
        old = await phone.send({**order, "termsVersion": "0"}, "terms")
        assert code_of(old) == (400, "terms_changed")
        without = await phone.send(order, "terms")
        assert without.json()["card"]["termsVersion"] is None

    play(world, main())


def test_a_code_lies_nowhere_in_the_open(world: SimulatedWorld, phone: Phone) -> None:
    folder = world.engine.lab.data_dir

    async def main() -> str:
        card = (await add(phone, network="mastercard"))["card"]
        await step(phone, card, "send", method="sms")
        wrong = await wrong_code(phone)
        await step(phone, card, "wrong", method="sms", code=wrong)
        (notice,) = await notices(phone)
        await step(phone, card, "right", method="sms", code=notice["code"])
        await world.engine.lab.flush_events()
        return str(notice["code"])

    code = world.run(main())
    stored = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"card.code_sent" in stored, "the search reads what is written"
    assert code.encode() not in stored
    with closing(sqlite3.connect(folder / "networks.db")) as connection:
        assert connection.execute("SELECT count(*) FROM host_notices").fetchone() == (1,)
