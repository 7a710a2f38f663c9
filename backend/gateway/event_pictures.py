"""Shows the object that a merchant's event is about, as it was at that event.

One function for each of the wire's words for an object; a word that nobody shows is told by its
identifier and facts. A payment is shown with the state and the amounts that its event says: what
happened since is another event's news. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from backend.gateway.charges import Charges
from backend.gateway.objects import Kept, Kind, Objects
from backend.gateway.records import RefundState
from backend.payments.machine import State
from backend.payments.records import Channel, Payment
from backend.runtime.events import Event
from backend.webhooks.records import MerchantEvent

Tx = TypeVar("Tx")
Shown = Mapping[str, object]
Show = Callable[[Tx, str, Event], Shown | None]
"""Shows the object with that identifier as of that event; None when there is none."""


class EventPictures(Generic[Tx]):
    """Pictures by the wire's word for an object; who has a view adds it."""

    def __init__(self) -> None:
        self._shows: dict[str, Show[Tx]] = {}

    def add(self, word: str, show: Show[Tx]) -> None:
        """Have objects of that word shown by this function."""
        assert word not in self._shows, f"{word} is shown twice"
        self._shows[word] = show

    def __call__(self, tx: Tx, happened: MerchantEvent, source: Event) -> Shown | None:
        """The object of an event."""
        show = self._shows.get(happened.object)
        return None if show is None else show(tx, happened.object_id, source)


class ChargePictures(Generic[Tx]):
    """Charges, intents and refunds as of an event."""

    def __init__(self, charges: Charges[Tx], objects: Objects[Tx]) -> None:
        self._charges = charges
        self._objects = objects

    def add_to(self, pictures: EventPictures[Tx]) -> None:
        """Show what is shown here."""
        pictures.add("charge", self.charge)
        pictures.add("payment_intent", self.intent)
        pictures.add("refund", self.refund)

    def charge(self, tx: Tx, identifier: str, source: Event) -> Shown | None:
        """A payment as its charge."""
        payment = self._payment(tx, identifier, source)
        return None if payment is None else self._charges.show(tx, payment)

    def intent(self, tx: Tx, identifier: str, source: Event) -> Shown | None:
        """An intent, or a till's payment as one."""
        kept = self._objects.find(tx, _merchant(source), Kind.PAYMENT_INTENT, identifier)
        if kept is not None:
            return self._charges.show_intent(tx, as_of(kept, source))
        payment = self._payment(tx, identifier, source)
        if payment is None or payment.channel is Channel.WEB:
            return None
        return self._charges.show_till_intent(tx, payment)

    def refund(self, tx: Tx, identifier: str, source: Event) -> Shown | None:
        """A refund; one that has just begun is pending."""
        found = self._charges.refund(tx, _merchant(source), identifier)
        if found is None:
            return None
        refund, _ = found
        if source.kind == "payment.refunded":
            refund = replace(refund, state=RefundState.PENDING, completed_at_us=None, failure=None)
        return self._charges.show_refund(tx, refund)

    def _payment(self, tx: Tx, identifier: str, source: Event) -> Payment | None:
        payment = self._charges.payment(tx, _merchant(source), identifier)
        return None if payment is None else payment_as_of(payment, source)


def payment_as_of(payment: Payment, source: Event) -> Payment:
    """A payment as its event tells it; unchanged for an event of something else."""
    data = source.data
    if not source.kind.startswith("payment.") or "state" not in data:
        return payment
    return replace(
        payment,
        state=State(str(data["state"])),
        captured_minor=_whole(data.get("captured_minor")),
        refunded_minor=_whole(data.get("refunded_minor")),
        response_code=_text(data.get("response_code")),
        reason=_text(data.get("reason")),
        voided_at_us=payment.voided_at_us if data.get("reason") in _LET_GO else None,
    )


_LET_GO = frozenset({"voided", "lapsed"})


def as_of(kept: Kept, source: Event) -> Kept:
    """An object in the state that its event says."""
    return replace(kept, state=str(source.data.get("state", kept.state)))


def _merchant(source: Event) -> str:
    return str(source.data.get("merchant_id"))


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _text(value: object) -> str | None:
    return None if value is None else str(value)
