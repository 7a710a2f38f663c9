"""`/payments`, `/tokens`, `/refunds`: the first gateway design's own paths over the same services.

JSON in and out, the design's bodies and status words (C28, C29, C40): authorized, captured,
refunded, voided, pending, failed for payments; processing, completed, failed for refunds. The key
may come as `idempotency_key` in the body. Keys, idempotency and refusals are `/v1`'s own; so are
identifiers, and what was made here is seen there. Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from backend.gateway.desk import Carried, Order
from backend.gateway.intents import AUTOMATIC, MANUAL
from backend.gateway.records import Refund, RefundState
from backend.http.stripe_wire.call import (
    Begun,
    Call,
    Done,
    Json,
    LastUnit,
    Long,
    Prepared,
    Read,
    Resource,
    Route,
    Write,
)
from backend.http.stripe_wire.cards import card_error_of, read_card
from backend.http.stripe_wire.charges import ChargeRoutes, payment_of_intent
from backend.http.stripe_wire.confirming import Money
from backend.http.stripe_wire.errors import no_such
from backend.http.stripe_wire.intent_params import Fields
from backend.http.stripe_wire.payment_intents import PaymentIntents
from backend.payments.records import Payment
from backend.runtime.errors import BadRequest
from backend.storage.database import Transaction
from backend.switch.answers import NetworkReference

REASON_LENGTH_MAX = 255
_PAYMENT_WORDS = {
    "requires_payment_method": "failed",
    "requires_confirmation": "pending",
    "requires_action": "requires_action",
    "processing": "pending",
    "requires_capture": "authorized",
    "succeeded": "captured",
    "canceled": "voided",
}
_REFUND_WORDS = {
    RefundState.PENDING: "processing",
    RefundState.SUCCEEDED: "completed",
    RefundState.FAILED: "failed",
}


@dataclass(frozen=True, slots=True)
class DesignPaths:
    """The design's routes."""

    money: Money
    intents: PaymentIntents
    charges: ChargeRoutes

    def resource(self) -> Resource:
        """What this module serves."""
        one = "/payments/{id}"
        return Resource(
            (
                Route("POST", "/tokens", Write(self.create_token)),
                Route("POST", "/payments", Long(self.begin, self.go_on)),
                Route("GET", one, Read(self.retrieve)),
                Route("POST", f"{one}/confirm", Long(self.intents.begin_confirm, self.go_on)),
                Route("POST", f"{one}/capture", Prepared(self.prepare_capture)),
                Route("POST", f"{one}/refunds", Prepared(self.prepare_refund)),
                Route("POST", "/refunds", Prepared(self.prepare_refund)),
                Route("GET", "/refunds/{id}", Read(self.retrieve_refund)),
            )
        )

    def create_token(self, call: Call, tx: Transaction) -> Done:
        """A token for a typed card."""
        with call.params() as params:
            card = params.needed("card", read_card(params))
        try:
            token = self.money.methods.create_token(tx, call.merchant.id, card)
        except BadRequest as error:
            raise card_error_of(error) from None
        return Done({"token": token.id, "card": token.data["card"]})

    def begin(self, call: Call, tx: Transaction) -> Begun:
        """Authorize a payment; with `capture` its money is taken at once."""
        fields: Fields = {}
        with call.params() as params:
            fields["amount_minor"] = params.needed("amount", params.amount())
            fields["currency"] = params.currency() or call.merchant.settlement_currency
            fields["capture_method"] = AUTOMATIC if params.boolean("capture") else MANUAL
            token = params.needed("card_token", params.text("card_token"))
            customer_id = params.text("customer_id")
            fields["metadata"] = params.metadata() or {}
        fields["payment_method"] = self.charges.method(call, tx, token, customer_id, "card_token")
        made = self.money.intents.create(tx, call.merchant.id, fields, customer_id)
        begun = self.money.intents.confirm(tx, made.intent)
        return Begun(begun.intent.id, made.events + begun.events)

    async def go_on(self, call: Call, intent_id: str) -> LastUnit:
        """Ask the network, as for an intent of `/v1`."""
        last = await self.money.go_on(call, intent_id)

        def shown(tx: Transaction) -> Done:
            done = last(tx)
            return Done(self._show(call, tx, intent_id), done.events, done.after)

        return shown

    def retrieve(self, call: Call, tx: Transaction) -> Json:
        """One payment."""
        call.params().done()
        return self._show(call, tx, call.ids["id"])

    async def prepare_capture(self, _call: Call) -> Write:
        """Take the money, or `amount` of it."""
        return Write(partial(self._capture, await self.money.desk.reference()))

    def _capture(self, own: NetworkReference, call: Call, tx: Transaction) -> Done:
        with call.params() as params:
            amount_minor = params.amount()
        payment = self._payment(call, tx, call.ids["id"])
        order = Order(call.merchant.id, payment.id, amount_minor)
        carried = self.money.desk.capture_in(own, order, tx)
        return self._done(carried, self._show(call, tx, call.ids["id"]))

    async def prepare_refund(self, _call: Call) -> Write:
        """Give money back; what is only authorized is voided (C28)."""
        return Write(partial(self._refund, await self.money.desk.reference()))

    def _refund(self, own: NetworkReference, call: Call, tx: Transaction) -> Done:
        with call.params() as params:
            payment_id = call.ids.get("id") or params.text("payment_id")
            payment_id = params.needed("payment_id", payment_id)
            amount_minor = params.amount()
            reason = params.text("reason", length_max=REASON_LENGTH_MAX)
        payment = self._payment(call, tx, payment_id)
        order = Order(call.merchant.id, payment.id, amount_minor, reason)
        carried = self.money.desk.refund_in(own, order, tx)
        if carried.refund is None:
            shown = self._show(call, tx, payment_id)
            return self._done(carried, {"refund_id": None, **shown})
        return self._done(carried, _refund_json(carried.refund, payment_id, payment.currency))

    def retrieve_refund(self, call: Call, tx: Transaction) -> Json:
        """One refund."""
        call.params().done()
        found = self.money.charges.refund(tx, call.merchant.id, call.ids["id"])
        if found is None:
            raise no_such("refund", call.ids["id"])
        refund, payment = found
        intent_id = self.money.charges.show_refund(tx, refund)["payment_intent"]
        return _refund_json(refund, str(intent_id), payment.currency)

    def _done(self, carried: Carried, body: Json) -> Done:
        return Done(body, (), (partial(self.money.desk.publish, carried),))

    def _payment(self, call: Call, tx: Transaction, payment_id: str) -> Payment:
        payment = payment_of_intent(self.money, call, tx, payment_id)
        if payment is None:
            raise no_such("payment", payment_id)
        return payment

    def _show(self, call: Call, tx: Transaction, payment_id: str) -> Json:
        intent = self.money.charges.find_intent(tx, call.merchant.id, payment_id)
        if intent is None:
            raise no_such("payment", payment_id)
        payment = payment_of_intent(self.money, call, tx, payment_id)
        refunded_minor = 0 if payment is None else payment.refunded_minor
        status = _PAYMENT_WORDS[str(intent["status"])]
        if status == "captured" and refunded_minor == intent["amount_received"]:
            status = "refunded"
        return {
            "payment_id": intent["id"],
            "status": status,
            "amount": intent["amount"],
            "currency": intent["currency"],
            "captured_amount": intent["amount_received"],
            "refunded_amount": refunded_minor,
            "authorization_code": None if payment is None else payment.auth_code,
            "metadata": intent["metadata"],
        }


def _refund_json(refund: Refund, payment_id: str, currency: str) -> Json:
    return {
        "refund_id": refund.id,
        "payment_id": payment_id,
        "status": _REFUND_WORDS[refund.state],
        "amount": refund.amount_minor,
        "currency": currency.lower(),
        "reason": refund.reason,
    }
