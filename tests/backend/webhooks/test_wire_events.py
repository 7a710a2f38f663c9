"""`/v1/events` and `/v1/webhook_endpoints`, and the objects that events carry."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from backend.storage.verify import verify
from tests.backend.webhooks.shop import URL, Shop

KEY = {"Authorization": "Bearer sk_test_taplab"}


def v1(shop: Shop, method: str, path: str, **parameters: Any) -> httpx.Response:
    data = parameters if method == "POST" else None
    query = None if method == "POST" else parameters
    client = shop.phone.client
    return shop.world.run(
        client.request(method, f"/v1{path}", data=data, params=query, headers=KEY)
    )


def made(shop: Shop, **parameters: Any) -> dict[str, Any]:
    answer = v1(
        shop, "POST", "/webhook_endpoints", url=URL, **{"enabled_events[0]": "*", **parameters}
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.inv(248, 257, 259)
def test_an_endpoint_is_made_shown_changed_and_deleted(shop: Shop) -> None:
    endpoint = made(shop, description="orders", **{"metadata[team]": "till"})
    assert endpoint["secret"].startswith("whsec_")
    assert (endpoint["object"], endpoint["status"]) == ("webhook_endpoint", "enabled")
    path = f"/webhook_endpoints/{endpoint['id']}"
    shown = v1(shop, "GET", path).json()
    assert "secret" not in shown
    assert shown["metadata"] == {"team": "till"}
    changed = v1(shop, "POST", path, disabled="true", description="").json()
    assert (changed["status"], changed["description"]) == ("disabled", None)
    assert [each["id"] for each in v1(shop, "GET", "/webhook_endpoints").json()["data"]] == [
        endpoint["id"]
    ]
    assert v1(shop, "DELETE", path).json()["deleted"] is True
    assert v1(shop, "GET", path).status_code == 404
    assert v1(shop, "GET", "/webhook_endpoints").json()["data"] == []


def test_a_repeat_hears_the_secret_that_is_nowhere_in_clear(shop: Shop) -> None:
    def ask() -> httpx.Response:
        return shop.world.run(
            shop.phone.client.post(
                "/v1/webhook_endpoints",
                data={"url": URL, "enabled_events[0]": "*"},
                headers={**KEY, "Idempotency-Key": "e1"},
            )
        )

    first, again = ask(), ask()
    assert first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"
    folder = shop.world.engine.lab.data_dir
    raw = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert first.json()["secret"].encode() not in raw
    assert first.json()["id"].encode() in raw


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"url": ""}, "url"),
        ({"url": "ftp://127.0.0.1/"}, "url"),
        ({"url": "http://user:word@127.0.0.1/"}, "url"),
        ({"url": "http://192.0.2.7/hooks"}, "url"),
        ({"url": "http://169.254.169.254/latest"}, "url"),
        ({"url": "http://[::ffff:192.0.2.7]/"}, "url"),
        ({"url": "https://shop.example/hooks"}, "url"),
        ({"url": "http://127.0.0.1:99999/"}, "url"),
        ({"url": "http://127.0.0.1/" + "a" * 3_000}, "url"),
        ({"enabled_events[0]": "charge.sneezed"}, "enabled_events"),
        ({"style": "soap"}, "style"),
        ({"style": "s3", "enabled_events[0]": "charge.succeeded"}, "enabled_events"),
        ({"schedule": "never"}, "schedule"),
        ({"strict_200": "perhaps"}, "strict_200"),
        ({"api_version": "2013-01-01"}, "api_version"),
        ({"description": "x" * 5_001}, "description"),
        ({"surprise": "1"}, "surprise"),
    ],
)
def test_what_cannot_be_is_refused_with_its_parameter(
    shop: Shop, parameters: dict[str, str], param: str
) -> None:
    wanted = {"url": URL, "enabled_events[0]": "*", **parameters}
    answer = v1(shop, "POST", "/webhook_endpoints", **wanted)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param
    assert v1(shop, "GET", "/webhook_endpoints").json()["data"] == []


def test_there_is_an_end_to_endpoints(shop: Shop) -> None:
    for _ in range(16):
        made(shop)
    answer = v1(shop, "POST", "/webhook_endpoints", url=URL, **{"enabled_events[0]": "*"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "too_many_endpoints")


def test_another_merchants_endpoints_and_events_do_not_exist(shop: Shop) -> None:
    endpoint = made(shop)
    shop.pay()
    shop.wait(2)
    (event, *_) = v1(shop, "GET", "/events").json()["data"]
    other = shop.lab("POST", "/merchants", {"name": "Tea Corner", "category": "5499"}).json()
    secret = other["key"]["secret"]
    for path in (f"/webhook_endpoints/{endpoint['id']}", f"/events/{event['id']}"):
        answer = shop.world.run(
            shop.phone.client.get(f"/v1{path}", headers={"Authorization": f"Bearer {secret}"})
        )
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "resource_missing"
    found = shop.world.run(
        shop.phone.client.get("/v1/events", headers={"Authorization": f"Bearer {secret}"})
    )
    assert found.json()["data"] == []


def test_events_are_there_for_who_only_asks_and_show_what_was(shop: Shop) -> None:
    payment_id = shop.pay()
    shop.order("capture", payment_id, "c1")
    shop.order("refunds", payment_id, "r1", amount=240)
    shop.wait(5)
    page = v1(shop, "GET", "/events", limit=100).json()
    assert (page["object"], page["has_more"]) == ("list", False)
    by_type = {event["type"]: event["data"]["object"] for event in page["data"]}
    assert by_type["charge.succeeded"]["captured"] is False
    assert by_type["charge.captured"]["captured"] is True
    assert by_type["charge.captured"]["amount_refunded"] == 0
    assert by_type["charge.refunded"]["amount_refunded"] == 240
    assert by_type["payment_intent.created"]["status"] == "processing"
    assert by_type["payment_intent.amount_capturable_updated"]["status"] == "requires_capture"
    assert by_type["refund.created"]["status"] == "pending"
    assert by_type["refund.updated"]["status"] == "succeeded"
    own = payment_id.removeprefix("pay_")
    assert by_type["charge.succeeded"]["id"] == f"ch_{own}"
    assert by_type["payment_intent.succeeded"]["id"] == f"pi_{own}"


def test_what_is_asked_for_is_what_was_delivered(shop: Shop) -> None:
    made(shop)
    shop.pay()
    shop.wait(2)
    for heard in shop.server.heard:
        assert v1(shop, "GET", f"/events/{heard.event['id']}").content == heard.body


def test_pages_of_events_fit_together(shop: Shop) -> None:
    for _ in range(3):
        shop.pay()
    shop.wait(3)
    everything = [each["id"] for each in v1(shop, "GET", "/events", limit=100).json()["data"]]
    assert len(everything) == 9
    walked: list[str] = []
    more = {}
    while True:
        page = v1(shop, "GET", "/events", limit=4, **more).json()
        walked += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            break
        more = {"starting_after": walked[-1]}
    assert walked == everything
    before = v1(shop, "GET", "/events", limit=2, ending_before=everything[4]).json()
    assert [each["id"] for each in before["data"]] == everything[2:4]
    one = v1(shop, "GET", "/events", type="charge.succeeded").json()["data"]
    assert [each["type"] for each in one] == ["charge.succeeded"] * 3
    assert v1(shop, "GET", "/events", starting_after="evt_nothing").status_code == 404


def test_a_typed_cards_sale_is_told_once_by_its_intent_and_its_charge(shop: Shop) -> None:
    made(shop)
    answer = v1(
        shop,
        "POST",
        "/payment_intents",
        amount="1999",
        currency="usd",
        confirm="true",
        payment_method="pm_card_visa",
    )
    assert answer.json()["status"] == "succeeded", answer.text
    shop.wait(5)
    types = shop.server.types()
    assert sorted(types) == sorted(
        [
            "payment_intent.created",
            "charge.succeeded",
            "charge.captured",
            "payment_intent.succeeded",
        ]
    )
    assert types.index("payment_intent.created") < types.index("payment_intent.succeeded")
    assert types.index("charge.succeeded") < types.index("charge.captured")
    intent = next(h for h in shop.server.heard if h.event["type"] == "payment_intent.succeeded")
    assert intent.event["data"]["object"]["id"] == answer.json()["id"]
    assert intent.event["data"]["object"]["amount_received"] == 1999
    store = shop.world.engine.lab.engine_database
    assert [check.name for check in verify(store) if not check.ok] == []
