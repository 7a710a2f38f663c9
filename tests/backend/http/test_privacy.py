"""A person's data is handed out whole, and forgotten without a trace but in what has to stay."""

import pytest
from sqlalchemy import select

from backend.simulation import SimulatedWorld
from backend.storage.database import Statement, Transaction
from backend.storage.metadata import engine_metadata
from backend.storage.verify import verify as verify_store
from tests.backend.http.phone import Phone
from tests.backend.http.test_wallet_routes import PERSON, code_of


async def a_life(world: SimulatedWorld, phone: Phone) -> str:
    """Register, add a card, pay with it; the person's identifier."""
    answer = await phone.client.post("/api/auth/register", json=PERSON)
    user_id = str(answer.json()["user"]["id"])
    phone.device_id = "dev_ada"
    answer = await phone.client.put(
        "/api/devices/dev_ada", json={"kind": "phone", "name": "Ada's own phone"}
    )
    assert answer.status_code == 200
    card = await phone.add_card("visa")
    for message in world.engine.devices.waiting(phone.device_id):
        phone.install(message.to_json())
    paid = await phone.pay(phone.tap(card["tokenRef"]), "T-1")
    assert paid.json()["approved"]
    return user_id


@pytest.mark.inv(145)
def test_an_export_holds_everything_and_is_audited(world: SimulatedWorld, phone: Phone) -> None:
    async def main() -> None:
        user_id = await a_life(world, phone)
        answer = await phone.client.get("/api/privacy/export")
        assert answer.headers["content-disposition"].startswith("attachment")
        told = answer.json()
        assert told["user"]["email"] == PERSON["email"]
        assert [each["name"] for each in told["devices"]] == ["Ada's own phone"]
        assert [each["last4"] for each in told["cards"]] == ["4242"]
        assert [each["state"] for each in told["transactions"]] == ["approved"]
        assert [each["deviceId"] for each in told["sessions"]] == ["dev_ada"]
        actions = [each["action"] for each in told["audit"]]
        assert actions[:2] == ["user.registered", "login"]
        assert actions[-1] == "privacy.exported"
        seen = (await phone.client.get(f"/lab/audit?user_id={user_id}")).json()["audit"]
        assert len(seen) == len(actions)
        only = (await phone.client.get("/lab/audit?action=privacy.exported")).json()["audit"]
        assert [line["user_id"] for line in only] == [user_id]

    world.run(main())


@pytest.mark.inv(145, 156)
def test_a_person_is_forgotten_and_the_books_stand(world: SimulatedWorld, phone: Phone) -> None:
    async def main() -> None:
        user_id = await a_life(world, phone)
        token = next(iter(phone.payloads))
        wrong = await phone.client.post("/api/privacy/erase", json={"proof": "not it at all"})
        assert code_of(wrong) == (400, "proof_wrong")
        proof = {"proof": PERSON["password"]}
        stolen = phone.client.cookies["session"]
        assert (await phone.client.post("/api/privacy/erase", json=proof)).json() == {
            "erased": True
        }
        phone.client.cookies.set("session", stolen)
        assert code_of(await phone.client.get("/api/auth/me")) == (401, "not_signed_in")
        assert code_of(await phone.client.post("/api/auth/login", json=PERSON)) == (
            401,
            "wrong_credentials",
        )
        refused = (await phone.pay(phone.tap(token), "T-2")).json()
        assert refused["reason"] == "invalid_token"
        lines = (await phone.client.get(f"/lab/audit?user_id={user_id}")).json()["audit"]
        assert lines[0]["action"] == "user.erased"
        assert {line["ip_address"] for line in lines} == {None}
        assert len((await phone.client.get("/lab/ledger")).json()["entries"]) == 2
        await world.sleep(5)
        gone = (await phone.client.get("/lab/audit?resource_id=" + token)).json()["audit"]
        assert all(line["ip_address"] is None for line in gone)
        phone.client.cookies.clear()
        again = await phone.client.post("/api/auth/register", json=PERSON)
        assert again.json()["user"]["id"] != user_id, "the address is free again"
        second = await phone.client.post("/api/privacy/erase", json=proof)
        assert second.status_code == 200

    world.run(main())
    checks = verify_store(world.engine.lab.engine_database)
    assert [check for check in checks if not check.ok] == []
    tables = world.engine.lab.engine_database.read(_everything)
    assert PERSON["email"] not in tables
    assert "Ada's own phone" not in tables


def _everything(tx: Transaction) -> str:
    """Every row of every table, as a thief would read them."""
    return repr(
        [
            tuple(row)
            for table in engine_metadata.sorted_tables
            for row in tx.all(Statement(select(table)))
        ]
    )


def test_the_demo_user_says_so_in_a_word_and_does_not_come_back(
    world: SimulatedWorld, phone: Phone
) -> None:
    async def main() -> None:
        no = await phone.client.post("/api/privacy/erase", json={"proof": "yes"})
        assert code_of(no) == (400, "proof_wrong")
        yes = await phone.client.post("/api/privacy/erase", json={"proof": "erase"})
        assert yes.status_code == 200
        back = await phone.client.post("/api/auth/login", json={"demo": True})
        assert code_of(back) == (401, "demo_erased")

    world.run(main())
    checks = verify_store(world.engine.lab.engine_database)
    assert [check for check in checks if not check.ok] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_field"),
        ({"proof": 5}, "invalid_field"),
        ({"proof": "x" * 257}, "invalid_field"),
        ({"proof": "erase", "user": "usr_2"}, "unknown_field"),
    ],
)
def test_bad_erasures(
    world: SimulatedWorld, phone: Phone, body: dict[str, object], code: str
) -> None:
    answer = world.run(phone.client.post("/api/privacy/erase", json=body))
    assert code_of(answer) == (400, code)


def test_nobody_is_erased_or_exported_without_a_session(world: SimulatedWorld) -> None:
    async def main() -> None:
        async with world.client(with_token=False) as client:
            for answer in (
                await client.get("/api/privacy/export"),
                await client.post("/api/privacy/erase", json={"proof": "erase"}),
            ):
                assert code_of(answer) == (401, "not_signed_in")

    world.run(main())


@pytest.mark.inv(151, 326)
def test_guessing_a_password_is_slow(world: SimulatedWorld) -> None:
    async def main() -> None:
        async with world.client(with_token=False) as client:
            await client.post("/api/auth/register", json=PERSON)
            wrong = {**PERSON, "password": "wrong horse battery"}
            for _ in range(10):
                assert (await client.post("/api/auth/login", json=wrong)).status_code == 401
            refused = await client.post("/api/auth/login", json=PERSON)
            assert code_of(refused) == (429, "too_many_requests")
            assert refused.headers["retry-after"] == refused.headers["x-ratelimit-reset"] == "10"
            assert refused.headers["x-ratelimit-limit"] == "10"
            assert refused.headers["x-ratelimit-remaining"] == "0"
            assert (await client.get("/api/auth/me")).status_code == 200, "sessions go on"
            await world.sleep(10)
            assert (await client.post("/api/auth/login", json=PERSON)).status_code == 200

    world.run(main())
