"""Makes a merchant's business day a batch: captures, less fees, refunds, disputes and reserve.

Theory of operation. A batch is a range of the merchant's shard of the journal: everything with a
line on the merchant's pending account after the last batch's end and before the day's cut-off.
Entries never change, so the range can be summed beside the event loop before the unit of work that
makes the batch; that unit only makes sure that nobody else took the range meanwhile. Batch, ledger
and events are one commit, so a killed engine has made all batches of a day or none, and a capture
is in exactly one. A capture that is posted at the very cut-off belongs to the next day.

Knows no SQL, no bank and no payments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from functools import partial
from typing import Generic, TypeVar

from backend.domain.identifiers import ordered_identifier
from backend.domain.money import Money
from backend.ledger import settling
from backend.ledger.journal import Purpose
from backend.outbox.ports import AuditRecord, Outbox
from backend.payments.posting import Poster
from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream
from backend.runtime.events import Event, EventLog
from backend.runtime.store import Store
from backend.settlement.business_day import BusinessDay
from backend.settlement.ports import BatchRows, TermsBook
from backend.settlement.records import Batch, DayTotal, Terms

Tx = TypeVar("Tx")
ACTOR = "settlement"
BASIS = 10_000
PAGE = 200
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class BatchPorts(Generic[Tx]):
    """Everything that making batches takes from outside.

    Attributes:
        offload: where a long read runs, so that payments do not wait for it.
        identifiers: stream for the random part of identifiers.
    """

    store: Store[Tx]
    rows: BatchRows[Tx]
    terms: TermsBook[Tx]
    poster: Poster[Tx]
    outbox: Outbox[Tx]
    events: EventLog
    clock: Clock
    identifiers: Stream
    offload: Callable[[Callable[[], list[DayTotal]]], Awaitable[list[DayTotal]]]


@dataclass(frozen=True, slots=True)
class _Range:
    """A day's part of a merchant's shard."""

    day: BusinessDay
    after_seq: int
    last_seq: int


class Batches(Generic[Tx]):
    """Makes batches and releases reserves."""

    def __init__(self, ports: BatchPorts[Tx]) -> None:
        self._ports = ports

    async def settle(self, terms: Terms, *, close_open_day: bool = False) -> list[Batch]:
        """Make the batches of every day of a merchant that is due.

        Args:
            terms: the merchant's.
            close_open_day: take what the running day has so far, as if its cut-off were now.

        Raises:
            StorageError: the database refused; the days that were made stay made.
        """
        made: list[Batch] = []
        while (due := self._due(terms, close_open_day=close_open_day)) is not None:
            totals = await self._ports.offload(partial(self._totals, terms, due))
            done = await self._ports.store.write(partial(self._make, terms, due, totals))
            if done is None:  # somebody else settled meanwhile
                continue
            batches, events = done
            for event in events:
                self._ports.events.publish(event)
            made += batches
        return made

    def due_us(self, terms: Terms) -> int | None:
        """When the merchant's first unsettled day is due; None when everything is settled."""

        def read(tx: Tx) -> int | None:
            rows = self._ports.rows
            after = rows.settled_seq(tx, terms.merchant_id)
            first_us = rows.first_unsettled_us(tx, terms.merchant_id, after)
            if first_us is None:
                return None
            day = terms.calendar.day_of(first_us)
            return day.after(terms.settled_after_days).opens_us

        return self._ports.store.read(read)

    async def release_reserves(self) -> int:
        """Give free what was held back long enough; how many days' reserves.

        Raises:
            StorageError: the database refused.
        """
        ports, released = self._ports, 0
        while due := ports.store.read(
            lambda tx: ports.rows.due_reserves(tx, ports.clock.now_us(), PAGE)
        ):
            for batch in due:
                events = await ports.store.write(partial(self._release, batch))
                for event in events:
                    ports.events.publish(event)
                released += bool(events)
        return released

    def _due(self, terms: Terms, *, close_open_day: bool) -> _Range | None:
        now_us = self._ports.clock.now_us()

        def read(tx: Tx) -> _Range | None:
            rows, merchant_id = self._ports.rows, terms.merchant_id
            after_seq = rows.settled_seq(tx, merchant_id)
            first_us = rows.first_unsettled_us(tx, merchant_id, after_seq)
            if first_us is None:
                return None
            day = terms.calendar.day_of(first_us)
            closes_us = day.closes_us
            if day.after(terms.settled_after_days).opens_us > now_us:
                if not close_open_day:
                    return None
                closes_us = min(closes_us, now_us + 1)
            last_seq = rows.last_seq_before(tx, merchant_id, after_seq, closes_us)
            return _Range(day, after_seq, last_seq) if last_seq > after_seq else None

        return self._ports.store.read(read)

    def _totals(self, terms: Terms, due: _Range) -> list[DayTotal]:
        rows = self._ports.rows
        return self._ports.store.read(
            lambda tx: rows.totals(tx, terms.merchant_id, due.after_seq, due.last_seq)
        )

    def _make(
        self, terms: Terms, due: _Range, totals: list[DayTotal], tx: Tx
    ) -> tuple[list[Batch], list[Event]] | None:
        if self._ports.rows.settled_seq(tx, terms.merchant_id) != due.after_seq:
            return None
        by_currency: defaultdict[str, list[DayTotal]] = defaultdict(list)
        for total in totals:
            by_currency[total.currency].append(total)
        batches, events = [], []
        for currency in sorted(by_currency):
            batch = self._batch(terms, due, currency, by_currency[currency])
            batches.append(batch)
            events += self._store(tx, batch)
        assert batches, "a range ends with an entry on the pending account"
        return batches, events

    def _batch(self, terms: Terms, due: _Range, currency: str, totals: list[DayTotal]) -> Batch:
        now_us = self._ports.clock.now_us()
        day = summed(totals)
        whole_minor = day.gross_minor - day.fees_minor - day.refunds_minor - day.disputes_minor
        reserve_minor = min(
            _share(day.gross_minor, terms.reserve_basis_points), max(whole_minor, 0)
        )
        return Batch(
            id=ordered_identifier("stl", now_us, self._ports.identifiers),
            merchant_id=terms.merchant_id,
            currency=currency,
            business_day=due.day.date.isoformat(),
            after_seq=due.after_seq,
            last_seq=due.last_seq,
            gross_minor=day.gross_minor,
            fees_minor=day.fees_minor,
            refunds_minor=day.refunds_minor,
            disputes_minor=day.disputes_minor,
            reserve_minor=reserve_minor,
            net_minor=whole_minor - reserve_minor,
            captures=day.captures,
            transactions=sum(total.transactions for total in totals),
            settled_at_us=now_us,
            available_at_us=due.day.after(terms.available_after_days).opens_us,
            reserve_due_at_us=now_us + terms.reserve_days * DAY_US,
        )

    def _store(self, tx: Tx, batch: Batch) -> list[Event]:
        ports = self._ports
        ports.rows.add_batch(tx, batch)
        event = self._event(batch, "settlement.settled")
        events = [event]
        posted = settling.settlement(
            batch.id,
            batch.merchant_id,
            batch.currency,
            (batch.net_minor, batch.reserve_minor),
            batch.settled_at_us,
        )
        if posted is not None:
            events.append(ports.poster.post(tx, posted, cause_id=event.id, data=_names(batch)))
        ports.outbox.add_events(tx, events)
        ports.outbox.add_audit(tx, _audited(batch, "settlement.settled", batch.settled_at_us))
        return events

    def _release(self, batch: Batch, tx: Tx) -> list[Event]:
        ports, now_us = self._ports, self._ports.clock.now_us()
        if not ports.rows.release_reserve(tx, batch.id, now_us):
            return []
        money = Money(batch.reserve_minor, batch.currency)
        event = self._event(replace(batch, reserve_released_at_us=now_us), "reserve.released")
        posted = settling.reserve_released(batch.id, batch.merchant_id, money, now_us)
        events = [event, ports.poster.post(tx, posted, cause_id=event.id, data=_names(batch))]
        ports.outbox.add_events(tx, events)
        ports.outbox.add_audit(tx, _audited(batch, "reserve.released", now_us))
        return events

    def _event(self, batch: Batch, kind: str) -> Event:
        return self._ports.events.make(
            kind,
            actor=ACTOR,
            data={
                **_names(batch),
                "business_day": batch.business_day,
                "currency": batch.currency,
                "gross_minor": batch.gross_minor,
                "fees_minor": batch.fees_minor,
                "refunds_minor": batch.refunds_minor,
                "disputes_minor": batch.disputes_minor,
                "reserve_minor": batch.reserve_minor,
                "net_minor": batch.net_minor,
                "captures": batch.captures,
                "available_at_us": batch.available_at_us,
            },
        )


@dataclass(frozen=True, slots=True)
class DaySum:
    """A day in one currency, before anything is held back."""

    gross_minor: int = 0
    fees_minor: int = 0
    refunds_minor: int = 0
    disputes_minor: int = 0
    captures: int = 0


def summed(totals: list[DayTotal]) -> DaySum:
    """What a day comes to: captures, refunds and everything else, with the fees of all."""
    day = DaySum()
    for total in totals:
        whole_minor = total.net_minor + total.fee_minor
        day = replace(day, fees_minor=day.fees_minor + total.fee_minor)
        match total.purpose:
            case Purpose.CAPTURE.value:
                day = replace(
                    day,
                    gross_minor=day.gross_minor + whole_minor,
                    captures=day.captures + total.transactions,
                )
            case Purpose.REFUND.value | Purpose.REFUND_FAILED.value:
                day = replace(day, refunds_minor=day.refunds_minor - whole_minor)
            case _:
                day = replace(day, disputes_minor=day.disputes_minor - whole_minor)
    return day


def _share(amount_minor: int, basis_points: int) -> int:
    exact = Decimal(amount_minor * basis_points) / BASIS
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def _names(batch: Batch) -> dict[str, object]:
    return {"merchant_id": batch.merchant_id, "object": "settlement", "object_id": batch.id}


def _audited(batch: Batch, action: str, at_us: int) -> AuditRecord:
    return AuditRecord(
        at_us,
        None,
        action,
        "settlement",
        batch.id,
        "done",
        {
            "merchant_id": batch.merchant_id,
            "currency": batch.currency,
            "net_minor": batch.net_minor,
            "reserve_minor": batch.reserve_minor,
        },
    )
