"""Cards and devices later on, whole way: network, engine and device agree, whatever is away."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from backend.api import simulated
from backend.cache import keys
from backend.simulation import SimulatedWorld
from tests.backend.http.phone import Phone

ISSUER = {"by": "ISSUER", "reason": "FRAUDULENT"}
TSP_AWAY = {"faults": [{"link": "visa.tsp", "effect": "reset_peer"}]}


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def card_now(phone: Phone, card_id: object) -> dict[str, object]:
    cards = (await phone.client.get("/api/cards")).json()["cards"]
    found: dict[str, object] = next(card for card in cards if card["id"] == card_id)
    return found


async def token_now(phone: Phone, token_ref: object) -> dict[str, object]:
    answer = await phone.client.get(f"/lab/tokens/{token_ref}")
    assert answer.status_code == 200, answer.text
    state: dict[str, object] = answer.json()
    return state


def take_messages(world: SimulatedWorld, phone: Phone) -> list[tuple[str, object]]:
    """What waits for a device, taken in and acknowledged."""
    heard = []
    for message in world.engine.devices.waiting(phone.device_id):
        if message.kind == "provision_token":
            phone.install(message.to_json())
        heard.append((message.kind, message.body.get("status")))
        world.run(world.engine.devices.acknowledge(phone.device_id, message.id))
    return heard


@pytest.fixture
def stranger(world: SimulatedWorld) -> Iterator[httpx.AsyncClient]:
    """Somebody else who is signed in."""
    client = world.client(with_token=False)
    person = {"email": "eve@example.test", "password": "correct horse battery"}
    assert world.run(client.post("/api/auth/register", json=person)).status_code == 201
    yield client
    world.run(client.aclose())


@pytest.mark.inv(52, 53, 57, 138, 166)
def test_a_suspension_reaches_the_network_and_the_device(
    world: SimulatedWorld, phone: Phone
) -> None:
    async def main() -> dict[str, object]:
        card = await phone.add_card("visa")
        path = f"/api/cards/{card['id']}"
        stopped = await phone.client.post(f"{path}/suspend", json={"reason": "stolen"})
        assert stopped.json()["card"]["suspendedBy"] == ["CARDHOLDER"]
        await world.sleep(0.1)
        state = await token_now(phone, card["tokenRef"])
        assert (state["status"], state["suspended_by"]) == ("suspended", ["CARDHOLDER"])
        events_before = len(world.engine.lab.events.recent())
        again = await phone.client.post(f"{path}/suspend", json={"reason": "other"})
        assert again.json() == stopped.json()
        assert len(world.engine.lab.events.recent()) == events_before, "a repeat is no news"
        back = await phone.client.post(f"{path}/reactivate")
        assert (back.status_code, back.json()["card"]["status"]) == (200, "active")
        assert (await phone.client.post(f"{path}/reactivate")).json() == back.json()
        state = await token_now(phone, card["tokenRef"])
        assert [each["reason"] for each in state["story"]] == ["STOLEN", "OTHER"]
        return card

    world.run(main())
    assert take_messages(world, phone) == [
        ("provision_token", None),
        ("token_status_change", "suspended"),
        ("token_status_change", "active"),
    ]


@pytest.mark.inv(55, 51)
def test_a_refreshed_card_pays_with_its_new_token_only(world: SimulatedWorld, phone: Phone) -> None:
    card = world.run(phone.add_card("visa"))
    take_messages(world, phone)

    async def main() -> None:
        answer = await phone.client.post(f"/api/cards/{card['id']}/refresh")
        assert answer.status_code == 200, answer.text
        fresh = answer.json()["card"]
        assert fresh["tokenRef"] != card["tokenRef"]
        assert (fresh["last4"], fresh["isDefault"], fresh["status"]) == ("4242", True, "active")
        assert fresh["tokenLast4"] != card["tokenLast4"]
        (message,) = world.engine.devices.waiting(phone.device_id)
        phone.install(message.to_json())
        assert phone.payloads[fresh["tokenRef"]]["replaces"] == card["tokenRef"]
        assert message.body["replaces"] == card["tokenRef"]
        old = (await phone.pay(phone.tap(card["tokenRef"]), "T-1")).json()
        assert (old["approved"], old["reason"]) == (False, "invalid_token")
        assert (await phone.pay(phone.tap(fresh["tokenRef"]), "T-2")).json()["approved"]
        stopped = await phone.client.post(f"/api/cards/{card['id']}/suspend")
        assert stopped.status_code == 200
        assert code_of(await phone.client.post(f"/api/cards/{card['id']}/refresh")) == (
            409,
            "card_not_active",
        )

    world.run(main())


@pytest.mark.inv(58)
def test_a_reactivation_waits_for_the_payment_under_way(
    world: SimulatedWorld, phone: Phone
) -> None:
    card = world.run(phone.add_card("visa"))
    take_messages(world, phone)
    slow = {"faults": [{"link": "visa.auth", "effect": "latency", "ms": 300}]}

    async def main() -> None:
        await phone.client.put("/lab/faults", json=slow)
        paying = asyncio.ensure_future(phone.pay(phone.tap(card["tokenRef"]), "T-1"))
        await world.sleep(0.1)
        await phone.client.post(f"/api/cards/{card['id']}/suspend")
        back = asyncio.ensure_future(phone.client.post(f"/api/cards/{card['id']}/reactivate"))
        await world.sleep(0.1)
        assert not back.done()
        assert (await card_now(phone, card["id"]))["pendingOperation"] == "reactivate"
        paid = (await paying).json()
        assert (paid["approved"], paid["reason"]) == (False, "token_not_active")
        assert (await back).json()["card"]["status"] == "active"
        assert (await phone.pay(phone.tap(card["tokenRef"]), "T-2")).json()["approved"]

    world.run(main())


def test_suspending_again_takes_a_waiting_reactivation_back(
    world: SimulatedWorld, phone: Phone
) -> None:
    async def main() -> None:
        card = await phone.add_card("visa")
        path = f"/api/cards/{card['id']}"
        await phone.client.post(f"{path}/suspend")
        await world.sleep(0.1)
        await phone.client.put("/lab/faults", json=TSP_AWAY)
        back = await phone.client.post(f"{path}/reactivate")
        assert back.status_code == 202
        assert back.json()["card"]["pendingOperation"] == "reactivate"
        assert (await phone.client.post(f"{path}/reactivate")).status_code == 202
        stopped = await phone.client.post(f"{path}/suspend")
        assert stopped.json()["card"]["pendingOperation"] is None
        await phone.client.post("/lab/faults/reset")
        await world.sleep(4_000)
        assert (await card_now(phone, card["id"]))["status"] == "suspended"
        assert (await token_now(phone, card["tokenRef"]))["status"] == "suspended"
        assert (await phone.client.post(f"{path}/reactivate")).json()["card"]["status"] == "active"

    world.run(main())


@pytest.mark.parametrize("operation", ["suspend", "reactivate", "refresh", "remove"])
def test_what_a_network_did_not_hear_it_hears_after_a_kill(operation: str, tmp_path: Path) -> None:
    with simulated(11, tmp_path / "lab") as world:
        phone = Phone(world.client())
        world.run(phone.sign_in())
        card = world.run(phone.add_card("visa"))
        path = f"/api/cards/{card['id']}"

        async def order() -> None:
            if operation == "reactivate":
                await phone.client.post(f"{path}/suspend")
                await world.sleep(1)
            await phone.client.put("/lab/faults", json=TSP_AWAY)
            if operation == "remove":
                assert (await phone.client.delete(path)).status_code == 200
            else:
                await phone.client.post(f"{path}/{operation}")
            await world.sleep(0.01)

        world.run(order())
        world.process.crash()
        world.run(world.process.start())
        phone.client.headers["Authorization"] = f"Bearer {world.engine.token}"
        world.run(world.sleep(4_000))
        networks = world.engine.lab.networks_database
        assert networks is not None
        tokens = [
            (row["status"], row["token_ref"] == card["tokenRef"])
            for row in networks._reader.execute("SELECT * FROM host_tokens ORDER BY created_at_us")
        ]
        assert (
            tokens
            == {
                "suspend": [("suspended", True)],
                "reactivate": [("active", True)],
                "refresh": [("deactivated", True), ("active", False)],
                "remove": [("deactivated", True)],
            }[operation]
        )
        if operation != "remove":
            status = "suspended" if operation == "suspend" else "active"
            now = world.run(card_now(phone, card["id"]))
            assert (now["status"], now["pendingOperation"]) == (status, None)
        world.run(phone.client.aclose())


def test_a_kill_between_network_and_wallet_leaves_no_token_behind(tmp_path: Path) -> None:
    """Killed before and after each commit of a refresh: one living token, known on both sides."""
    for commits in range(1, 6):
        for moment in ("before", "after"):
            with simulated(13, tmp_path / f"{commits}{moment}") as world:
                phone = Phone(world.client())
                world.run(phone.sign_in())
                card = world.run(phone.add_card("visa"))
                world.process.crash_at(commits, moment)
                with_answer = phone.client.post(f"/api/cards/{card['id']}/refresh")
                world.run(survived(with_answer))
                world.process.crash_never()
                if not world.process.is_up:
                    world.run(world.process.start())
                world.run(world.sleep(60))
                living = world.engine.lab.networks_database._reader.execute(
                    "SELECT token_ref FROM host_tokens WHERE status = 'active'"
                ).fetchall()
                now = world.run(card_now(phone, card["id"]))
                assert [row["token_ref"] for row in living] == [now["tokenRef"]]
                assert now["pendingOperation"] is None
                world.run(phone.client.aclose())


async def survived(asked: object) -> None:
    """Whatever becomes of the answer."""
    await asyncio.gather(asked, return_exceptions=True)


@pytest.mark.inv(52)
def test_an_issuer_stops_a_card_and_only_the_issuer_lets_it_go(
    world: SimulatedWorld, phone: Phone
) -> None:
    async def main() -> None:
        card = await phone.add_card("visa")
        token, path = f"/lab/tokens/{card['tokenRef']}", f"/api/cards/{card['id']}"
        stopped = await phone.client.post(f"{token}/suspend", json=ISSUER)
        assert stopped.json()["suspended_by"] == ["ISSUER"]
        now = await card_now(phone, card["id"])
        assert (now["status"], now["suspendReason"]) == ("suspended", "issuer_fraudulent")
        assert now["suspendedBy"] == ["ISSUER"]
        refused = await phone.client.post(f"{path}/reactivate")
        assert code_of(refused) == (409, "suspended_by_issuer")
        await phone.client.post(f"{path}/suspend")
        still = (await phone.client.post(f"{path}/reactivate")).json()["card"]
        assert (still["status"], still["suspendedBy"]) == ("suspended", ["ISSUER"])
        assert (await phone.client.post(f"{token}/resume")).json()["status"] == "active"
        await world.sleep(0.1)
        assert (await card_now(phone, card["id"]))["status"] == "active"
        gone = await phone.client.post(f"{token}/delete", json={"reason": "ACCOUNT_CLOSED"})
        assert gone.json()["status"] == "deactivated"
        assert (await phone.client.get("/api/cards")).json() == {"cards": []}
        audit = (await phone.client.get("/lab/audit")).json()["audit"]
        assert audit[0]["metadata"]["reason"] == "ACCOUNT_CLOSED"

    world.run(main())
    heard = take_messages(world, phone)
    assert [status for kind, status in heard if kind == "token_status_change"] == [
        "suspended", "suspended", "suspended", "active", "removed",
    ]  # fmt: skip


def test_what_an_issuer_did_while_the_engine_was_down_is_heard_at_its_start(
    world: SimulatedWorld, phone: Phone
) -> None:
    async def stop() -> dict[str, object]:
        card = await phone.add_card("visa")
        lives = world.engine.networks
        assert lives is not None
        host = httpx.AsyncClient(
            transport=httpx.ASGITransport(lives.token_services), base_url="http://networks"
        )
        async with host:
            done = await host.post(f"/visa/tsp/tokens/{card['tokenRef']}/suspend", json=ISSUER)
            assert done.status_code == 200
        assert (await card_now(phone, card["id"]))["status"] == "active"
        return card

    card = world.run(stop())
    world.process.crash()
    world.run(world.process.start())
    phone.client.headers["Authorization"] = f"Bearer {world.engine.token}"

    async def look() -> None:
        await world.sleep(1)
        now = await card_now(phone, card["id"])
        assert (now["status"], now["suspendedBy"]) == ("suspended", ["ISSUER"])

    world.run(look())


def test_an_issuers_new_card_keeps_the_token(world: SimulatedWorld, phone: Phone) -> None:
    card = world.run(phone.add_card("visa"))
    take_messages(world, phone)

    async def main() -> None:
        answer = await phone.client.post(f"/lab/tokens/{card['tokenRef']}/replace-card")
        new_last4 = answer.json()["card_last4"]
        now = await card_now(phone, card["id"])
        assert now["last4"] == new_last4 != card["last4"]
        assert now["tokenRef"] == card["tokenRef"]
        assert (await phone.pay(phone.tap(card["tokenRef"]), "T-1")).json()["approved"]

    world.run(main())


@pytest.mark.inv(140, 162, 163, 164, 165)
def test_a_lost_phone_with_twenty_cards(world: SimulatedWorld, phone: Phone) -> None:
    watch = replace(phone, device_id="dev_watch", payloads={})

    async def main() -> None:
        numbers = [f"42424242424{n:04d}" for n in range(20)]
        for number in numbers:
            order = await phone.order("visa", number + check_digit(number))
            assert (await phone.send(order, f"key-{number}")).status_code == 201
        await watch.register()
        worn = await watch.add_card("visa")
        by_hand = (await phone.client.get("/api/cards")).json()["cards"][3]
        await phone.client.post(f"/api/cards/{by_hand['id']}/suspend")
        async with world.client() as elsewhere:
            other = Phone(elsewhere, device_id="dev_desk")
            await other.sign_in()
            assert len((await elsewhere.get("/api/cards")).json()["cards"]) == 21
            lost = await elsewhere.post("/api/devices/dev_phone/lost")
            assert lost.json() == {"suspendedCount": 19}
            assert (await elsewhere.post("/api/devices/dev_phone/lost")).json() == {
                "suspendedCount": 0
            }
            cards = (await elsewhere.get("/api/cards")).json()["cards"]
            by_status = {each["id"]: each["status"] for each in cards}
            assert by_status.pop(worn["id"]) == "active"
            assert set(by_status.values()) == {"suspended"}
            await world.sleep(1)
            states = [await token_now(other, each["tokenRef"]) for each in cards]
            held = [each for each in states if "TOKEN_REQUESTOR" in each["suspended_by"]]
            assert len(held) == 20
            await elsewhere.post("/api/devices/dev_phone/found")
            assert await statuses(elsewhere) == {"active": 1, "suspended": 20}
            await elsewhere.post("/api/devices/dev_phone/lost")
            await elsewhere.post("/api/devices/dev_phone/found", json={"reactivateCards": True})
            assert await statuses(elsewhere) == {"active": 20, "suspended": 1}
            own = await card_now(other, by_hand["id"])
            assert own["suspendedBy"] == ["CARDHOLDER"], "what a person stopped stays stopped"

    world.run(main())


def check_digit(digits: str) -> str:
    doubled = [int(d) * (2 - i % 2) for i, d in enumerate(reversed(digits))]
    return str(-sum(d - 9 if d > 9 else d for d in doubled) % 10)


async def statuses(client: httpx.AsyncClient) -> dict[str, int]:
    cards = (await client.get("/api/cards")).json()["cards"]
    return {
        status: sum(card["status"] == status for card in cards)
        for status in sorted({card["status"] for card in cards})
    }


@pytest.mark.inv(163, 166)
def test_a_device_that_was_off_hears_everything_in_order(
    world: SimulatedWorld, phone: Phone
) -> None:
    async def main() -> None:
        card = await phone.add_card("visa")
        path = f"/api/cards/{card['id']}"
        await phone.client.post(f"{path}/suspend")
        await phone.client.post(f"{path}/reactivate")
        await phone.client.post(f"{path}/refresh")
        await phone.client.delete(path)

    world.run(main())
    world.process.crash()
    world.run(world.process.start())
    assert take_messages(world, phone) == [
        ("provision_token", None),
        ("token_status_change", "suspended"),
        ("token_status_change", "active"),
        ("provision_token", None),
        ("token_status_change", "removed"),
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/cards/{card}/suspend"),
        ("POST", "/api/cards/{card}/reactivate"),
        ("POST", "/api/cards/{card}/refresh"),
        ("PUT", "/api/cards/{card}/default"),
        ("DELETE", "/api/cards/{card}"),
        ("POST", "/api/devices/{device}/lost"),
        ("POST", "/api/devices/{device}/found"),
    ],
)
def test_somebody_elses_things_look_like_nothing(
    world: SimulatedWorld, phone: Phone, stranger: httpx.AsyncClient, method: str, path: str
) -> None:
    async def main() -> None:
        card = await phone.add_card("visa")
        theirs = path.format(card=card["id"], device=phone.device_id)
        nobodys = path.format(card="card_0", device="dev_0")
        seen = await stranger.request(method, theirs)
        unseen = await stranger.request(method, nobodys)
        assert seen.status_code == unseen.status_code == 404
        assert seen.content == unseen.content
        assert (await card_now(phone, card["id"]))["status"] == "active"
        async with world.client(with_token=False) as nobody:
            assert code_of(await nobody.request(method, theirs)) == (401, "not_signed_in")

    world.run(main())


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/api/cards/{card}/suspend", {"reason": "x" * 101}, (400, "reason_length")),
        ("/api/cards/{card}/suspend", {"reason": 7}, (400, "invalid_field")),
        ("/api/cards/{card}/suspend", {"why": "lost"}, (400, "unknown_field")),
        ("/api/cards/{card}/suspend", ["lost"], (400, "invalid_json")),
        ("/api/devices/dev_phone/found", {"reactivateCards": "yes"}, (400, "invalid_field")),
        ("/api/devices/dev_phone/found", {"all": True}, (400, "unknown_field")),
        ("/lab/tokens/tok_0/suspend", ISSUER, (404, "token_unknown")),
        ("/lab/tokens/{token}/melt", ISSUER, (404, "operation_unknown")),
        ("/lab/tokens/{token}/refresh", ISSUER, (404, "operation_unknown")),
        ("/lab/tokens/{token}/suspend", {"by": "CARDHOLDER"}, (400, "invalid_field")),
        ("/lab/tokens/{token}/suspend", {"reason": "FOUND"}, (400, "reason_unknown")),
        ("/lab/tokens/{token}/suspend", {"reason": "x" * 41}, (400, "invalid_field")),
        (
            "/lab/tokens/{token}/replace-card",
            {"by": "MOBILE_PIN_LOCKED"},
            (400, "not_the_issuer"),
        ),
    ],
)
def test_bad_words_change_nothing(
    world: SimulatedWorld, phone: Phone, path: str, body: object, expected: tuple[int, str]
) -> None:
    async def main() -> None:
        card = await phone.add_card("visa")
        there = path.format(card=card["id"], token=card["tokenRef"])
        assert code_of(await phone.client.post(there, json=body)) == expected
        assert await card_now(phone, card["id"]) == card
        assert (await token_now(phone, card["tokenRef"]))["story"] == []

    world.run(main())


def test_the_networks_desks_are_behind_the_local_token(
    world: SimulatedWorld, phone: Phone, stranger: httpx.AsyncClient
) -> None:
    async def main() -> None:
        card = await phone.add_card("visa")
        for path in ("/lab/tokens", f"/lab/tokens/{card['tokenRef']}"):
            assert code_of(await stranger.get(path)) == (401, "local_token_required")
        listed = (await phone.client.get("/lab/tokens")).json()["tokens"]
        assert [(each["card_id"], each["status"]) for each in listed] == [(card["id"], "active")]
        state = await token_now(phone, card["tokenRef"])
        assert (state["assurance_method"], state["requestor_id"]) == ("10", "40010030273")
        assert (state["device_id"], state["device_type"]) == ("dev_phone", "phone")
        await phone.client.put("/lab/faults", json=TSP_AWAY)
        away = await phone.client.get(f"/lab/tokens/{card['tokenRef']}")
        assert code_of(away) == (503, "network_unavailable")

    world.run(main())


@pytest.mark.inv(60, 138)
def test_nothing_is_cached_of_a_token_that_may_not_pay(world: SimulatedWorld, phone: Phone) -> None:
    cache = world.engine.lab.cache

    async def main() -> None:
        card = await phone.add_card("visa")
        path, key = f"/api/cards/{card['id']}", keys.token(str(card["tokenRef"]))
        for operation in ("suspend", "reactivate", "refresh"):
            await cache.put(key, b"active", ttl_s=300)
            await phone.client.get("/api/cards")
            await phone.client.post(f"{path}/{operation}")
            assert await cache.get(key) is None, operation
            listed = (await phone.client.get("/api/cards")).json()["cards"][0]
            assert listed["status"] == ("suspended" if operation == "suspend" else "active")
        fresh = await card_now(phone, card["id"])
        await cache.put(keys.token(str(fresh["tokenRef"])), b"active", ttl_s=300)
        await phone.client.post(f"/lab/tokens/{fresh['tokenRef']}/suspend", json=ISSUER)
        assert await cache.get(keys.token(str(fresh["tokenRef"]))) is None

    world.run(main())


@pytest.mark.inv(50)
def test_a_provisioning_is_about_two_kilobytes_at_most(world: SimulatedWorld, phone: Phone) -> None:
    order = world.run(phone.order("amex"))
    assert 500 < len(json.dumps(order)) < 2_048


@pytest.mark.inv(167)
def test_a_device_is_a_phone_or_a_watch(world: SimulatedWorld, phone: Phone) -> None:
    async def main() -> None:
        worn = {"kind": "watch", "name": "Watch"}
        assert (await phone.client.put("/api/devices/dev_watch", json=worn)).status_code == 200
        other = await phone.client.put("/api/devices/dev_x", json={"kind": "ring", "name": "R"})
        assert code_of(other) == (400, "device_kind_unknown")
        watch = replace(phone, device_id="dev_watch", payloads={})
        on_phone, on_watch = await phone.add_card("visa"), await watch.add_card("visa")
        assert on_phone["tokenRef"] != on_watch["tokenRef"]
        states = [await token_now(phone, card["tokenRef"]) for card in (on_phone, on_watch)]
        assert [state["device_type"] for state in states] == ["phone", "watch"]
        assert states[0]["par"] == states[1]["par"], "one account behind both"
        await phone.register()  # the session is the phone's again
        await phone.client.post("/api/devices/dev_watch/lost")
        assert (await card_now(phone, on_phone["id"]))["status"] == "active"

    world.run(main())
