"""Turns the engine's stored events into events of merchants and deliveries to their endpoints.

Theory of operation. The rows of `events` are the outbox: they were written in the commit of the
change that they tell of, so nothing is announced that did not happen. A cursor says how far they
have been looked at; each batch is one unit of work that writes what merchants hear, what goes to
which endpoint, and the new cursor, so a killed engine neither forgets an event nor tells it twice
under two identifiers. It runs after the payment's commit and never on its way. Numbers of money's
events are given inside units of work, in the order of their commits, so no lower number appears
behind the cursor.

A merchant who can neither be told nor ask (no endpoint, no key) costs nothing but the look. One who
can only ask gets rows without a picture of the object: it is drawn when somebody asks, as of the
stored event.

Order: a delivery whose order key has an earlier one pending at the same endpoint is due only when
that one has ended, or when it has waited `hold_us`, whichever is first. Knows no SQL and no HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from backend.domain.identifiers import ordered_identifier
from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream
from backend.runtime.errors import StorageError
from backend.runtime.events import Event, EventLog
from backend.runtime.scheduler import Scheduler
from backend.runtime.store import Store
from backend.webhooks import catalogue
from backend.webhooks.bodies import data_of
from backend.webhooks.ports import Picture, ReadsEvents, SourceRows, WebhookRows
from backend.webhooks.records import (
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    MerchantEvent,
)
from backend.webhooks.schedules import SCHEDULES

Tx = TypeVar("Tx")
BATCH_EVENTS = 100
"""How many at once: a few milliseconds of the thread that payments run in too."""
GATHER_S = 0.25
"""How long events gather while nobody is to be told: one unit of work for many payments."""
STORAGE_WAIT_S = 5.0
HOLD_S = 3_600
"""The cap on waiting for an earlier event of the same object."""
SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class FanOutPorts(Generic[Tx]):
    """Everything that fanning out takes from outside.

    Attributes:
        identifiers: stream for the random part of event identifiers.
        wake: called after a commit that left something to deliver.
    """

    store: Store[Tx]
    source: SourceRows[Tx]
    rows: WebhookRows[Tx]
    picture: Picture[Tx]
    reads_events: ReadsEvents[Tx]
    clock: Clock
    scheduler: Scheduler
    events: EventLog
    identifiers: Stream
    wake: Callable[[], None]
    hold_s: int = HOLD_S


@dataclass(slots=True)
class _Batch:
    """What one unit of work is about to write."""

    events: list[MerchantEvent]
    deliveries: list[Delivery]
    sequences: dict[str, int]
    held: set[tuple[str, str]]
    readers: dict[str, tuple[list[Endpoint], bool]]


class FanOut(Generic[Tx]):
    """Reads the outbox for merchants."""

    def __init__(self, ports: FanOutPorts[Tx]) -> None:
        self._ports = ports
        self._news = asyncio.Event()
        self._somebody_listens = True  # until a batch has shown otherwise

    def start(self) -> None:
        """Listen for commits, and catch up with what an earlier process left."""
        self._ports.events.subscribe(self._heed)
        self._news.set()
        self._ports.scheduler.spawn(self._run_forever(), "webhook fan-out")

    def _heed(self, event: Event) -> None:
        if event.kind in catalogue.KINDS:
            self._news.set()

    async def _run_forever(self) -> None:
        while True:
            await self._news.wait()
            if not self._somebody_listens:
                await self._ports.scheduler.sleep(GATHER_S)
            self._news.clear()
            try:
                while await self.step():
                    pass
            except StorageError as error:
                self._ports.events.emit(
                    "storage.refused", actor="webhooks", data={"detail": str(error)}
                )
                await self._ports.scheduler.sleep(STORAGE_WAIT_S)
                self._news.set()

    async def step(self) -> bool:
        """Look at one batch; whether there may be more.

        Raises:
            StorageError: the database refused; nothing of the batch is stored.
        """
        looked_at, written = await self._ports.store.write(self._unit)
        if written:
            self._ports.wake()
        return looked_at == BATCH_EVENTS

    def _unit(self, tx: Tx) -> tuple[int, int]:
        """How many events were looked at, and how many deliveries they made."""
        ports = self._ports
        found = ports.source.after(tx, ports.source.cursor(tx), BATCH_EVENTS)
        if not found:
            return 0, 0
        batch = _Batch([], [], {}, set(), {})
        number = ports.rows.last_number(tx)
        for event in found:
            number = self._take(tx, event, number, batch)
        ports.rows.add_events(tx, batch.events)
        ports.rows.add_deliveries(tx, batch.deliveries)
        ports.source.move_cursor(tx, found[-1].seq)
        self._somebody_listens = any(endpoints for endpoints, _ in batch.readers.values())
        return len(found), len(batch.deliveries)

    def _take(self, tx: Tx, event: Event, number: int, batch: _Batch) -> int:
        """Add what a merchant hears of one event; the last number used."""
        merchant_id = catalogue.merchant_of(event)
        if merchant_id is None:
            return number
        endpoints, reads = self._readers(tx, merchant_id, batch)
        if not reads:
            return number
        for told in catalogue.told_of(event):
            number += 1
            wanting = [
                each
                for each in endpoints
                if each.after_seq < event.seq
                and catalogue.wants(each.style, each.enabled_events, told.type)
            ]
            happened = self._happened(tx, event, told, number, merchant_id, len(wanting), batch)
            batch.events.append(happened)
            batch.deliveries += [self._delivery(tx, each, happened, batch) for each in wanting]
        return number

    def _readers(self, tx: Tx, merchant_id: str, batch: _Batch) -> tuple[list[Endpoint], bool]:
        """A merchant's open endpoints, and whether it can hear or ask at all."""
        if merchant_id not in batch.readers:
            rows = self._ports.rows
            known = rows.endpoints_of(tx, merchant_id)
            open_ones = [each for each in known if each.state is EndpointState.ENABLED]
            reads = bool(known) or self._ports.reads_events(tx, merchant_id)
            batch.readers[merchant_id] = open_ones, reads
        return batch.readers[merchant_id]

    def _happened(
        self,
        tx: Tx,
        event: Event,
        told: catalogue.Told,
        number: int,
        merchant_id: str,
        endpoints: int,
        batch: _Batch,
    ) -> MerchantEvent:
        word, object_id = catalogue.object_of(event, told)
        order_key = catalogue.order_key_of(event, object_id)
        sequence = batch.sequences.get(order_key)
        if sequence is None:
            sequence = self._ports.rows.last_sequence(tx, order_key)
        batch.sequences[order_key] = sequence + 1
        happened = MerchantEvent(
            number=number,
            id=ordered_identifier("evt", event.lab_time_us, self._ports.identifiers),
            merchant_id=merchant_id,
            type=told.type,
            object=word,
            object_id=object_id,
            order_key=order_key,
            sequence=sequence + 1,
            created_at_us=event.lab_time_us,
            source_seq=event.seq,
            endpoints=endpoints,
        )
        if not endpoints:
            return happened
        return replace(happened, data=data_of(tx, self._ports.picture, happened, event))

    def _delivery(
        self, tx: Tx, endpoint: Endpoint, happened: MerchantEvent, batch: _Batch
    ) -> Delivery:
        ports, now_us = self._ports, self._ports.clock.now_us()
        place = (endpoint.id, happened.order_key)
        is_held = place in batch.held or ports.rows.is_held_up(tx, *place)
        batch.held.add(place)
        first_wait_us = SCHEDULES[endpoint.schedule].wait_us(0)
        assert first_wait_us is not None, "a schedule has a first attempt"
        wait_us = ports.hold_s * SECOND_US if is_held else first_wait_us
        return Delivery(
            id=0,
            endpoint_id=endpoint.id,
            event_number=happened.number,
            order_key=happened.order_key,
            state=DeliveryState.PENDING,
            tries=0,
            attempts=0,
            due_at_us=now_us + wait_us,
            created_at_us=now_us,
        )
