"""What is measured, and how: whole taps, payments a second, the start, each part's own figures.

Everything runs in a data folder of its own with the instant profile (no simulated phone or network
delay), load generator included, on whatever cores there are; the document names them. Percentiles
are of one round, the figure shown is the median over the rounds.
"""

from __future__ import annotations

import asyncio
import os
import platform
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from backend.api import Clock, LabClock
from lab import world as worlds
from lab.bench_suite import (
    against_pyemv,
    idle,
    merchant_wire,
    stacks,
    tear_outs,
    wallet_figures,
    webhooks,
)
from lab.bench_suite.figure import figure
from lab.bench_suite.lost_device import lost_devices
from lab.bench_suite.stacks import Stacks
from lab.errors import NotDone
from lab.json_fields import objects, text
from lab.load import synthetic_till
from lab.load.generator import DEVICES, percentile, prepare
from lab.load.synthetic_till import SyntheticTill
from lab.load.wire import LeanClient
from lab.settings import Settings
from lab.world import World

WARM_UP_TAPS = 5


async def measure(
    settings: Settings, *, rounds: int, taps: int, payments: int, where: Stacks | None = None
) -> dict[str, object]:
    """Run the suite; the document that `tap-lab bench` prints."""
    more = against_pyemv.figures(LabClock(), rounds=rounds)
    with tempfile.TemporaryDirectory(prefix="tap-lab-bench-") as folder:
        own = replace(settings, data_dir=Path(folder), profile="instant", pace=0.0)
        async with worlds.opened(own) as world:
            started_us = world.clock.monotonic_us()
            await world.ready()
            ready_ms = (world.clock.monotonic_us() - started_us) / 1000
            await world.wallet.start_with_demo_cards()
            more += await idle.figures(world.clock, world.real_scheduler, rounds=rounds)
            more += await stacks.figures(world, where or Stacks(), rounds=rounds, taps=taps)
            more += await tear_outs.figures(world)
            tap_rows = [await _taps(world, taps) for _ in range(rounds)]
            async with synthetic_till.opened(
                own.traffic_element_file,
                client=world.client,
                engine=world.engine,
                clock=world.clock,
                scheduler=world.real_scheduler,
                entropy=world.entropy,
                devices=DEVICES,
            ) as till:
                rate_rows = [await _payments(world, till, payments) for _ in range(rounds)]
                told = [
                    await webhooks.deliveries_a_second(
                        world, lambda: _payments(world, till, payments), payments
                    )
                    for _ in range(rounds)
                ]
            more += await wallet_figures.figures(world, rounds=rounds)
            lost_rows = await lost_devices(world, rounds)
            more += await merchant_wire.figures(world, rounds=rounds, payments=payments)
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "rounds": rounds,
        "figures": [
            _figure("tap_p50_ms", tap_rows, "p50", 5.0),
            _figure("tap_p99_ms", tap_rows, "p99", 15.0),
            _figure("tap_apdus", tap_rows, "apdus", 3.0),
            _figure("payments_per_second", rate_rows, "rate", 1500.0),
            _figure("payment_p99_ms", rate_rows, "p99", 40.0),
            figure("webhooks_per_second", told, 500.0),
            _figure("provisioning_p99_ms", lost_rows, "p99", 200.0),
            _figure("lost_device_20_cards_ms", lost_rows, "lost", 500.0),
            {"name": "engine_ready_ms", "median": round(ready_ms, 1), "rounds": [], "target": 1500},
            *more,
        ],
    }


def rows_of(document: Mapping[str, object]) -> tuple[str, ...]:
    """The figures as lines."""
    return tuple(map(_row, objects(document, "figures")))


def _row(told: Mapping[str, object]) -> str:
    name, target = text(told, "name"), told["target"]
    if told["median"] is None:
        return f"{name}: not measured ({text(told, 'missing')})"
    return f"{name}: {told['median']}" + ("" if target is None else f" (target {target})")


async def _taps(world: World, count: int) -> dict[str, float]:
    """Whole taps by phone and till: from the card in the field to the result."""
    totals_ms: list[float] = []
    apdus = 0
    for number in range(count + WARM_UP_TAPS):
        sale = await world.hands.tap(1 + number % 50, "USD")
        if sale is None or sale.answer is None or sale.tap is None:
            raise NotDone("a tap of the benchmark did not come to an answer")
        if number >= WARM_UP_TAPS:
            totals_ms.append(sale.total_us / 1000)
            apdus = sale.tap.apdu_count
    ordered = tuple(sorted(totals_ms))
    return {
        "p50": percentile(ordered, 0.50) or 0.0,
        "p99": percentile(ordered, 0.99) or 0.0,
        "apdus": float(apdus),
    }


async def _payments(world: World, till: SyntheticTill, count: int) -> dict[str, float]:
    """Payments as fast as the cards, each in its own order, can make them."""
    client = LeanClient(await world.engine.ready(), till.cards)
    waiting: defaultdict[str, list[bytes]] = defaultdict(list)
    for order in await prepare(till, count):
        waiting[order.token].append(client.request(order, till.new_key()))
    clock: Clock = world.clock
    latencies_ms: list[float] = []

    async def one_card(requests: list[bytes]) -> None:
        for request in requests:
            began_us = clock.monotonic_us()
            answer = await client.pay(request)
            latencies_ms.append((clock.monotonic_us() - began_us) / 1000)
            if answer.status != "approved":
                raise NotDone(f"a payment of the benchmark was {answer.status} ({answer.reason})")

    began_us = clock.monotonic_us()
    await asyncio.gather(*map(one_card, waiting.values()))
    seconds = (clock.monotonic_us() - began_us) / 1e6
    await client.close()
    return {
        "rate": count / seconds,
        "p99": percentile(tuple(sorted(latencies_ms)), 0.99) or 0.0,
    }


def _figure(
    name: str, rounds: list[dict[str, float]], part: str, target: float
) -> dict[str, object]:
    return figure(name, [row[part] for row in rounds], target)
