"""`/lab`: what a person sees and moves, and what is refused."""

from pathlib import Path

import httpx
import orjson
import pytest

from backend.runtime.events import Event
from backend.simulation import SimulatedWorld
from backend.storage import event_rows
from backend.storage.database import Database
from tests.backend.http.phone import Phone
from tests.backend.http.test_payments import ready_card

LAB_ROUTES = [
    ("GET", "/lab/state"),
    ("GET", "/lab/faults"),
    ("PUT", "/lab/faults"),
    ("POST", "/lab/faults/reset"),
    ("GET", "/lab/breakers"),
    ("POST", "/lab/breakers/visa/force"),
    ("PUT", "/lab/breakers/visa/rules"),
    ("GET", "/lab/clock"),
    ("POST", "/lab/clock"),
    ("GET", "/lab/networks"),
    ("GET", "/lab/metrics/latency"),
    ("GET", "/lab/payments"),
    ("GET", "/lab/payments/pay_1"),
    ("GET", "/lab/audit"),
    ("GET", "/lab/merchants"),
    ("POST", "/lab/merchants"),
    ("GET", "/lab/merchants/notices"),
    ("POST", "/lab/merchants/mer_1"),
    ("POST", "/lab/merchants/mer_1/keys"),
    ("POST", "/lab/merchants/mer_1/keys/key_1/revoke"),
    ("GET", "/lab/disputes"),
    ("POST", "/lab/disputes"),
    ("POST", "/lab/disputes/dp_1/evidence"),
    ("POST", "/lab/disputes/dp_1/close"),
    ("GET", "/lab/ledger"),
    ("POST", "/lab/events"),
    ("POST", "/lab/world/snapshot"),
    ("GET", "/lab/anything/else"),
    ("POST", "/api/payments/nfc"),
]
API_ROUTES = [
    ("GET", "/api/auth/me"),
    ("GET", "/api/networks/visa/key"),
    ("GET", "/api/cards"),
    ("DELETE", "/api/cards/card_1"),
    ("PUT", "/api/cards/card_1/default"),
    ("POST", "/api/cards/card_1/suspend"),
    ("POST", "/api/cards/card_1/reactivate"),
    ("GET", "/api/devices"),
    ("POST", "/api/devices/dev_1/lost"),
    ("POST", "/api/devices/dev_1/found"),
    ("GET", "/api/transactions"),
    ("GET", "/api/transactions/pay_1"),
]


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def send(
    world: SimulatedWorld, method: str, path: str, body: object = None, **headers: str
) -> httpx.Response:
    async def main() -> httpx.Response:
        async with world.client() as client:
            content = None if body is None else orjson.dumps(body)
            headers["Content-Type"] = "application/json"
            return await client.request(method, path, content=content, headers=headers)

    return world.run(main())


@pytest.mark.parametrize("credential", [None, "Bearer wrong", "Basic abc", "Bearer "])
def test_the_laboratory_opens_to_the_token_only(
    world: SimulatedWorld, credential: str | None
) -> None:
    async def main() -> list[httpx.Response]:
        async with world.client(with_token=False) as client:
            headers = {} if credential is None else {"Authorization": credential}
            return [await client.request(*route, headers=headers) for route in LAB_ROUTES]

    answers = world.run(main())
    assert {code_of(answer) for answer in answers} == {(401, "local_token_required")}


def test_the_wallet_opens_to_a_session_only(world: SimulatedWorld) -> None:
    answers = [send(world, method, path) for method, path in API_ROUTES]
    assert {code_of(answer) for answer in answers} == {(401, "not_signed_in")}


def test_what_is_somebody_elses_does_not_exist(world: SimulatedWorld, phone: Phone) -> None:
    card = ready_card(world, phone)
    world.run(phone.pay(phone.tap(card["tokenRef"]), "T-1"))
    payments = send(world, "GET", "/lab/payments").json()["payments"]
    names = {"card_1": card["id"], "dev_1": phone.device_id, "pay_1": payments[0]["id"]}
    routes = [
        (method, path.replace(placeholder, str(real)))
        for method, path in API_ROUTES
        for placeholder, real in names.items()
        if placeholder in path
    ]

    async def main() -> list[httpx.Response]:
        async with world.client(with_token=False) as client:
            person = {"email": "eve@example.test", "password": "correct horse battery"}
            await client.post("/api/auth/register", json=person)
            return [await client.request(*route) for route in routes]

    assert len(routes) == 7
    assert {answer.status_code for answer in world.run(main())} == {404}


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("PUT", "/lab/faults", {"faults": [{"link": "visa.auth"}]}, 400),
        ("PUT", "/lab/faults", {"faults": [], "extra": 1}, 400),
        ("PUT", "/lab/faults", {"faults": "all"}, 400),
        ("PUT", "/lab/faults", None, 400),
        ("POST", "/lab/breakers/visa/force", {"state": "ajar"}, 400),
        ("POST", "/lab/breakers/discover/force", {"state": "open"}, 404),
        ("PUT", "/lab/breakers/visa/rules", {"rules": "mood"}, 400),
        ("PUT", "/lab/breakers/discover/rules", {"rules": "rate"}, 404),
        ("GET", "/lab/payments?limit=0", None, 400),
        ("GET", "/lab/payments/pay_none", None, 404),
        ("GET", "/lab/metrics/latency?window_s=x", None, 400),
        ("POST", "/lab/events", {"events": [{"kind": "x"}]}, 400),
        ("POST", "/lab/world/snapshot", {"directory": "../out"}, 400),
        ("POST", "/lab/state", None, 405),
        ("GET", "/lab/nothing", None, 404),
    ],
)
def test_bad_orders_are_problems(
    world: SimulatedWorld, method: str, path: str, body: object, expected: int
) -> None:
    answer = send(world, method, path, body)
    assert answer.status_code == expected, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"]


def test_a_body_that_is_too_large_is_not_read(world: SimulatedWorld) -> None:
    assert code_of(send(world, "PUT", "/lab/faults", "x" * 70_000)) == (413, "body_too_large")

    async def dripping(path: str) -> httpx.Response:
        async def drops() -> object:
            for _ in range(70):
                yield b" " * 1_024

        async with world.client() as client:
            return await client.post(path, content=drops(), headers=headers)

    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    for path in ("/api/payments/nfc", "/lab/clock"):
        assert code_of(world.run(dripping(path))) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("body", "key", "expected"),
    [
        (b"{", "k", "invalid_json"),
        (b"[]", "k", "invalid_json"),
        (b"{}", "k", "field_missing"),
        (b"{}", None, "idempotency_key_required"),
    ],
)
def test_a_till_that_speaks_badly(
    world: SimulatedWorld, body: bytes, key: str | None, expected: str
) -> None:
    async def main() -> httpx.Response:
        async with world.client() as client:
            headers = {} if key is None else {"Idempotency-Key": key}
            return await client.post("/api/payments/nfc", content=body, headers=headers)

    assert code_of(world.run(main())) == (400, expected)


@pytest.mark.inv(90, 118, 125)
def test_a_forced_breaker_answers_for_its_network(world: SimulatedWorld, phone: Phone) -> None:
    card = ready_card(world, phone)
    forced = send(world, "POST", "/lab/breakers/visa/force", {"state": "open"}).json()
    assert [(each["name"], each["state"]) for each in forced["breakers"]] == [
        ("visa", "open"),
        ("mastercard", "closed"),
        ("amex", "closed"),
    ]
    answer = world.run(phone.pay(phone.tap(card["tokenRef"]), "T-1")).json()
    assert (answer["approved"], answer["status"], answer["reason"]) == (
        False,
        "not_sent",
        "breaker_open",
    )
    tiles = send(world, "GET", "/lab/networks").json()["networks"]
    assert (tiles[0]["rejected"], tiles[0]["probe"]) == (1, False)
    assert 'taplab_breaker_state{network="visa"} 2' in send(world, "GET", "/metrics").text
    send(world, "POST", "/lab/breakers/visa/force", {"state": "auto"})
    figures = send(world, "GET", "/lab/metrics/latency?window_s=60").json()
    assert set(figures["networks"]) == {"visa", "mastercard", "amex"}


@pytest.mark.inv(118, 121)
def test_one_network_is_judged_by_rate_and_the_others_are_not(
    world: SimulatedWorld, phone: Phone
) -> None:
    card = ready_card(world, phone)
    order = {"rules": "rate"}
    changed = send(world, "PUT", "/lab/breakers/visa/rules", order).json()["breakers"]
    assert [each["rules"] for each in changed] == ["rate", "consecutive", "consecutive"]
    world.run(phone.pay(phone.tap(card["tokenRef"]), "T-1"))
    assert send(world, "GET", "/lab/breakers").json()["breakers"][0]["calls"] == 1


def test_a_silent_network_ends_without_a_hold(world: SimulatedWorld, phone: Phone) -> None:
    card = ready_card(world, phone)
    plan = [{"link": "visa.auth", "effect": "lost_response", "when": {"nth": 1}}]
    applied = send(world, "PUT", "/lab/faults", {"faults": plan})
    assert applied.status_code == 200, applied.text
    body = phone.tap(card["tokenRef"])
    pending = world.run(phone.pay(body, "T-1"))
    assert (pending.json()["status"], pending.json()["approved"]) == ("pending", False)
    assert send(world, "GET", "/lab/state").json()["faults"][0]["fired"] == 1
    send(world, "POST", "/lab/faults/reset")
    world.run(world.sleep(90))
    row = send(world, "GET", "/lab/payments").json()["payments"][0]
    assert (row["state"], row["bank"]) == ("reversed", "released")
    final = world.run(phone.pay(body, "T-1"))
    assert final.headers["idempotent-replayed"] == "true"
    assert final.content == world.run(phone.pay(body, "T-1")).content


def test_the_life_of_a_payment_has_its_messages(tmp_path: Path) -> None:
    world = SimulatedWorld(3, tmp_path)
    with world:
        phone = Phone(world.client())
        world.run(phone.sign_in())
        card = ready_card(world, phone)
        body = phone.tap(card["tokenRef"], tapId="tap_9")
        world.run(phone.pay(body, "T-1"))
        world.run(phone.client.aclose())
    with world:
        (row,) = send(world, "GET", "/lab/payments").json()["payments"]
        life = send(world, "GET", f"/lab/payments/{row['id']}")
    messages = [each for each in life.json()["events"] if each["kind"].startswith("message.")]
    assert [(each["data"]["mti"], each["tap_id"]) for each in messages] == [
        ("0100", "tap_9"),
        ("0110", "tap_9"),
    ]
    assert str(body["token"]) not in life.text


def test_observed_events_are_stored_once_and_become_beliefs(
    world: SimulatedWorld, phone: Phone
) -> None:
    card = ready_card(world, phone)
    world.run(phone.pay(phone.tap(card["tokenRef"], tapId="tap_9"), "T-1"))
    heard: list[Event] = []
    world.engine.lab.events.subscribe(heard.append)
    showed = [
        Event(
            number, "lab.3f2a", 1, 1, side, f"{side}.showed", tap_id="tap_9", data={"belief": what}
        )
        for number, (side, what) in enumerate([("phone", "read"), ("till", "approved")], 1)
    ]
    body = {"events": [event.to_json() for event in showed]}
    assert send(world, "POST", "/lab/events", body).json() == {"stored": 2}
    assert send(world, "POST", "/lab/events", body).json() == {"stored": 2}
    assert [event.id for event in heard[:2]] == ["lab.3f2a-1", "lab.3f2a-2"]
    row = send(world, "GET", "/lab/payments").json()["payments"][0]
    assert (row["phone"], row["till"]) == ("read", "approved")
    database = world.engine.lab.engine_database
    stored = database.read(lambda tx: event_rows.after(tx, "lab.3f2a", 0, 10))
    assert stored == showed
    forged = {"events": [{**showed[0].to_json(), "source": "engine"}]}
    assert code_of(send(world, "POST", "/lab/events", forged)) == (400, "event_source")


def test_a_snapshot_is_a_world_of_its_own(
    world: SimulatedWorld, phone: Phone, tmp_path: Path
) -> None:
    card = ready_card(world, phone)
    world.run(phone.pay(phone.tap(card["tokenRef"]), "T-1"))
    made = send(world, "POST", "/lab/world/snapshot", {"directory": "before_lunch"})
    assert made.status_code == 201
    folder = Path(made.json()["directory"])
    assert folder == tmp_path / "lab" / "snapshots" / "before_lunch"
    assert {path.name for path in folder.iterdir()} == {
        *("engine.db", "networks.db", "manifest.json"),
        *("vault.json", "vault.key", "world.json"),
    }
    assert orjson.loads((folder / "manifest.json").read_bytes())["seed"] == 7
    copy = Database(folder / "engine.db", inline=True)
    assert copy.read(lambda tx: event_rows.last_seq(tx, "engine")) > 0
    copy.close()
    again = send(world, "POST", "/lab/world/snapshot", {"directory": "before_lunch"})
    assert code_of(again) == (409, "snapshot_exists")


def test_the_same_seed_tells_the_same_story(tmp_path: Path) -> None:
    def story(folder: Path) -> list[dict[str, object]]:
        with SimulatedWorld(3, folder, profile="lab") as world:
            phone = Phone(world.client())
            world.run(phone.sign_in())
            card = ready_card(world, phone)
            plan = [{"link": "visa.auth", "effect": "latency", "ms": 300, "jitter_ms": 300}]
            send(world, "PUT", "/lab/faults", {"faults": plan})
            for number in range(4):
                world.run(phone.pay(phone.tap(card["tokenRef"]), f"T-{number}"))
            world.run(world.sleep(120))
            world.run(phone.client.aclose())
            return [event.to_json() for event in world.engine.lab.events.recent()]

    told = story(tmp_path / "one")
    assert len(told) > 20
    assert told == story(tmp_path / "two")


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    world = SimulatedWorld(3, tmp_path)
    with world:
        send(world, "POST", "/lab/faults/reset")
        last = world.engine.lab.events.recent()[-1].seq
    with world:
        first = world.engine.lab.events.recent()[0].seq
    assert first == last + 1


def test_the_description_names_every_route(world: SimulatedWorld) -> None:
    paths = send(world, "GET", "/openapi.json").json()["paths"]
    shown = {path for _, path in LAB_ROUTES if "1" not in path and path != "/lab/anything/else"}
    shown -= {"/lab/breakers/visa/force", "/lab/breakers/visa/rules"}
    assert shown <= set(paths)


def test_the_page_for_people_names_every_route_and_fetches_nothing(world: SimulatedWorld) -> None:
    paths = send(world, "GET", "/openapi.json").json()["paths"]
    page = send(world, "GET", "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    for path, methods in paths.items():
        for method in methods:
            assert f"<b>{method.upper()}</b> {path}</h3>" in page.text
    assert "<code>jump_s</code><td>body<td>number, optional" in page.text
    for outside in ("<script", "http://", "https://", "src="):
        assert outside not in page.text
