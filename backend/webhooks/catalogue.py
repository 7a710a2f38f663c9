"""Which of the engine's events a merchant hears of, and under which names.

A table and pure functions. One stored event may become several events of the merchant's, as a
capture is one for the charge and one for its intent. Names are those of Stripe's API; an endpoint
of style "s3" gets the names of the gateway design instead, and only those that it has. Gateway
objects say in their event's data which object changed (`object`, `object_id`); a payment's own
events say it by the column `payment_id`. Refuses to know rows, sockets and what an object looks
like.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backend.runtime.events import Event
from backend.webhooks.records import Style

EVERYTHING = "*"
ENDED_BEFORE = frozenset({"voided", "lapsed"})
"""Reasons of a reversal that was told as it began."""
WITH_INTENT = "web"
"""The channel whose payments belong to an intent, which tells of itself."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a merchant hears.

    Attributes:
        type: Stripe's name.
        object: Stripe's word for the object that is sent along; "" for the one the event names.
        by: the key of the event's data that holds the object's identifier; "" for the payment's.
    """

    type: str
    object: str = ""
    by: str = "object_id"


def _charge(word: str) -> Told:
    return Told(f"charge.{word}", "charge", "")


def _intent(word: str) -> Told:
    return Told(f"payment_intent.{word}", "payment_intent", "")


def _refund(word: str) -> Told:
    return Told(f"refund.{word}", "refund", "refund_id")


_FAILED = (_charge("failed"), _intent("payment_failed"))

SAME_NAME = (
    "charge.updated",
    "customer.created",
    "customer.deleted",
    "customer.updated",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "payout.canceled",
    "payout.created",
    "payout.failed",
    "payout.paid",
    "refund.updated",
    "setup_intent.canceled",
    "setup_intent.created",
    "setup_intent.succeeded",
)
"""Kinds of events of the gateway's own objects, told under the same name."""

TOLD: dict[str, tuple[Told, ...]] = {
    "payment.created": (_intent("created"),),
    "payment.approved": (_charge("succeeded"), _intent("amount_capturable_updated")),
    "payment.declined": _FAILED,
    "payment.not_sent": _FAILED,
    "payment.no_answer": (_intent("processing"),),
    "payment.reversed": _FAILED,  # an approval that came too late; a void says it as it begins
    "payment.voided": (_charge("refunded"), _intent("canceled")),
    "payment.captured": (_charge("captured"), _intent("succeeded")),
    "payment.refunded": (_refund("created"), _charge("refunded")),
    "refund.succeeded": (_refund("updated"),),
    "refund.failed": (_refund("failed"),),
    "dispute.opened": (
        Told("charge.dispute.created"),
        Told("charge.dispute.funds_withdrawn"),
    ),
    "dispute.updated": (Told("charge.dispute.updated"),),
    "dispute.submitted": (Told("charge.dispute.updated"),),
    "dispute.won": (
        Told("charge.dispute.funds_reinstated"),
        Told("charge.dispute.closed"),
    ),
    "dispute.lost": (Told("charge.dispute.closed"),),
    "payout.sent": (Told("payout.updated"),),
    **{kind: (Told(kind),) for kind in SAME_NAME},
}
"""The kind of a stored event → what its merchant hears of it, in order."""

S3_NAMES: dict[str, str] = {
    "charge.succeeded": "payment.authorized",
    "charge.captured": "payment.captured",
    "charge.failed": "payment.failed",
    "charge.refunded": "payment.refunded",
    "charge.dispute.created": "payment.dispute.created",
    "payment_intent.succeeded": "payment.succeeded",
    "invoice.payment_failed": "invoice.payment_failed",
}
"""Stripe's name → the gateway design's."""

LATER = (
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.updated",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_succeeded",
)
"""Names that an endpoint may ask for though nothing tells them yet."""

KINDS = frozenset(TOLD)
STRIPE_TYPES = frozenset(told.type for each in TOLD.values() for told in each) | frozenset(LATER)
S3_TYPES = frozenset(S3_NAMES.values())


def told_of(event: Event) -> tuple[Told, ...]:
    """What the merchant hears of a stored event, in order; nothing for most."""
    if event.kind == "payment.reversed" and event.data.get("reason") in ENDED_BEFORE:
        return ()
    told = TOLD.get(event.kind, ())
    if event.kind.startswith("payment.") and event.data.get("channel") == WITH_INTENT:
        return tuple(each for each in told if each.object != "payment_intent")
    return told


def merchant_of(event: Event) -> str | None:
    """Whose event it is."""
    merchant_id = event.data.get("merchant_id")
    return merchant_id if isinstance(merchant_id, str) else None


def object_of(event: Event, told: Told) -> tuple[str, str]:
    """The object that is sent along: Stripe's word, and its identifier here."""
    word = told.object or str(event.data.get("object", ""))
    identifier = event.data.get(told.by) if told.by else event.payment_id
    return word, str(identifier or event.payment_id or "")


def order_key_of(event: Event, object_id: str) -> str:
    """What the order of deliveries is kept for: the object that the event is of, or its payment."""
    own = event.data.get("object_id")
    return str(own) if isinstance(own, str) else event.payment_id or object_id


def name_for(style: Style, stripe_type: str) -> str | None:
    """The name under which an endpoint of that style hears of it; None if it does not."""
    return stripe_type if style is Style.STRIPE else S3_NAMES.get(stripe_type)


def wants(style: Style, enabled: Iterable[str], stripe_type: str) -> bool:
    """Whether an endpoint with these enabled events hears of it."""
    name = name_for(style, stripe_type)
    return name is not None and (EVERYTHING in enabled or name in enabled)


def types_of(style: Style) -> frozenset[str]:
    """The names that an endpoint of that style may ask for."""
    return STRIPE_TYPES if style is Style.STRIPE else S3_TYPES
