"""kill -9 of the engine under load, with the window's world alive: nothing acknowledged is lost.

Tills of the test's own pay through raw requests and write down what they were told. After each kill
the world's supervision brings the engine back; every approval that was told must be there, byte for
byte, and every request that was cut off must come to one end when it is asked again.
"""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, field

import httpx
import pytest

from backend.api import Entropy, verify
from lab.engine_shapes import NfcOrder
from lab.pos.state import PosPhase
from tests.shows.laboratory import OK, PAY, Laboratory, pay_until_final, rows_of

APPROVALS_LEAST = 10
SEED = 20261
TILLS = 6
TAPS_A_TILL = 40
CENTS = 5  # small, so that no account runs dry


@dataclass
class Book:
    """What the tills were told, by key."""

    told: dict[str, bytes] = field(default_factory=dict)
    cut_off: dict[str, NfcOrder] = field(default_factory=dict)
    orders: dict[str, NfcOrder] = field(default_factory=dict)


async def pay_all(lab: Laboratory, orders: list[NfcOrder], name: str, book: Book) -> None:
    """Till after till pays until its engine is gone; a token's counters stay in order."""
    lanes = [orders[number::TILLS] for number in range(TILLS)]

    async def one_till(client: httpx.AsyncClient, number: int) -> None:
        for sequence, order in enumerate(lanes[number]):
            key = f"{name}-{number}-{sequence}"
            book.orders[key] = order
            try:
                answer = await client.post(
                    PAY, json=order.to_json(), headers={"Idempotency-Key": key}
                )
            except httpx.TransportError:
                book.cut_off[key] = order
                return
            assert answer.status_code == OK, answer.text
            book.told[key] = answer.content

    async with lab.client() as client:
        await asyncio.gather(*(one_till(client, number) for number in range(TILLS)))


async def kill_under_load(
    lab: Laboratory, orders: list[NfcOrder], name: str, after_s: float, book: Book
) -> None:
    paying = asyncio.ensure_future(pay_all(lab, orders, name, book))
    await lab.world.real_scheduler.sleep(after_s)
    pid = lab.world.engine.child_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await paying


async def ask_again(lab: Laboratory, book: Book) -> None:
    """Every key of the book once more: what was told stays, what was cut off ends."""
    refused: list[httpx.Response] = []
    pause = lab.world.real_scheduler.sleep
    async with lab.client() as client:
        for key, order in book.orders.items():
            again = await pay_until_final(client, order.to_json(), key, pause, refused)
            assert again.status_code == OK, again.text
            if key in book.told and b'"pending"' not in book.told[key]:
                assert again.content == book.told[key], key
            book.told[key] = again.content


def kill_at_random_moments(lab: Laboratory, moments: int, seed: int) -> Book:
    """Kill, come back, look; so many times."""
    world = lab.world
    dice = Entropy(seed).stream("moments")
    lab.run(world.wallet.start_with_demo_cards())
    everything, killed_while_paying = Book(), 0
    for moment in range(moments):
        amounts = [1 + number % CENTS for number in range(TILLS * TAPS_A_TILL)]
        orders = lab.orders(amounts, devices=TILLS // 3)
        book = Book()
        lab.run(kill_under_load(lab, orders, f"m{moment}", 0.005 + 0.245 * dice.random(), book))
        killed_while_paying += bool(book.cut_off)

        lab.until(lambda: world.engine.endpoint is None)
        report = verify(lab.folder)
        assert report["ok"], [check for check in report["checks"] if not check["ok"]]
        lab.until(lambda: world.engine.endpoint is not None)
        lab.run(ask_again(lab, book))
        everything.told.update(book.told)
        everything.orders.update(book.orders)
    assert killed_while_paying == moments  # or the kill showed nothing
    return everything


def look_at_everything(lab: Laboratory, book: Book) -> None:
    """Each approval that was told is stored, held once, and in balance."""
    lab.until(lambda: not _open_payments(lab))
    lab.run(ask_again(lab, book))
    stored = {
        str(payment_id): (state, rrn)
        for payment_id, state, rrn in rows_of(
            lab.folder / "engine.db", "SELECT id, state, rrn FROM payments"
        )
    }
    held = lab.at_networks("SELECT rrn, sum(state = 'held') FROM host_holds GROUP BY rrn")
    held_by_reference = dict(held)
    approved = 0
    for key, body in book.told.items():
        answer = httpx.Response(OK, content=body).json()
        state, rrn = stored[answer["transactionId"]]
        approved += answer["approved"]
        if answer["approved"]:
            assert (state, held_by_reference[rrn]) == ("approved", 1), key
        else:
            assert state in {"declined", "reversed"}, key
            assert held_by_reference.get(rrn, 0) == 0, key
    assert approved >= APPROVALS_LEAST  # a starved machine declines more, and shows less
    report = verify(lab.folder)
    assert report["ok"], [check for check in report["checks"] if not check["ok"]]


def _open_payments(lab: Laboratory) -> list[tuple[object, ...]]:
    return rows_of(
        lab.folder / "engine.db",
        "SELECT id FROM payments WHERE state IN ('authorizing', 'unknown', 'reversing')",
    )


@pytest.mark.inv(1, 107)
def test_what_was_acknowledged_survives_the_engine(own_lab: Laboratory) -> None:
    book = kill_at_random_moments(own_lab, moments=4, seed=SEED)
    look_at_everything(own_lab, book)
    own_lab.until(lambda: not own_lab.world.wallet.state.offline)
    sale = own_lab.run(own_lab.world.hands.tap(1240, "USD"))
    assert sale.phase is PosPhase.APPROVED


@pytest.mark.full("kill")
@pytest.mark.parametrize("part", range(10))
def test_what_was_acknowledged_survives_a_hundred_kills(own_lab: Laboratory, part: int) -> None:
    book = kill_at_random_moments(own_lab, moments=10, seed=SEED + 1 + part)
    look_at_everything(own_lab, book)
