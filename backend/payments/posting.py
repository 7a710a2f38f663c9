"""Books ledger transactions behind the last entry of their shard, and says so as an event.

The one way into the journal, whatever the transaction belongs to: a payment, a dispute, a day's
batch, a payout. Works inside the caller's unit of work; knows no SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from backend.ledger.chain import chained, shard_of
from backend.ledger.journal import Transaction
from backend.payments.ports import LedgerRows
from backend.runtime.events import Event, EventLog

Tx = TypeVar("Tx")
ACTOR = "ledger"


class Poster(Generic[Tx]):
    """Appends to the journal."""

    def __init__(self, rows: LedgerRows[Tx], events: EventLog) -> None:
        self._rows = rows
        self._events = events

    def post(
        self,
        tx: Tx,
        transaction: Transaction,
        *,
        cause_id: str | None = None,
        payment_id: str | None = None,
        tap_id: str | None = None,
        data: Mapping[str, object] | None = None,
    ) -> Event:
        """Book a transaction.

        Args:
            tx: the caller's unit of work.
            transaction: balanced.
            cause_id: the event that led here.
            payment_id: the payment on whose time line the event stands, if any.
            tap_id: its tap.
            data: more facts for the event.

        Returns:
            The event, to be added to the outbox in the same unit of work.
        """
        shard = shard_of(transaction.merchant_id)
        self._rows.append(tx, chained(transaction, self._rows.head(tx, shard)))
        return self._events.make(
            "ledger.posted",
            actor=ACTOR,
            payment_id=payment_id,
            tap_id=tap_id,
            cause_id=cause_id,
            data={
                **(data or {}),
                "transaction_id": transaction.id,
                "sentences": [posting.sentence for posting in transaction.postings],
            },
        )
