"""Disputes: a cardholder's bank wants a captured payment back, and the merchant may answer.

Theory of operation. A notice of a network becomes a dispute in one unit of work: the ledger holds
amount and fee, the merchant is written to, the event is in the outbox. The same notice again
changes nothing, and a payment has one dispute. The merchant adds evidence until the deadline and
hands it in once; then the network decides (`dispute_schedule` asks it). Every end releases the
hold: to the merchant, or to the cardholder. Where the cardholder had been authenticated, the issuer
bears a fraud dispute and nothing is held.

Knows no SQL, no HTTP and no wire format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Generic, TypeVar

from backend.domain.identifiers import ordered_identifier
from backend.domain.money import Money
from backend.gateway.dispute_letters import DisputeLetters
from backend.gateway.dispute_machine import DisputeHappening, DisputeState, advance
from backend.gateway.dispute_ports import DisputeRows
from backend.gateway.dispute_records import (
    ClosedWhy,
    Dispute,
    DisputeNotice,
    Liability,
    check_notice,
)
from backend.gateway.merchant_account import MerchantAccount
from backend.gateway.merchants import Merchants
from backend.gateway.pages import Page
from backend.gateway.ports import GatewayRows
from backend.gateway.records import Advice, AdviceKind
from backend.ledger import disputing
from backend.ledger.journal import Promise, Transaction
from backend.networks.disputes import case_of
from backend.networks.message import transmission_time
from backend.outbox.ports import AuditRecord, Outbox
from backend.payments.ports import PaymentRows
from backend.payments.posting import Poster
from backend.payments.records import Payment
from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream
from backend.runtime.errors import BadRequest, Conflict, NotFound
from backend.runtime.events import Event, EventLog
from backend.switch.answers import NetworkReference

Tx = TypeVar("Tx")
DAY_US = 86_400 * 1_000_000
FRAUD = "fraudulent"
MERCHANT = "merchant"


@dataclass(frozen=True, slots=True)
class DisputePorts(Generic[Tx]):
    """Everything that disputes take from outside.

    Attributes:
        advices: where what a network has to be told is kept.
        letters: what is written to merchants.
        identifiers: stream for the random part of identifiers.
    """

    rows: DisputeRows[Tx]
    advices: GatewayRows[Tx]
    payments: PaymentRows[Tx]
    merchants: Merchants[Tx]
    letters: DisputeLetters[Tx]
    poster: Poster[Tx]
    outbox: Outbox[Tx]
    events: EventLog
    clock: Clock
    identifiers: Stream


@dataclass(frozen=True, slots=True)
class DisputeChange:
    """What a unit of work did.

    Attributes:
        dispute: as it is now.
        events: stored already; to be published after the commit, in order.
    """

    dispute: Dispute
    events: tuple[Event, ...] = ()


class Disputes(Generic[Tx]):
    """Opens disputes, takes evidence, closes them; always inside the caller's unit of work."""

    def __init__(self, ports: DisputePorts[Tx]) -> None:
        self._ports = ports

    def open(self, tx: Tx, notice: DisputeNotice) -> DisputeChange:
        """Take a network's notice in; one that was taken in already changes nothing.

        Raises:
            NotFound: `payment_not_found`.
            Conflict: `not_captured`, `dispute_exceeds_capture`.
            BadRequest: `reason_unknown`, `currency_differs`.
        """
        ports = self._ports
        known = ports.rows.dispute_of_payment(tx, notice.payment_id)
        if known is not None:
            return DisputeChange(known)
        payment = ports.payments.find_payment(tx, notice.payment_id)
        if payment is None:
            raise NotFound("payment_not_found", "there is no such payment")
        check_notice(notice, payment)
        account = ports.merchants.of(tx, payment.merchant.id)
        dispute = self._fresh(tx, notice, payment, account)
        ports.rows.add_dispute(tx, dispute)
        if dispute.liability is Liability.ISSUER:
            return self._record(
                tx, payment, dispute, DisputeHappening.SHIFTED, payment.network_name
            )
        hold = disputing.dispute_opened(
            _promise(payment, dispute), dispute.id, dispute.fee_minor, dispute.created_at_us
        )
        change = self._record(
            tx, payment, dispute, DisputeHappening.OPENED, payment.network_name, hold
        )
        self._ports.letters.write(tx, dispute)
        return replace(change, events=change.events + self._ports.letters.warn(tx, dispute))

    def announced(self, tx: Tx, payment: Payment) -> DisputeNotice | None:
        """The notice over a payment of which its network said that it would be disputed."""
        reason = self._ports.rows.announced_reason(tx, payment.id)
        if reason is None:
            return None
        reference = payment.network_reference
        sent = transmission_time(reference.sent_at_us)
        case_id = case_of(payment.network_name, (reference.rrn, reference.stan, sent))
        return DisputeNotice(
            case_id,
            payment.id,
            payment.captured_minor - payment.refunded_minor,
            payment.currency,
            reason,
        )

    def update(
        self,
        tx: Tx,
        merchant_id: str | None,
        dispute_id: str,
        *,
        evidence: Mapping[str, str | None] | None = None,
        metadata: Mapping[str, str] | None = None,
        submit: bool = False,
    ) -> DisputeChange:
        """Keep evidence (and notes), and hand it in if `submit`.

        Args:
            tx: the caller's unit of work.
            merchant_id: whose dispute; None for the laboratory's own desk.
            dispute_id: "dp_…".
            evidence: kinds to texts or file names; an empty text takes one out.
            metadata: the merchant's notes, all of them; allowed at any time.
            submit: the network gets what there is, once.

        Raises:
            NotFound: `dispute_not_found`.
            Conflict: `dispute_closed`, `evidence_submitted`, `evidence_too_late`.
            BadRequest: `evidence_unknown`, `evidence_too_long`, `no_evidence`.
        """
        now_us = self._ports.clock.now_us()
        before = self.of(tx, merchant_id, dispute_id)
        dispute = before
        if metadata is not None:
            dispute = replace(dispute, metadata=MappingProxyType(dict(metadata)))
        if evidence or submit:
            _check_open(before, now_us)
            dispute = dispute.with_evidence(evidence or {})
        if submit and not dispute.evidence:
            raise BadRequest("no_evidence", "there is no evidence to hand in", field="evidence")
        if dispute == before and not submit:
            return DisputeChange(before)
        payment = self._payment(tx, dispute)
        if not submit and before.state is not DisputeState.NEEDS_RESPONSE:
            return self._note(tx, before, dispute)
        if submit:
            dispute = replace(dispute, submitted_at_us=now_us, due_at_us=now_us, tries=0)
        happening = DisputeHappening.SUBMITTED if submit else DisputeHappening.UPDATED
        return self._move(tx, payment, dispute, happening, MERCHANT)

    def accept(
        self, tx: Tx, merchant_id: str | None, dispute_id: str, own: NetworkReference
    ) -> DisputeChange:
        """The merchant gives a dispute up: it is lost, for good.

        Args:
            tx: the caller's unit of work.
            merchant_id: whose dispute; None for the laboratory's own desk.
            dispute_id: "dp_…".
            own: a reference for telling the network (see `DisputeSchedule.reference`).

        Raises:
            NotFound: `dispute_not_found`.
            Conflict: `dispute_closed`, `evidence_submitted`.
        """
        dispute = self.of(tx, merchant_id, dispute_id)
        _check_open(dispute, None)
        return self._lose(tx, dispute, ClosedWhy.ACCEPTED, MERCHANT, own)

    def lapse(self, tx: Tx, dispute_id: str, own: NetworkReference) -> DisputeChange | None:
        """Nothing was handed in by the deadline: lost. None when that is not so (any more)."""
        dispute = self._ports.rows.find_dispute(tx, dispute_id)
        assert dispute is not None, "disputes are never removed"
        is_over = self._ports.clock.now_us() >= dispute.evidence_due_at_us
        if dispute.state is not DisputeState.NEEDS_RESPONSE or not is_over:
            return None
        return self._lose(tx, dispute, ClosedWhy.LAPSED, dispute.network, own)

    def decide(
        self, tx: Tx, dispute_id: str, own: NetworkReference, *, won: bool
    ) -> DisputeChange | None:
        """Take the network's verdict in. None when the dispute is not under review (any more)."""
        dispute = self._ports.rows.find_dispute(tx, dispute_id)
        assert dispute is not None, "disputes are never removed"
        if dispute.state is not DisputeState.UNDER_REVIEW:
            return None
        if not won:
            return self._lose(tx, dispute, ClosedWhy.DECIDED, dispute.network, own)
        payment = self._payment(tx, dispute)
        account = self._ports.merchants.of(tx, dispute.merchant_id)
        back = account.dispute_fee_back_if_won
        at_us = self._ports.clock.now_us()
        closed = replace(dispute.closed(ClosedWhy.DECIDED, at_us), fee_returned=back)
        release = disputing.dispute_won(
            _promise(payment, dispute), dispute.id, dispute.fee_minor, at_us, fee_back=back
        )
        return self._move(tx, payment, closed, DisputeHappening.WON, dispute.network, release)

    def forbids_refund(self, tx: Tx, payment_id: str) -> bool:
        """Whether a dispute over this payment runs or was lost: it is not given back twice."""
        dispute = self._ports.rows.dispute_of_payment(tx, payment_id)
        return dispute is not None and dispute.state is not DisputeState.WON

    def is_known(self, tx: Tx, payment_id: str) -> bool:
        """Whether there ever was a dispute over this payment."""
        return self._ports.rows.dispute_of_payment(tx, payment_id) is not None

    def of(self, tx: Tx, merchant_id: str | None, dispute_id: str) -> Dispute:
        """One dispute; of any merchant where none is named.

        Raises:
            NotFound: `dispute_not_found`.
        """
        dispute = self._ports.rows.find_dispute(tx, dispute_id)
        if dispute is None or merchant_id not in {None, dispute.merchant_id}:
            raise NotFound("dispute_not_found", "there is no such dispute")
        return dispute

    def page(
        self, tx: Tx, merchant_id: str | None, page: Page, payment_id: str | None = None
    ) -> list[Dispute]:
        """At most `page.rows`, newest first; oldest first where `page.is_backwards`."""
        return self._ports.rows.disputes(tx, merchant_id, page, payment_id)

    def publish(self, change: DisputeChange) -> None:
        """Tell everyone, after the commit."""
        for event in change.events:
            self._ports.events.publish(event)

    def _fresh(
        self, tx: Tx, notice: DisputeNotice, payment: Payment, account: MerchantAccount
    ) -> Dispute:
        ports, now_us = self._ports, self._ports.clock.now_us()
        shifted = notice.reason == FRAUD and ports.rows.is_liability_shifted(tx, payment.id)
        due_at_us = now_us + account.evidence_days * DAY_US
        dispute = Dispute(
            id=ordered_identifier("dp", now_us, ports.identifiers),
            case_id=notice.case_id,
            payment_id=payment.id,
            merchant_id=payment.merchant.id,
            network=payment.network_name,
            amount_minor=notice.amount_minor,
            currency=notice.currency,
            fee_minor=0 if shifted else account.dispute_fee_minor(notice.currency),
            reason=notice.reason,
            state=advance(None, DisputeHappening.SHIFTED if shifted else DisputeHappening.OPENED),
            liability=Liability.ISSUER if shifted else Liability.MERCHANT,
            created_at_us=now_us,
            updated_at_us=now_us,
            evidence_due_at_us=due_at_us,
            due_at_us=due_at_us,
        )
        return dispute.closed(ClosedWhy.SHIFTED, now_us) if shifted else dispute

    def _lose(
        self, tx: Tx, dispute: Dispute, why: ClosedWhy, actor: str, own: NetworkReference
    ) -> DisputeChange:
        """The cardholder gets the money; its network is told until it has booked it."""
        payment, at_us = self._payment(tx, dispute), self._ports.clock.now_us()
        release = disputing.dispute_lost(
            _promise(payment, dispute), dispute.id, dispute.fee_minor, at_us
        )
        closed = dispute.closed(why, at_us)
        advice = Advice(
            0, payment.id, AdviceKind.REFUND, dispute.id, dispute.amount_minor, own, at_us
        )
        self._ports.advices.add_advice(tx, advice)
        return self._move(tx, payment, closed, DisputeHappening.LOST, actor, release)

    def _move(
        self,
        tx: Tx,
        payment: Payment,
        dispute: Dispute,
        happening: DisputeHappening,
        actor: str,
        posted: Transaction | None = None,
    ) -> DisputeChange:
        """Store a dispute with its new facts, in its new state."""
        moved = replace(
            dispute,
            state=advance(dispute.state, happening),
            version=dispute.version + 1,
            updated_at_us=self._ports.clock.now_us(),
        )
        stored = self._ports.rows.update_dispute(tx, moved, was_version=dispute.version)
        assert stored, "read in the same unit of work"
        change = self._record(tx, payment, moved, happening, actor, posted)
        if moved.closed_at_us is not None:
            self._ports.letters.write(tx, moved)
        return change

    def _note(self, tx: Tx, before: Dispute, dispute: Dispute) -> DisputeChange:
        """Only the merchant's own notes changed: nothing happened to the dispute."""
        stored = self._ports.rows.update_dispute(tx, dispute, was_version=before.version)
        assert stored, "read in the same unit of work"
        return DisputeChange(dispute)

    def _record(
        self,
        tx: Tx,
        payment: Payment,
        dispute: Dispute,
        happening: DisputeHappening,
        actor: str,
        posted: Transaction | None = None,
    ) -> DisputeChange:
        ports, facts = self._ports, dispute.facts()
        event = ports.events.make(
            happening.value,
            actor=actor,
            payment_id=payment.id,
            tap_id=payment.tap_id,
            data=facts,
        )
        events = [event]
        if posted is not None:
            events.append(
                ports.poster.post(
                    tx, posted, cause_id=event.id, payment_id=payment.id, tap_id=payment.tap_id
                )
            )
        ports.outbox.add_events(tx, events)
        ports.outbox.add_audit(
            tx,
            AuditRecord(
                dispute.updated_at_us, payment.user_id, happening.value, "dispute", dispute.id,
                dispute.state.value, facts,
            ),
        )  # fmt: skip
        return DisputeChange(dispute, tuple(events))

    def _payment(self, tx: Tx, dispute: Dispute) -> Payment:
        payment = self._ports.payments.find_payment(tx, dispute.payment_id)
        assert payment is not None, "payments are never removed"
        return payment


def _check_open(dispute: Dispute, now_us: int | None) -> None:
    match dispute.state:
        case DisputeState.WON | DisputeState.LOST:
            raise Conflict("dispute_closed", f"this dispute is {dispute.state.value}")
        case DisputeState.UNDER_REVIEW:
            raise Conflict("evidence_submitted", "the network has the evidence already")
        case DisputeState.NEEDS_RESPONSE:
            if now_us is not None and now_us >= dispute.evidence_due_at_us:
                raise Conflict("evidence_too_late", "the deadline for evidence has passed")


def _promise(payment: Payment, dispute: Dispute) -> Promise:
    return replace(payment.promise(), money=Money(dispute.amount_minor, dispute.currency))
