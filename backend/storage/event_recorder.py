"""Keeps numbers going over restarts, and stores the events that no commit had to hold.

Events of changes are stored with the change. Messages to the networks, breakers, faults, clock and
cache speak in between; their events are stored here, soon after, in whatever batch has gathered
while the last one was written; what the database refused is kept and tried again. Numbers are
reserved in blocks before they are used, so that after a crash no number is given twice, not even
one whose event was never stored.
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
REFUSED_WAIT_S = 5.0
"""How long to wait when the database refused, before trying again."""
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
        self._riders: list[Event] = []  # stored with the next batch, but no reason for one
        self._is_writing = False
        self.dropped = 0
        self._unsubscribe = events.subscribe(self._notice)

    async def close(self) -> None:
        """Store what is left and give unused numbers back; a database that refuses keeps both."""
        self._unsubscribe()
        last_seq = self._last_seq

        def work(tx: Transaction) -> None:
            used = max(last_seq, event_rows.last_seq(tx, ENGINE))
            event_rows.reserve(tx, ENGINE, used)

        if not await self._write_pending():
            self.dropped += len(self._pending)
            log.warning("%d events were never stored", len(self._pending))
        try:
            await self._store.write(work)
        except StorageError as error:
            log.warning("unused numbers could not be given back: %s", error)

    def _notice(self, event: Event) -> None:
        if event.source != ENGINE:
            return
        self._last_seq = max(self._last_seq, event.seq)
        needs_block = self._last_seq > self._reserved - BLOCK // 2
        if _is_of_disk(event):
            self._riders.append(event)  # its own commit would be struck again, and so on for ever
        elif event.kind.startswith(STORED_KINDS):
            self._pending.append(event)
        if not (self._pending or needs_block):
            return
        self._bound()
        if not self._is_writing:
            self._is_writing = True
            self._scheduler.spawn(self._gather_and_write(), "event recorder")

    async def flush(self) -> None:
        """Store what has been said so far; for whoever is about to read it."""
        await self._store_or_keep(self._take())  # also when empty: it queues behind what is stored

    async def _gather_and_write(self) -> None:
        try:
            await asyncio.sleep(GATHER_S)
            stored = await self._write_pending()
            while not stored:
                await asyncio.sleep(REFUSED_WAIT_S)
                stored = await self._write_pending()
        finally:
            self._is_writing = False

    async def _write_pending(self) -> bool:
        """Store batch after batch until nothing is left; False when the database refused one."""
        while self._pending or self._last_seq > self._reserved - BLOCK // 2:
            if not await self._store_or_keep(self._take()):
                return False
        return True

    def _take(self) -> list[Event]:
        batch = [*self._riders, *self._pending]
        self._riders, self._pending = [], []
        return batch

    def _bound(self) -> None:
        """Forget the newest when the disk is far behind: money's own events are not here."""
        del self._riders[PENDING_EVENTS_MAX:]
        beyond = len(self._pending) - PENDING_EVENTS_MAX
        if beyond > 0:
            del self._pending[PENDING_EVENTS_MAX:]
            self.dropped += beyond

    async def _store_or_keep(self, batch: list[Event]) -> bool:
        reserved = self._last_seq + BLOCK
        try:
            await self._store.write(partial(_store_batch, batch=batch, reserved=reserved))
        except StorageError as error:
            log.warning("%d events could not be stored yet: %s", len(batch), error)
            self._pending[:0] = batch
            self._bound()
            return False
        self._reserved = reserved
        return True


def _is_of_disk(event: Event) -> bool:
    """Whether it says that a fault struck a commit."""
    return event.kind == "fault.fired" and event.data.get("link") == "database"


def _store_batch(tx: Transaction, batch: list[Event], reserved: int) -> None:
    event_rows.append_once(tx, batch)
    event_rows.reserve(tx, ENGINE, reserved)
