"""From a confirmed intent to money: the network is asked, and what is to be taken is taken.

Shared by payment intents and by charges without one. `go_on` is the part of a `Long` after its
first unit: it may run again after a crash, and arrives at the same end, because the try's key is
stored with the intent. A card that was declined is a card error (402) that carries the intent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from backend.gateway.card_payments import CardOrder, CardPayments
from backend.gateway.charges import Charges
from backend.gateway.desk import Desk, Order
from backend.gateway.intent_machine import IntentState
from backend.gateway.intents import MANUAL, Intents, attempt_key
from backend.gateway.objects import Kept, Kind, Objects
from backend.gateway.payment_methods import PaymentMethods
from backend.gateway.views.charges import charge_id
from backend.gateway.views.payment_methods import payment_method_json
from backend.http.stripe_wire.call import Call, Done, Json, LastUnit
from backend.http.stripe_wire.errors import CARD, WireError
from backend.runtime.events import Event
from backend.runtime.store import Store
from backend.storage.database import Transaction
from backend.switch.answers import NetworkReference


@dataclass(frozen=True, slots=True)
class Money:
    """The services behind intents, charges and refunds."""

    store: Store[Transaction]
    objects: Objects[Transaction]
    methods: PaymentMethods[Transaction]
    intents: Intents[Transaction]
    charges: Charges[Transaction]
    cards: CardPayments[Transaction]
    desk: Desk[Transaction]

    async def go_on(self, call: Call, intent_id: str) -> LastUnit:
        """Ask the network about the intent's present try, unless that was done before.

        Returns:
            The last unit: the money is taken where it is to be taken at once, and the intent (or
            its charge) shown.

        Raises:
            KeyInFlight: an earlier request is still asking.
            StorageError: the database refused; what became of it will be found out.
        """
        intent = self.store.read(lambda tx: self._intent(tx, call, intent_id))
        if intent.state == IntentState.PROCESSING.value:
            await self.cards.authorize(self._order(call, intent))
        own = await self.desk.reference()
        return partial(self._end, call, intent_id, own)

    def _order(self, call: Call, intent: Kept) -> CardOrder:
        method_id = intent.text("payment_method")
        assert method_id is not None, "a confirmed intent has a method"
        method = self.store.read(
            lambda tx: self.objects.get(tx, call.merchant.id, Kind.PAYMENT_METHOD, method_id)
        )
        card_id, amount = method.data["card_id"], intent.data["amount_minor"]
        assert isinstance(card_id, str), "a method points at a card"
        assert isinstance(amount, int), "an intent has an amount"
        currency = intent.text("currency") or ""
        return CardOrder(
            call.merchant.merchant(), attempt_key(intent), card_id, amount, currency, intent.id
        )

    def _end(self, call: Call, intent_id: str, own: NetworkReference, tx: Transaction) -> Done:
        intent = self._intent(tx, call, intent_id)
        error = intent.data.get("error")
        if intent.state == IntentState.REQUIRES_PAYMENT_METHOD.value and isinstance(error, dict):
            raise self._declined(tx, intent, error)
        after: tuple[Callable[[], None], ...] = ()
        events: tuple[Event, ...] = ()
        at_once = intent.data["capture_method"] != MANUAL
        if intent.state == IntentState.REQUIRES_CAPTURE.value and at_once:
            assert intent.payment_id is not None, "what can be captured was paid"
            carried = self.desk.capture_in(own, Order(call.merchant.id, intent.payment_id), tx)
            after = (partial(self.desk.publish, carried),)
            intent = self._intent(tx, call, intent_id)
        if intent.data.get("setup_future_usage") is not None:
            events = self._attach(tx, call, intent)
        return Done(self.shown(tx, intent), events, after)

    def _attach(self, tx: Transaction, call: Call, intent: Kept) -> tuple[Event, ...]:
        """A method that its customer wants to be kept."""
        method_id = intent.text("payment_method")
        if intent.customer_id is None or method_id is None:
            return ()
        customer = self.objects.get(tx, call.merchant.id, Kind.CUSTOMER, intent.customer_id)
        method = self.methods.get(tx, call.merchant.id, method_id)
        return self.methods.attach(tx, method, customer)[1]

    def shown(self, tx: Transaction, intent: Kept) -> Json:
        """The intent, or the charge that was made without one."""
        if intent.kind is not Kind.LEGACY_INTENT:
            return self.charges.show_intent(tx, intent)
        assert intent.payment_id is not None, "a charge is a payment"
        found = self.charges.find(tx, intent.merchant_id, charge_id(intent.payment_id))
        assert found is not None, "payments are never removed"
        return found

    def _declined(self, tx: Transaction, intent: Kept, error: Json) -> WireError:
        members: Json = {}
        if "decline_code" in error:
            members["decline_code"] = error["decline_code"]
        if intent.payment_id is not None:
            members["charge"] = charge_id(intent.payment_id)
        if intent.kind is not Kind.LEGACY_INTENT:
            members["payment_intent"] = self.charges.show_intent(tx, intent)
        method_id = intent.text("failed_method") or ""
        method = self.objects.find(tx, intent.merchant_id, Kind.PAYMENT_METHOD, method_id)
        if method is not None:
            members["payment_method"] = payment_method_json(method)
        return WireError(
            str(error["message"]), status=402, kind=CARD, code=str(error["code"]), members=members
        )

    def _intent(self, tx: Transaction, call: Call, intent_id: str) -> Kept:
        intent = self.intents.find(tx, call.merchant.id, intent_id)
        assert intent is not None, "made in an earlier unit of this request"
        return intent
