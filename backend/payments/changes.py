"""One change of a payment, with everything that belongs to it, in one unit of work.

State, events, ledger, audit line and the key's answer change together or not at all; no other
module updates a payment. Knows when money is promised or released, but no network and no clock's
waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from backend.ledger import journal
from backend.ledger.journal import Transaction as Posted
from backend.outbox.ports import AuditRecord, Outbox
from backend.payments.answer import STATUS_OK, body_of, key_state_of
from backend.payments.machine import Happening, State, advance
from backend.payments.ports import LedgerRows, PaymentRows
from backend.payments.posting import Poster
from backend.payments.records import KeyState, Payment
from backend.runtime.clock import Clock
from backend.runtime.events import Event, EventLog

Tx = TypeVar("Tx")
Post = Callable[[int, int], Posted]
"""A ledger transaction, once its lab time and the payment's version are known."""
Companion = Callable[[Tx, Payment, Happening], tuple[Event, ...]]
"""What moves together with a payment."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a unit of work did.

    Attributes:
        payment: as it is now.
        body: the answer that its key gives now; empty while in flight.
        events: to be published after the commit, in order.
    """

    payment: Payment
    body: bytes
    events: tuple[Event, ...]


class Changes(Generic[Tx]):
    """Carries out changes inside the caller's unit of work."""

    def __init__(
        self,
        rows: PaymentRows[Tx],
        ledger: LedgerRows[Tx],
        outbox: Outbox[Tx],
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._rows = rows
        self._poster = Poster(ledger, events)
        self._outbox = outbox
        self._events = events
        self._clock = clock
        self._companions: list[Companion[Tx]] = []

    def accompany(self, companion: Companion[Tx]) -> None:
        """Have `companion` told of every moved payment, in the same unit of work.

        It writes what follows from the move and returns the events that it stored.
        """
        self._companions.append(companion)

    def create(self, tx: Tx, payment: Payment) -> Change:
        """Store a new payment with its first event."""
        assert payment.version == 1, "a new payment has one event"
        self._rows.add_payment(tx, payment)
        event = self._event(payment, Happening.CREATED, "engine", None, {})
        self._outbox.add_events(tx, (event,))
        return Change(payment, b"", (event,))

    def apply(
        self,
        tx: Tx,
        payment: Payment,
        happening: Happening,
        actor: str,
        *,
        cause_id: str | None = None,
        data: Mapping[str, object] | None = None,
        posts: Sequence[Post] = (),
    ) -> Change | None:
        """Move a payment and write everything that follows from it.

        Args:
            tx: the caller's unit of work.
            payment: with the new facts (codes, reason, latency), still in its old state.
            happening: what happened.
            actor: who made it happen, for the event.
            cause_id: the event that led here.
            data: more facts for the event.
            posts: what the ledger books besides promises made and released.

        Returns:
            The change; None when the stored payment is no longer the one in hand, in which case
            nothing was written.

        Raises:
            IllegalTransition: the table has no such change.
        """
        moved = replace(
            payment,
            state=advance(payment.state, happening),
            version=payment.version + 1,
            updated_at_us=self._clock.now_us(),
            hold_open=_holds_after(payment, happening),
        )
        if not self._rows.update_payment(tx, moved, was_version=payment.version):
            return None
        event = self._event(moved, happening, actor, cause_id, data or {})
        transactions = [
            *_promises(payment, moved, happening),
            *(post(moved.updated_at_us, moved.version) for post in posts),
        ]
        posted = [
            self._poster.post(tx, each, cause_id=event.id, payment_id=moved.id, tap_id=moved.tap_id)
            for each in transactions
        ]
        events: tuple[Event, ...] = (event, *posted)
        self._outbox.add_events(tx, events)
        self._outbox.add_audit(tx, _audit_record(moved, happening))
        for companion in self._companions:
            events += companion(tx, moved, happening)
        return Change(moved, self._set_key(tx, moved), events)

    def _set_key(self, tx: Tx, payment: Payment) -> bytes:
        state = key_state_of(payment.state)
        if state is KeyState.IN_FLIGHT:
            status, body = None, None
        else:
            status, body = STATUS_OK, body_of(payment)
        if payment.state is not State.REVERSING:  # the till's "pending" stays as it was told
            self._rows.set_key(
                tx,
                account=payment.account,
                key=payment.key,
                state=state,
                status=status,
                body=body,
                at_us=payment.updated_at_us,
            )
        return body or b""

    def _event(
        self,
        payment: Payment,
        happening: Happening,
        actor: str,
        cause_id: str | None,
        data: Mapping[str, object],
    ) -> Event:
        return self._events.make(
            happening.value,
            actor=actor,
            payment_id=payment.id,
            tap_id=payment.tap_id,
            cause_id=cause_id,
            data={**_facts(payment), **data},
        )


def _promises(before: Payment, after: Payment, happening: Happening) -> list[Posted]:
    """The issuer's promise made or released, when the change calls for it.

    A capture takes the promise up instead: what it books, its caller says.
    """
    if before.hold_open == after.hold_open or happening is Happening.CAPTURED:
        return []
    post = journal.authorization if after.hold_open else journal.release
    return [post(after.promise(), after.updated_at_us, version=after.version)]


def _holds_after(payment: Payment, happening: Happening) -> bool:
    if happening in (Happening.APPROVED, Happening.APPROVAL_TOO_LATE):
        return True
    return payment.hold_open and happening not in (Happening.REVERSED, Happening.CAPTURED)


def _facts(payment: Payment) -> dict[str, object]:
    after_the_sale = {
        "captured_minor": payment.captured_minor,
        "refunded_minor": payment.refunded_minor,
        "fee_minor": payment.fee_minor,
    }
    return {
        **(after_the_sale if payment.captured_minor else {}),
        "version": payment.version,
        "state": payment.state.value,
        "network": payment.network,
        "last4": payment.last4,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "merchant_id": payment.merchant.id,
        "merchant_name": payment.merchant.name,
        "terminal_id": payment.terminal_id,
        "channel": payment.channel.value,
        "response_code": payment.response_code,
        "reason": payment.reason,
        "synthetic": payment.synthetic,
    }


def _audit_record(payment: Payment, happening: Happening) -> AuditRecord:
    return AuditRecord(
        at_us=payment.updated_at_us,
        user_id=payment.user_id,
        action=happening.value,
        resource_type="payment",
        resource_id=payment.id,
        result=payment.state.value,
        metadata={
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "merchant_id": payment.merchant.id,
            "response_code": payment.response_code,
            "reason": payment.reason,
        },
    )
