"""How long the networks take: per network and second, for the charts of the window.

Each network has a ring of slots of one second of steady time; a slot counts answers, deadlines
missed, calls rejected, and remembers how its breaker stood. Views merge slots into buckets and show
them at lab time. Percentiles are over the hop "answer" (a whole exchange as the switch sees it);
other hops are kept as totals since the start. Knows no payment rule and no socket.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from backend.metrics.histogram import Histogram
from backend.runtime.clock import Clock

SLOT_US = 1_000_000
SLOTS_KEPT = 600
SPARSE = 20
"""A bucket with fewer answers says nothing as percentiles: its payments are told one by one."""
POINTS_A_SLOT = 40
POINTS_TOLD = 1_000
ANSWER = "answer"
TIMEOUT = "timeout"
REJECTED = "rejected"
FAILURES = frozenset({TIMEOUT, "reset", "undecodable", "no_connection"})
QUANTILES = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}


@dataclass(slots=True)
class _Slot:
    number: int
    breaker: str
    answers: Histogram | None = None
    timeouts: int = 0
    rejected: int = 0
    failures: int = 0
    points: list[dict[str, object]] = field(default_factory=list)


@dataclass(slots=True)
class _Lane:
    breaker: str = "closed"
    slots: deque[_Slot] = field(default_factory=lambda: deque(maxlen=SLOTS_KEPT))
    hops: dict[str, Histogram] = field(default_factory=dict)


class LatencyBook:
    """Live latency of every network."""

    def __init__(self, clock: Clock, networks: Iterable[str]) -> None:
        self._clock = clock
        self._lanes = {network: _Lane() for network in networks}

    def record(
        self,
        network: str,
        hop: str,
        duration_us: int,
        outcome: str,
        *,
        payment_id: str | None = None,
        response_code: str | None = None,
    ) -> None:
        """Count one exchange, or one hop of it.

        Args:
            network: whose.
            hop: "answer" for a whole exchange, else a part of it ("network", "issuer", "echo").
            duration_us: microseconds; for outcomes without an answer, how long it was waited for.
            outcome: "answered", "late", "timeout", "rejected", "reset", "undecodable",
                "no_connection".
            payment_id: makes it a point of its own in the chart.
            response_code: DE 39 of the answer, so that the point says what it was.
        """
        lane = self._lanes[network]
        if hop != ANSWER:
            if hop not in lane.hops:
                lane.hops[hop] = Histogram()
            lane.hops[hop].record(duration_us)
            return
        slot = self._slot(lane)
        if outcome in ("answered", "late"):
            slot.answers = slot.answers or Histogram()
            slot.answers.record(duration_us)
        if outcome == REJECTED:
            slot.rejected += 1
        if outcome == TIMEOUT:
            slot.timeouts += 1
        if outcome in FAILURES:
            slot.failures += 1
        if payment_id is not None and outcome != REJECTED and len(slot.points) < POINTS_A_SLOT:
            slot.points.append(
                {
                    "at_us": self._clock.now_us(),
                    "ms": round(duration_us / 1_000, 3),
                    "payment_id": payment_id,
                    "outcome": outcome,
                    "response_code": response_code,
                }
            )

    def note_breaker(self, network: str, state: str) -> None:
        """Remember how the network's breaker stands from now on."""
        lane = self._lanes[network]
        lane.breaker = state
        self._slot(lane).breaker = state

    def hop(self, network: str, hop: str) -> Histogram:
        """All durations of one hop since the start."""
        return self._lanes[network].hops.get(hop) or Histogram()

    def view(self, window_s: int = 120, bucket_s: int = 2) -> dict[str, object]:
        """What `GET /lab/metrics/latency` answers.

        Args:
            window_s: how far back, 1 to 600 s.
            bucket_s: width of a bucket, 1 s to the window.
        """
        window_s = min(max(window_s, 1), SLOTS_KEPT)
        bucket_s = min(max(bucket_s, 1), window_s)
        return {
            "now_us": self._clock.now_us(),
            "bucket_us": bucket_s * SLOT_US,
            "networks": {
                network: self._network_view(lane, window_s, bucket_s)
                for network, lane in self._lanes.items()
            },
        }

    def _network_view(self, lane: _Lane, window_s: int, bucket_s: int) -> dict[str, object]:
        now_number = self._clock.monotonic_us() // SLOT_US
        recent = [slot for slot in lane.slots if slot.number > now_number - window_s]
        groups: dict[int, list[_Slot]] = {}
        for slot in recent:
            groups.setdefault(slot.number // bucket_s, []).append(slot)
        buckets = [(number, slots, _merged(slots)) for number, slots in sorted(groups.items())]
        failures = sum(slot.failures for slot in recent)
        whole = Histogram()
        for _, _, merged in buckets:
            whole.merge(merged)
        tried = whole.count + failures
        return {
            "n": whole.count,
            **_quantiles(whole),
            "error_rate": round(failures / tried, 4) if tried else 0.0,
            "timeouts": sum(slot.timeouts for slot in recent),
            "rejected": sum(slot.rejected for slot in recent),
            "buckets": [
                self._bucket(number * bucket_s, slots, merged) for number, slots, merged in buckets
            ],
            # Single payments of the buckets that are too thin for percentiles, oldest first.
            "points": [
                point
                for _, slots, merged in buckets
                if merged.count < SPARSE
                for slot in slots
                for point in slot.points
            ][-POINTS_TOLD:],
        }

    def _bucket(self, first_slot: int, slots: list[_Slot], merged: Histogram) -> dict[str, object]:
        age_us = self._clock.monotonic_us() - first_slot * SLOT_US
        return {
            "at_us": self._clock.now_us() - age_us,
            "n": merged.count,
            **_quantiles(merged),
            "timeouts": sum(slot.timeouts for slot in slots),
            "rejected": sum(slot.rejected for slot in slots),
            "breaker": slots[-1].breaker,
        }

    def _slot(self, lane: _Lane) -> _Slot:
        number = self._clock.monotonic_us() // SLOT_US
        if not lane.slots or lane.slots[-1].number != number:
            lane.slots.append(_Slot(number, lane.breaker))
        return lane.slots[-1]


def _merged(slots: Iterable[_Slot]) -> Histogram:
    whole = Histogram()
    for slot in slots:
        if slot.answers is not None:
            whole.merge(slot.answers)
    return whole


def _quantiles(histogram: Histogram) -> dict[str, float | None]:
    return {name: histogram.quantile_ms(share) for name, share in QUANTILES.items()}
