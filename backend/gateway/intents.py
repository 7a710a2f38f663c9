"""Payment intents: what a merchant wants to be paid, over as many tries as it takes.

Theory of operation. An intent is an object with a state of its table (`intent_machine`). To confirm
it counts a new try; the try is a payment whose key is the intent's identifier and the try's number
(`pi_…/2`), so a try is sent to the network once, however often it is asked for. What becomes of
that payment (an answer, a late one, a capture at the till, a hold that lapsed) moves the intent in
the same unit of work: `follow` is told by `payments.changes`. Payments of tills and apps have no
intent of their own; they are shown as one (`views.intents`). Knows no SQL and no HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from backend.gateway import intent_machine
from backend.gateway.declines import decline_of
from backend.gateway.intent_machine import Happening, IntentState, UnexpectedState, advance
from backend.gateway.objects import Kept, Kind, Objects
from backend.payments import machine
from backend.payments.records import Channel, Payment
from backend.runtime.entropy import Stream
from backend.runtime.events import Event

Tx = TypeVar("Tx")
SECRET_BYTES = 12
AUTOMATIC = "automatic"
MANUAL = "manual"
LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Moved:
    """An intent as it is now, and what to publish."""

    intent: Kept
    events: tuple[Event, ...]


class Intents(Generic[Tx]):
    """Makes and moves intents inside the caller's unit of work."""

    def __init__(self, objects: Objects[Tx], secrets: Stream) -> None:
        self._objects = objects
        self._secrets = secrets

    def create(
        self,
        tx: Tx,
        merchant_id: str,
        fields: Mapping[str, object],
        customer_id: str | None,
        *,
        legacy: bool = False,
    ) -> Moved:
        """A new intent: amount_minor, currency, payment_method (or None), capture_method, words.

        A `legacy` one stands behind a charge that was made without an intent; nobody sees it.
        """
        given = fields.get("payment_method") is not None
        happening = Happening.CREATED_WITH_METHOD if given else Happening.CREATED
        state = advance(None, happening)
        kind = Kind.LEGACY_INTENT if legacy else Kind.PAYMENT_INTENT
        intent = self._objects.fresh(merchant_id, kind, state.value, {})
        secret = self._secrets.bytes(SECRET_BYTES).hex()
        data = {"attempts": 0, "secret": secret, **fields}
        intent = replace(intent, data=data, customer_id=customer_id)
        happened = None if legacy else Happening.CREATED.value
        return Moved(intent, self._objects.add(tx, intent, happened))

    def get(self, tx: Tx, merchant_id: str, intent_id: str) -> Kept:
        """An intent of this merchant.

        Raises:
            NotFound: `resource_missing`.
        """
        return self._objects.get(tx, merchant_id, Kind.PAYMENT_INTENT, intent_id)

    def find(self, tx: Tx, merchant_id: str, intent_id: str) -> Kept | None:
        """An intent of this merchant, a legacy one too."""
        seen = self._objects.find(tx, merchant_id, Kind.PAYMENT_INTENT, intent_id)
        return seen or self._objects.find(tx, merchant_id, Kind.LEGACY_INTENT, intent_id)

    def change(self, tx: Tx, intent: Kept, fields: Mapping[str, object]) -> Moved:
        """Change what can be changed; a method that is given or taken moves the state.

        Raises:
            UnexpectedState: the amount, currency or method of an intent that is under way.
        """
        state = IntentState(intent.state)
        weighty = fields.keys() & {"amount_minor", "currency", "payment_method", "capture_method"}
        if weighty and state not in intent_machine.OPEN:
            raise UnexpectedState(state, "changed in " + ", ".join(sorted(weighty)))
        changed = intent.with_data(**fields)
        has = changed.data.get("payment_method") is not None
        if state is IntentState.REQUIRES_PAYMENT_METHOD and has:
            changed = self._with_state(changed, Happening.METHOD_GIVEN)
        elif state is IntentState.REQUIRES_CONFIRMATION and not has:
            changed = self._with_state(changed, Happening.METHOD_TAKEN)
        return self._put(tx, changed, "payment_intent.updated")

    def confirm(self, tx: Tx, intent: Kept) -> Moved:
        """Begin a new try; its payment has still to be made.

        Raises:
            UnexpectedState: there is no method, or the intent is past that.
        """
        attempts = intent.data["attempts"]
        assert isinstance(attempts, int), "tries are counted"
        begun = self._with_state(intent, Happening.CONFIRMED)
        begun = begun.with_data(attempts=attempts + 1, error=None)
        return self._put(tx, replace(begun, payment_id=None), Happening.CONFIRMED.value)

    def cancel(self, tx: Tx, intent: Kept, reason: str | None, at_us: int) -> Moved:
        """Give an intent up that holds no money.

        Raises:
            UnexpectedState: it holds money, has some, or waits for an answer.
        """
        if IntentState(intent.state) not in intent_machine.OPEN:
            raise UnexpectedState(IntentState(intent.state), "canceled")
        canceled = self._with_state(intent, Happening.CANCELED)
        canceled = canceled.with_data(canceled_at_us=at_us, cancellation_reason=reason)
        return self._put(tx, canceled, Happening.CANCELED.value)

    def fail(self, tx: Tx, intent: Kept, error: Mapping[str, object]) -> Moved:
        """A try that never became a payment."""
        failed = self._with_state(intent, Happening.FAILED)
        failed = failed.with_data(
            error=dict(error), payment_method=None, failed_method=intent.data.get("payment_method")
        )
        return self._put(tx, failed, Happening.FAILED.value)

    def follow(self, tx: Tx, payment: Payment, happened: machine.Happening) -> tuple[Event, ...]:
        """Move the intent of a payment that was moved; told in the same unit of work."""
        intent_id = intent_of(payment)
        if intent_id is None:
            return ()
        intent = self.find(tx, payment.merchant.id, intent_id)
        if intent is None or payment.key != attempt_key(intent):
            return ()  # an earlier try whose cure goes on
        at_once = intent.data.get("capture_method") != MANUAL
        happening = intent_machine.happening_of(happened, captures_at_once=at_once)
        if happening is None or not intent_machine.can(IntentState(intent.state), happening):
            return ()
        moved = replace(self._with_state(intent, happening), payment_id=payment.id)
        if happening is Happening.FAILED:
            decline = decline_of(payment)
            assert decline is not None, "a try that failed has a reason"
            moved = moved.with_data(error=decline.to_json(), payment_method=None,
                                    failed_method=intent.data.get("payment_method"))  # fmt: skip
        elif happening is Happening.CANCELED:
            lapsed = payment.reason == LAPSED
            moved = moved.with_data(
                canceled_at_us=payment.updated_at_us,
                cancellation_reason="automatic"
                if lapsed
                else intent.data.get("cancellation_reason"),
            )
        return self._put(tx, moved, happening.value).events

    def _put(self, tx: Tx, intent: Kept, happened: str | None) -> Moved:
        told = None if intent.kind is Kind.LEGACY_INTENT else happened
        events = self._objects.put(tx, intent, told)
        return Moved(replace(intent, version=intent.version + 1), events)

    def _with_state(self, intent: Kept, happening: Happening) -> Kept:
        return replace(intent, state=advance(IntentState(intent.state), happening).value)


def attempt_key(intent: Kept) -> str:
    """The idempotency key of the present try's payment."""
    return f"{intent.id}/{intent.data['attempts']}"


def intent_of(payment: Payment) -> str | None:
    """The intent whose try a payment is; None for payments of tills and apps."""
    if payment.channel is not Channel.WEB:
        return None
    intent_id, slash, _ = payment.key.partition("/")
    return intent_id if slash and intent_id.startswith("pi_") else None
