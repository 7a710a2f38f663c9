"""Does what disputes wait for: lets a deadline lapse, and asks networks for their verdicts.

What is due lies in the rows, in lab time. A network that does not answer is asked again on the
schedule of every other question to it. A deadline that has passed while nobody was here lapses at
the start. Beside it, what a person in front of the laboratory may do: have a cardholder's bank
raise a case, and what a network announced when it approved. Knows no SQL and no HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from backend.gateway.dispute_machine import DisputeHappening, DisputeState
from backend.gateway.dispute_ports import DisputeNetwork, DisputeRows
from backend.gateway.dispute_records import Dispute, DisputeNotice, check_notice
from backend.gateway.disputes import DisputeChange, Disputes
from backend.networks.dispute_terms import Outcome, Submission
from backend.payments.follow_up import IN_FLIGHT_MAX, SECOND_US, STORAGE_WAIT_S, wait_after_us
from backend.payments.ports import PaymentRows
from backend.payments.records import Payment
from backend.payments.references import ReferenceNumbers
from backend.runtime.alarm import Alarm
from backend.runtime.clock import Clock
from backend.runtime.errors import (
    BadRequest,
    MessageError,
    NotFound,
    StorageError,
    TransportError,
)
from backend.runtime.events import Event, EventLog
from backend.runtime.scheduler import Scheduler
from backend.runtime.store import Store
from backend.switch.answers import NetworkReference
from backend.wallet.errors import NetworkUnavailable

Tx = TypeVar("Tx")
ACTOR = "gateway"


@dataclass(frozen=True, slots=True)
class SchedulePorts(Generic[Tx]):
    """Everything that the schedule takes from outside."""

    store: Store[Tx]
    rows: DisputeRows[Tx]
    payments: PaymentRows[Tx]
    disputes: Disputes[Tx]
    references: ReferenceNumbers[Tx]
    network: DisputeNetwork
    clock: Clock
    scheduler: Scheduler
    events: EventLog


class DisputeSchedule(Generic[Tx]):
    """Attends to disputes when they are due."""

    def __init__(self, ports: SchedulePorts[Tx]) -> None:
        self._ports = ports
        self._attending: set[str] = set()
        self._alarm = Alarm(ports.scheduler, "dispute timer")
        self._losses: list[Callable[[], None]] = []
        ports.events.subscribe(self._heed)

    def heed_losses(self, wake: Callable[[], None]) -> None:
        """Call `wake` after each commit that left a network a lost dispute to be told of."""
        self._losses.append(wake)

    def _heed(self, event: Event) -> None:
        """Events are published after their commit: only then is there anything to look at."""
        if not event.kind.startswith("dispute."):
            return
        self._alarm.ring()
        if event.kind == DisputeHappening.LOST.value:
            for wake in self._losses:
                wake()

    async def reference(self) -> NetworkReference:
        """A network reference for a dispute that may be lost, to be taken before its unit.

        Raises:
            StorageError: the database refused.
        """
        return await self._ports.references.take(self._ports.clock.now_us())

    async def run_forever(self) -> None:
        """Attend whenever something is due; runs until cancelled."""
        await self._alarm.run_forever(self._start_due)

    async def raise_case(
        self, payment_id: str, reason: str, amount_minor: int | None = None
    ) -> Dispute:
        """Have a cardholder's bank dispute a captured payment, through its network.

        Raises:
            NotFound: `payment_not_found`; `no_such_sale` while the network has not booked it.
            Conflict: `not_captured`, `dispute_exceeds_capture`, `amount_beyond_sale`.
            BadRequest: `reason_unknown`.
            NetworkUnavailable: the network did not answer; the case may be raised there, and
                raising it again tells.
            StorageError: the database refused; raising it again tells.
        """
        ports = self._ports
        payment = ports.store.read(lambda tx: ports.payments.find_payment(tx, payment_id))
        if payment is None:
            raise NotFound("payment_not_found", "there is no such payment")
        left_minor = payment.captured_minor - payment.refunded_minor
        wanted_minor = left_minor if amount_minor is None else amount_minor
        check_notice(DisputeNotice("", payment.id, wanted_minor, payment.currency, reason), payment)
        try:
            case = await ports.network.raise_case(
                payment.network_name,
                payment.network_reference,
                amount_minor=wanted_minor,
                currency=payment.currency,
                reason=reason,
            )
        except (TransportError, MessageError) as error:
            raise NetworkUnavailable("the network's dispute desk does not answer") from error
        notice = DisputeNotice(
            case.case_id, payment.id, case.amount_minor, case.currency, case.reason
        )
        change = await ports.store.write(lambda tx: ports.disputes.open(tx, notice))
        ports.disputes.publish(change)
        return change.dispute

    def completed(self, tx: Tx, payment: Payment) -> tuple[Event, ...]:
        """A network has booked a sale: open the dispute that it announced, if it did.

        Works in the unit of work that notes the booking; the events are published by its caller.
        """
        notice = self._ports.disputes.announced(tx, payment)
        if notice is None or notice.amount_minor <= 0:
            return ()
        return self._ports.disputes.open(tx, notice).events

    def _start_due(self) -> int | None:
        """Start what is due; when the next is due."""
        ports, now_us = self._ports, self._ports.clock.now_us()
        try:
            due = ports.store.read(
                lambda tx: ports.rows.due_disputes(tx, now_us, 2 * IN_FLIGHT_MAX)
            )
            next_due_us = ports.store.read(lambda tx: ports.rows.next_dispute_us(tx, now_us))
        except StorageError as error:
            self._report(None, error)
            return now_us + STORAGE_WAIT_S * SECOND_US
        for dispute in due:
            if len(self._attending) < IN_FLIGHT_MAX and dispute.id not in self._attending:
                self._attending.add(dispute.id)
                ports.scheduler.spawn(self._attend(dispute), f"dispute {dispute.id}")
        return next_due_us

    async def _attend(self, dispute: Dispute) -> None:
        try:
            change = await self._attend_once(dispute)
            if change is not None:
                self._ports.disputes.publish(change)
        except StorageError as error:
            self._report(dispute.payment_id, error)
            await self._ports.scheduler.sleep(STORAGE_WAIT_S)
        finally:
            self._attending.discard(dispute.id)
            self._alarm.ring()

    async def _attend_once(self, dispute: Dispute) -> DisputeChange | None:
        ports = self._ports
        own = await self.reference()
        if dispute.state is DisputeState.NEEDS_RESPONSE:
            return await ports.store.write(lambda tx: ports.disputes.lapse(tx, dispute.id, own))
        assert dispute.submitted_at_us is not None, "what is under review was handed in"
        submission = Submission(dispute.reason, dispute.submitted_at_us, dict(dispute.evidence))
        try:
            verdict = await ports.network.judge(dispute.network, dispute.case_id, submission)
        except (TransportError, MessageError, BadRequest) as error:
            await self._postpone(dispute, error)
            return None
        if verdict.outcome is Outcome.UNDER_REVIEW:
            again_at_us = verdict.again_at_us
            assert again_at_us is not None, "a review says until when"
            await self._later(dispute, max(again_at_us, ports.clock.now_us() + SECOND_US), 0)
            return None
        won = verdict.outcome is Outcome.WON
        return await ports.store.write(
            lambda tx: ports.disputes.decide(tx, dispute.id, own, won=won)
        )

    async def _postpone(self, dispute: Dispute, error: Exception) -> None:
        tries = dispute.tries + 1
        wait_us = wait_after_us(tries)
        self._ports.events.emit(
            "network.not_heard",
            actor=dispute.network,
            payment_id=dispute.payment_id,
            data={"why": str(error), "again_in_s": wait_us // SECOND_US, "dispute_id": dispute.id},
        )
        await self._later(dispute, self._ports.clock.now_us() + wait_us, tries)

    async def _later(self, dispute: Dispute, due_at_us: int, tries: int) -> None:
        rows = self._ports.rows
        await self._ports.store.write(
            lambda tx: rows.postpone_dispute(tx, dispute.id, dispute.version, due_at_us, tries)
        )

    def _report(self, payment_id: str | None, error: StorageError) -> None:
        self._ports.events.emit(
            "storage.refused", actor=ACTOR, payment_id=payment_id, data={"detail": str(error)}
        )
