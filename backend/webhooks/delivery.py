"""Delivers what is due to merchants' endpoints, at least once and in order.

Theory of operation. A delivery is a row that stays pending until its end is committed; what was
under way when a process died is pending still and is sent again, with the same identifier and
bytes. (One engine holds a data folder, so being under way is known to it alone and is no row.) An
attempt is one request and one unit of work afterwards: the attempt's record, the delivery's new
state, the release of the next delivery of its object, and the event that says so. A failed attempt
waits as the endpoint's schedule says, in lab time; when there are no more attempts the delivery has
failed and the merchant gets a notice. 410 disables the endpoint, and so ends all that is pending
there.

An endpoint that fails time after time is left alone by its lane's breaker; its schedule only
counts attempts that were made. Each endpoint has a cap on what is on the way, so that one that
hangs stops no other. Knows no SQL and no HTTP client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from backend.outbox.ports import Outbox
from backend.runtime.alarm import Alarm
from backend.runtime.clock import Clock
from backend.runtime.errors import StorageError
from backend.runtime.events import Event, EventLog
from backend.runtime.scheduler import Scheduler
from backend.runtime.store import Store
from backend.switch.breaker import Permit
from backend.webhooks import catalogue, signing
from backend.webhooks.bodies import body_of
from backend.webhooks.lanes import HEALTH_ATTEMPTS, Lane
from backend.webhooks.ports import Notify, Request, Way, WebhookRows
from backend.webhooks.records import (
    Answer,
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    Happening,
    MerchantEvent,
    NoAnswer,
    advance,
)
from backend.webhooks.schedules import SCHEDULES
from backend.webhooks.secrets import Secrets

Tx = TypeVar("Tx")
ACTOR = "webhooks"
LIMIT_S = 30.0
"""How long an attempt may take."""
GONE = 410
STORAGE_WAIT_S = 5
SECOND_US = 1_000_000
IN_FLIGHT_MAX = 64
"""Deliveries on the way at once, to all endpoints."""


@dataclass(frozen=True, slots=True)
class DeliveryPorts(Generic[Tx]):
    """Everything that delivering takes from outside.

    Attributes:
        wire_now_us: the machine's clock, for signatures.
        notify: tells the merchant what could not be delivered.
    """

    store: Store[Tx]
    rows: WebhookRows[Tx]
    outbox: Outbox[Tx]
    way: Way
    secrets: Secrets
    notify: Notify[Tx]
    clock: Clock
    wire_now_us: Callable[[], int]
    scheduler: Scheduler
    events: EventLog


@dataclass(frozen=True, slots=True)
class _Sent:
    """An attempt that has ended."""

    delivery_id: int
    at_us: int
    duration_us: int
    signature: str
    answer: Answer | NoAnswer


class Deliveries(Generic[Tx]):
    """Sends what is due."""

    def __init__(self, ports: DeliveryPorts[Tx]) -> None:
        self._ports = ports
        self._alarm = Alarm(ports.scheduler, "webhook timer")
        self._lanes: dict[str, Lane] = {}

    def start(self) -> None:
        """Begin to deliver, what an earlier process left included."""
        self._ports.scheduler.spawn(self._alarm.run_forever(self._start_due), "webhooks")

    def wake(self) -> None:
        """Look at the schedule again."""
        self._alarm.ring()

    def lane_of(self, endpoint: Endpoint) -> Lane:
        """An endpoint's lane."""
        lane = self._lanes.get(endpoint.id)
        if lane is None:
            lane = self._lanes[endpoint.id] = Lane(endpoint.is_healthy)
            rows = self._ports.rows
            lane.remember(
                self._ports.store.read(
                    lambda tx: rows.last_outcomes(tx, endpoint.id, HEALTH_ATTEMPTS)
                )
            )
        return lane

    def _start_due(self) -> int | None:
        """Start what is due; when the next is due."""
        now_us = self._ports.clock.now_us()
        try:
            endpoints = self._ports.store.read(self._ports.rows.endpoints)
            next_us = [self._start_due_of(each, now_us) for each in endpoints]
        except StorageError as error:
            self._report(error)
            return now_us + STORAGE_WAIT_S * SECOND_US
        return min((each for each in next_us if each is not None), default=None)

    def _start_due_of(self, endpoint: Endpoint, now_us: int) -> int | None:
        ports, lane = self._ports, self.lane_of(endpoint)
        total_free = IN_FLIGHT_MAX - sum(len(each.on_the_way) for each in self._lanes.values())
        if min(lane.free, total_free) <= 0 or endpoint.state is not EndpointState.ENABLED:
            return None  # whatever ends will have a look taken again
        wanted = len(lane.on_the_way) + min(lane.free, total_free)
        due = ports.store.read(lambda tx: ports.rows.due(tx, endpoint.id, now_us, wanted))
        for delivery in [each for each in due if each.id not in lane.on_the_way]:
            permit = lane.ask(now_us)
            if permit is None:
                return lane.opens_at_us(now_us)
            lane.on_the_way.add(delivery.id)
            ports.scheduler.spawn(
                self._deliver(endpoint, lane, delivery, permit), f"webhook {delivery.id}"
            )
        return ports.store.read(lambda tx: ports.rows.next_due_us(tx, endpoint.id, now_us))

    async def _deliver(
        self, endpoint: Endpoint, lane: Lane, delivery: Delivery, permit: Permit
    ) -> None:
        """One attempt, from the request to the commit of its outcome."""
        ports, told = self._ports, False
        try:
            sent = await self._send(endpoint, delivery)
            arrived = _arrived(endpoint, sent.answer)
            lane.tell(permit, ports.clock.now_us(), arrived=arrived)
            told = True
            health = lane.note(arrived=arrived)
            for event in await ports.store.write(partial(self._take, sent, health)):
                ports.events.publish(event)
        except StorageError as error:
            self._report(error)
            await ports.scheduler.sleep(STORAGE_WAIT_S)
        finally:
            if not told:
                lane.abandon(permit, ports.clock.now_us())
            lane.on_the_way.discard(delivery.id)
            self.wake()

    async def _send(self, endpoint: Endpoint, delivery: Delivery) -> _Sent:
        ports = self._ports
        number = delivery.event_number
        happened = ports.store.read(lambda tx: ports.rows.event_numbered(tx, number))
        body = body_of(happened, _name(endpoint, happened))
        at_us, wire_us = ports.clock.now_us(), ports.wire_now_us()
        secrets = ports.secrets.valid(endpoint, at_us)
        signature = signing.header_value(secrets, wire_us // SECOND_US, body)
        began_us = ports.clock.monotonic_us()
        answer = await ports.way.post(Request(endpoint.url, body, headers_of(signature), LIMIT_S))
        duration_us = ports.clock.monotonic_us() - began_us
        return _Sent(delivery.id, at_us, duration_us, signature, answer)

    # The outcome, in one unit of work.

    def _take(self, sent: _Sent, health: bool | None, tx: Tx) -> tuple[Event, ...]:  # noqa: FBT001 - not a switch
        rows, now_us = self._ports.rows, self._ports.clock.now_us()
        before = rows.find_delivery(tx, sent.delivery_id)
        assert before is not None, "deliveries are never removed"
        endpoint = rows.find_endpoint(tx, before.endpoint_id)
        assert endpoint is not None, "endpoints are never removed"
        after, said = self._judge(tx, endpoint, _counted(before, sent), sent, now_us)
        rows.put_delivery(tx, after)
        rows.add_attempt(tx, _attempt(after, sent))
        if after.state is not DeliveryState.PENDING:
            self._release_next(tx, after, now_us)
        if health is not None:
            said += self._health(tx, endpoint, health)
        self._ports.outbox.add_events(tx, said)
        return said

    def _judge(
        self, tx: Tx, endpoint: Endpoint, delivery: Delivery, sent: _Sent, now_us: int
    ) -> tuple[Delivery, tuple[Event, ...]]:
        """The delivery after an attempt, and what there is to say."""
        if _arrived(endpoint, sent.answer):
            return self._move(tx, endpoint, delivery, Happening.ACCEPTED, now_us)
        if delivery.last_status == GONE:
            ended, said = self._move(tx, endpoint, delivery, Happening.ENDPOINT_CLOSED, now_us)
            return ended, said + self._disable(tx, endpoint, now_us)
        wait_us = SCHEDULES[endpoint.schedule].wait_us(delivery.tries)
        if wait_us is None:
            return self._move(tx, endpoint, delivery, Happening.EXHAUSTED, now_us)
        later = replace(delivery, due_at_us=now_us + wait_us)
        return self._move(tx, endpoint, later, Happening.REFUSED, now_us)

    def _move(
        self, tx: Tx, endpoint: Endpoint, delivery: Delivery, happening: Happening, now_us: int
    ) -> tuple[Delivery, tuple[Event, ...]]:
        state = advance(delivery.state, happening)
        if state is None:  # its endpoint was closed while it was on the way
            return delivery, ()
        ended_at_us = None if state is DeliveryState.PENDING else now_us
        moved = replace(delivery, state=state, ended_at_us=ended_at_us)
        happened = self._ports.rows.event_numbered(tx, moved.event_number)
        if happening is Happening.EXHAUSTED:
            self._ports.notify(
                tx,
                endpoint.merchant_id,
                "webhook_failed",
                f"{happened.type} ({happened.id}) did not reach {endpoint.url} in"
                f" {moved.attempts} attempts. You can send it again by hand.",
                happened.id,
            )
        return moved, (self._event(_KIND_OF[happening], endpoint, moved, happened),)

    def _release_next(self, tx: Tx, ended: Delivery, now_us: int) -> None:
        """What waited for this one need not wait any longer."""
        rows = self._ports.rows
        following = rows.first_pending(tx, ended.endpoint_id, ended.order_key)
        if following is not None and following.attempts == 0 and following.due_at_us > now_us:
            rows.put_delivery(tx, replace(following, due_at_us=now_us))

    def _disable(self, tx: Tx, endpoint: Endpoint, now_us: int) -> tuple[Event, ...]:
        """The receiver said that it is gone for good (RFC 9110 section 15.5.11)."""
        ports = self._ports
        if endpoint.state is not EndpointState.ENABLED:
            return ()
        closed = replace(endpoint, state=EndpointState.DISABLED, disabled_reason="gone")
        ports.rows.put_endpoint(tx, closed)
        ended = ports.rows.fail_pending(tx, endpoint.id, "endpoint_disabled", now_us)
        ports.notify(
            tx,
            endpoint.merchant_id,
            "webhook_endpoint_disabled",
            f"{endpoint.url} answered 410, gone. Nothing is sent there until you enable it again.",
            endpoint.id,
        )
        return (self._said("webhook.endpoint_disabled", closed, {"failed": ended + 1}),)

    def _health(self, tx: Tx, endpoint: Endpoint, healthy: bool) -> tuple[Event, ...]:  # noqa: FBT001 - a value
        current = self._ports.rows.find_endpoint(tx, endpoint.id)
        assert current is not None, "endpoints are never removed"
        self._ports.rows.put_endpoint(tx, replace(current, is_healthy=healthy))
        share = self.lane_of(endpoint).share
        kind = "webhook.endpoint_recovered" if healthy else "webhook.endpoint_failing"
        return (self._said(kind, endpoint, {"share": share, "alert": not healthy}),)

    def _event(
        self, kind: str, endpoint: Endpoint, delivery: Delivery, happened: MerchantEvent
    ) -> Event:
        payment_id = happened.order_key if happened.order_key.startswith("pay_") else None
        return self._ports.events.make(
            kind,
            actor=ACTOR,
            payment_id=payment_id,
            data={
                "delivery_id": delivery.id,
                "endpoint_id": endpoint.id,
                "event_id": happened.id,
                "type": _name(endpoint, happened),
                "attempt": delivery.attempts,
                "status": delivery.last_status,
                "error": delivery.last_error,
                "due_at_us": delivery.due_at_us if kind == "webhook.refused" else None,
            },
        )

    def _said(self, kind: str, endpoint: Endpoint, facts: dict[str, object]) -> Event:
        data = {"endpoint_id": endpoint.id, "url": endpoint.url, **facts}
        return self._ports.events.make(kind, actor=ACTOR, data=data)

    def _report(self, error: StorageError) -> None:
        self._ports.events.emit("storage.refused", actor=ACTOR, data={"detail": str(error)})


_KIND_OF = {
    Happening.ACCEPTED: "webhook.delivered",
    Happening.REFUSED: "webhook.refused",
    Happening.EXHAUSTED: "webhook.failed",
    Happening.ENDPOINT_CLOSED: "webhook.failed",
}


def headers_of(signature: str) -> dict[str, str]:
    """What goes with every delivery."""
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Accept-Encoding": "identity",
        "User-Agent": "Tap-Lab/1.0 (webhooks)",
        signing.HEADER: signature,
    }


def _arrived(endpoint: Endpoint, answer: Answer | NoAnswer) -> bool:
    """Any 2xx counts, or 200 alone where the endpoint is strict; a redirect never does."""
    if isinstance(answer, NoAnswer):
        return False
    return answer.status == 200 if endpoint.strict_200 else 200 <= answer.status < 300


def _counted(delivery: Delivery, sent: _Sent) -> Delivery:
    """The delivery with this attempt in it."""
    counted = replace(delivery, tries=delivery.tries + 1, attempts=delivery.attempts + 1)
    match sent.answer:
        case Answer(status=status):
            return replace(counted, last_status=status, last_error=None)
        case NoAnswer(error=error):
            return replace(counted, last_status=None, last_error=error)


def _attempt(delivery: Delivery, sent: _Sent) -> Attempt:
    answer = sent.answer
    content = answer.content if isinstance(answer, Answer) else b""
    return Attempt(
        delivery_id=delivery.id,
        number=delivery.attempts,
        at_us=sent.at_us,
        duration_us=sent.duration_us,
        signature=sent.signature,
        status=delivery.last_status,
        error=delivery.last_error,
        answer=content,
    )


def _name(endpoint: Endpoint, happened: MerchantEvent) -> str:
    """An endpoint's name for an event; if its style was changed since, Stripe's."""
    return catalogue.name_for(endpoint.style, happened.type) or happened.type
