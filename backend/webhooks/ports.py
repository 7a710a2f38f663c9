"""What webhooks ask of the world outside: rows, sealed secrets, pictures of objects, a way out.

Storage, the vault, the gateway's views and `webhooks.post` implement these; the assembly wires
them. `Tx` is whatever the store hands to a unit of work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from backend.runtime.events import Event
from backend.webhooks.records import (
    Answer,
    Attempt,
    Delivery,
    Endpoint,
    MerchantEvent,
    NoAnswer,
)

Tx_contra = TypeVar("Tx_contra", contravariant=True)


class SourceRows(Protocol[Tx_contra]):
    """The engine's stored events, read in order."""

    def cursor(self, tx: Tx_contra) -> int:
        """Number of the last event that was looked at."""

    def move_cursor(self, tx: Tx_contra, seq: int) -> None:
        """Everything up to here was looked at."""

    def last_seq(self, tx: Tx_contra) -> int:
        """Number of the engine's last stored event."""

    def after(self, tx: Tx_contra, seq: int, limit: int) -> list[Event]:
        """Events of the kinds that merchants hear of, with higher numbers, in order."""

    def one(self, tx: Tx_contra, seq: int) -> Event | None:
        """One event."""


class EndpointRows(Protocol[Tx_contra]):
    """Endpoints."""

    def add_endpoint(self, tx: Tx_contra, endpoint: Endpoint) -> None:
        """Store a new one."""

    def put_endpoint(self, tx: Tx_contra, endpoint: Endpoint) -> None:
        """Store all that may change of one."""

    def find_endpoint(self, tx: Tx_contra, endpoint_id: str) -> Endpoint | None:
        """One, deleted or not."""

    def endpoints_of(self, tx: Tx_contra, merchant_id: str) -> list[Endpoint]:
        """A merchant's, oldest first, without the deleted."""

    def endpoints(self, tx: Tx_contra) -> list[Endpoint]:
        """Everybody's, oldest first, without the deleted."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a merchant's events.

    Attributes:
        types: Stripe's names; none for all.
        above: only higher numbers.
        below: only lower numbers.
        from_us: lab time of the first moment that counts.
        to_us: lab time of the first moment that counts no more.
        rows: at most so many.
    """

    types: Sequence[str]
    above: int
    below: int
    from_us: int
    to_us: int
    rows: int
    newest_first: bool


class EventRows(Protocol[Tx_contra]):
    """What merchants hear of."""

    def last_number(self, tx: Tx_contra) -> int:
        """The highest number; 0 at first."""

    def last_sequence(self, tx: Tx_contra, order_key: str) -> int:
        """The highest sequence of an order key; 0 at first."""

    def add_events(self, tx: Tx_contra, new: Sequence[MerchantEvent]) -> None:
        """Store new ones, numbered."""

    def find_event(self, tx: Tx_contra, merchant_id: str, event_id: str) -> MerchantEvent | None:
        """One of a merchant's."""

    def event_numbered(self, tx: Tx_contra, number: int) -> MerchantEvent:
        """One that is known to exist."""

    def events_page(self, tx: Tx_contra, merchant_id: str, span: Span) -> list[MerchantEvent]:
        """Some of a merchant's, in the order that the span says."""

    def events_of_order_key(self, tx: Tx_contra, order_key: str) -> list[MerchantEvent]:
        """All of one order key, in order."""


class DeliveryRows(Protocol[Tx_contra]):
    """Deliveries and attempts."""

    def add_deliveries(self, tx: Tx_contra, new: Sequence[Delivery]) -> None:
        """Store new ones, in order."""

    def is_held_up(self, tx: Tx_contra, endpoint_id: str, order_key: str) -> bool:
        """Whether anything of that order key is pending there."""

    def due(self, tx: Tx_contra, endpoint_id: str, at_us: int, limit: int) -> list[Delivery]:
        """Pending ones that are due, the longest due first."""

    def next_due_us(self, tx: Tx_contra, endpoint_id: str, after_us: int) -> int | None:
        """When the first pending one after `after_us` is due."""

    def find_delivery(self, tx: Tx_contra, delivery_id: int) -> Delivery | None:
        """One."""

    def put_delivery(self, tx: Tx_contra, delivery: Delivery) -> None:
        """Store all that may change of one."""

    def first_pending(self, tx: Tx_contra, endpoint_id: str, order_key: str) -> Delivery | None:
        """The pending one that was there first."""

    def fail_pending(self, tx: Tx_contra, endpoint_id: str, error: str, at_us: int) -> int:
        """End everything pending of an endpoint as failed; how many."""

    def deliveries_of_event(self, tx: Tx_contra, number: int) -> list[Delivery]:
        """To all endpoints."""

    def add_attempt(self, tx: Tx_contra, attempt: Attempt) -> None:
        """Store what came of a request."""

    def deliveries_page(self, tx: Tx_contra, below: int, limit: int) -> list[Delivery]:
        """Everybody's, newest first, with lower identifiers."""

    def attempts_of(self, tx: Tx_contra, delivery_id: int) -> list[Attempt]:
        """All of a delivery, oldest first."""

    def last_outcomes(self, tx: Tx_contra, endpoint_id: str, limit: int) -> list[bool]:
        """Whether the last deliveries with an attempt had arrived, oldest first."""


class WebhookRows(
    EndpointRows[Tx_contra], EventRows[Tx_contra], DeliveryRows[Tx_contra], Protocol[Tx_contra]
):
    """All rows of webhooks."""


class ReadsEvents(Protocol[Tx_contra]):
    """Whether a merchant could ask what happened: it has a key."""

    def __call__(self, tx: Tx_contra, merchant_id: str) -> bool:
        """In the caller's unit of work."""


class Vault(Protocol):
    """Keeps secrets sealed."""

    def seal(self, plain: bytes, network: str, record: str, field: str) -> bytes:
        """Ciphertext for that place."""

    def unseal(self, sealed: bytes, network: str, record: str, field: str) -> bytes:
        """What was sealed for that place.

        Raises:
            StorageError: it does not open.
        """


class Picture(Protocol[Tx_contra]):
    """Shows an object as it was when something happened to it."""

    def __call__(
        self, tx: Tx_contra, happened: MerchantEvent, source: Event
    ) -> Mapping[str, object] | None:
        """The object, JSON-ready; None for an object that nobody can show."""


@dataclass(frozen=True, slots=True)
class Request:
    """One delivery, ready to leave.

    Attributes:
        limit_s: for the whole of it, seconds of input/output time.
    """

    url: str
    body: bytes
    headers: Mapping[str, str]
    limit_s: float


class Way(Protocol):
    """The way to receivers."""

    async def post(self, request: Request) -> Answer | NoAnswer:
        """Send it once; follows no redirect."""


class Notify(Protocol[Tx_contra]):
    """Tells a merchant something by mail."""

    def __call__(
        self, tx: Tx_contra, merchant_id: str, kind: str, text: str, object_id: str | None = None
    ) -> None:
        """In the caller's unit of work; `kind` is one word for a program."""
