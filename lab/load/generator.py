"""The load generator: an open loop, so that a slow engine is not spared.

Taps are made before the clock starts; payments then leave at their times whether or not earlier
ones were answered, and latency counts from the time a payment *should* have left. Only a card waits
for itself: its next payment leaves after its last was answered, because a network takes a card's
counters in order. Amounts end in 0, which steers no issuer.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass

from backend.api import Clock, Scheduler, Stream
from lab.engine_shapes import NfcOrder
from lab.errors import EngineRefused, EngineUnreachable
from lab.load.mix import Mix
from lab.load.synthetic_till import SyntheticTill
from lab.load.wire import LeanClient

RATE_MAX = 5_000.0
PAYMENTS_MAX = 60_000
CONNECTIONS = 48
DEVICES = 12
PRICE_MIN_MINOR = 240
PRICES = 190


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a run did. Latencies in milliseconds, in order of size."""

    sent: int
    outcomes: Counter[str]
    errors: int
    seconds: float
    latencies_ms: dict[str, tuple[float, ...]]
    """Of each network."""

    def to_json(self) -> dict[str, object]:
        """The document that `load --json` promises."""
        together = tuple(sorted(each for one in self.latencies_ms.values() for each in one))
        return {
            "sent": self.sent,
            "approved": self.outcomes["approved"],
            "declined": self.outcomes["declined"],
            "unknown": self.outcomes["pending"],
            "not_sent": self.outcomes["not_sent"],
            "errors": self.errors,
            "rate": round(self.sent / self.seconds, 1) if self.seconds else 0.0,
            "latency_ms": _figures(together),
            "networks": {
                network: {"answered": len(ordered), "latency_ms": _figures(ordered)}
                for network, ordered in self.latencies_ms.items()
            },
        }


def _figures(ordered: tuple[float, ...]) -> dict[str, float | None]:
    shares = (("p50", 0.50), ("p95", 0.95), ("p99", 0.99))
    return {name: percentile(ordered, share) for name, share in shares}


def percentile(ordered: tuple[float, ...], share: float) -> float | None:
    """The value below which `share` of the values lie (nearest rank); None without values."""
    if not ordered:
        return None
    rank = max(0, min(len(ordered) - 1, round(share * len(ordered) + 0.5) - 1))
    return round(ordered[rank], 3)


async def prepare(
    till: SyntheticTill, count: int, mix: Mix | None = None, stream: Stream | None = None
) -> tuple[NfcOrder, ...]:
    """Make the taps, each with the next card, or as a mix draws them from a stream."""
    if mix is None or stream is None:
        return tuple([await till.tap(price_minor(n), card=n) for n in range(count)])
    orders = []
    for number in range(count):
        amount_minor = mix.amount_minor(price_minor(number), stream)
        orders.append(await till.tap(amount_minor, card=number, network=mix.network(stream)))
    return tuple(orders)


def price_minor(number: int) -> int:
    """What the customer of that number buys: 2.40 to 21.30, without a steering ending."""
    return PRICE_MIN_MINOR + 10 * (number * 37 % PRICES)


async def run(
    orders: tuple[NfcOrder, ...],
    rate: float,
    *,
    till: SyntheticTill,
    client: LeanClient,
    clock: Clock,
    scheduler: Scheduler,
) -> LoadResult:
    """Send the orders at `rate` a second and wait for every answer."""
    requests = [(order.token, client.request(order, till.new_key())) for order in orders]
    outcomes: Counter[str] = Counter()
    latencies_ms: defaultdict[str, list[float]] = defaultdict(list)
    turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
    errors = 0
    start_us = clock.monotonic_us()

    async def pay(token: str, request: bytes, due_us: int) -> None:
        nonlocal errors
        try:
            async with turns[token]:
                answer = await client.pay(request)
        except (EngineRefused, EngineUnreachable):
            errors += 1
            return
        outcomes[answer.status] += 1
        latencies_ms[answer.network].append((clock.monotonic_us() - due_us) / 1000)

    async with asyncio.TaskGroup() as tasks:
        for number, (token, request) in enumerate(requests):
            due_us = start_us + int(number * 1e6 / rate)
            if (wait_us := due_us - clock.monotonic_us()) > 0:
                await scheduler.sleep(wait_us / 1e6)
            tasks.create_task(pay(token, request, due_us))
    seconds = (clock.monotonic_us() - start_us) / 1e6
    ordered = {network: tuple(sorted(each)) for network, each in sorted(latencies_ms.items())}
    return LoadResult(len(orders), outcomes, errors, seconds, ordered)
