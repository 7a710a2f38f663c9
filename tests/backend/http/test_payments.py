"""A tap, from a sealed card number to money that an issuer holds, over the engine's own routes."""

import pytest

from backend.payments.records import DEFAULT_MERCHANT
from backend.simulation import SimulatedWorld
from tests.backend.http.phone import Phone


def ready_card(world: SimulatedWorld, phone: Phone, network: str = "visa") -> dict[str, object]:
    """A card whose keys have arrived in the phone."""
    card = world.run(phone.add_card(network))
    device = world.engine.devices.waiting(phone.device_id)
    for message in device:
        phone.install(message.to_json())
    return card


@pytest.mark.inv(62, 32)
@pytest.mark.parametrize("network", ["visa", "mastercard", "amex"])
def test_a_tap_is_approved_and_seen_by_everyone(
    world: SimulatedWorld, phone: Phone, network: str
) -> None:
    card = ready_card(world, phone, network)
    body = phone.tap(card["tokenRef"], tapId="tap_1")
    answer = world.run(phone.pay(body, "T0000001-1"))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["approved"], told["status"], told["network"]) == (True, "approved", network)
    assert "idempotent-replayed" not in answer.headers

    again = world.run(phone.pay(body, "T0000001-1"))
    assert again.content == answer.content
    assert again.headers["idempotent-replayed"] == "true"

    rows = world.run(phone.client.get("/lab/payments")).json()["payments"]
    assert [(row["state"], row["bank"], row["card_id"]) for row in rows] == [
        ("approved", "held", card["id"])
    ]
    detail = world.run(phone.client.get(f"/lab/payments/{rows[0]['id']}")).json()
    assert sum(1 for event in detail["events"] if event["kind"] == "payment.approved") == 1
    assert {entry["direction"] for entry in detail["entries"]} == {"debit", "credit"}
    ledger = world.run(phone.client.get("/lab/ledger")).json()
    assert sorted(each["balance_minor"] for each in ledger["balances"]) == [-1240, 1240]
    assert {each["payment_id"] for each in ledger["entries"]} == {rows[0]["id"]}
    history = world.run(phone.client.get("/api/transactions")).json()["transactions"]
    assert [row["id"] for row in history] == [rows[0]["id"]]
    one = world.run(phone.client.get(f"/api/transactions/{rows[0]['id']}")).json()
    assert one["transaction"] == history[0]


@pytest.mark.inv(168, 169)
def test_history_comes_in_pages_that_do_not_shift(world: SimulatedWorld, phone: Phone) -> None:
    card = ready_card(world, phone)

    async def main() -> None:
        for number in range(5):
            await phone.pay(phone.tap(card["tokenRef"]), f"T-{number}")
        first = (await phone.client.get("/api/transactions?limit=3")).json()
        await phone.pay(phone.tap(card["tokenRef"]), "T-9")
        path = f"/api/transactions?limit=3&cursor={first['nextCursor']}"
        second = (await phone.client.get(path)).json()
        ids = [row["id"] for row in first["transactions"] + second["transactions"]]
        assert len(ids) == len(set(ids)) == 5
        assert ids == sorted(ids, reverse=True)
        assert second["nextCursor"] is None
        unknown = await phone.client.get("/api/transactions/pay_none")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "transaction_unknown")

    world.run(main())


def test_a_steered_decline_says_so(world: SimulatedWorld, phone: Phone) -> None:
    card = ready_card(world, phone)
    told = world.run(phone.pay(phone.tap(card["tokenRef"], amount=1251), "T-1")).json()
    assert (told["approved"], told["responseCode"], told["steered"]) == (
        False,
        "51",
        "amount ends .51",
    )


def test_fields_that_disagree_with_what_the_chip_signed(
    world: SimulatedWorld, phone: Phone
) -> None:
    card = ready_card(world, phone)
    body = phone.tap(card["tokenRef"], amount=1240)
    answer = world.run(phone.pay({**body, "amount": 1}, "T-1"))
    assert (answer.status_code, answer.json()["code"]) == (400, "emv_data_disagrees")


@pytest.mark.inv(100, 101)
def test_a_key_may_come_in_the_body(world: SimulatedWorld, phone: Phone) -> None:
    card = ready_card(world, phone)
    body = phone.tap(card["tokenRef"], amount=1240)

    async def post(more: dict[str, object], headers: dict[str, str]) -> tuple[int, bytes, str]:
        async with world.client() as till:
            answer = await till.post("/api/payments/nfc", json=body | more, headers=headers)
        code = "" if answer.status_code == 200 else answer.json()["code"]
        return answer.status_code, answer.content, code

    async def main() -> None:
        assert (await post({}, {}))[::2] == (400, "idempotency_key_required")
        for wrong in (7, "", ["T-1"]):
            assert (await post({"idempotencyKey": wrong}, {}))[::2] == (400, "bad_value")
        differs = await post({"idempotencyKey": "T-1"}, {"Idempotency-Key": "T-2"})
        assert differs[::2] == (400, "idempotency_key_differs")
        status, told, _ = await post({"idempotencyKey": "T-1"}, {})
        assert status == 200
        # The same request, however its key came, has the same answer to the byte.
        assert (await post({}, {"Idempotency-Key": "T-1"}))[:2] == (200, told)
        assert (await post({"idempotencyKey": "T-1"}, {"Idempotency-Key": "T-1"}))[1] == told

    world.run(main())


@pytest.mark.inv(117)
def test_how_often_the_cache_knew_the_answer_can_be_read(
    world: SimulatedWorld, phone: Phone
) -> None:
    """Hits and misses of the one cache are counters: their rate over any window is a division.

    Payments use the cache where a server is named; in one process it serves the card lists.
    """
    ready_card(world, phone)

    def counters() -> tuple[int, int]:
        lines = world.run(phone.client.get("/metrics")).text.splitlines()
        told = dict(line.split() for line in lines if not line.startswith("#"))
        return int(told["taplab_cache_hits_total"]), int(told["taplab_cache_misses_total"])

    hits, misses = counters()
    for _ in range(5):
        assert world.run(phone.client.get("/api/cards")).status_code == 200
    assert counters() == (hits + 4, misses + 1)


@pytest.mark.inv(129)
def test_a_shop_that_was_renamed_is_paid_under_its_new_name(
    world: SimulatedWorld, phone: Phone
) -> None:
    """Who is paid is kept in memory; the settings' change is heard at once."""
    card = ready_card(world, phone)

    async def main() -> None:
        names = []
        for number, name in enumerate(("Corner Shop", "Corner Stall")):
            before = await phone.pay(phone.tap(card["tokenRef"]), f"T0000001-{2 * number}")
            changed = await phone.client.post(
                f"/lab/merchants/{DEFAULT_MERCHANT.id}", json={"name": name}
            )
            assert changed.status_code == 200, changed.text
            after = await phone.pay(phone.tap(card["tokenRef"]), f"T0000001-{2 * number + 1}")
            for paid in (before, after):
                told = await phone.client.get(f"/lab/payments/{paid.json()['transactionId']}")
                names.append(told.json()["merchant_name"])
        assert names == ["Corner Market", "Corner Shop", "Corner Shop", "Corner Stall"]
        near = (await phone.client.get("/lab/metrics")).json()["near"]["kinds"]["merchant"]
        assert (near["hits"], near["misses"]) == (1, 3)

    world.run(main())
