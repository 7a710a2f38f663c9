"""Tells the networks what merchants did after the sale, until they take note.

An advice (ISO 8583 0220) is stored with the change that it tells of. It is sent at once and then
on the schedule of every other question to a network, in lab time; one payment's advices keep their
order, since a refund means nothing to a network that has not heard of the completion. Repeats
carry the same reference, and the network books it once. A refusal is final: a refused refund is
booked back, a refused completion is said as an event and left for reconciliation.

Knows no SQL and no messages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from backend.domain.money import Money
from backend.gateway.ports import Adviser, GatewayRows
from backend.gateway.pricing import Pricing
from backend.gateway.records import Advice, AdviceKind, Refund, RefundState
from backend.outbox.ports import Outbox
from backend.payments.changes import Changes
from backend.payments.follow_up import (
    IN_FLIGHT_MAX,
    NOT_SENT_WAIT_S,
    SECOND_US,
    STORAGE_WAIT_S,
    wait_after_us,
)
from backend.payments.machine import Happening
from backend.payments.ports import PaymentRows
from backend.payments.records import Payment
from backend.runtime.alarm import Alarm
from backend.runtime.clock import Clock
from backend.runtime.errors import StorageError
from backend.runtime.events import Event, EventLog
from backend.runtime.scheduler import Scheduler
from backend.runtime.store import Store
from backend.switch.answers import Advised, AdvisedMoney, NotSent, Unknown

Tx = TypeVar("Tx")
APPROVED = "00"
ACTOR = "gateway"


Completed = Callable[[Tx, Payment], tuple[Event, ...]]
"""What follows from a sale that its network has booked, in the same unit of work."""


@dataclass(frozen=True, slots=True)
class AdvicePorts(Generic[Tx]):
    """Everything that telling takes from outside.

    Attributes:
        completed: told of every sale that its network has booked; answers what it stored.
    """

    store: Store[Tx]
    payments: PaymentRows[Tx]
    rows: GatewayRows[Tx]
    changes: Changes[Tx]
    outbox: Outbox[Tx]
    switch: Adviser
    pricing: Pricing[Tx]
    clock: Clock
    scheduler: Scheduler
    events: EventLog
    completed: Completed[Tx]


class Advices(Generic[Tx]):
    """Sends what is due."""

    def __init__(self, ports: AdvicePorts[Tx]) -> None:
        self._ports = ports
        self._telling: set[int] = set()
        self._alarm = Alarm(ports.scheduler, "advice timer")

    def wake(self) -> None:
        """Look at the schedule again."""
        self._alarm.ring()

    async def run_forever(self) -> None:
        """Tell whenever something is due; runs until cancelled."""
        await self._alarm.run_forever(self._start_due)

    def _start_due(self) -> int | None:
        """Start what is due; when the next is due."""
        ports, now_us = self._ports, self._ports.clock.now_us()
        try:
            due = ports.store.read(lambda tx: ports.rows.due_advices(tx, now_us, 2 * IN_FLIGHT_MAX))
            next_due_us = ports.store.read(lambda tx: ports.rows.next_advice_us(tx, now_us))
        except StorageError as error:
            self._report(None, error)
            return now_us + STORAGE_WAIT_S * SECOND_US
        for advice in due:
            if len(self._telling) < IN_FLIGHT_MAX and advice.id not in self._telling:
                self._telling.add(advice.id)
                ports.scheduler.spawn(self._tell(advice), f"advice {advice.id}")
        return next_due_us

    async def _tell(self, advice: Advice) -> None:
        try:
            for event in await self._tell_once(advice):
                self._ports.events.publish(event)
        except StorageError as error:
            self._report(advice.payment_id, error)
            await self._ports.scheduler.sleep(STORAGE_WAIT_S)
        finally:
            self._telling.discard(advice.id)
            self.wake()

    async def _tell_once(self, advice: Advice) -> tuple[Event, ...]:
        ports = self._ports
        payment = ports.store.read(lambda tx: ports.payments.find_payment(tx, advice.payment_id))
        assert payment is not None, "payments are never removed"
        answer = await ports.switch.advise(
            payment.network_name,
            payment.network_reference,
            AdvisedMoney(advice.kind is AdviceKind.REFUND, advice.amount_minor, payment.currency),
            advice.own,
            payment_id=payment.id,
            tap_id=payment.tap_id,
        )
        return await ports.store.write(partial(self._take, advice, answer))

    def _take(
        self, advice: Advice, answer: Advised | NotSent | Unknown, tx: Tx
    ) -> tuple[Event, ...]:
        ports, now_us = self._ports, self._ports.clock.now_us()
        if not isinstance(answer, Advised):
            self._tell_later(tx, advice, answer)
            return ()
        if not ports.rows.close_advice(tx, advice.id, answer.response_code, now_us):
            return ()
        payment = ports.payments.find_payment(tx, advice.payment_id)
        assert payment is not None, "payments are never removed"
        if advice.refund_id is None:
            word = "completed" if answer.response_code == APPROVED else "completion_refused"
            said = self._say(tx, payment, f"capture.{word}", answer, {})
            booked = answer.response_code == APPROVED
            return said + ports.completed(tx, payment) if booked else said
        refund = ports.rows.find_refund(tx, advice.refund_id)
        if refund is None:  # the money of a lost dispute: whatever is said, it stays lost
            word = "completed" if answer.response_code == APPROVED else "refused"
            facts = {"dispute_id": advice.refund_id, "amount_minor": advice.amount_minor}
            return self._say(tx, payment, f"chargeback.{word}", answer, facts)
        return self._end(tx, payment, refund, answer)

    def _end(self, tx: Tx, payment: Payment, refund: Refund, answer: Advised) -> tuple[Event, ...]:
        """The refund has come to its end; a refused one is booked back."""
        ports, succeeded = self._ports, answer.response_code == APPROVED
        ended = replace(
            refund,
            state=RefundState.SUCCEEDED if succeeded else RefundState.FAILED,
            completed_at_us=ports.clock.now_us(),
            failure=None if succeeded else answer.reason or f"answered_{answer.response_code}",
        )
        ports.rows.end_refund(tx, ended)
        facts = {"refund_id": refund.id, "refund_minor": refund.amount_minor}
        said = self._say(tx, payment, f"refund.{ended.state.value}", answer, facts)
        if succeeded:
            return said
        kept = replace(
            payment,
            refunded_minor=payment.refunded_minor - refund.amount_minor,
            fee_returned_minor=payment.fee_returned_minor - refund.fee_returned_minor,
        )
        given = replace(payment.promise(), money=Money(refund.amount_minor, payment.currency))
        post = ports.pricing.refund_failed(tx, refund, given)
        change = ports.changes.apply(
            tx,
            kept,
            Happening.REFUND_FAILED,
            payment.network_name,
            cause_id=said[0].id,
            data=facts,
            posts=[post],
        )
        assert change is not None, "read in the same unit of work"
        return said + change.events

    def _say(
        self,
        tx: Tx,
        payment: Payment,
        kind: str,
        answer: Advised,
        facts: dict[str, object],
    ) -> tuple[Event, ...]:
        event = self._ports.events.make(
            kind,
            actor=payment.network_name,
            payment_id=payment.id,
            tap_id=payment.tap_id,
            data={
                "merchant_id": payment.merchant.id,
                "response_code": answer.response_code,
                "reason": answer.reason,
                **facts,
            },
        )
        self._ports.outbox.add_events(tx, (event,))
        return (event,)

    def _tell_later(self, tx: Tx, advice: Advice, answer: NotSent | Unknown) -> None:
        if isinstance(answer, NotSent):
            tries = advice.tries
            wait_us = max((answer.retry_in_ms or 0) * 1_000, NOT_SENT_WAIT_S * SECOND_US)
        else:
            tries = advice.tries + 1
            wait_us = wait_after_us(tries)
        due_at_us = self._ports.clock.now_us() + wait_us
        self._ports.rows.postpone_advice(tx, advice.id, due_at_us, tries)

    def _report(self, payment_id: str | None, error: StorageError) -> None:
        self._ports.events.emit(
            "storage.refused", actor=ACTOR, payment_id=payment_id, data={"detail": str(error)}
        )
