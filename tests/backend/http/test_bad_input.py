"""Bad input at every route under `/api`: a clear problem, and nothing has changed.

A route that the OpenAPI document has and this file does not is a failure, so nobody adds one
without saying here what a good request to it looks like.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.api import simulated
from backend.simulation import SimulatedWorld
from tests.backend.http.bad_input import fingerprints, spoiled, strange
from tests.backend.http.phone import Phone
from tests.backend.http.shopper import Shopper
from tests.backend.http.test_in_app import Till
from tests.backend.http.test_payments import ready_card

MERCHANT = "mer_corner_market"
PERSON = {"email": "ann@example.invalid", "password": "a long enough one"}
EVE = {"email": "eve@example.invalid", "password": "another long one"}
PAUSE_S = 11  # one more try to sign in
REST_S = 30
Operation = tuple[str, str]


@dataclass
class Place:
    """A laboratory with one of everything, and a stranger who has nothing."""

    world: SimulatedWorld
    folder: Path
    phone: Phone
    eve: httpx.AsyncClient
    ids: dict[str, str]
    bodies: dict[Operation, dict[str, Any]]

    def send(
        self, client: httpx.AsyncClient, operation: Operation, content: bytes | None, **ids: str
    ) -> httpx.Response:
        """One request, every one under a key of its own, with time in between."""
        method, path = operation
        self.count += 1
        headers = {"Idempotency-Key": f"bad-{self.count}"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        self.world.run(self.world.sleep(PAUSE_S if "/auth/" in path else 0.1))
        url = path.format(**{**self.ids, **ids}) + ASKED_BESIDES.get(operation, "")
        return self.world.run(client.request(method, url, content=content, headers=headers))

    count: int = 0

    def look(self) -> dict[str, str]:
        """A digest of every table, once whatever was under way has come to rest."""
        self.world.run(self.world.sleep(REST_S))
        return fingerprints(self.folder)


REQUIRED_OF_RAW: dict[Operation, frozenset[str]] = {
    ("POST", "/api/merchant-sessions"): frozenset({"merchantId", "amount", "currency"}),
    ("POST", "/api/payments/in-app"): frozenset(
        {"cardId", "sessionId", "merchantId", "amount", "currency", "token", "expiry",
         "cryptogram", "atc", "emvData", "deviceVerification"}
    ),
    ("POST", "/api/merchant-payments"): frozenset(
        {"merchantId", "paymentToken", "amount", "currency"}
    ),
    ("POST", "/api/payments/nfc"): frozenset(
        {"token", "atc", "amount", "currency", "merchantId", "terminalId"}
    ),
}  # fmt: skip
"""Fields that a route whose body is read by hand cannot do without."""
ASKED_BESIDES = {("GET", "/api/payments/{payment_id}/refunds"): f"?merchantId={MERCHANT}"}
MAY_BE_EMPTY = frozenset(
    {
        ("POST", "/api/cards/{card_id}/suspend"),
        ("POST", "/api/devices/{device_id}/found"),
    }
)
"""Routes that need no body: `null` is none."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Shared by tests that change nothing."""
    with opened(tmp_path_factory.mktemp("bad") / "lab") as made:
        yield made


@pytest.fixture(scope="module")
def loose_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Another one, for tests that may change something."""
    with opened(tmp_path_factory.mktemp("strange") / "lab") as made:
        yield made


@contextmanager
def opened(folder: Path) -> Iterator[Place]:
    with simulated(7, folder) as world:
        client = world.client()
        eve = world.client(with_token=False)
        phone = Phone(client)
        for who, person in ((client, PERSON), (eve, EVE)):
            entered = world.run(who.post("/api/auth/register", json=person))
            assert entered.status_code == 201, entered.text
        world.run(phone.register())
        world.run(phone.prove())
        yield furnished(world, folder, phone, eve)
        world.run(client.aclose())
        world.run(eve.aclose())


def furnished(world: SimulatedWorld, folder: Path, phone: Phone, eve: httpx.AsyncClient) -> Place:
    card: Any = ready_card(world, phone)
    tap = phone.tap(card["tokenRef"])
    paid = world.run(phone.pay(tap, "T0000001-1"))
    assert paid.json()["approved"], paid.text
    order: Any = world.run(phone.order("mastercard"))
    pending = world.run(
        phone.send({**order, "cvv": "610", "termsVersion": "1"}, "a card that waits")
    )
    shopper = Shopper(world, phone, card)
    asked = shopper.session()
    till = Till(shopper)
    sealed = order["encryptedPan"]
    bodies: dict[Operation, dict[str, Any]] = {
        ("POST", "/api/auth/register"): {**PERSON, "email": "new@example.invalid"},
        ("POST", "/api/auth/login"): PERSON,
        ("POST", "/api/card-offers"): {"network": "mastercard", "encryptedPan": sealed},
        ("POST", "/api/cards"): order,
        ("POST", "/api/cards/{card_id}/verify"): {"method": "sms", "code": "123456"},
        ("POST", "/api/cards/{card_id}/suspend"): {"reason": "left it in a taxi"},
        ("PUT", "/api/devices/{device_id}"): {
            "kind": "phone",
            "name": "Phone",
            "publicKey": dict(phone.key.as_dict(private=False)),
        },
        ("POST", "/api/devices/{device_id}/found"): {"reactivateCards": True},
        ("POST", "/api/devices/{device_id}/proof"): {"proof": phone.word({"x": 1})},
        ("POST", "/api/payments/{payment_id}/capture"): {"merchantId": MERCHANT, "amount": 10},
        ("POST", "/api/payments/{payment_id}/void"): {"merchantId": MERCHANT, "reason": "torn"},
        ("POST", "/api/payments/{payment_id}/refunds"): {
            "merchantId": MERCHANT, "amount": 10, "reason": "one returned",
        },
        ("POST", "/api/payments/capture-all"): {"merchantId": MERCHANT},
        ("POST", "/api/privacy/erase"): {"proof": PERSON["password"]},
        ("POST", "/api/merchant-sessions"): {
            "merchantId": asked["merchantId"], "amount": 1800, "currency": "USD",
            "countryCode": "US", "deviceId": phone.device_id,
            "lineItems": [{"label": "Tea", "amount": 1800}],
            "supportedNetworks": ["visa"], "merchantCapabilities": ["supports3DS"],
        },
        ("POST", "/api/payments/in-app"): shopper.order(asked),
        ("POST", "/api/merchant-payments"): {**till.body(till.token()), "sessionId": asked["id"]},
        ("POST", "/api/payments/nfc"): {**phone.tap(card["tokenRef"]), "tapId": "tap_1"},
    }  # fmt: skip
    ids = {
        "network": "visa",
        "card_id": str(card["id"]),
        "pending_id": str(pending.json()["card"]["id"]),
        "device_id": phone.device_id,
        "payment_id": str(paid.json()["transactionId"]),
        "session_id": str(asked["id"]),
    }
    return Place(world, folder, phone, eve, ids, bodies)


def document_of(place: Place) -> Any:
    return place.world.run(place.phone.client.get("/openapi.json")).json()


def operations_of(place: Place) -> dict[Operation, Any]:
    """Every operation under `/api` that the engine's own document has."""
    return {
        (method.upper(), path): operation
        for path, methods in document_of(place)["paths"].items()
        if path.startswith("/api")
        for method, operation in methods.items()
    }


def required_of(place: Place, operation: Operation) -> frozenset[str]:
    """The fields that a body cannot do without, by the engine's own document."""
    if operation in REQUIRED_OF_RAW:
        return REQUIRED_OF_RAW[operation]
    content = operations_of(place)[operation]["requestBody"]["content"]["application/json"]
    schema = content["schema"]
    for each in (schema, *schema.get("anyOf", ())):
        if "$ref" in each:
            named = document_of(place)["components"]["schemas"][each["$ref"].rsplit("/", 1)[1]]
            return frozenset(named.get("required", ()))
    raise AssertionError(f"{operation}: a body that names no schema")


def expect_problem(answer: httpx.Response, what: str) -> None:
    told = f"{what}: {answer.status_code} {answer.text[:200]}"
    assert 400 <= answer.status_code < 500, told
    assert answer.status_code != 429, told
    assert answer.headers["content-type"] == "application/problem+json", told
    body = answer.json()
    assert body["status"] == answer.status_code, told
    assert body["code"], told
    assert body["detail"], told


BODIES = (
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/card-offers"),
    ("POST", "/api/cards"),
    ("POST", "/api/cards/{card_id}/verify"),
    ("POST", "/api/cards/{card_id}/suspend"),
    ("PUT", "/api/devices/{device_id}"),
    ("POST", "/api/devices/{device_id}/found"),
    ("POST", "/api/devices/{device_id}/proof"),
    ("POST", "/api/payments/{payment_id}/capture"),
    ("POST", "/api/payments/{payment_id}/void"),
    ("POST", "/api/payments/{payment_id}/refunds"),
    ("POST", "/api/payments/capture-all"),
    ("POST", "/api/privacy/erase"),
    ("POST", "/api/merchant-sessions"),
    ("POST", "/api/payments/in-app"),
    ("POST", "/api/merchant-payments"),
    ("POST", "/api/payments/nfc"),
)


def test_every_route_with_a_body_is_tried(place: Place) -> None:
    document = operations_of(place)
    with_body = {each for each, operation in document.items() if "requestBody" in operation}
    assert set(BODIES) == with_body | REQUIRED_OF_RAW.keys()
    assert set(place.bodies) == set(BODIES)


@pytest.mark.inv(145)
@pytest.mark.parametrize("operation", BODIES, ids=" ".join)
def test_a_body_that_cannot_be_changes_nothing(place: Place, operation: Operation) -> None:
    """A hundred requests or so for each route."""
    body, required = place.bodies[operation], required_of(place, operation)
    before = place.look()
    for what, content in spoiled(body, required):
        if operation in MAY_BE_EMPTY and content == b"null":
            continue
        answer = place.send(place.phone.client, operation, content)
        expect_problem(answer, f"{operation}: {what}")
    after = place.look()
    assert {name for name in before if before[name] != after[name]} == set()


@pytest.mark.parametrize("operation", BODIES, ids=" ".join)
def test_strange_words_break_nothing(loose_place: Place, operation: Operation) -> None:
    """What may be taken is; what is not is refused as clearly as anything."""
    for what, content in strange(loose_place.bodies[operation]):
        answer = loose_place.send(loose_place.phone.client, operation, content)
        if answer.status_code >= 300:
            expect_problem(answer, f"{operation}: {what}")


def test_the_look_notices_what_did_change(tmp_path: Path) -> None:
    with opened(tmp_path / "lab") as place:
        before = place.look()
        named = json.dumps({"kind": "phone", "name": "Another"}).encode()
        operation = ("PUT", "/api/devices/{device_id}")
        answer = place.send(place.phone.client, operation, named, device_id="dev_new")
        assert answer.status_code == 200
        after = place.look()
    changed = {name for name in after if before[name] != after[name]}
    assert changed == {"engine.db:devices", "engine.db:sessions"}


IDS = ("x" * 5_000, "%00", "%ED%A0%80", "..%2F..%2Fetc", "%F0%9F%92%B3", "%20", "a b", "%")
QUERIES = (
    "limit=0", "limit=501", "limit=many", "limit=" + "9" * 30, "fromUs=-1", "fromUs=1.5",
    "toUs=" + "9" * 20, "state=melted", "cursor=%00", "cursor=" + "x" * 65, "cursor=%ED%A0%80",
    "cardId=" + "x" * 65, "currency=EURO", "network=" + "x" * 21, "merchantId=" + "x" * 65,
    "unknown=1", "limit=1&limit=2",
)  # fmt: skip


def with_ids(place: Place) -> list[Operation]:
    """Operations whose path names something."""
    return [each for each in operations_of(place) if "{" in each[1]]


def named_in(path: str) -> str:
    """The one thing that a path names."""
    (name,) = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    return name


def content_of(place: Place, operation: Operation) -> bytes | None:
    body = place.bodies.get(operation)
    return None if body is None else json.dumps(body).encode()


def test_a_name_that_cannot_be_finds_nothing(place: Place) -> None:
    before = place.look()
    for operation in with_ids(place):
        for name in IDS:
            answer = place.send(
                place.phone.client,
                operation,
                content_of(place, operation),
                **{named_in(operation[1]): name},
            )
            expect_problem(answer, f"{operation}: {name[:20]}")
    assert place.look() == before


def test_a_question_that_cannot_be_is_no_failure(place: Place) -> None:
    """What is unknown may be ignored; what cannot be is refused."""
    for operation in operations_of(place):
        method, path = operation
        if method != "GET":
            continue
        for query in QUERIES:
            answer = place.send(place.phone.client, (method, f"{path}?{query}"), None)
            if answer.status_code != 200:
                expect_problem(answer, f"{operation}: {query}")


def test_each_unknown_field_of_a_history_is_refused(place: Place) -> None:
    for query in QUERIES[:-2]:
        answer = place.send(place.phone.client, ("GET", f"/api/transactions?{query}"), None)
        expect_problem(answer, query)


# Who knows a name may find out that it is taken when they ask for the same one for themselves:
# devices name themselves, as people do with their addresses.
TAKEN_NAMES = frozenset({("PUT", "/api/devices/{device_id}")})
TO_ANYBODY = frozenset(
    {
        ("GET", "/api/networks/{network}/key"),
        ("GET", "/api/merchant-sessions/{session_id}"),  # the shop's page, which has no session
        ("POST", "/api/merchant-sessions/{session_id}/cancel"),
    }
)
"""Operations that ask nobody who they are."""


@pytest.mark.inv(169)
def test_somebody_elses_things_look_like_nothing(place: Place) -> None:
    """The same answer, byte for byte, for what is another person's and for what nobody has."""
    before = place.look()
    seen = 0
    for operation in with_ids(place):
        if operation in TAKEN_NAMES | TO_ANYBODY:
            continue
        name = named_in(operation[1])
        content = content_of(place, operation)
        for theirs in {place.ids[name], place.ids["pending_id"] if name == "card_id" else ""}:
            nobodys = theirs[:-4] + "0000"
            answers = [
                place.send(place.eve, operation, content, **{name: each})
                for each in (theirs, nobodys)
                if theirs
            ]
            if not answers:
                continue
            one, other = answers
            told = one.text.replace(theirs, nobodys)
            assert (one.status_code, told) == (other.status_code, other.text), operation
            assert one.status_code in {401, 404, 409}, (operation, one.status_code, one.text)
            seen += 1
    assert seen >= 15
    assert place.look() == before


@pytest.mark.inv(169)
@pytest.mark.parametrize(
    ("operation", "field"),
    [
        (("POST", "/api/cards"), "deviceId"),
        (("POST", "/api/cards"), "fromCardId"),
        (("POST", "/api/payments/in-app"), "cardId"),
    ],
)
def test_somebody_elses_thing_in_a_body_looks_like_nothing(
    place: Place, operation: Operation, field: str
) -> None:
    theirs = place.ids["device_id" if field == "deviceId" else "card_id"]
    nobodys = theirs[:-4] + "0000"
    before = place.look()
    body = {**place.bodies[operation], field: theirs}
    if field == "fromCardId":
        body |= {"expiry": "", "cvv": ""}
    one, other = (
        place.send(place.eve, operation, json.dumps({**body, field: each}).encode())
        for each in (theirs, nobodys)
    )
    expect_problem(one, field)
    assert (one.status_code, one.text.replace(theirs, nobodys)) == (other.status_code, other.text)
    assert place.look() == before


def test_a_filter_by_somebody_elses_card_finds_what_nobodys_finds(place: Place) -> None:
    theirs = place.ids["card_id"]
    one, other = (
        place.send(place.eve, ("GET", f"/api/transactions?cardId={each}"), None)
        for each in (theirs, theirs[:-4] + "0000")
    )
    assert (one.status_code, one.content) == (200, other.content)


def test_without_a_session_nothing_is_told(place: Place) -> None:
    """Every operation that asks who it is says the same to nobody, whatever is named."""
    asks_nobody = TO_ANYBODY | {
        ("POST", "/api/auth/register"),
        ("POST", "/api/auth/login"),
        ("POST", "/api/auth/logout"),
        ("GET", "/api/terms"),
        ("POST", "/api/merchant-sessions"),
    }
    nobody = place.world.client(with_token=False)
    before = place.look()
    for operation in operations_of(place):
        if operation in asks_nobody:
            continue
        answer = place.send(nobody, operation, content_of(place, operation))
        assert answer.status_code == 401, (operation, answer.status_code, answer.text)
        expect_problem(answer, f"{operation}: nobody")
    assert place.look() == before
    place.world.run(nobody.aclose())
