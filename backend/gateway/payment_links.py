"""Payment links: a page that asks strangers for one amount, for seven days.

A link is an object of its merchant; who knows its name may pay it once. Its payment is an ordinary
intent, so tries, declines, captures and webhooks are an intent's. Whether a link is paid is read
off its intent and not stored twice. Knows no page and no card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from backend.gateway.intent_machine import IntentState
from backend.gateway.intents import AUTOMATIC, Intents
from backend.gateway.objects import Kept, Kind, Objects
from backend.runtime.clock import Clock
from backend.runtime.errors import Conflict
from backend.runtime.events import Event

Tx = TypeVar("Tx")
LIFE_US = 7 * 86_400 * 1_000_000
OPEN = "open"


class LinkState(Enum):
    """Where a link stands."""

    ACTIVE = "active"
    UNDER_WAY = "under_way"  # somebody's bank is being asked
    PAID = "paid"
    EXPIRED = "expired"


_UNDER_WAY = frozenset({IntentState.PROCESSING.value, IntentState.REQUIRES_CAPTURE.value})


@dataclass(frozen=True, slots=True)
class Link:
    """A link with where it stands now."""

    kept: Kept
    state: LinkState
    expires_at_us: int

    def number(self, name: str) -> int:
        """A field that is a number."""
        value = self.kept.data[name]
        assert isinstance(value, int), f"{name} is a number"
        return value


class PaymentLinks(Generic[Tx]):
    """Makes links and begins to pay them, inside the caller's unit of work."""

    def __init__(self, objects: Objects[Tx], intents: Intents[Tx], clock: Clock) -> None:
        self._objects = objects
        self._intents = intents
        self._clock = clock

    def create(
        self, tx: Tx, merchant_id: str, fields: Mapping[str, object]
    ) -> tuple[Link, tuple[Event, ...]]:
        """A new link: amount_minor, currency, description, success_url."""
        kept = self._objects.fresh(merchant_id, Kind.PAYMENT_LINK, OPEN, dict(fields))
        events = self._objects.add(tx, kept, "payment_link.created")
        return self._link(tx, kept), events

    def of(self, tx: Tx, merchant_id: str, link_id: str) -> Link:
        """A link of this merchant.

        Raises:
            NotFound: `resource_missing`.
        """
        return self._link(tx, self._objects.get(tx, merchant_id, Kind.PAYMENT_LINK, link_id))

    def named(self, tx: Tx, link_id: str) -> Link:
        """A link for whoever knows its name.

        Raises:
            NotFound: `resource_missing`.
        """
        return self._link(tx, self._objects.named(tx, Kind.PAYMENT_LINK, link_id))

    def begin(self, tx: Tx, link: Link, method_id: str) -> tuple[str, tuple[Event, ...]]:
        """Begin a try with a payment method; the intent to go on with.

        Raises:
            Conflict: `link_paid`, `link_expired`, `link_under_way`.
        """
        if link.state is not LinkState.ACTIVE:
            raise Conflict(f"link_{link.state.value}", _WORDS[link.state])
        kept = link.kept
        intent = self._intent(tx, kept)
        if intent is None:
            fields = {
                "amount_minor": kept.data["amount_minor"],
                "currency": kept.data["currency"],
                "description": kept.data["description"],
                "capture_method": AUTOMATIC,
                "payment_method": method_id,
                "metadata": {"payment_link": kept.id},
            }
            moved = self._intents.create(tx, kept.merchant_id, fields, None)
            self._objects.put(tx, kept.with_data(intent_id=moved.intent.id), None)
        else:
            moved = self._intents.change(tx, intent, {"payment_method": method_id})
        begun = self._intents.confirm(tx, moved.intent)
        return begun.intent.id, moved.events + begun.events

    def _link(self, tx: Tx, kept: Kept) -> Link:
        expires_at_us = kept.created_at_us + LIFE_US
        intent = self._intent(tx, kept)
        if intent is not None and intent.state == IntentState.SUCCEEDED.value:
            state = LinkState.PAID
        elif intent is not None and intent.state in _UNDER_WAY:
            state = LinkState.UNDER_WAY
        elif self._clock.now_us() >= expires_at_us:
            state = LinkState.EXPIRED
        else:
            state = LinkState.ACTIVE
        return Link(kept, state, expires_at_us)

    def _intent(self, tx: Tx, kept: Kept) -> Kept | None:
        intent_id = kept.text("intent_id")
        if intent_id is None:
            return None
        intent = self._intents.find(tx, kept.merchant_id, intent_id)
        canceled = intent is not None and intent.state == IntentState.CANCELED.value
        return None if canceled else intent


_WORDS = {
    LinkState.PAID: "this is paid",
    LinkState.EXPIRED: "this link has expired: ask the shop for a new one",
    LinkState.UNDER_WAY: "a bank is being asked: look again in a moment",
}
