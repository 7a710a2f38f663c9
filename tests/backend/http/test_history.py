"""`/api/transactions`: pages, filters, the newest page from the cache, and only one's own."""

import httpx
import pytest

from backend.simulation import SimulatedWorld
from tests.backend.http.phone import Phone
from tests.backend.http.test_wallet_routes import PERSON, code_of


async def shop(world: SimulatedWorld, phone: Phone, *amounts: int) -> list[str]:
    """Pay with a card of each network in turn; the identifiers, oldest first."""
    cards = [await phone.add_card("visa"), await phone.add_card("amex")]
    for message in world.engine.devices.waiting(phone.device_id):
        phone.install(message.to_json())
    paid = []
    for number, amount in enumerate(amounts):
        tap = phone.tap(cards[number % 2]["tokenRef"], amount=amount)
        paid.append(str((await phone.pay(tap, f"T-{number}")).json()["transactionId"]))
        await world.sleep(1)
    return paid


async def ids(client: httpx.AsyncClient, query: str = "") -> list[str]:
    answer = await client.get(f"/api/transactions{query}")
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["transactions"]]


@pytest.mark.inv(168, 169)
def test_a_history_is_filtered_and_paged(world: SimulatedWorld, phone: Phone) -> None:
    async def main() -> None:
        paid = await shop(world, phone, 1000, 1051, 1200, 1300)
        newest = paid[::-1]
        assert await ids(phone.client) == newest
        assert await ids(phone.client, "?network=visa") == [paid[2], paid[0]]
        assert await ids(phone.client, "?state=declined") == [paid[1]]
        assert await ids(phone.client, "?state=approved&network=amex") == [paid[3]]
        assert await ids(phone.client, "?currency=EUR") == []
        rows = (await phone.client.get("/api/transactions")).json()["transactions"]
        card = rows[0]["cardId"]
        assert await ids(phone.client, f"?cardId={card}") == [paid[3], paid[1]]
        assert await ids(phone.client, f"?merchantId={rows[0]['merchantId']}") == newest
        assert await ids(phone.client, "?merchantId=mer_other") == []
        first = (await phone.client.get("/api/transactions?limit=1&network=amex")).json()
        query = f"?limit=1&network=amex&cursor={first['nextCursor']}"
        assert await ids(phone.client, query) == [paid[1]]
        at_us = int(paid[2][4:18], 16)  # an identifier begins with its time
        assert await ids(phone.client, f"?fromUs={at_us}") == newest[:2]
        assert await ids(phone.client, f"?toUs={at_us}") == newest[2:]

    world.run(main())


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("cursor=nonsense", "cursor_invalid", "cursor"),
        ("cursor=" + "x" * 65, "invalid_field", "cursor"),
        ("limit=0", "invalid_field", "limit"),
        ("limit=201", "invalid_field", "limit"),
        ("limit=many", "invalid_field", "limit"),
        ("state=lost", "filter_unknown", "state"),
        ("network=diners", "filter_unknown", "network"),
        ("currency=XXX", "filter_unknown", "currency"),
        ("cardId=" + "x" * 65, "invalid_field", "cardId"),
        ("merchantId=" + "x" * 65, "invalid_field", "merchantId"),
        ("fromUs=-1", "invalid_field", "fromUs"),
        ("toUs=yesterday", "invalid_field", "toUs"),
        ("fromUs=5&toUs=5", "filter_period", "fromUs"),
    ],
)
def test_bad_questions(
    world: SimulatedWorld, phone: Phone, query: str, code: str, field: str
) -> None:
    answer = world.run(phone.client.get(f"/api/transactions?{query}"))
    assert code_of(answer) == (400, code)
    assert answer.json()["field"] == field


@pytest.mark.inv(128, 170)
def test_whoever_paid_sees_it_in_the_next_list(world: SimulatedWorld, phone: Phone) -> None:
    async def main() -> None:
        paid = await shop(world, phone, 1000)
        for number in range(3):
            assert await ids(phone.client) == paid[::-1]
            assert await ids(phone.client) == paid[::-1], "from the cache"
            token = next(iter(phone.payloads))
            answer = await phone.pay(phone.tap(token), f"again-{number}")
            paid.append(answer.json()["transactionId"])
        kinds = (await phone.client.get("/lab/metrics")).json()["cache"]["kinds"]
        assert kinds["tx_history"] == {"hits": 3, "misses": 3, "hit_rate": 0.5}
        told = (await phone.client.get("/metrics")).text
        assert 'taplab_cache_lookups_total{kind="tx_history",result="hit"} 3' in told

    world.run(main())


@pytest.mark.inv(169)
def test_what_is_another_persons_is_not_there(world: SimulatedWorld, phone: Phone) -> None:
    async def main() -> None:
        (paid,) = await shop(world, phone, 1000)
        card = (await phone.client.get("/api/cards")).json()["cards"][0]["id"]
        async with world.client(with_token=False) as eve:
            await eve.post("/api/auth/register", json=PERSON)
            assert await ids(eve) == []
            assert await ids(eve, f"?cardId={card}") == []
            pairs = [
                ("GET", f"/api/transactions/{paid}", "/api/transactions/pay_none"),
                ("GET", f"/api/cards/{card}/verify", "/api/cards/card_none/verify"),
                ("DELETE", f"/api/cards/{card}", "/api/cards/card_none"),
                ("PUT", f"/api/cards/{card}/default", "/api/cards/card_none/default"),
                ("POST", f"/api/cards/{card}/suspend", "/api/cards/card_none/suspend"),
                ("POST", f"/api/cards/{card}/reactivate", "/api/cards/card_none/reactivate"),
                ("POST", f"/api/cards/{card}/refresh", "/api/cards/card_none/refresh"),
                ("POST", f"/api/devices/{phone.device_id}/lost", "/api/devices/dev_none/lost"),
                ("POST", f"/api/devices/{phone.device_id}/found", "/api/devices/dev_none/found"),
            ]
            for method, theirs, nobodys in pairs:
                first = await eve.request(method, theirs)
                second = await eve.request(method, nobodys)
                assert first.status_code == second.status_code == 404, theirs
                assert first.content == second.content, theirs

    world.run(main())
