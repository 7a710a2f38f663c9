"""kill -9 while a till captures and refunds: each order is done once or not at all, and ends once.

The till asks every order again with its key when the engine is back, as after any lost answer. In
the end the networks, whose files are read, owe what was captured less what was refunded.
"""

from __future__ import annotations

import asyncio
import os
import signal

import httpx
import pytest

from backend.api import Entropy, verify
from tests.shows.laboratory import OK, Laboratory, rows_of

SEED = 20262
SALES = 24
AMOUNT_MINOR = 500
BACK_MINOR = 120
Orders = dict[str, tuple[str, dict[str, object]]]


def orders_of(payments: list[str], merchant_id: str) -> list[Orders]:
    """All captures, then two refunds of each; by key."""
    body = {"merchantId": merchant_id}
    captures = {f"capture-{each}": (f"/api/payments/{each}/capture", body) for each in payments}
    refunds = [
        {
            f"refund-{number}-{each}": (
                f"/api/payments/{each}/refunds",
                {**body, "amount": BACK_MINOR},
            )
            for each in payments
        }
        for number in range(2)
    ]
    return [captures, *refunds]


async def order_all(lab: Laboratory, orders: Orders, told: dict[str, bytes]) -> int:
    """Send all at once and write down what was told; how many were cut off."""
    cut_off = 0

    async def one(client: httpx.AsyncClient, key: str) -> None:
        nonlocal cut_off
        path, body = orders[key]
        try:
            answer = await client.post(path, json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            cut_off += 1
            return
        assert answer.status_code == OK, answer.text
        assert told.setdefault(key, answer.content) == answer.content, key

    async with lab.client() as client:
        await asyncio.gather(*(one(client, key) for key in orders))
    return cut_off


async def kill_while_ordering(
    lab: Laboratory, orders: Orders, after_s: float, told: dict[str, bytes]
) -> int:
    ordering = asyncio.ensure_future(order_all(lab, orders, told))
    await lab.world.real_scheduler.sleep(after_s)
    pid = lab.world.engine.child_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return await ordering


@pytest.mark.inv(107, 112, 191)
def test_a_killed_engine_captures_and_refunds_once(own_lab: Laboratory) -> None:
    lab, dice = own_lab, Entropy(SEED).stream("moments")
    lab.run(lab.world.wallet.start_with_demo_cards())
    payments = []
    taps = lab.orders([AMOUNT_MINOR] * SALES, devices=2)
    for number, tap in enumerate(taps):
        answer = lab.pay(tap, f"sale-{number}").json()
        if answer["approved"]:
            payments.append(answer["transactionId"])
    assert len(payments) > SALES // 2  # a starved machine declines more, and shows less
    told: dict[str, bytes] = {}
    cut_off = 0
    for orders in orders_of(payments, taps[0].merchant_id):
        cut_off += lab.run(kill_while_ordering(lab, orders, 0.01 + 0.05 * dice.random(), told))
        lab.until(lambda: lab.world.engine.endpoint is None)
        report = verify(lab.folder)
        assert report["ok"], [check for check in report["checks"] if not check["ok"]]
        lab.until(lambda: lab.world.engine.endpoint is not None)
        assert lab.run(order_all(lab, orders, told)) == 0
        assert lab.run(order_all(lab, orders, told)) == 0  # byte for byte the same
    assert cut_off  # or the kills showed nothing

    engine = lab.folder / "engine.db"
    lab.until(lambda: not rows_of(engine, "SELECT 1 FROM advices WHERE done_at_us IS NULL"))
    sums = rows_of(
        engine,
        "SELECT captured_minor, refunded_minor FROM payments WHERE state = 'captured'",
    )
    assert sums == [(AMOUNT_MINOR, 2 * BACK_MINOR)] * len(payments)
    owed = lab.at_networks(
        "SELECT sum(CASE kind WHEN 'refund' THEN -amount_minor ELSE amount_minor END)"
        " FROM host_presentments GROUP BY network, rrn"
    )
    assert owed == [(AMOUNT_MINOR - 2 * BACK_MINOR,)] * len(payments)
    report = verify(lab.folder)
    assert report["ok"], [check for check in report["checks"] if not check["ok"]]
