"""What a killed engine left in the middle of a merchant's request, taken up at the next start.

An intent whose try never became a payment fails; one whose money was to be taken at once has it
taken. A merchant's program that asks again with its key finds the same end. An unknown outcome is
cured elsewhere (`payments.follow_up`) and moves its intent. Knows no SQL and no HTTP.
"""

from __future__ import annotations

from functools import partial
from typing import Generic, Protocol, TypeVar

from backend.gateway.desk import Carried, Desk, Order
from backend.gateway.intent_machine import IntentState
from backend.gateway.intents import MANUAL, Intents, Moved, attempt_key
from backend.gateway.objects import Kept
from backend.payments.ports import PaymentRows
from backend.runtime.errors import Conflict
from backend.runtime.events import EventLog
from backend.runtime.store import Store
from backend.switch.answers import NetworkReference

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)
INTERRUPTED = {
    "type": "card_error",
    "code": "processing_error",
    "message": "The engine stopped before the card's bank was asked; nothing is charged.",
}


class UnfinishedRows(Protocol[Tx_contra]):
    """Intents that are under way."""

    def unfinished(self, tx: Tx_contra) -> list[Kept]:
        """Those that are processing, or hold money that is not taken yet, oldest first."""


class Unfinished(Generic[Tx]):
    """Takes up what was left."""

    def __init__(
        self,
        store: Store[Tx],
        rows: UnfinishedRows[Tx],
        payments: PaymentRows[Tx],
        intents: Intents[Tx],
        desk: Desk[Tx],
        events: EventLog,
    ) -> None:
        self._store = store
        self._rows = rows
        self._payments = payments
        self._intents = intents
        self._desk = desk
        self._events = events

    async def take_up(self) -> None:
        """Bring every intent that was left to where it goes on by itself. Call before serving.

        Raises:
            StorageError: the database refused.
        """
        for intent in self._store.read(self._rows.unfinished):
            if intent.state == IntentState.PROCESSING.value:
                moved = await self._store.write(partial(self._fail, intent))
                for event in moved.events if moved is not None else ():
                    self._events.publish(event)
            elif intent.data["capture_method"] != MANUAL:
                await self._capture(intent)

    def _fail(self, intent: Kept, tx: Tx) -> Moved | None:
        key = self._payments.find_key(tx, intent.merchant_id, attempt_key(intent))
        now = self._intents.find(tx, intent.merchant_id, intent.id)
        if key is not None or now is None or now.version != intent.version:
            return None
        return self._intents.fail(tx, now, INTERRUPTED)

    async def _capture(self, intent: Kept) -> None:
        assert intent.payment_id is not None, "what holds money was paid"
        order = Order(intent.merchant_id, intent.payment_id)
        work = partial(self._capture_in, await self._desk.reference(), order)
        try:
            carried = await self._store.write(work)
        except Conflict:  # somebody else did it
            return
        self._desk.publish(carried)

    def _capture_in(self, own: NetworkReference, order: Order, tx: Tx) -> Carried:
        return self._desk.capture_in(own, order, tx)
