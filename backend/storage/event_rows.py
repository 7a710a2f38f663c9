"""Statements over events and beliefs: appended, read in order, never changed.

The events table is the outbox: rows of the engine are written in the commit of the change they
tell of; rows of a window or a command ("lab.…") arrive afterwards and may arrive twice.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson
from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from backend.runtime.events import Event
from backend.storage.database import Row, Statement, Transaction, Value
from backend.storage.event_tables import events, tap_beliefs
from backend.storage.number_tables import event_numbers

_INSERT_EVENT = Statement(insert(events))
_INSERT_EVENT_ONCE = Statement(sqlite_insert(events).on_conflict_do_nothing())
_EVENTS_AFTER = Statement(
    select(events)
    .where(events.c.source == bindparam("from_source"), events.c.seq > bindparam("after_seq"))
    .order_by(events.c.seq)
    .limit(bindparam("row_count"))
)
_EVENTS_OF_PAYMENT = Statement(
    select(events)
    .where(events.c.payment_id == bindparam("of_payment"))
    .order_by(events.c.real_time_us, events.c.seq)
)
_LAST_SEQ = Statement(
    select(func.max(events.c.seq).label("seq")).where(events.c.source == bindparam("from_source"))
)
_LAST_EVENT_TIME = Statement(
    select(events.c.lab_time_us)
    .where(events.c.source == bindparam("from_source"))
    .order_by(events.c.seq.desc())
    .limit(1)
)
_RESERVED = Statement(
    select(event_numbers.c.reserved_to).where(event_numbers.c.source == bindparam("of_source"))
)
_INSERT_RESERVED = sqlite_insert(event_numbers)
_RESERVE = Statement(
    _INSERT_RESERVED.on_conflict_do_update(
        index_elements=["source"], set_={"reserved_to": _INSERT_RESERVED.excluded.reserved_to}
    )
)
_INSERT_BELIEF = sqlite_insert(tap_beliefs)
_PHONE_BELIEVES = Statement(
    _INSERT_BELIEF.on_conflict_do_update(
        index_elements=["tap_id"],
        set_={
            "phone": _INSERT_BELIEF.excluded.phone,
            "updated_at_us": _INSERT_BELIEF.excluded.updated_at_us,
        },
    )
)
_TILL_BELIEVES = Statement(
    _INSERT_BELIEF.on_conflict_do_update(
        index_elements=["tap_id"],
        set_={
            "till": _INSERT_BELIEF.excluded.till,
            "updated_at_us": _INSERT_BELIEF.excluded.updated_at_us,
        },
    )
)


def append(tx: Transaction, new: Iterable[Event]) -> None:
    """Store events of the change that this unit of work makes."""
    tx.run_many(_INSERT_EVENT, [_event_row(event) for event in new])


def append_once(tx: Transaction, new: Iterable[Event]) -> None:
    """Store events that may have been stored before (a window sends again what it is unsure of)."""
    tx.run_many(_INSERT_EVENT_ONCE, [_event_row(event) for event in new])


def after(tx: Transaction, source: str, seq: int, limit: int) -> list[Event]:
    """Stored events of one source with a higher number, oldest first."""
    found = tx.all(_EVENTS_AFTER, {"from_source": source, "after_seq": seq, "row_count": limit})
    return [event_of(row) for row in found]


def of_payment(tx: Transaction, payment_id: str) -> list[Event]:
    """The stored events of one payment, in the order in which they happened."""
    return [event_of(row) for row in tx.all(_EVENTS_OF_PAYMENT, {"of_payment": payment_id})]


def last_seq(tx: Transaction, source: str) -> int:
    """The highest stored number of a source; 0 when it has none."""
    row = tx.one(_LAST_SEQ, {"from_source": source})
    return int(row["seq"]) if row is not None and row["seq"] is not None else 0


def last_time_us(tx: Transaction, source: str) -> int:
    """Lab time of the newest stored event of a source; 0 when it has none."""
    row = tx.one(_LAST_EVENT_TIME, {"from_source": source})
    return int(row["lab_time_us"]) if row is not None else 0


def reserved_to(tx: Transaction, source: str) -> int:
    """The highest number that may have been given; 0 at first."""
    row = tx.one(_RESERVED, {"of_source": source})
    return int(row["reserved_to"]) if row is not None else 0


def reserve(tx: Transaction, source: str, seq: int) -> None:
    """Set numbers aside up to this one."""
    tx.run(_RESERVE, {"source": source, "reserved_to": seq})


def believe(tx: Transaction, side: str, tap_id: str, belief: str, at_us: int) -> None:
    """What the phone ("phone") or the till ("till") showed last for a tap."""
    row: dict[str, Value] = {"tap_id": tap_id, "phone": None, "till": None, "updated_at_us": at_us}
    row[side] = belief
    tx.run(_PHONE_BELIEVES if side == "phone" else _TILL_BELIEVES, row)


def _event_row(event: Event) -> dict[str, Value]:
    return {
        "source": event.source,
        "seq": event.seq,
        "lab_time_us": event.lab_time_us,
        "real_time_us": event.real_time_us,
        "actor": event.actor,
        "kind": event.kind,
        "payment_id": event.payment_id,
        "tap_id": event.tap_id,
        "cause_id": event.cause_id,
        "data": orjson.dumps(dict(event.data)).decode(),
    }


def event_of(row: Row) -> Event:
    """A stored event."""
    return Event(
        seq=row["seq"],
        source=row["source"],
        lab_time_us=row["lab_time_us"],
        real_time_us=row["real_time_us"],
        actor=row["actor"],
        kind=row["kind"],
        payment_id=row["payment_id"],
        tap_id=row["tap_id"],
        cause_id=row["cause_id"],
        data=orjson.loads(row["data"]),
    )
