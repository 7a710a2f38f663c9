"""A merchant's program: payments over `/v1` at several connections, and settling what they took.

Each request makes and confirms a payment with a typed card, so that the vault, the network, the
ledger, the fees and the events are all in it; nothing is left out and the engine's database is as
durable as ever. The cards are load cards: the requests differ, their accounts never end. Settlement
closes the day that these payments are in, once a round; how many captures that were is a figure of
its own, and no larger number is derived from it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping

from lab.bench_suite.figure import figure
from lab.bench_suite.lost_device import load_number
from lab.errors import NotDone
from lab.json_fields import objects, text, whole
from lab.load.wire import LeanClient
from lab.world import World

CONNECTIONS = (1, 8, 64)
PATH = "/v1/payment_intents"
SECRET = "sk_test_taplab"  # noqa: S105 - the lab's published key, for its own test money
CARDS = 50
AMOUNT_MINOR = 1_240


async def figures(world: World, *, rounds: int, payments: int) -> list[dict[str, object]]:
    """Payments a second by connections, captures settled a second, and how many those were.

    Args:
        world: with its engine up.
        rounds: medians are over so many.
        payments: at each number of connections, each round.

    Raises:
        NotDone: a payment was not made, or not settled.
    """
    await world.client.settle()  # what others took before is not of this figure
    rates: defaultdict[int, list[float]] = defaultdict(list)
    settled: list[float] = []
    for number in range(rounds):
        for connections in CONNECTIONS:
            name = f"bench-{number}-{connections}"
            rates[connections].append(await _payments(world, connections, payments, name))
        settled.append(await _settlement(world, payments * len(CONNECTIONS)))
    return [
        *(
            figure(f"v1_payments_per_second_{connections}_connections", rates[connections], None)
            for connections in CONNECTIONS
        ),
        figure("settlement_captures_per_second", settled, None),
        figure("settlement_captures", [payments * len(CONNECTIONS)] * rounds, None),
    ]


async def _payments(world: World, connections: int, payments: int, name: str) -> float:
    """Make them on so many connections, each one after the other; payments a second."""
    client = LeanClient(await world.engine.ready(), connections)
    requests = iter(
        [
            client.form(PATH, _order(number), SECRET, f"{name}-{number}")
            for number in range(payments)
        ]
    )
    began_us = world.clock.monotonic_us()
    await asyncio.gather(*(_one_connection(client, requests) for _ in range(connections)))
    taken_us = world.clock.monotonic_us() - began_us
    await client.close()
    return payments * 1e6 / taken_us


async def _one_connection(client: LeanClient, requests: Iterator[bytes]) -> None:
    for request in requests:
        status = text(await client.send(request), "status")
        if status != "succeeded":
            raise NotDone(f"a payment of the benchmark over /v1 was {status}")


async def _settlement(world: World, captures: int) -> float:
    """Close the day that has so many captures; captures a second."""
    began_us = world.clock.monotonic_us()
    done = await world.client.settle()
    taken_us = world.clock.monotonic_us() - began_us
    settled = sum(whole(batch, "captures") for batch in objects(done, "batches"))
    if settled != captures:
        raise NotDone(f"{settled} captures of the benchmark were settled, and not {captures}")
    return captures * 1e6 / taken_us


def _order(number: int) -> Mapping[str, object]:
    return {
        "amount": AMOUNT_MINOR,
        "currency": "usd",
        "confirm": "true",
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": load_number(number % CARDS),
        "payment_method_data[card][exp_month]": "12",
        "payment_method_data[card][exp_year]": "2034",
        "payment_method_data[card][cvc]": "123",
    }
