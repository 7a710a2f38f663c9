"""The fault board's link `webhooks`: late, silent, lost and repeated deliveries, and their cure."""

from __future__ import annotations

import pytest

from tests.backend.webhooks.shop import Shop

QUIET = 4_000


def broken(shop: Shop, effect: str, **terms: object) -> None:
    fault = {"link": "webhooks", "effect": effect, **terms}
    answer = shop.lab("PUT", "/faults", {"faults": [fault], "seed": 3})
    assert answer.status_code == 200, answer.text


def fired(shop: Shop) -> int:
    return int(shop.lab("GET", "/faults").json()["faults"][0]["fired"])


@pytest.mark.inv(252, 257)
@pytest.mark.parametrize(
    ("effect", "terms", "heard", "error"),
    [
        ("timeout", {}, 1, "timed_out"),
        ("lost_request", {}, 1, "timed_out"),
        ("lost_response", {}, 2, "timed_out"),
        ("reset_peer", {}, 1, "connection_lost"),
        ("duplicate", {}, 2, None),
        ("latency", {"ms": 2_000}, 1, None),
        ("corrupt", {}, 1, None),
    ],
)
def test_a_fault_on_the_way_costs_time_and_loses_nothing(
    shop: Shop, effect: str, terms: dict[str, object], heard: int, error: str | None
) -> None:
    shop.endpoint(events=("charge.succeeded",))
    broken(shop, effect, when={"nth": 1}, **terms)
    shop.pay()
    shop.wait(QUIET)
    (delivery,) = shop.deliveries()
    assert delivery["state"] == "delivered"
    assert fired(shop) == 1
    assert len(shop.server.heard) == heard
    assert len({each.event["id"] for each in shop.server.heard}) == 1
    shown = shop.lab("GET", f"/webhooks/deliveries/{delivery['id']}").json()
    assert shown["attempts"][0]["error"] == error


def test_payments_do_not_wait_for_a_merchants_server(shop: Shop) -> None:
    shop.endpoint()
    broken(shop, "timeout")
    clock = shop.world.engine.lab.clock
    shop.pay()
    before_us = clock.now_us()
    shop.pay()
    assert clock.now_us() - before_us < 1_000_000


@pytest.mark.inv(258)
def test_a_failing_endpoint_is_said_once_and_its_recovery_too(shop: Shop) -> None:
    shop.endpoint(events=("charge.succeeded",))
    shop.server.always = 500
    for _ in range(21):
        shop.pay()
        shop.wait(40)
    (shown,) = shop.lab("GET", "/webhooks").json()["endpoints"]
    assert shown["healthy"] is False
    assert shown["delivered_share"] < 0.95
    assert kinds(shop).count("webhook.endpoint_failing") == 1
    shop.server.always = 200
    for _ in range(110):
        shop.pay()
    shop.wait(QUIET)
    assert kinds(shop).count("webhook.endpoint_recovered") == 1
    assert kinds(shop).count("webhook.endpoint_failing") == 1


def test_an_endpoint_that_fails_is_left_alone_for_a_while(shop: Shop) -> None:
    shop.endpoint(events=("charge.succeeded",))
    shop.server.always = 500
    for _ in range(5):
        shop.pay()
        shop.wait(1)
    (shown,) = shop.lab("GET", "/webhooks").json()["endpoints"]
    assert shown["breaker"] == "open"
    shop.pay()
    shop.wait(5)
    assert len(shop.server.heard) == 5
    shop.wait(30)
    assert len(shop.server.heard) == 6


def kinds(shop: Shop) -> list[str]:
    return [event.kind for event in shop.world.engine.lab.events.recent()]
