"""Endpoints, a merchant's events, deliveries and attempts, as values. Knows no rows and no wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Style(Enum):
    """Which vocabulary an endpoint hears."""

    STRIPE = "stripe"
    S3 = "s3"


class EndpointState(Enum):
    """Whether an endpoint gets anything."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"  # kept for what was delivered to it


class DeliveryState(Enum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Happening(Enum):
    """What can happen to a delivery."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # there is another attempt
    EXHAUSTED = "exhausted"  # there is none
    ENDPOINT_CLOSED = "endpoint_closed"
    SENT_AGAIN = "sent_again"  # by hand


TRANSITIONS: dict[tuple[DeliveryState, Happening], DeliveryState] = {
    (DeliveryState.PENDING, Happening.ACCEPTED): DeliveryState.DELIVERED,
    (DeliveryState.PENDING, Happening.REFUSED): DeliveryState.PENDING,
    (DeliveryState.PENDING, Happening.EXHAUSTED): DeliveryState.FAILED,
    (DeliveryState.PENDING, Happening.ENDPOINT_CLOSED): DeliveryState.FAILED,
    (DeliveryState.DELIVERED, Happening.SENT_AGAIN): DeliveryState.PENDING,
    (DeliveryState.FAILED, Happening.SENT_AGAIN): DeliveryState.PENDING,
}


def advance(state: DeliveryState, happening: Happening) -> DeliveryState | None:
    """The state after `happening`; None when it cannot happen any more."""
    return TRANSITIONS.get((state, happening))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a merchant wants to be told.

    Attributes:
        enabled_events: names of its style, or "*".
        schedule: name of the list of waits.
        strict_200: whether only status 200 counts as heard.
        disabled_reason: "gone" (it answered 410) or "merchant".
        secret: sealed.
        old_secret: sealed; signs too until `old_secret_until_us`.
        after_seq: number of the engine's last event before it was made: it hears of later ones.
        is_healthy: False from the moment in which too little of its share arrived.
    """

    id: str
    merchant_id: str
    url: str
    enabled_events: tuple[str, ...]
    secret: bytes = field(repr=False)
    created_at_us: int
    after_seq: int
    style: Style = Style.STRIPE
    schedule: str = ""
    strict_200: bool = False
    state: EndpointState = EndpointState.ENABLED
    disabled_reason: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    old_secret: bytes | None = field(default=None, repr=False)
    old_secret_until_us: int | None = None
    is_healthy: bool = True


@dataclass(frozen=True, slots=True)
class MerchantEvent:
    """Something that a merchant hears of.

    Attributes:
        number: order of all of them; 0 before it is stored.
        id: "evt_…".
        type: Stripe's name.
        object: Stripe's word for the object sent along.
        object_id: its identifier.
        order_key: what deliveries keep the order of.
        sequence: its place among the events of its order key, from 1, without gaps.
        source_seq: the engine's event that it came from.
        endpoints: how many endpoints it was meant for.
        data: JSON of the event's `data`; None until somebody asks.
    """

    number: int
    id: str
    merchant_id: str
    type: str
    object: str
    object_id: str
    order_key: str
    sequence: int
    created_at_us: int
    source_seq: int
    endpoints: int
    data: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint.

    Attributes:
        id: order of all of them; 0 before it is stored.
        event_number: which event.
        tries: attempts of this run of the schedule.
        attempts: all that were ever made.
        due_at_us: lab time of the next attempt; what waits for an earlier event of its order key
            is due when it need not wait any longer.
        last_status: HTTP status of the last answer.
        last_error: why there was none, or why no more are made.
    """

    id: int
    endpoint_id: str
    event_number: int
    order_key: str
    state: DeliveryState
    tries: int
    attempts: int
    due_at_us: int
    created_at_us: int
    ended_at_us: int | None = None
    last_status: int | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request, and what came of it.

    Attributes:
        number: from 1, over the life of the delivery.
        at_us: lab time at which it was sent.
        duration_us: steady time until its end.
        signature: the header that went with it.
        status: of the answer; None when none came.
        error: "timed_out", "not_connected", "connection_lost", "address_refused" or None.
        answer: the first bytes of the answer's content.
    """

    delivery_id: int
    number: int
    at_us: int
    duration_us: int
    signature: str
    status: int | None
    error: str | None
    answer: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said.

    Attributes:
        content: the first bytes.
    """

    status: int
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why a receiver was not heard: the words of `Attempt.error`."""

    error: str
