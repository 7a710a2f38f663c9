"""`/v1/refunds`: captured money given back, all or a part, of a charge or of an intent.

What was not captured is let go by canceling the intent (C28). A refund is on its way as soon as it
is made and cannot be canceled.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from backend.gateway.desk import Order
from backend.gateway.objects import Kind
from backend.gateway.records import Refund
from backend.gateway.views.charges import payment_id_of
from backend.gateway.views.refunds import REASONS
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
from backend.http.stripe_wire.errors import WireError, bad_parameter, no_such
from backend.http.stripe_wire.pages import list_json, read_page
from backend.http.stripe_wire.params import Params
from backend.payments.machine import State
from backend.payments.records import Payment
from backend.runtime.events import Event
from backend.storage.database import Transaction
from backend.switch.answers import NetworkReference


@dataclass(frozen=True, slots=True)
class Refunds:
    """The routes of refunds."""

    money: Money

    def resource(self) -> Resource:
        """What this module serves."""
        one = "/v1/refunds/{id}"
        return Resource(
            (
                Route("POST", "/v1/refunds", Prepared(self.prepare)),
                Route("GET", "/v1/refunds", Read(self.list)),
                Route("GET", one, Read(self.retrieve)),
                Route("POST", one, Write(self.update)),
                Route("POST", f"{one}/cancel", Write(self.cancel)),
                Route("POST", "/v1/charges/{charge}/refunds", Prepared(self.prepare)),
                Route("GET", "/v1/charges/{charge}/refunds", Read(self.list)),
            ),
            {"re": self.money.charges.find_refund},
        )

    async def prepare(self, _call: Call) -> Write:
        """Give money back."""
        own = await self.money.desk.reference()
        return Write(partial(self._create, own))

    def _create(self, own: NetworkReference, call: Call, tx: Transaction) -> Done:
        with call.params() as params:
            payment = self._payment(call, tx, params)
            amount_minor = params.amount()
            reason = params.choice("reason", REASONS)
            metadata = params.metadata()
        _check(payment, amount_minor)
        order = Order(call.merchant.id, payment.id, amount_minor, reason)
        carried = self.money.desk.refund_in(own, order, tx)
        assert carried.refund is not None, "captured money went back"
        events: tuple[Event, ...] = ()
        if metadata:
            note = self.money.objects.note(tx, call.merchant.id, Kind.REFUND, carried.refund.id)
            noted = note.with_data(metadata=metadata)
            events = self.money.objects.put_note(tx, noted, "refund.noted")
        body = self.money.charges.show_refund(tx, carried.refund)
        return Done(body, events, (partial(self.money.desk.publish, carried),))

    def _payment(self, call: Call, tx: Transaction, params: Params) -> Payment:
        charge = call.ids.get("charge") or params.text("charge")
        intent = params.text("payment_intent")
        if charge is None and intent is None:
            raise bad_parameter(
                "parameter_missing", "One of charge and payment_intent is needed.", "charge"
            )
        found = (
            self.money.charges.payment(tx, call.merchant.id, charge)
            if charge is not None
            else payment_of_intent(self.money, call, tx, intent or "")
        )
        if found is None:
            word, named = ("charge", charge) if charge else ("payment_intent", intent)
            raise no_such(word, named or "", word)
        return found

    def update(self, call: Call, tx: Transaction) -> Done:
        """Change a refund's metadata."""
        refund = self._find(call, tx)
        note = self.money.objects.note(tx, call.merchant.id, Kind.REFUND, refund.id)
        with call.params() as params:
            metadata = params.metadata(note.metadata())
        events: tuple[Event, ...] = ()
        if metadata is not None:
            noted = note.with_data(metadata=metadata)
            events = self.money.objects.put_note(tx, noted, "refund.updated")
        return Done(self.money.charges.show_refund(tx, refund), events)

    def cancel(self, call: Call, tx: Transaction) -> Done:
        """Refused: the network is told of a refund as soon as it is made."""
        call.params().done()
        self._find(call, tx)
        raise WireError(
            "A card's refund cannot be canceled: it is on its way.",
            code="refund_not_cancelable", param="id",
        )  # fmt: skip

    def retrieve(self, call: Call, tx: Transaction) -> Json:
        """One refund."""
        call.params().done()
        return self.money.charges.show_refund(tx, self._find(call, tx))

    def list(self, call: Call, tx: Transaction) -> Json:
        """Refunds, newest first; of a charge or an intent, where one is named."""
        charges, payment_id = self.money.charges, None
        with call.params() as params:
            page = read_page(params)
            charge = call.ids.get("charge") or params.text("charge")
            intent = params.text("payment_intent")
        if charge is not None:
            payment_id = payment_id_of(charge)
        elif intent is not None:
            payment = payment_of_intent(self.money, call, tx, intent)
            payment_id = "" if payment is None else payment.id
        rows = charges.lists.refunds(tx, call.merchant.id, page, payment_id)
        return list_json(call, page, rows, partial(charges.show_refund, tx))

    def _find(self, call: Call, tx: Transaction) -> Refund:
        found = self.money.charges.refund(tx, call.merchant.id, call.ids["id"])
        if found is None:
            raise no_such("refund", call.ids["id"])
        return found[0]


def _check(payment: Payment, amount_minor: int | None) -> None:
    """Refuse what the desk would refuse too, in the wire's words."""
    if payment.state is State.APPROVED:
        raise WireError(
            "This charge is not captured: cancel its PaymentIntent instead.",
            code="charge_not_captured", param="charge",
        )  # fmt: skip
    if payment.state is not State.CAPTURED:
        raise WireError("This charge took no money.", code="charge_not_refundable", param="charge")
    left_minor = payment.captured_minor - payment.refunded_minor
    if left_minor == 0:
        raise WireError(
            "This charge is refunded already.", code="charge_already_refunded", param="charge"
        )
    if amount_minor is not None and amount_minor > left_minor:
        raise WireError(
            f"A refund of {amount_minor} is more than the {left_minor} that are left.",
            code="amount_too_large", param="amount",
        )  # fmt: skip
