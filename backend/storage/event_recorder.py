"""Keeps numbers going over restarts, and stores the events that no commit had to hold.

Events of changes are stored with the change. Messages to the networks, breakers, faults, clock and
cache speak in between; their events are stored here, soon after, in whatever batch has gathered
while the last one was written. Numbers are reserved in blocks before they are used, so that after a
crash no number is given twice, not even one whose event was never stored.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from backend.runtime.errors import StorageError
from backend.runtime.events import Event, EventLog
from backend.runtime.scheduler import Scheduler
from backend.storage import event_rows
from backend.storage.database import Store, Transaction

log = logging.getLogger(__name__)
ENGINE = "engine"
BLOCK = 100_000
STORED_KINDS = ("message.", "breaker.", "fault.", "clock.", "cache.", "engine.", "world.")
PENDING_EVENTS_MAX = 20_000
GATHER_S = 0.25
"""How long events gather before they are stored: one unit of work for many payments."""


async def reserve_numbers(store: Store) -> int:
    """The first number that no earlier run can have given."""

    def work(tx: Transaction) -> int:
        used = max(event_rows.last_seq(tx, ENGINE), event_rows.reserved_to(tx, ENGINE))
        event_rows.reserve(tx, ENGINE, used + BLOCK)
        return used + 1

    return await store.write(work)


class EventRecorder:
    """Listens to an event log for the life of an engine."""

    def __init__(
        self, store: Store, scheduler: Scheduler, events: EventLog, first_seq: int
    ) -> None:
        self._store = store
        self._scheduler = scheduler
        self._reserved = first_seq - 1 + BLOCK
        self._last_seq = first_seq - 1
        self._pending: list[Event] = []
        self._is_writing = False
        self.dropped = 0
        self._unsubscribe = events.subscribe(self._notice)

    async def close(self) -> None:
        """Store what is left and give unused numbers back."""
        self._unsubscribe()
        await self._write_pending()
        last_seq = self._last_seq

        def work(tx: Transaction) -> None:
            used = max(last_seq, event_rows.last_seq(tx, ENGINE))
            event_rows.reserve(tx, ENGINE, used)

        await self._store.write(work)

    def _notice(self, event: Event) -> None:
        if event.source != ENGINE:
            return
        self._last_seq = max(self._last_seq, event.seq)
        needs_block = self._last_seq > self._reserved - BLOCK // 2
        if event.kind.startswith(STORED_KINDS):
            if len(self._pending) >= PENDING_EVENTS_MAX:
                self.dropped += 1  # the disk is far behind: money's own events are not here
            else:
                self._pending.append(event)
        elif not needs_block:
            return
        if not self._is_writing:
            self._is_writing = True
            self._scheduler.spawn(self._gather_and_write(), "event recorder")

    async def flush(self) -> None:
        """Store what has been said so far; for whoever is about to read it."""
        batch, self._pending = self._pending, []
        await self._store_or_drop(batch)  # also when empty: it queues behind what is being stored

    async def _gather_and_write(self) -> None:
        try:
            await asyncio.sleep(GATHER_S)
        except asyncio.CancelledError:
            self._is_writing = False
            raise
        await self._write_pending()

    async def _write_pending(self) -> None:
        self._is_writing = True
        try:
            while self._pending or self._last_seq > self._reserved - BLOCK // 2:
                batch, self._pending = self._pending, []
                if not await self._store_or_drop(batch):
                    return
        finally:
            self._is_writing = False

    async def _store_or_drop(self, batch: list[Event]) -> bool:
        reserved = self._last_seq + BLOCK
        try:
            await self._store.write(partial(_store_batch, batch=batch, reserved=reserved))
        except StorageError as error:
            self.dropped += len(batch)
            log.warning("%d events could not be stored: %s", len(batch), error)
            return False
        self._reserved = reserved
        return True


def _store_batch(tx: Transaction, batch: list[Event], reserved: int) -> None:
    event_rows.append_once(tx, batch)
    event_rows.reserve(tx, ENGINE, reserved)
