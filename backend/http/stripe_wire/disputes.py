"""`/v1/disputes`: listed, shown, answered with evidence, given up.

Evidence is handed in with the call that brings it, unless `submit=false` keeps it for later; that
is the wire's own default. A dispute is opened by a network, so nothing here makes one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from backend.gateway.balance_transactions import BalanceTransaction, Books
from backend.gateway.dispute_machine import DisputeState
from backend.gateway.dispute_records import TEXT_LENGTH_MAX, Dispute
from backend.gateway.dispute_schedule import DisputeSchedule
from backend.gateway.disputes import DisputeChange, Disputes
from backend.gateway.views.charges import payment_id_of
from backend.gateway.views.disputes import WIRE_EVIDENCE, dispute_json
from backend.http.stripe_wire.call import (
    Call,
    Done,
    Json,
    Prepared,
    Read,
    Resource,
    Route,
    Write,
)
from backend.http.stripe_wire.charges import payment_of_intent
from backend.http.stripe_wire.confirming import Money
from backend.http.stripe_wire.errors import no_such
from backend.http.stripe_wire.pages import list_json, read_page
from backend.http.stripe_wire.params import Params
from backend.ledger.journal import Purpose
from backend.payments.records import Payment
from backend.runtime.clock import Clock
from backend.runtime.errors import NotFound
from backend.runtime.events import Event
from backend.storage.database import Transaction
from backend.switch.answers import NetworkReference


@dataclass(frozen=True, slots=True)
class DisputeResource:
    """The routes of disputes."""

    money: Money
    disputes: Disputes[Transaction]
    schedule: DisputeSchedule[Transaction]
    books: Books[Transaction]
    clock: Clock

    def resource(self) -> Resource:
        """What this module serves."""
        one = "/v1/disputes/{id}"
        return Resource(
            (
                Route("GET", "/v1/disputes", Read(self.list)),
                Route("GET", one, Read(self.retrieve)),
                Route("POST", one, Write(self.update)),
                Route("POST", f"{one}/close", Prepared(self.prepare_close)),
            ),
            {"dp": self.find},
        )

    def list(self, call: Call, tx: Transaction) -> Json:
        """Disputes, newest first; of a charge or an intent, where one is named."""
        payment_id = None
        with call.params() as params:
            page = read_page(params)
            charge, intent = params.text("charge"), params.text("payment_intent")
        if charge is not None:
            payment_id = payment_id_of(charge)
        elif intent is not None:
            payment = payment_of_intent(self.money, call, tx, intent)
            payment_id = "" if payment is None else payment.id
        rows = self.disputes.page(tx, call.merchant.id, page, payment_id)
        return list_json(call, page, rows, partial(self._show, tx))

    def retrieve(self, call: Call, tx: Transaction) -> Json:
        """One dispute."""
        call.params().done()
        return self._show(tx, self._of(call, tx))

    def update(self, call: Call, tx: Transaction) -> Done:
        """Keep or hand in evidence, and change the merchant's notes."""
        before = self._of(call, tx)
        with call.params() as params:
            given = params.group("evidence")
            evidence = None if given is None else _evidence(given)
            submit = params.boolean("submit")
            metadata = params.metadata(before.metadata)
        change = self.disputes.update(
            tx,
            call.merchant.id,
            before.id,
            evidence=evidence,
            metadata=metadata,
            submit=bool(evidence) if submit is None else submit,
        )
        return self._done(tx, change)

    async def prepare_close(self, _call: Call) -> Write:
        """Give a dispute up."""
        return Write(partial(self._close, await self.schedule.reference()))

    def _close(self, own: NetworkReference, call: Call, tx: Transaction) -> Done:
        call.params().done()
        dispute = self._of(call, tx)
        return self._done(tx, self.disputes.accept(tx, call.merchant.id, dispute.id, own))

    def find(self, tx: Transaction, merchant_id: str, dispute_id: str) -> Json | None:
        """One dispute as its object."""
        try:
            return self._show(tx, self.disputes.of(tx, merchant_id, dispute_id))
        except NotFound:
            return None

    def picture(self, tx: Transaction, dispute_id: str, source: Event) -> Json:
        """A dispute as it was at one of its events."""
        dispute = self.disputes.of(tx, None, dispute_id)
        payment = self._payment(tx, dispute)
        then = replace(dispute, state=DisputeState(str(source.data["state"])))
        if then.state is DisputeState.NEEDS_RESPONSE:
            then = replace(then, submitted_at_us=None)
        return dispute_json(then, payment, self._lines(tx, then), source.lab_time_us)

    def _of(self, call: Call, tx: Transaction) -> Dispute:
        try:
            return self.disputes.of(tx, call.merchant.id, call.ids["id"])
        except NotFound:
            raise no_such("dispute", call.ids["id"]) from None

    def _show(self, tx: Transaction, dispute: Dispute) -> Json:
        lines = self._lines(tx, dispute)
        return dispute_json(dispute, self._payment(tx, dispute), lines, self.clock.now_us())

    def _lines(self, tx: Transaction, dispute: Dispute) -> tuple[BalanceTransaction, ...]:
        """What moved the merchant's balance: taken when it was opened, given back when won."""
        purposes = [Purpose.DISPUTE]
        if dispute.state is DisputeState.WON:
            purposes.append(Purpose.DISPUTE_WON)
        names = [self.books.id_of(tx, dispute.payment_id, purpose) for purpose in purposes]
        found = [self.books.find(tx, dispute.merchant_id, name) for name in names if name]
        return tuple(line for line in found if line is not None)

    def _payment(self, tx: Transaction, dispute: Dispute) -> Payment:
        payment = self.money.charges.payment(tx, dispute.merchant_id, dispute.payment_id)
        assert payment is not None, "a dispute is about a payment of its merchant"
        return payment

    def _done(self, tx: Transaction, change: DisputeChange) -> Done:
        return Done(self._show(tx, change.dispute), change.events)


def _evidence(given: Params) -> dict[str, str | None]:
    fields: dict[str, object] = {}
    for name in WIRE_EVIDENCE:
        given.into(fields, name, length_max=TEXT_LENGTH_MAX)
    return {name: None if text is None else str(text) for name, text in fields.items()}
