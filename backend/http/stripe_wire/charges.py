"""`/v1/charges`: every payment of the merchant, whoever made it; and charges without an intent.

A charge that is made here has an intent behind it that nobody sees, so that it is tried, cured and
taken by the same code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from backend.gateway.desk import Order
from backend.gateway.intents import AUTOMATIC, MANUAL, intent_of
from backend.gateway.objects import Kind
from backend.gateway.views.charges import charge_id
from backend.http.stripe_wire.call import (
    Begun,
    Call,
    Done,
    Json,
    Long,
    Prepared,
    Read,
    Resource,
    Route,
    Write,
)
from backend.http.stripe_wire.confirming import Money
from backend.http.stripe_wire.errors import bad_parameter, no_such
from backend.http.stripe_wire.intent_params import Fields, read_words
from backend.http.stripe_wire.pages import list_json, read_page
from backend.http.stripe_wire.payment_methods import live_customer
from backend.payments.records import Payment
from backend.storage.database import Transaction
from backend.switch.answers import NetworkReference


@dataclass(frozen=True, slots=True)
class ChargeRoutes:
    """The routes of charges."""

    money: Money

    def resource(self) -> Resource:
        """What this module serves."""
        one = "/v1/charges/{id}"
        return Resource(
            (
                Route("POST", "/v1/charges", Long(self.begin, self.money.go_on)),
                Route("GET", "/v1/charges", Read(self.list)),
                Route("GET", one, Read(self.retrieve)),
                Route("POST", one, Write(self.update)),
                Route("POST", f"{one}/capture", Prepared(self.prepare_capture)),
            ),
            {"ch": self.money.charges.find},
        )

    def begin(self, call: Call, tx: Transaction) -> Begun:
        """A charge at once: the first unit of it."""
        fields: Fields = {}
        with call.params() as params:
            fields["amount_minor"] = params.needed("amount", params.amount())
            fields["currency"] = params.needed("currency", params.currency())
            fields["capture_method"] = MANUAL if params.boolean("capture") is False else AUTOMATIC
            read_words(params, fields)
            fields["metadata"] = params.metadata() or {}
            source, customer_id = params.text("source"), params.text("customer")
            if customer_id is not None:
                live_customer(self.money.objects, call, tx, customer_id)
            source = params.needed("source", source)
            fields["payment_method"] = self.method(call, tx, source, customer_id, "source")
        intents = self.money.intents
        made = intents.create(tx, call.merchant.id, fields, customer_id, legacy=True)
        begun = intents.confirm(tx, made.intent)
        return Begun(begun.intent.id, made.events + begun.events)

    def method(
        self, call: Call, tx: Transaction, source: str, customer_id: str | None, param: str
    ) -> str:
        """The payment method that a token or a payment method's own name stands for.

        Raises:
            WireError, BadRequest: neither of the two, used, or somebody else's.
        """
        merchant_id = call.merchant.id
        if source.startswith("tok_"):
            return self.money.methods.create_from_token(tx, merchant_id, source).id
        if source.startswith("pm_"):
            return self.money.methods.for_payment(tx, merchant_id, source, customer_id).id
        raise bad_parameter("resource_missing", f"{param} is a token or a payment method.", param)

    async def prepare_capture(self, _call: Call) -> Write:
        """Capture all or `amount`; the rest is released."""
        own = await self.money.desk.reference()
        return Write(partial(self._capture, own))

    def _capture(self, own: NetworkReference, call: Call, tx: Transaction) -> Done:
        payment = self._payment(call, tx)
        with call.params() as params:
            amount_minor = params.amount()
        order = Order(call.merchant.id, payment.id, amount_minor)
        carried = self.money.desk.capture_in(own, order, tx)
        body = self.money.charges.show(tx, carried.payment)
        return Done(body, (), (partial(self.money.desk.publish, carried),))

    def update(self, call: Call, tx: Transaction) -> Done:
        """Note something about a charge."""
        payment = self._payment(call, tx)
        note = self.money.objects.note(tx, call.merchant.id, Kind.CHARGE, charge_id(payment.id))
        before = self.money.charges.show(tx, payment)["metadata"]
        assert isinstance(before, dict), "metadata is a group"
        fields: Fields = {}
        with call.params() as params:
            read_words(params, fields)
            metadata = params.metadata(before)
            if (fraud := params.group("fraud_details")) is not None:
                report = fraud.choice("user_report", {"fraudulent", "safe"})
                fields["fraud_details"] = {"user_report": report} if report else {}
        if metadata is not None:
            fields["metadata"] = metadata
        events = self.money.objects.put_note(tx, note.with_data(**fields), "charge.updated")
        return Done(self.money.charges.show(tx, payment), events)

    def retrieve(self, call: Call, tx: Transaction) -> Json:
        """One charge."""
        call.params().done()
        return self.money.charges.show(tx, self._payment(call, tx))

    def list(self, call: Call, tx: Transaction) -> Json:
        """Charges, newest first; of a customer or of an intent, where one is named."""
        charges = self.money.charges
        with call.params() as params:
            page = read_page(params)
            customer_id, intent_id = params.text("customer"), params.text("payment_intent")
        till = None
        if intent_id is not None:
            till = charges.till_payment(tx, call.merchant.id, intent_id)
        rows = (
            [till]
            if till is not None
            else charges.lists.payments(
                tx, call.merchant.id, page, customer_id=customer_id, intent_id=intent_id
            )
        )
        return list_json(call, page, rows, partial(charges.show, tx))

    def _payment(self, call: Call, tx: Transaction) -> Payment:
        payment = self.money.charges.payment(tx, call.merchant.id, call.ids["id"])
        if payment is None or not call.ids["id"].startswith("ch_"):
            raise no_such("charge", call.ids["id"])
        return payment


def payment_of_intent(money: Money, call: Call, tx: Transaction, intent_id: str) -> Payment | None:
    """The payment of an intent's latest try, or the till's payment that is shown as it."""
    kept = money.objects.find(tx, call.merchant.id, Kind.PAYMENT_INTENT, intent_id)
    if kept is None:
        return money.charges.till_payment(tx, call.merchant.id, intent_id)
    if kept.payment_id is None:
        return None
    payment = money.charges.payment(tx, call.merchant.id, charge_id(kept.payment_id))
    assert payment is None or intent_of(payment) == intent_id, "the try belongs to the intent"
    return payment
