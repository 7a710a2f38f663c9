"""`/v1/payment_intents`: made, confirmed, captured, canceled, changed, listed.

A till's payment has the same doors: it can be captured, canceled, noted about and shown, under the
identifier that it would have as an intent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from backend.gateway.desk import Order
from backend.gateway.intent_machine import IntentState, UnexpectedState
from backend.gateway.intents import AUTOMATIC, Moved
from backend.gateway.objects import Kept, Kind
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
from backend.http.stripe_wire.errors import no_such
from backend.http.stripe_wire.intent_params import (
    Fields,
    read_handling,
    read_presence,
    read_words,
)
from backend.http.stripe_wire.pages import list_json, read_page
from backend.http.stripe_wire.params import Params
from backend.http.stripe_wire.payment_methods import Methods, live_customer
from backend.payments.records import Payment
from backend.runtime.events import Event
from backend.storage.database import Transaction
from backend.switch.answers import NetworkReference

REASONS = frozenset({"abandoned", "duplicate", "fraudulent", "requested_by_customer"})
WORD = "payment_intent"


@dataclass(frozen=True, slots=True)
class PaymentIntents:
    """The routes of payment intents."""

    money: Money
    methods: Methods

    def resource(self) -> Resource:
        """What this module serves."""
        all_, one = "/v1/payment_intents", "/v1/payment_intents/{id}"
        return Resource(
            (
                Route("POST", all_, Prepared(self.create)),
                Route("GET", all_, Read(self.list)),
                Route("GET", one, Read(self.retrieve)),
                Route("POST", one, Write(self.update)),
                Route("POST", f"{one}/confirm", Long(self.begin_confirm, self.money.go_on)),
                Route("POST", f"{one}/capture", Prepared(self.prepare_capture)),
                Route("POST", f"{one}/cancel", Write(self.cancel)),
            ),
            {"pi": self.money.charges.find_intent},
        )

    async def create(self, call: Call) -> Write | Long:
        """A new intent; with `confirm` it is confirmed at once."""
        if call.params().boolean("confirm"):
            return Long(self._create_and_confirm, self.money.go_on)
        return Write(self._create_only)

    def _create_only(self, call: Call, tx: Transaction) -> Done:
        moved = self._create(call, tx)
        return Done(self.money.charges.show_intent(tx, moved.intent), moved.events)

    def _create_and_confirm(self, call: Call, tx: Transaction) -> Begun:
        made = self._create(call, tx)
        return self._confirm(tx, made)

    def _create(self, call: Call, tx: Transaction) -> Moved:
        fields: Fields = {"capture_method": AUTOMATIC, "payment_method": None}
        with call.params() as params:
            fields["amount_minor"] = params.needed("amount", params.amount())
            fields["currency"] = params.needed("currency", params.currency())
            params.boolean("confirm")
            params.choice("confirmation_method", {"automatic", "manual"})
            read_words(params, fields)
            read_handling(params, fields)
            read_presence(params)
            fields["metadata"] = params.metadata() or {}
            customer_id = self._customer(call, tx, params)
            self._read_method(call, tx, params, fields, customer_id)
        return self.money.intents.create(tx, call.merchant.id, fields, customer_id)

    def update(self, call: Call, tx: Transaction) -> Done:
        """Change an intent; of one that is under way or of a till only the words."""
        fields: Fields = {}
        kept = self._find(call, tx)
        if isinstance(kept, Payment):
            return self._note(call, tx, kept)
        with call.params() as params:
            if (amount_minor := params.amount()) is not None:
                fields["amount_minor"] = amount_minor
            if (currency := params.currency()) is not None:
                fields["currency"] = currency
            read_words(params, fields)
            read_handling(params, fields)
            customer_id = self._customer(call, tx, params) or kept.customer_id
            self._read_method(call, tx, params, fields, customer_id)
            metadata = params.metadata(kept.metadata())
        if metadata is not None:
            fields["metadata"] = metadata
        if customer_id != kept.customer_id:
            kept = self._with_customer(kept, customer_id)
        moved = self.money.intents.change(tx, kept, fields)
        return Done(self.money.charges.show_intent(tx, moved.intent), moved.events)

    def begin_confirm(self, call: Call, tx: Transaction) -> Begun:
        """Confirm: the first unit of it."""
        kept = self._find(call, tx)
        if isinstance(kept, Payment):
            raise UnexpectedState(None, "confirmed: it was paid at a till")
        fields: Fields = {}
        with call.params() as params:
            read_words(params, fields)
            read_handling(params, fields)
            read_presence(params)
            self._read_method(call, tx, params, fields, kept.customer_id)
        moved = Moved(kept, ())
        if fields:
            moved = self.money.intents.change(tx, kept, fields)
        return self._confirm(tx, moved)

    def _confirm(self, tx: Transaction, before: Moved) -> Begun:
        if before.intent.state == IntentState.REQUIRES_PAYMENT_METHOD.value:
            raise UnexpectedState(IntentState.REQUIRES_PAYMENT_METHOD, "confirmed")
        begun = self.money.intents.confirm(tx, before.intent)
        return Begun(begun.intent.id, before.events + begun.events)

    async def prepare_capture(self, _call: Call) -> Write:
        """Capture all or `amount_to_capture`; the rest is released."""
        own = await self.money.desk.reference()
        return Write(partial(self._capture, own))

    def _capture(self, own: NetworkReference, call: Call, tx: Transaction) -> Done:
        kept, fields = self._find(call, tx), Fields()
        with call.params() as params:
            amount_minor = params.whole("amount_to_capture", at_least=1)
            read_words(params, fields)
            metadata = params.metadata(kept.metadata() if isinstance(kept, Kept) else {})
        if metadata is not None:
            fields["metadata"] = metadata
        payment_id = self._payment_id(kept, "captured")
        events: tuple[Event, ...] = ()
        if isinstance(kept, Kept) and fields:
            events = self.money.intents.change(tx, kept, fields).events
        order = Order(call.merchant.id, payment_id, amount_minor)
        carried = self.money.desk.capture_in(own, order, tx)
        body = self._shown(call, tx)
        return Done(body, events, (partial(self.money.desk.publish, carried),))

    def cancel(self, call: Call, tx: Transaction) -> Done:
        """Give it up; money that is held is let go."""
        with call.params() as params:
            reason = params.choice("cancellation_reason", REASONS)
        kept = self._find(call, tx)
        if isinstance(kept, Kept) and kept.state != IntentState.REQUIRES_CAPTURE.value:
            moved = self.money.intents.cancel(tx, kept, reason, call.now_us)
            return Done(self.money.charges.show_intent(tx, moved.intent), moved.events)
        payment_id = self._payment_id(kept, "canceled")
        events: tuple[Event, ...] = ()
        if isinstance(kept, Kept) and reason is not None:
            events = self.money.intents.change(tx, kept, {"cancellation_reason": reason}).events
        carried = self.money.desk.void_in(Order(call.merchant.id, payment_id), tx)
        return Done(self._shown(call, tx), events, (partial(self.money.desk.publish, carried),))

    def retrieve(self, call: Call, tx: Transaction) -> Json:
        """One intent."""
        with call.params() as params:
            params.text("client_secret")
        return self._shown(call, tx)

    def list(self, call: Call, tx: Transaction) -> Json:
        """Intents and tills' payments, newest first."""
        with call.params() as params:
            page = read_page(params)
            customer_id = params.text("customer")
        rows = self.money.charges.intents(tx, call.merchant.id, page, customer_id)
        return list_json(call, page, rows, lambda row: row[1]())

    def _shown(self, call: Call, tx: Transaction) -> Json:
        found = self.money.charges.find_intent(tx, call.merchant.id, call.ids["id"])
        if found is None:
            raise no_such(WORD, call.ids["id"], "intent")
        return found

    def _find(self, call: Call, tx: Transaction) -> Kept | Payment:
        merchant_id, intent_id = call.merchant.id, call.ids["id"]
        kept = self.money.objects.find(tx, merchant_id, Kind.PAYMENT_INTENT, intent_id)
        found = kept or self.money.charges.till_payment(tx, merchant_id, intent_id)
        if found is None:
            raise no_such(WORD, intent_id, "intent")
        return found

    def _payment_id(self, kept: Kept | Payment, what: str) -> str:
        if isinstance(kept, Payment):
            return kept.id
        if kept.state != IntentState.REQUIRES_CAPTURE.value or kept.payment_id is None:
            raise UnexpectedState(IntentState(kept.state), what)
        return kept.payment_id

    def _note(self, call: Call, tx: Transaction, payment: Payment) -> Done:
        charge_id = "ch_" + payment.id.removeprefix("pay_")
        note = self.money.objects.note(tx, call.merchant.id, Kind.CHARGE, charge_id)
        fields: Fields = {}
        with call.params() as params:
            read_words(params, fields)
            metadata = params.metadata(note.metadata())
        if metadata is not None:
            fields["metadata"] = metadata
        events = self.money.objects.put_note(tx, note.with_data(**fields), "charge.updated")
        return Done(self._shown(call, tx), events)

    def _customer(self, call: Call, tx: Transaction, params: Params) -> str | None:
        customer_id = params.text("customer")
        if customer_id is None:
            return None
        return live_customer(self.money.objects, call, tx, customer_id).id

    def _with_customer(self, kept: Kept, customer_id: str | None) -> Kept:
        if kept.state not in {"requires_payment_method", "requires_confirmation"}:
            raise UnexpectedState(IntentState(kept.state), "given another customer")
        return kept.of_customer(customer_id)

    def _read_method(
        self,
        call: Call,
        tx: Transaction,
        params: Params,
        fields: Fields,
        customer_id: str | None,
    ) -> None:
        method_id = self.methods.read_named(call, tx, params, customer_id)
        if method_id is not None:
            fields["payment_method"] = method_id
