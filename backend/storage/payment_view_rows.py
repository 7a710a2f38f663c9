"""Reading payments for people: implements `ViewRows` of `backend.payments.view`.

Every list is a range of one index; nothing here scans.
"""

from __future__ import annotations

from sqlalchemy import Integer, Select, Text, bindparam, or_, select

from backend.payments.view import Row
from backend.storage.database import Parameters, Statement, Transaction
from backend.storage.event_tables import events, tap_beliefs
from backend.storage.ledger_tables import ledger_entries
from backend.storage.payment_tables import payment_follow_ups, payments


def _with_beliefs() -> Select[tuple[object, ...]]:
    return select(payments, tap_beliefs.c.phone, tap_beliefs.c.till).select_from(
        payments.outerjoin(tap_beliefs, tap_beliefs.c.tap_id == payments.c.tap_id)
    )


_RECENT = Statement(
    _with_beliefs()
    .where(payments.c.id < bindparam("before_id", type_=Text))
    .order_by(payments.c.id.desc())
    .limit(bindparam("row_limit", type_=Integer))
)
_OF_TOKEN = Statement(
    _with_beliefs()
    .where(
        payments.c.token_ref == bindparam("token_ref", type_=Text),
        payments.c.created_at_us < bindparam("before_us", type_=Integer),
    )
    .order_by(payments.c.created_at_us.desc(), payments.c.id.desc())
    .limit(bindparam("row_limit", type_=Integer))
)
_ONE = Statement(_with_beliefs().where(payments.c.id == bindparam("id", type_=Text)))
_EVENTS = Statement(
    select(events)
    .where(
        or_(
            events.c.payment_id == bindparam("payment_id", type_=Text),
            events.c.tap_id == bindparam("tap_id", type_=Text),
        )
    )
    .order_by(events.c.lab_time_us, events.c.source, events.c.seq)
)
_ENTRIES = Statement(
    select(ledger_entries)
    .where(ledger_entries.c.payment_id == bindparam("payment_id", type_=Text))
    .order_by(ledger_entries.c.shard, ledger_entries.c.seq)
)
_FOLLOW_UPS = Statement(
    select(payment_follow_ups)
    .where(payment_follow_ups.c.payment_id == bindparam("payment_id", type_=Text))
    .order_by(payment_follow_ups.c.id)
)


class SqlViewRows:
    """Payments, their events, entries and follow-ups, to be looked at."""

    def recent(self, tx: Transaction, limit: int, before_id: str) -> list[Row]:
        """Payments with their beliefs, newest first, identifiers below `before_id`."""
        return _rows(tx, _RECENT, {"before_id": before_id, "row_limit": limit})

    def of_token(self, tx: Transaction, token_ref: str, limit: int, before_us: int) -> list[Row]:
        """Payments of one token with their beliefs, newest first, before a time."""
        return _rows(
            tx, _OF_TOKEN, {"token_ref": token_ref, "row_limit": limit, "before_us": before_us}
        )

    def one(self, tx: Transaction, payment_id: str) -> Row | None:
        """One payment with its beliefs."""
        rows = _rows(tx, _ONE, {"id": payment_id})
        return rows[0] if rows else None

    def events(self, tx: Transaction, payment_id: str, tap_id: str | None) -> list[Row]:
        """What happened to a payment and its tap, in order of lab time."""
        return _rows(tx, _EVENTS, {"payment_id": payment_id, "tap_id": tap_id})

    def entries(self, tx: Transaction, payment_id: str) -> list[Row]:
        """Its ledger entries."""
        return _rows(tx, _ENTRIES, {"payment_id": payment_id})

    def follow_ups(self, tx: Transaction, payment_id: str) -> list[Row]:
        """What was and will be asked about it."""
        return _rows(tx, _FOLLOW_UPS, {"payment_id": payment_id})


def _rows(tx: Transaction, statement: Statement, parameters: Parameters) -> list[Row]:
    return [dict(row) for row in tx.all(statement, parameters)]
