"""From a payment to a merchant's server, in a simulated world: what is told, when, how often."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from backend.api import verify
from backend.webhooks import signing
from backend.webhooks.schedules import SCHEDULES
from tests.backend.webhooks.shop import URL, Shop

SALE = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.amount_capturable_updated",
]


@pytest.mark.inv(195, 243, 244, 245, 247, 248, 255)
def test_a_sale_is_told_in_order_with_signatures(shop: Shop) -> None:
    _, secret = shop.endpoint()
    payment_id = shop.pay()
    shop.order("capture", payment_id, "c1")
    shop.order("refunds", payment_id, "r1", amount=240)
    shop.wait(5)
    assert shop.server.types() == [
        *SALE,
        "charge.captured",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
        "refund.updated",
    ]
    assert [each.event["sequence"] for each in shop.server.heard] == list(range(1, 9))
    for heard in shop.server.heard:
        assert {"id", "type", "created", "data"} <= heard.event.keys()
        now_s = heard.at_us // 1_000_000
        assert signing.refusal(heard.signature, secret, heard.body, now_s) is None
        assert signing.refusal(heard.signature, "whsec_other", heard.body, now_s)
    assert {each["state"] for each in shop.deliveries()} == {"delivered"}
    of_payment = shop.lab("GET", f"/payments/{payment_id}").json()["webhooks"]
    assert [each["type"] for each in of_payment] == shop.server.types()
    assert verify(shop.world.engine.lab.data_dir)["ok"]


@pytest.mark.inv(243)
def test_the_gateway_designs_names_go_to_endpoints_of_that_style(shop: Shop) -> None:
    shop.endpoint(style="s3")
    payment_id = shop.pay()
    shop.order("capture", payment_id, "c1")
    shop.order("refunds", payment_id, "r1")
    shop.wait(5)
    assert shop.server.types() == [
        "payment.authorized",
        "payment.captured",
        "payment.succeeded",
        "payment.refunded",
    ]


def test_only_what_was_asked_for_arrives(shop: Shop) -> None:
    shop.endpoint(events=("charge.succeeded",))
    shop.pay()
    shop.wait(1)
    assert shop.server.types() == ["charge.succeeded"]


@pytest.mark.inv(245, 249, 250, 252, 254)
@pytest.mark.parametrize("schedule", sorted(SCHEDULES))
def test_waits_equal_the_schedule_and_the_last_failure_is_told(shop: Shop, schedule: str) -> None:
    shop.endpoint(events=("charge.succeeded",), schedule=schedule)
    shop.server.always = 500
    shop.pay()
    waits_s = SCHEDULES[schedule].waits_s
    shop.wait(sum(waits_s) + 86_400)
    times = [each.at_us for each in shop.server.heard]
    gaps_s = [round((after - at) / 1e6) for at, after in pairwise(times)]
    assert gaps_s == list(waits_s[1:])
    assert len({each.body for each in shop.server.heard}) == 1
    (delivery,) = shop.deliveries()
    assert (delivery["state"], delivery["attempts"]) == ("failed", len(waits_s))
    (notice,) = shop.lab("GET", "/merchants/notices").json()["notices"]
    assert notice["kind"] == "webhook_failed"


@pytest.mark.inv(251)
def test_any_2xx_counts_unless_the_endpoint_is_strict(shop: Shop) -> None:
    shop.endpoint(events=("charge.succeeded",))
    shop.endpoint("http://127.0.0.1:4243/", ("charge.succeeded",), strict_200=True)
    strict = shop.stand("127.0.0.1:4243")
    shop.server.always = strict.always = 204
    shop.pay()
    shop.wait(1)
    lax, picky = shop.deliveries()
    assert (lax["state"], picky["state"]) == ("delivered", "pending")
    strict.always = 200
    shop.wait(90)
    assert [each["state"] for each in shop.deliveries()] == ["delivered", "delivered"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_never_followed(shop: Shop, status: int) -> None:
    shop.endpoint(events=("charge.succeeded",))
    elsewhere = shop.stand("127.0.0.1:9")
    shop.server.statuses = [status]
    shop.pay()
    shop.wait(1)
    (delivery,) = shop.deliveries()
    assert (delivery["state"], delivery["status"]) == ("pending", status)
    assert elsewhere.heard == []


def test_410_disables_the_endpoint_and_ends_what_is_pending(shop: Shop) -> None:
    endpoint, _ = shop.endpoint()
    shop.server.statuses = [410]
    shop.pay()
    shop.wait(1)
    assert len(shop.server.heard) == 1
    (shown,) = shop.lab("GET", "/webhooks").json()["endpoints"]
    assert (shown["state"], shown["disabled_reason"]) == ("disabled", "gone")
    assert {each["state"] for each in shop.deliveries()} == {"failed"}
    (notice,) = shop.lab("GET", "/merchants/notices").json()["notices"]
    assert (notice["kind"], notice["object_id"]) == ("webhook_endpoint_disabled", endpoint.id)
    shop.pay()
    shop.wait(5)
    assert len(shop.server.heard) == 1


@pytest.mark.inv(253)
def test_a_receiver_has_thirty_seconds(shop: Shop) -> None:
    shop.endpoint(events=("charge.succeeded",))
    shop.server.takes_s = 29.0
    shop.pay()
    shop.wait(29.5)
    assert shop.deliveries()[0]["state"] == "delivered"
    shop.server.takes_s = 31.0
    shop.pay()
    shop.wait(30.5)
    delivery = shop.deliveries()[1]
    assert (delivery["state"], delivery["error"]) == ("pending", "timed_out")


@pytest.mark.inv(246)
def test_what_waits_for_an_earlier_event_goes_when_that_arrived(shop: Shop) -> None:
    shop.endpoint()
    shop.server.statuses = [500]
    payment_id = shop.pay()
    shop.wait(30)
    assert shop.server.types() == SALE[:1]
    shop.order("capture", payment_id, "c1")
    shop.wait(60)
    assert shop.server.types() == [SALE[0], *SALE, "charge.captured", "payment_intent.succeeded"]


@pytest.mark.inv(246)
def test_another_object_does_not_wait(shop: Shop) -> None:
    shop.endpoint()
    shop.server.statuses = [500]
    shop.pay()
    shop.wait(1)
    shop.pay()
    shop.wait(1)
    assert shop.server.types() == [SALE[0], *SALE]


@pytest.mark.inv(246)
def test_waiting_for_an_earlier_event_has_a_cap(shop: Shop) -> None:
    shop.endpoint(schedule="payment-system")
    shop.server.statuses = [500] * 3
    shop.pay()
    shop.wait(3_590)
    first = shop.server.heard[0].event["id"]
    assert {each.event["id"] for each in shop.server.heard} == {first}
    shop.wait(20)  # an hour: the others need not wait any longer
    assert [each.event["sequence"] for each in shop.server.heard][-2:] == [2, 3]


def test_sent_again_by_hand_the_bytes_are_the_same(shop: Shop) -> None:
    shop.endpoint(events=("charge.succeeded",))
    shop.pay()
    shop.wait(1)
    (delivery,) = shop.deliveries()
    answer = shop.lab("POST", f"/webhooks/deliveries/{delivery['id']}/resend")
    assert answer.status_code == 200, answer.text
    shop.wait(1)
    first, second = shop.server.heard
    assert first.body == second.body
    shown = shop.lab("GET", f"/webhooks/deliveries/{delivery['id']}").json()
    assert shown["body"].encode() == first.body
    assert [each["number"] for each in shown["attempts"]] == [1, 2]
    assert shown["attempts"][1]["headers"]["Stripe-Signature"] == second.signature
    assert shown["attempts"][1]["answer"] == "noted"


def test_a_rolled_secret_overlaps_with_the_old_one(shop: Shop) -> None:
    endpoint, old = shop.endpoint(events=("charge.succeeded",))
    answer = shop.lab("POST", f"/webhooks/endpoints/{endpoint.id}/secret", {"overlap_s": 3600})
    new = answer.json()["secret"]
    assert new != old
    shop.pay()
    shop.wait(1)
    shop.wait(3_600)
    shop.pay()
    shop.wait(1)
    both, one = shop.server.heard
    at_s = both.at_us // 1_000_000
    assert signing.refusal(both.signature, old, both.body, at_s) is None
    assert signing.refusal(both.signature, new, both.body, at_s) is None
    at_s = one.at_us // 1_000_000
    assert signing.refusal(one.signature, old, one.body, at_s) == "wrong_signature"
    assert signing.refusal(one.signature, new, one.body, at_s) is None


def test_secrets_are_stored_sealed(shop: Shop) -> None:
    _, secret = shop.endpoint()
    folder = shop.world.engine.lab.data_dir
    raw = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert secret.encode() not in raw
    assert URL.encode() in raw  # the search does find what is stored in clear
    assert secret not in shop.lab("GET", "/webhooks").text


def test_bytes_that_arrive_are_json_of_the_stored_event(shop: Shop) -> None:
    shop.endpoint(events=("charge.succeeded",))
    payment_id = shop.pay()
    shop.wait(1)
    (heard,) = shop.server.heard
    assert json.loads(heard.body) == heard.event
    assert heard.event["object"] == "event"
    assert heard.event["data"]["object"]["object"] == "charge"
    assert payment_id
