"""Webhooks as a person in front of the laboratory looks at them, and sends one again by hand.

Shapes data for `/lab/webhooks`; of what it shows it changes nothing but a delivery that is to be
sent again, whose schedule then starts anew. Secrets stay out. Knows no SQL and no HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from backend.outbox.ports import AuditRecord, Outbox
from backend.runtime.clock import Clock
from backend.runtime.errors import Conflict, NotFound
from backend.runtime.store import Store
from backend.webhooks import catalogue
from backend.webhooks.bodies import body_of
from backend.webhooks.delivery import Deliveries, headers_of
from backend.webhooks.ports import WebhookRows
from backend.webhooks.records import (
    Attempt,
    Delivery,
    Endpoint,
    EndpointState,
    Happening,
    MerchantEvent,
    advance,
)
from backend.webhooks.schedules import SCHEDULES

Tx = TypeVar("Tx")
LIMIT_MAX = 500
BEYOND_EVERY_ID = 2**62


@dataclass(frozen=True, slots=True)
class ConsolePorts(Generic[Tx]):
    """What looking takes from outside.

    Attributes:
        wake: called after a commit that left something to deliver.
    """

    store: Store[Tx]
    rows: WebhookRows[Tx]
    outbox: Outbox[Tx]
    deliveries: Deliveries[Tx]
    clock: Clock
    wake: Callable[[], None]


class Console(Generic[Tx]):
    """Pictures of webhooks, ready for JSON."""

    def __init__(self, ports: ConsolePorts[Tx]) -> None:
        self._ports = ports

    def overview(self, limit: int, below: int = BEYOND_EVERY_ID) -> dict[str, object]:
        """Every endpoint with its health, and the newest deliveries.

        Args:
            limit: deliveries at most, 500 at most.
            below: only deliveries with lower identifiers.
        """
        ports = self._ports

        def read(tx: Tx) -> dict[str, object]:
            endpoints = ports.rows.endpoints(tx)
            page = ports.rows.deliveries_page(tx, below, max(1, min(limit, LIMIT_MAX)))
            return {
                "endpoints": [self.endpoint_json(each) for each in endpoints],
                "deliveries": [self._delivery_json(tx, each) for each in page],
                "schedules": {name: list(each.waits_s) for name, each in SCHEDULES.items()},
            }

        return ports.store.read(read)

    def delivery(self, delivery_id: int) -> dict[str, object]:
        """One with its attempts, byte for byte.

        Raises:
            NotFound: `delivery_not_found`.
        """
        ports = self._ports

        def read(tx: Tx) -> dict[str, object]:
            found = self._find(tx, delivery_id)
            endpoint = self._endpoint(tx, found)
            happened = ports.rows.event_numbered(tx, found.event_number)
            name = catalogue.name_for(endpoint.style, happened.type) or happened.type
            attempts = ports.rows.attempts_of(tx, delivery_id)
            return {
                **self._delivery_json(tx, found),
                "body": body_of(happened, name).decode(),
                "attempts": [attempt_json(each) for each in attempts],
            }

        return ports.store.read(read)

    def of_payment(self, payment_id: str) -> list[dict[str, object]]:
        """The deliveries of everything that happened to a payment, in order."""
        ports = self._ports

        def read(tx: Tx) -> list[dict[str, object]]:
            events = ports.rows.events_of_order_key(tx, payment_id)
            return [
                self._delivery_json(tx, delivery)
                for event in events
                for delivery in ports.rows.deliveries_of_event(tx, event.number)
            ]

        return ports.store.read(read)

    async def send_again(self, delivery_id: int) -> dict[str, object]:
        """Start the schedule of an ended delivery anew; a pending one is tried now.

        Raises:
            NotFound: `delivery_not_found`.
            Conflict: `endpoint_not_enabled`.
            StorageError: the database refused.
        """
        ports, now_us = self._ports, self._ports.clock.now_us()

        def work(tx: Tx) -> dict[str, object]:
            found = self._find(tx, delivery_id)
            endpoint = self._endpoint(tx, found)
            if endpoint.state is not EndpointState.ENABLED:
                raise Conflict(
                    "endpoint_not_enabled", f"{endpoint.id} is {endpoint.state.value}: enable it"
                )
            state = advance(found.state, Happening.SENT_AGAIN)
            again = replace(found, due_at_us=now_us)
            if state is not None:
                again = replace(again, state=state, tries=0, ended_at_us=None)
            ports.rows.put_delivery(tx, again)
            ports.outbox.add_audit(
                tx,
                AuditRecord(
                    now_us, None, "webhook.sent_again", "webhook_delivery", str(found.id),
                    again.state.value, {"endpoint_id": endpoint.id},
                ),
            )  # fmt: skip
            return self._delivery_json(tx, again)

        shown = await ports.store.write(work)
        ports.wake()
        return shown

    def endpoint_json(self, endpoint: Endpoint) -> dict[str, object]:
        """An endpoint with its health."""
        ports = self._ports
        lane, now_us = ports.deliveries.lane_of(endpoint), ports.clock.now_us()
        return {
            "id": endpoint.id,
            "merchant_id": endpoint.merchant_id,
            "url": endpoint.url,
            "style": endpoint.style.value,
            "enabled_events": list(endpoint.enabled_events),
            "schedule": endpoint.schedule,
            "strict_200": endpoint.strict_200,
            "state": endpoint.state.value,
            "disabled_reason": endpoint.disabled_reason,
            "description": endpoint.description,
            "metadata": dict(endpoint.metadata),
            "created_at_us": endpoint.created_at_us,
            "old_secret_until_us": endpoint.old_secret_until_us,
            "healthy": lane.is_healthy,
            "delivered_share": lane.share,
            "breaker": lane.breaker.shown.value,
            "opens_at_us": lane.opens_at_us(now_us),
            "on_the_way": len(lane.on_the_way),
        }

    def _delivery_json(self, tx: Tx, delivery: Delivery) -> dict[str, object]:
        happened = self._ports.rows.event_numbered(tx, delivery.event_number)
        return delivery_json(delivery, happened, self._endpoint(tx, delivery))

    def _find(self, tx: Tx, delivery_id: int) -> Delivery:
        found = self._ports.rows.find_delivery(tx, delivery_id)
        if found is None:
            raise NotFound("delivery_not_found", "there is no such delivery")
        return found

    def _endpoint(self, tx: Tx, delivery: Delivery) -> Endpoint:
        endpoint = self._ports.rows.find_endpoint(tx, delivery.endpoint_id)
        assert endpoint is not None, "endpoints are never removed"
        return endpoint


def delivery_json(
    delivery: Delivery, happened: MerchantEvent, endpoint: Endpoint
) -> dict[str, object]:
    """A delivery with what it carries."""
    return {
        "id": delivery.id,
        "endpoint_id": endpoint.id,
        "url": endpoint.url,
        "event_id": happened.id,
        "type": catalogue.name_for(endpoint.style, happened.type) or happened.type,
        "object": happened.object,
        "object_id": happened.object_id,
        "order_key": delivery.order_key,
        "sequence": happened.sequence,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "attempts_max": SCHEDULES[endpoint.schedule].attempts_max,
        "created_at_us": delivery.created_at_us,
        "due_at_us": delivery.due_at_us if delivery.ended_at_us is None else None,
        "ended_at_us": delivery.ended_at_us,
        "status": delivery.last_status,
        "error": delivery.last_error,
    }


def attempt_json(attempt: Attempt) -> dict[str, object]:
    """An attempt: what left besides the body, and what came back."""
    return {
        "number": attempt.number,
        "at_us": attempt.at_us,
        "duration_us": attempt.duration_us,
        "headers": headers_of(attempt.signature),
        "status": attempt.status,
        "error": attempt.error,
        "answer": attempt.answer.decode("utf-8", "replace"),
    }
