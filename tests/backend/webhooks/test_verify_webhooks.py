"""Every promise about webhooks' rows is seen when it is broken on purpose."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from backend.storage.verify import verify
from backend.storage.verify_webhooks import WEBHOOK_BREAKS, WEBHOOK_OFFENDERS
from tests.backend.webhooks.shop import Shop

BREAKS = {
    "merchants who listen are told": (
        "DELETE FROM webhook_attempts WHERE delivery_id IN"
        " (SELECT id FROM webhook_deliveries WHERE event_number = 3);"
        "DELETE FROM webhook_deliveries WHERE event_number = 3;"
        "DELETE FROM merchant_events WHERE number = 3; "
        "DELETE FROM webhook_attempts WHERE delivery_id IN"
        " (SELECT id FROM webhook_deliveries WHERE event_number = 2);"
        "DELETE FROM webhook_deliveries WHERE event_number = 2;"
        "DELETE FROM merchant_events WHERE number = 2"
    ),
    "merchants' events are numbered without gaps": (
        "UPDATE merchant_events SET sequence = 9 WHERE number = 3"
    ),
    "each event goes to its endpoints": "DELETE FROM webhook_deliveries WHERE event_number = 2",
    "what is delivered was accepted": "UPDATE webhook_attempts SET status = 500 WHERE id = 1",
    "attempts are counted": "UPDATE webhook_deliveries SET attempts = 7 WHERE id = 1",
    "endpoints that are closed wait for nothing": (
        "UPDATE webhook_deliveries SET state = 'pending', ended_at_us = NULL WHERE id = 1;"
        "UPDATE webhook_endpoints SET state = 'disabled'"
    ),
}


def test_there_is_a_break_for_every_promise() -> None:
    assert BREAKS.keys() == WEBHOOK_OFFENDERS.keys() | WEBHOOK_BREAKS.keys()


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_is_seen(shop: Shop, name: str) -> None:
    shop.endpoint()
    shop.pay()
    shop.wait(2)
    store = shop.world.engine.lab.engine_database
    assert {check.name for check in verify(store) if not check.ok} == set()
    with closing(sqlite3.connect(store.path)) as connection:
        connection.executescript(BREAKS[name])
        connection.commit()
    assert name in {check.name for check in verify(store) if not check.ok}
