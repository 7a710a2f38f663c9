"""Holds end: an approval that nobody captures is let go after seven days of lab time.

Theory of operation. Every approval waits for its capture, whoever made it: a till, an app, an
intent. When its time is over it is voided as by its merchant's hand, each in a unit of work of its
own, and the network hears it until it agrees (`payments.follow_up`). Identifiers sort by time, so
what has lapsed is a range of them, and what is made from now on cannot lapse sooner than in seven
days: until the oldest approval is due, there is nothing to look at. Knows no SQL and no HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from backend.domain.identifiers import first_identifier_at
from backend.gateway.desk import Carried, Desk, Order
from backend.gateway.intents import LAPSED
from backend.runtime.clock import Clock
from backend.runtime.errors import Conflict, StorageError
from backend.runtime.events import EventLog
from backend.runtime.scheduler import Scheduler
from backend.runtime.store import Store

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)
HOLD_US = 7 * 86_400_000_000
BETWEEN_LOOKS_US = 60_000_000
CHUNK = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """An approval that waits for its capture."""

    payment_id: str
    merchant_id: str
    created_at_us: int


class WaitingRows(Protocol[Tx_contra]):
    """Approvals that wait for their capture."""

    def waiting(self, tx: Tx_contra, before_id: str, limit: int) -> list[Waiting]:
        """Those whose identifiers sort before this one, oldest first."""


@dataclass(frozen=True, slots=True)
class LapsePorts(Generic[Tx]):
    """Everything that letting go takes from outside."""

    store: Store[Tx]
    rows: WaitingRows[Tx]
    desk: Desk[Tx]
    clock: Clock
    scheduler: Scheduler
    events: EventLog


class Lapse(Generic[Tx]):
    """Lets approvals go whose time is over."""

    def __init__(self, ports: LapsePorts[Tx]) -> None:
        self._ports = ports

    async def run_forever(self) -> None:
        """Let go what is due, whenever something is; runs until cancelled."""
        clock, scheduler = self._ports.clock, self._ports.scheduler
        while True:
            due_at_us = clock.now_us()
            try:
                due_at_us = await self.look()
            except StorageError as error:
                self._ports.events.emit(
                    "lapse.postponed", actor="engine", data={"detail": str(error)}
                )
            await scheduler.sleep_until(max(due_at_us, clock.now_us() + BETWEEN_LOOKS_US))

    async def look(self) -> int:
        """Let everything go that is due; lab time at which the next thing may be.

        Raises:
            StorageError: the database refused; what was let go stays so.
        """
        now_us = self._ports.clock.now_us()
        end = first_identifier_at("pay", max(0, now_us - HOLD_US) + 1)
        while due := self._waiting(end, CHUNK):
            for each in due:
                await self._let_go(each)
        oldest = self._waiting(first_identifier_at("pay", now_us + 1), 1)
        return (oldest[0].created_at_us if oldest else now_us) + HOLD_US

    def _waiting(self, before_id: str, limit: int) -> list[Waiting]:
        rows = self._ports.rows
        return self._ports.store.read(partial(rows.waiting, before_id=before_id, limit=limit))

    async def _let_go(self, waiting: Waiting) -> None:
        order, desk = Order(waiting.merchant_id, waiting.payment_id), self._ports.desk

        def unit(tx: Tx) -> Carried:
            return desk.void_in(order, tx, LAPSED)

        try:
            done = await self._ports.store.write(unit)
        except Conflict:  # captured or voided meanwhile
            return
        desk.publish(done)
