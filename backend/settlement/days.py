"""Runs settlement when it is due: at cut-offs, when money becomes available, when payouts arrive.

An alarm in lab time: a moved clock rings at once, and however many days were skipped are settled
one after another. A run is safe to repeat at any point; what a killed engine left is taken up by
the next run. Knows the order in which things are done and nothing of how.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Generic, TypeVar

from backend.runtime.alarm import Alarm
from backend.runtime.clock import Clock
from backend.runtime.errors import StorageError
from backend.runtime.events import Event, EventLog
from backend.runtime.scheduler import Scheduler
from backend.runtime.store import Store
from backend.settlement.batches import Batches
from backend.settlement.business_day import UTC_DAYS
from backend.settlement.clearing import Clearings
from backend.settlement.payouts import Payouts
from backend.settlement.ports import BatchRows, PayoutRows, TermsBook
from backend.settlement.records import Batch, Payout, Terms

Tx = TypeVar("Tx")
STORAGE_WAIT_S = 5.0
SECOND_US = 1_000_000
_MOVES_MONEY = ("payment.captured", "payment.refund", "dispute.")
_BOOKED = ("capture.completed", "refund.succeeded", "chargeback.completed")


@dataclass(frozen=True, slots=True)
class DayPorts(Generic[Tx]):
    """Everything that running settlement takes from outside.

    Attributes:
        checkpoint: moves the ledger's checkpoints forward.
    """

    store: Store[Tx]
    rows: BatchRows[Tx]
    payout_rows: PayoutRows[Tx]
    terms: TermsBook[Tx]
    batches: Batches[Tx]
    payouts: Payouts[Tx]
    clearings: Clearings[Tx]
    checkpoint: Callable[[], Awaitable[int]]
    clock: Clock
    scheduler: Scheduler
    events: EventLog


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did."""

    batches: list[Batch]
    reserves_released: int
    clearings: int
    payouts: list[Payout]
    payouts_moved: int

    def to_json(self) -> dict[str, object]:
        """As `/lab` shows it."""
        return {
            "batches": [asdict(batch) for batch in self.batches],
            "reserves_released": self.reserves_released,
            "clearings": self.clearings,
            "payouts": [{**asdict(each), "state": each.state.value} for each in self.payouts],
            "payouts_moved": self.payouts_moved,
        }

    @property
    def did_something(self) -> bool:
        """Whether anything was due."""
        return bool(
            self.batches
            or self.reserves_released
            or self.clearings
            or self.payouts
            or self.payouts_moved
        )


class Days(Generic[Tx]):
    """Settlement's clock."""

    def __init__(self, ports: DayPorts[Tx]) -> None:
        self._ports = ports
        self._alarm = Alarm(ports.scheduler, "settlement timer")
        self._turn = asyncio.Lock()
        self._expected: set[str] = set()
        self._is_running = False
        self._planned_us: int | None = 0  # the first look runs: somebody may have died in a run
        self._networks_booked = False

    def wake(self) -> None:
        """Look at the schedule again."""
        self._alarm.ring()

    def heed(self, event: Event) -> None:
        """A merchant's first capture since the last batch sets the alarm."""
        if event.kind.startswith(_MOVES_MONEY):
            merchant_id = event.data.get("merchant_id")
            if isinstance(merchant_id, str) and merchant_id not in self._expected:
                self._expected.add(merchant_id)
                self.wake()
        elif event.kind in _BOOKED and not self._networks_booked:
            self._networks_booked = True
            self.wake()

    async def run_forever(self) -> None:
        """Settle whenever something is due; runs until cancelled."""
        await self._alarm.run_forever(self._start_due)

    async def run(self, *, close_open_day: bool = False) -> Run:
        """Do everything that is due now.

        Args:
            close_open_day: settle what the running day has so far, too.

        Raises:
            StorageError: the database refused; what was done stays done.
        """
        async with self._turn:
            return await self._run(close_open_day=close_open_day)

    async def _run(self, *, close_open_day: bool) -> Run:
        ports = self._ports
        everyone = ports.store.read(ports.terms.all_terms)
        batches: list[Batch] = []
        payouts: list[Payout] = []
        for terms in everyone:
            batches += await ports.batches.settle(terms, close_open_day=close_open_day)
        released = await ports.batches.release_reserves()
        cleared = await ports.clearings.clear()
        moved = await ports.payouts.move_due()
        for terms in everyone:
            payouts += await ports.payouts.pay_scheduled(terms)
        done = Run(batches, released, len(cleared), payouts, moved)
        self._networks_booked = ports.clearings.is_waiting()
        if done.did_something:
            await ports.checkpoint()
        self.wake()
        return done

    def _start_due(self) -> int | None:
        """Start a run if one is due; when the next is due."""
        now_us = self._ports.clock.now_us()
        try:
            due_us = self._next_us()
        except StorageError as error:
            self._report(error)
            return now_us + int(STORAGE_WAIT_S * SECOND_US)
        planned_us, self._planned_us = self._planned_us, due_us
        if all(at_us is None or at_us > now_us for at_us in (planned_us, due_us)):
            return due_us
        if not self._is_running:
            self._is_running = True
            self._ports.scheduler.spawn(self._run_due(), "settlement")
        return None  # its end rings

    async def _run_due(self) -> None:
        try:
            await self.run()
        except StorageError as error:
            self._report(error)
            await self._ports.scheduler.sleep(STORAGE_WAIT_S)
        finally:
            self._is_running = False
            self.wake()

    def _next_us(self) -> int | None:
        ports, now_us = self._ports, self._ports.clock.now_us()
        everyone = ports.store.read(ports.terms.all_terms)
        cut_offs = {terms.merchant_id: ports.batches.due_us(terms) for terms in everyone}
        self._expected = {name for name, due in cut_offs.items() if due is not None}
        times = [
            *cut_offs.values(),
            *(self._scheduled_us(terms) for terms in everyone),
            ports.store.read(ports.payout_rows.next_payout_us),
            ports.store.read(ports.rows.next_reserve_us),
            UTC_DAYS.day_of(now_us).closes_us if self._networks_booked else None,
        ]
        return min((at_us for at_us in times if at_us is not None), default=None)

    def _scheduled_us(self, terms: Terms) -> int | None:
        return self._ports.payouts.scheduled_us(terms)

    def _report(self, error: StorageError) -> None:
        self._ports.events.emit("storage.refused", actor="settlement", data={"detail": str(error)})
