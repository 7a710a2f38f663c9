"""Killed at any commit, an engine tells its merchants everything, in order, with the same bytes."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from backend.api import simulated
from backend.storage.verify import verify
from backend.webhooks import catalogue
from tests.backend.http.test_token_lifecycle import survived
from tests.backend.webhooks.shop import Shop

SALE = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.amount_capturable_updated",
    "charge.captured",
    "payment_intent.succeeded",
]
COMMITS = 12
"""Of a capture and of telling a whole sale, with some to spare."""


def red(shop: Shop) -> list[str]:
    return [each.name for each in verify(shop.world.engine.lab.engine_database) if not each.ok]


def first_times(shop: Shop) -> list[str]:
    """Types in the order in which each event was first heard; the same event has the same bytes."""
    bodies: dict[str, bytes] = {}
    for heard in shop.server.heard:
        assert bodies.setdefault(heard.event["id"], heard.body) == heard.body
    seen = dict.fromkeys((each.event["id"], each.event["type"]) for each in shop.server.heard)
    return [kind for _, kind in seen]


@pytest.mark.inv(245, 246, 255, 256)
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("commit", range(1, COMMITS + 1))
def test_a_kill_at_any_commit_forgets_nothing(
    shop: Shop, commit: int, moment: Literal["before", "after"]
) -> None:
    shop.endpoint()
    payment_id = shop.pay()
    shop.world.process.crash_at(commit, moment)
    body = {"merchantId": "mer_corner_market"}
    path = f"/api/payments/{payment_id}/capture"
    headers = {"Idempotency-Key": "c1"}
    shop.world.run(survived(shop.phone.client.post(path, json=body, headers=headers)))
    shop.wait(2)
    if not shop.world.process.is_up:
        shop.restart()
    shop.world.process.crash_never()
    assert red(shop) == []
    shop.order("capture", payment_id, "c1")
    shop.wait(120)
    assert first_times(shop) == SALE
    assert {each["state"] for each in shop.deliveries()} == {"delivered"}
    assert red(shop) == []


def test_the_kills_above_reach_every_commit_of_the_story(shop: Shop) -> None:
    shop.endpoint()
    payment_id = shop.pay()
    before = shop.world.process.commits
    shop.order("capture", payment_id, "c1")
    shop.wait(2)
    assert first_times(shop) == SALE
    assert 5 <= shop.world.process.commits - before <= COMMITS


steps = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(0, 2)),
        st.tuples(st.just("fail"), st.integers(1, 3)),
        st.tuples(st.just("kill"), st.integers(1, 9)),
        st.tuples(st.just("wait"), st.sampled_from([1, 70, 400])),
    ),
    min_size=2,
    max_size=8,
)


@pytest.mark.inv(245, 246)
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=steps)
def test_whatever_happens_each_told_event_arrives_in_order(
    tmp_path_factory: pytest.TempPathFactory, story: list[tuple[str, int]]
) -> None:
    with simulated(5, tmp_path_factory.mktemp("told") / "lab") as world:
        shop = Shop(world)
        shop.endpoint()
        play(shop, story)
        shop.wait(4_000)  # two failures in a row, and whatever waited behind them
        shop.server.statuses.clear()
        shop.wait(90_000)
        told = expected(shop)
        heard = {(each.event["id"]) for each in shop.server.heard}
        assert len(heard) == len(told)
        delivered = [each for each in shop.deliveries() if each["state"] == "delivered"]
        assert len(delivered) == len(told)
        arrived: dict[str, list[int]] = {}
        for each in sorted(delivered, key=lambda row: row["ended_at_us"]):
            arrived.setdefault(each["order_key"], []).append(each["sequence"])
        assert all(order == sorted(order) for order in arrived.values()), arrived
        assert red(shop) == []
        shop.close()


def play(shop: Shop, story: list[tuple[str, int]]) -> None:
    for number, (step, argument) in enumerate(story):
        match step:
            case "pay":
                payment_id = shop.pay()
                if argument:
                    shop.order("capture", payment_id, f"c{number}")
                if argument > 1:
                    shop.order("refunds", payment_id, f"r{number}", amount=100)
            case "fail":
                shop.server.statuses += [500] * min(argument, 2)
            case "kill":
                shop.world.process.crash_at(argument, "after" if number % 2 else "before")
                shop.wait(5)
                if not shop.world.process.is_up:
                    shop.restart()
                shop.world.process.crash_never()
            case "wait":
                shop.wait(argument)


def expected(shop: Shop) -> list[str]:
    """What the stored events of money should have been told as."""
    lab = shop.world.engine.lab
    source = shop.world.engine.gateway.webhooks.fan_out._ports.source
    events = lab.engine_database.read(lambda tx: source.after(tx, 0, 10_000))
    return [told.type for event in events for told in catalogue.told_of(event)]
