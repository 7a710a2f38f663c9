"""Statements over what merchants hear of, and over the outbox that it is made from.

`backend.webhooks.ports.SourceRows` and `EventRows`. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Integer, Text, bindparam, func, insert, literal_column, or_, select
from sqlalchemy.dialects.sqlite import insert as upsert

from backend.runtime.events import Event
from backend.storage import event_rows
from backend.storage.database import Row, Statement, Transaction, Value
from backend.storage.event_recorder import ENGINE
from backend.storage.event_tables import events, outbox_cursors
from backend.storage.webhook_tables import merchant_events as told
from backend.webhooks.catalogue import KINDS
from backend.webhooks.ports import Span
from backend.webhooks.records import MerchantEvent

CONSUMER = "webhooks"
_of_engine = events.c.source == literal_column(f"'{ENGINE}'")
_CURSOR = Statement(
    select(outbox_cursors.c.seq).where(outbox_cursors.c.consumer == bindparam("consumer"))
)
_moved = upsert(outbox_cursors)
_MOVE_CURSOR = Statement(
    _moved.on_conflict_do_update(index_elements=["consumer"], set_={"seq": _moved.excluded.seq})
)
_AFTER = Statement(
    select(events)
    .where(
        _of_engine,
        events.c.seq > bindparam("after_seq", type_=Integer),
        events.c.kind.in_([literal_column(f"'{kind}'") for kind in sorted(KINDS)]),
    )
    .order_by(events.c.seq)
    .limit(bindparam("row_count", type_=Integer))
)
_ONE = Statement(
    select(events).where(_of_engine, events.c.seq == bindparam("of_seq", type_=Integer))
)
_LAST_NUMBER = Statement(select(func.max(told.c.number).label("number")))
_LAST_SEQUENCE = Statement(
    select(func.max(told.c.sequence).label("sequence")).where(
        told.c.order_key == bindparam("of_key", type_=Text)
    )
)
_OF_ORDER_KEY = Statement(
    select(told)
    .where(told.c.order_key == bindparam("of_key", type_=Text))
    .order_by(told.c.sequence)
)
_ADD = Statement(insert(told))
_FIND = Statement(
    select(told).where(
        told.c.id == bindparam("of_id", type_=Text),
        told.c.merchant_id == bindparam("of_merchant", type_=Text),
    )
)
_NUMBERED = Statement(select(told).where(told.c.number == bindparam("of_number", type_=Integer)))
_wanted = (
    told.c.merchant_id == bindparam("of_merchant", type_=Text),
    told.c.number > bindparam("above", type_=Integer),
    told.c.number < bindparam("below", type_=Integer),
    told.c.created_at_us >= bindparam("from_us", type_=Integer),
    told.c.created_at_us < bindparam("to_us", type_=Integer),
    or_(
        bindparam("types", type_=Text) == literal_column("''"),
        func.instr(
            bindparam("types", type_=Text),
            literal_column("' '").concat(told.c.type).concat(literal_column("' '")),
        )
        > literal_column("0"),
    ),
)
_PAGES = {
    newest_first: Statement(
        select(told)
        .where(*_wanted)
        .order_by(told.c.number.desc() if newest_first else told.c.number)
        .limit(bindparam("row_count", type_=Integer))
    )
    for newest_first in (True, False)
}


class SqlSourceRows:
    """The outbox, as webhooks read it."""

    def cursor(self, tx: Transaction) -> int:
        """Number of the last event that was looked at."""
        row = tx.one(_CURSOR, {"consumer": CONSUMER})
        return 0 if row is None else int(row["seq"])

    def move_cursor(self, tx: Transaction, seq: int) -> None:
        """Everything up to here was looked at."""
        tx.run(_MOVE_CURSOR, {"consumer": CONSUMER, "seq": seq})

    def last_seq(self, tx: Transaction) -> int:
        """Number of the engine's last stored event."""
        return event_rows.last_seq(tx, ENGINE)

    def after(self, tx: Transaction, seq: int, limit: int) -> list[Event]:
        """Events of the kinds that merchants hear of, with higher numbers, in order."""
        found = tx.all(_AFTER, {"after_seq": seq, "row_count": limit})
        return [event_rows.event_of(row) for row in found]

    def one(self, tx: Transaction, seq: int) -> Event | None:
        """One event."""
        row = tx.one(_ONE, {"of_seq": seq})
        return None if row is None else event_rows.event_of(row)


class SqlMerchantEventRows:
    """Merchants' events in the caller's unit of work."""

    def last_number(self, tx: Transaction) -> int:
        """The highest number; 0 at first."""
        row = tx.one(_LAST_NUMBER)
        return 0 if row is None or row["number"] is None else int(row["number"])

    def last_sequence(self, tx: Transaction, order_key: str) -> int:
        """The highest sequence of an order key; 0 at first."""
        row = tx.one(_LAST_SEQUENCE, {"of_key": order_key})
        return 0 if row is None or row["sequence"] is None else int(row["sequence"])

    def add_events(self, tx: Transaction, new: Sequence[MerchantEvent]) -> None:
        """Store new ones, numbered."""
        tx.run_many(_ADD, [_row(each) for each in new])

    def find_event(self, tx: Transaction, merchant_id: str, event_id: str) -> MerchantEvent | None:
        """One of a merchant's."""
        row = tx.one(_FIND, {"of_id": event_id, "of_merchant": merchant_id})
        return None if row is None else _event(row)

    def event_numbered(self, tx: Transaction, number: int) -> MerchantEvent:
        """One that is known to exist."""
        row = tx.one(_NUMBERED, {"of_number": number})
        assert row is not None, "events of merchants are never removed"
        return _event(row)

    def events_page(self, tx: Transaction, merchant_id: str, span: Span) -> list[MerchantEvent]:
        """Some of a merchant's, in the order that the span says."""
        wanted: dict[str, Value] = {
            "of_merchant": merchant_id,
            "above": span.above,
            "below": span.below,
            "from_us": span.from_us,
            "to_us": span.to_us,
            "types": f" {' '.join(span.types)} " if span.types else "",
            "row_count": span.rows,
        }
        return [_event(row) for row in tx.all(_PAGES[span.newest_first], wanted)]

    def events_of_order_key(self, tx: Transaction, order_key: str) -> list[MerchantEvent]:
        """All of one order key, in order."""
        return [_event(row) for row in tx.all(_OF_ORDER_KEY, {"of_key": order_key})]


def _row(event: MerchantEvent) -> dict[str, Value]:
    return {
        "number": event.number,
        "id": event.id,
        "merchant_id": event.merchant_id,
        "type": event.type,
        "object": event.object,
        "object_id": event.object_id,
        "order_key": event.order_key,
        "sequence": event.sequence,
        "created_at_us": event.created_at_us,
        "source_seq": event.source_seq,
        "endpoints": event.endpoints,
        "data": event.data,
    }


def _event(row: Row) -> MerchantEvent:
    return MerchantEvent(**dict(row))
