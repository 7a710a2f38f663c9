"""`/v1/setup_intents`: a card kept for later payments, without one now.

No network is asked: whether the card can pay, its first payment will show. Status words as of
payment intents: requires_payment_method, requires_confirmation, succeeded, canceled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from backend.gateway.objects import Kept, Kind, Objects
from backend.gateway.payment_methods import PaymentMethods
from backend.gateway.views.setup_intents import setup_intent_json
from backend.http.stripe_wire.call import Call, Done, Json, Read, Resource, Route, Write
from backend.http.stripe_wire.errors import WireError, no_such
from backend.http.stripe_wire.intent_params import (
    DESCRIPTION_LENGTH_MAX,
    USAGES,
    Fields,
    read_method_types,
    read_presence,
)
from backend.http.stripe_wire.pages import list_json, read_page
from backend.http.stripe_wire.params import Params
from backend.http.stripe_wire.payment_methods import Methods, live_customer
from backend.runtime.entropy import Stream
from backend.runtime.events import Event
from backend.storage.database import Transaction

SECRET_BYTES = 12
WITHOUT_METHOD, WITH_METHOD = "requires_payment_method", "requires_confirmation"
SUCCEEDED, CANCELED = "succeeded", "canceled"
OPEN = frozenset({WITHOUT_METHOD, WITH_METHOD})
REASONS = frozenset({"abandoned", "duplicate", "requested_by_customer"})


@dataclass(frozen=True, slots=True)
class SetupIntents:
    """The routes of setup intents."""

    objects: Objects[Transaction]
    payment_methods: PaymentMethods[Transaction]
    methods: Methods
    secrets: Stream

    def resource(self) -> Resource:
        """What this module serves."""
        all_, one = "/v1/setup_intents", "/v1/setup_intents/{id}"
        return Resource(
            (
                Route("POST", all_, Write(self.create)),
                Route("GET", all_, Read(self.list)),
                Route("GET", one, Read(self.retrieve)),
                Route("POST", one, Write(self.update)),
                Route("POST", f"{one}/confirm", Write(self.confirm)),
                Route("POST", f"{one}/cancel", Write(self.cancel)),
            ),
            {"seti": self.find},
        )

    def create(self, call: Call, tx: Transaction) -> Done:
        """A new setup intent; with `confirm` the card is kept at once."""
        secret = self.secrets.bytes(SECRET_BYTES).hex()
        fields: Fields = {"secret": secret, "usage": "off_session", "payment_method": None}
        with call.params() as params:
            confirm = params.boolean("confirm")
            customer_id = self._read(call, tx, params, fields, None)
            fields["metadata"] = params.metadata() or {}
            read_presence(params)
        state = WITHOUT_METHOD if fields["payment_method"] is None else WITH_METHOD
        kept = self.objects.fresh(call.merchant.id, Kind.SETUP_INTENT, state, fields)
        kept = replace(kept, customer_id=customer_id)
        events = self.objects.add(tx, kept, "setup_intent.created")
        if confirm:
            kept, more = self._succeed(call, tx, kept)
            events += more
        return Done(setup_intent_json(kept), events)

    def update(self, call: Call, tx: Transaction) -> Done:
        """Change what is open."""
        kept = self._open(call, tx, "changed")
        fields: Fields = {}
        with call.params() as params:
            customer_id = self._read(call, tx, params, fields, kept.customer_id)
            metadata = params.metadata(kept.metadata())
        if metadata is not None:
            fields["metadata"] = metadata
        changed = replace(kept.with_data(**fields), customer_id=customer_id)
        has = changed.data["payment_method"] is not None
        changed = replace(changed, state=WITH_METHOD if has else WITHOUT_METHOD)
        return Done(setup_intent_json(changed), self.objects.put(tx, changed, None))

    def confirm(self, call: Call, tx: Transaction) -> Done:
        """Keep the card."""
        kept = self._open(call, tx, "confirmed")
        fields: Fields = {}
        with call.params() as params:
            self._read_method(call, tx, params, fields, kept.customer_id)
            read_presence(params)
        succeeded, events = self._succeed(call, tx, kept.with_data(**fields))
        return Done(setup_intent_json(succeeded), events)

    def cancel(self, call: Call, tx: Transaction) -> Done:
        """Give it up."""
        with call.params() as params:
            reason = params.choice("cancellation_reason", REASONS)
        kept = self._open(call, tx, "canceled")
        canceled = replace(kept, state=CANCELED).with_data(cancellation_reason=reason)
        return Done(
            setup_intent_json(canceled), self.objects.put(tx, canceled, "setup_intent.canceled")
        )

    def retrieve(self, call: Call, tx: Transaction) -> Json:
        """One setup intent."""
        with call.params() as params:
            params.text("client_secret")
        return setup_intent_json(self._get(call, tx))

    def list(self, call: Call, tx: Transaction) -> Json:
        """Setup intents, newest first."""
        with call.params() as params:
            page = read_page(params)
            customer_id = params.text("customer")
        rows = self.objects.page(
            tx, call.merchant.id, Kind.SETUP_INTENT, page, customer_id=customer_id
        )
        return list_json(call, page, rows, setup_intent_json)

    def find(self, tx: Transaction, merchant_id: str, setup_id: str) -> Json | None:
        """One setup intent as its object."""
        kept = self.objects.find(tx, merchant_id, Kind.SETUP_INTENT, setup_id)
        return None if kept is None else setup_intent_json(kept)

    def _succeed(self, call: Call, tx: Transaction, kept: Kept) -> tuple[Kept, tuple[Event, ...]]:
        method_id = kept.text("payment_method")
        if method_id is None:
            raise _unexpected(kept, "confirmed without a payment method")
        events: tuple[Event, ...] = ()
        if kept.customer_id is not None:
            customer = live_customer(self.objects, call, tx, kept.customer_id)
            method = self.payment_methods.get(tx, call.merchant.id, method_id)
            events = self.payment_methods.attach(tx, method, customer)[1]
        done = replace(kept, state=SUCCEEDED)
        stored = self.objects.put(tx, done, "setup_intent.succeeded")
        return done, events + stored

    def _read(
        self, call: Call, tx: Transaction, params: Params, fields: Fields, before: str | None
    ) -> str | None:
        """Everything but metadata; the customer's identifier."""
        params.into(fields, "description", length_max=DESCRIPTION_LENGTH_MAX)
        usage = params.choice("usage", USAGES)
        if usage is not None:
            fields["usage"] = usage
        read_method_types(params)
        customer_id = params.text("customer") or before
        if customer_id is not None:
            live_customer(self.objects, call, tx, customer_id)
        self._read_method(call, tx, params, fields, customer_id)
        return customer_id

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

    def _get(self, call: Call, tx: Transaction) -> Kept:
        kept = self.objects.find(tx, call.merchant.id, Kind.SETUP_INTENT, call.ids["id"])
        if kept is None:
            raise no_such("setup_intent", call.ids["id"], "intent")
        return kept

    def _open(self, call: Call, tx: Transaction, what: str) -> Kept:
        kept = self._get(call, tx)
        if kept.state not in OPEN:
            raise _unexpected(kept, what)
        return kept


def _unexpected(kept: Kept, what: str) -> WireError:
    return WireError(
        f"This SetupIntent cannot be {what}: its status is {kept.state}.",
        code="setup_intent_unexpected_state",
    )
