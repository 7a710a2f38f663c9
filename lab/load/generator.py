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

from backend.api import Clock, Scheduler
from lab.engine_shapes import NfcOrder
from lab.errors import EngineRefused, EngineUnreachable
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
    latencies_ms: tuple[float, ...]

    def to_json(self) -> dict[str, object]:
        """The document that `load --json` promises."""
        figures = {
            name: percentile(self.latencies_ms, share)
            for name, share in (("p50", 0.50), ("p95", 0.95), ("p99", 0.99))
        }
        return {
            "sent": self.sent,
            "approved": self.outcomes["approved"],
            "declined": self.outcomes["declined"],
            "unknown": self.outcomes["pending"],
            "not_sent": self.outcomes["not_sent"],
            "errors": self.errors,
            "rate": round(self.sent / self.seconds, 1) if self.seconds else 0.0,
            "latency_ms": figures,
            "networks": {"visa": {"sent": self.sent, "latency_ms": figures}},
        }


def percentile(ordered: tuple[float, ...], share: float) -> float | None:
    """The value below which `share` of the values lie (nearest rank); None without values."""
    if not ordered:
        return None
    rank = max(0, min(len(ordered) - 1, round(share * len(ordered) + 0.5) - 1))
    return round(ordered[rank], 3)


async def prepare(till: SyntheticTill, count: int) -> tuple[NfcOrder, ...]:
    """Make the taps, each with the next card."""
    return tuple([await till.tap(price_minor(n), card=n) for n in range(count)])


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
    latencies_ms: list[float] = []
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
        latencies_ms.append((clock.monotonic_us() - due_us) / 1000)

    async with asyncio.TaskGroup() as tasks:
        for number, (token, request) in enumerate(requests):
            due_us = start_us + int(number * 1e6 / rate)
            if (wait_us := due_us - clock.monotonic_us()) > 0:
                await scheduler.sleep(wait_us / 1e6)
            tasks.create_task(pay(token, request, due_us))
    seconds = (clock.monotonic_us() - start_us) / 1e6
    return LoadResult(len(orders), outcomes, errors, seconds, tuple(sorted(latencies_ms)))
