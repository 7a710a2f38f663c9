"""`/v1/payouts`: a merchant's money sent to its bank, on demand; automatic ones are listed too.

A payout can be canceled until the bank has it. One that was paid is not reversed here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from backend.gateway.balance_transactions import Books
from backend.gateway.views.payouts import payout_json
from backend.http.stripe_wire.call import Call, Done, Json, Read, Resource, Route, Write
from backend.http.stripe_wire.errors import no_such
from backend.http.stripe_wire.pages import list_json, read_page
from backend.ledger.journal import Purpose
from backend.runtime.events import Event
from backend.settlement.payouts import PayoutOrder, Payouts
from backend.settlement.records import Payout, PayoutState
from backend.storage.database import Transaction
from backend.storage.payout_rows import SqlPayoutRows

DESCRIPTION_LENGTH_MAX = 500
_BACK = {
    PayoutState.FAILED: Purpose.PAYOUT_FAILED,
    PayoutState.CANCELED: Purpose.PAYOUT_CANCELED,
}


@dataclass(frozen=True, slots=True)
class PayoutRoutes:
    """The routes of payouts.

    Attributes:
        wake: has settlement's clock look at what is new.
    """

    payouts: Payouts[Transaction]
    rows: SqlPayoutRows
    books: Books[Transaction]
    wake: Callable[[], None]

    def resource(self) -> Resource:
        """What this module serves."""
        one = "/v1/payouts/{id}"
        return Resource(
            (
                Route("POST", "/v1/payouts", Write(self.create)),
                Route("GET", "/v1/payouts", Read(self.list)),
                Route("GET", one, Read(self.retrieve)),
                Route("POST", one, Write(self.update)),
                Route("POST", f"{one}/cancel", Write(self.cancel)),
            ),
            {"po": self.find},
        )

    def create(self, call: Call, tx: Transaction) -> Done:
        """Send money to the merchant's bank."""
        with call.params() as params:
            amount_minor = params.needed("amount", params.amount())
            currency = params.needed("currency", params.currency())
            destination = params.text("destination")
            description = params.text("description", length_max=DESCRIPTION_LENGTH_MAX)
            metadata = params.metadata()
            params.choice("method", ("standard",))
            params.choice("source_type", ("card",))
        order = PayoutOrder(
            call.merchant.id, amount_minor, currency, destination, description, metadata
        )
        payout, events = self.payouts.create(tx, order)
        return Done(self._show(tx, payout), events, (self.wake,))

    def update(self, call: Call, tx: Transaction) -> Done:
        """Change a payout's metadata."""
        payout = self._payout(call, tx)
        with call.params() as params:
            metadata = params.metadata(payout.metadata)
        if metadata is not None:
            payout = replace(payout, metadata=metadata)
            self.rows.put_metadata(tx, payout)
        return Done(self._show(tx, payout))

    def cancel(self, call: Call, tx: Transaction) -> Done:
        """Take a payout back before the bank has it."""
        call.params().done()
        self._payout(call, tx)
        payout, events = self.payouts.cancel(tx, call.merchant.id, call.ids["id"])
        return Done(self._show(tx, payout), events, (self.wake,))

    def retrieve(self, call: Call, tx: Transaction) -> Json:
        """One payout."""
        call.params().done()
        return self._show(tx, self._payout(call, tx))

    def list(self, call: Call, tx: Transaction) -> Json:
        """Payouts, newest first; of one status or to one account, if named."""
        with call.params() as params:
            page = read_page(params)
            status = params.choice("status", [state.value for state in PayoutState])
            destination = params.text("destination")
        found = self.rows.page(tx, call.merchant.id, page, state=status, destination=destination)
        return list_json(call, page, found, lambda payout: self._show(tx, payout))

    def find(self, tx: Transaction, merchant_id: str, identifier: str) -> Json | None:
        """One payout, for `expand`."""
        payout = self.rows.find_payout(tx, identifier)
        if payout is None or payout.merchant_id != merchant_id:
            return None
        return self._show(tx, payout)

    def picture(self, tx: Transaction, object_id: str, source: Event) -> Json | None:
        """A payout as an event of it shows it: in the state that the event says."""
        payout = self.rows.find_payout(tx, object_id)
        if payout is None:
            return None
        state = PayoutState(str(source.data.get("state", payout.state.value)))
        return self._show(tx, replace(payout, state=state))

    def _payout(self, call: Call, tx: Transaction) -> Payout:
        payout = self.rows.find_payout(tx, call.ids["id"])
        if payout is None or payout.merchant_id != call.merchant.id:
            raise no_such("payout", call.ids["id"])
        return payout

    def _show(self, tx: Transaction, payout: Payout) -> Json:
        back = _BACK.get(payout.state)
        return payout_json(
            payout,
            self.books.id_of(tx, payout.id, Purpose.PAYOUT),
            None if back is None else self.books.id_of(tx, payout.id, back),
        )
