"""The cure of unknown outcomes: ask what became of it, reverse what nobody may keep.

Theory of operation. When the till has heard "not completed", the payment must not end as a hold on
somebody's account. So an outcome that is unknown gets a row that is due: first a status query, then
a reversal unless the network says that nothing is held. Even an authorization that the network has
never seen is reversed, because its request may still be under way. A question that is not answered
is asked again after 5 s, 30 s, 5 min, 1 h and then daily, on lab time; a question that could not
leave this process (breaker open) is not counted. The rows are in the database, so a killed engine
asks on after its restart.

The safe rule after a crash: what nobody was told is undone. `recover` treats a payment that was
left `authorizing` like any unknown outcome; if the network had approved it, it is reversed, and a
till that comes back with the same key hears "pending" and then a final no. An approval that was
committed before the crash is final and stays.

Knows no SQL and no messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Generic, TypeVar, assert_never

from backend.payments.answer import NO_ANSWER_IN_TIME
from backend.payments.changes import Change, Changes
from backend.payments.machine import NEEDS_FOLLOW_UP, Happening, State, can
from backend.payments.ports import PaymentRows, Switch
from backend.payments.records import FollowUp, FollowUpKind, Payment
from backend.runtime.alarm import Alarm
from backend.runtime.clock import Clock
from backend.runtime.errors import StorageError
from backend.runtime.events import EventLog
from backend.runtime.scheduler import Scheduler
from backend.runtime.store import Store
from backend.switch.answers import Answered, NotSent, Reversed, StatusKnown, Unknown

Tx = TypeVar("Tx")

SECOND_US = 1_000_000
SCHEDULE_S = (5, 30, 300, 3_600, 86_400, 86_400, 86_400, 86_400, 86_400)
TRANSPORT_PATIENCE_S = 30
NOT_SENT_WAIT_S = 5
STORAGE_WAIT_S = 1
IN_FLIGHT_MAX = 64
RECOVERY_CHUNK = 200


def wait_after_us(tries: int) -> int:
    """How long after the `tries`-th unanswered question the next one is due; daily at the end."""
    return SCHEDULE_S[min(tries, len(SCHEDULE_S) - 1)] * SECOND_US


class FollowUps(Generic[Tx]):
    """Asks the networks until every unknown outcome is known and undone."""

    def __init__(
        self,
        store: Store[Tx],
        rows: PaymentRows[Tx],
        changes: Changes[Tx],
        switch: Switch,
        clock: Clock,
        scheduler: Scheduler,
        events: EventLog,
    ) -> None:
        self._store = store
        self._rows = rows
        self._changes = changes
        self._switch = switch
        self._clock = clock
        self._scheduler = scheduler
        self._events = events
        self._asking: set[int] = set()
        self._alarm = Alarm(scheduler, "follow-up timer")

    # The three ways into an unknown outcome.

    def schedule(self, tx: Tx, payment_id: str, *, still_under_way: bool) -> None:
        """Make the first status query due, inside the unit that made the outcome unknown.

        While the exchange is still under way its own late answer comes first; the query is for the
        case that this process does not live to see it.
        """
        wait_s = SCHEDULE_S[0] + (TRANSPORT_PATIENCE_S if still_under_way else 0)
        due_at_us = self._clock.now_us() + wait_s * SECOND_US
        self._rows.add_follow_up(tx, payment_id, FollowUpKind.STATUS_QUERY, due_at_us)

    async def give_up(self, payment_ids: Sequence[str], reason: str) -> None:
        """Declare outcomes unknown whose request ended without storing one.

        For a caller that hung up and a database that refused the result. Tries until it is stored.

        Args:
            payment_ids: looked at when the unit of work runs, after all units before it.
            reason: for the event.
        """

        def work(tx: Tx) -> list[Change]:
            payments = [self._rows.find_payment(tx, payment_id) for payment_id in payment_ids]
            now_us = self._clock.now_us()
            changes = [
                self._declare_unknown(tx, payment, reason, due_at_us=now_us)
                for payment in payments
                if payment is not None and payment.state is State.AUTHORIZING
            ]
            return [change for change in changes if change is not None]

        while True:
            try:
                changes = await self._store.write(work)
            except StorageError as error:
                self._report(None, error)
                await self._scheduler.sleep(STORAGE_WAIT_S)
            else:
                for change in changes:
                    self.publish(change)
                return

    async def recover(self) -> int:
        """Take up what an earlier process left; the number of payments.

        Raises:
            StorageError: the database refused.
        """
        left = self._store.read(self._rows.unsettled)
        for first in range(0, len(left), RECOVERY_CHUNK):
            chunk = [payment_id for payment_id, _ in left[first : first + RECOVERY_CHUNK]]
            for change in await self._store.write(partial(self._recover_chunk, payment_ids=chunk)):
                self.publish(change)
        self.wake()
        return len(left)

    def _recover_chunk(self, tx: Tx, payment_ids: list[str]) -> list[Change]:
        now_us = self._clock.now_us()
        changes = []
        for payment_id in payment_ids:
            payment = self._rows.find_payment(tx, payment_id)
            if payment is None:
                continue
            if payment.state is State.AUTHORIZING:
                change = self._declare_unknown(tx, payment, "engine_restarted", due_at_us=now_us)
                changes += [change] if change is not None else []
            elif payment.state in NEEDS_FOLLOW_UP and not self._rows.open_follow_ups(
                tx, payment_id
            ):
                reversing = payment.state is State.REVERSING
                kind = FollowUpKind.REVERSAL if reversing else FollowUpKind.STATUS_QUERY
                self._rows.add_follow_up(tx, payment_id, kind, now_us)
        return changes

    def _declare_unknown(
        self, tx: Tx, payment: Payment, reason: str, *, due_at_us: int
    ) -> Change | None:
        unknown = replace(payment, reason=reason)
        change = self._changes.apply(tx, unknown, Happening.NO_ANSWER, "engine")
        self._rows.add_follow_up(tx, payment.id, FollowUpKind.STATUS_QUERY, due_at_us)
        return change

    # The answer that came after the till had gone.

    async def await_late(self, payment_id: str, late: asyncio.Future[Answered | Unknown]) -> None:
        """Wait for the answer after the channel's deadline, and act on it.

        What cannot be stored now is found by the status query.
        """
        answer = await late
        try:
            self.publish(await self._store.write(partial(self.take_late, payment_id, answer)))
        except StorageError as error:
            self._report(payment_id, error)
        self.wake()  # the question may be due earlier now

    def take_late(
        self, payment_id: str, answer: Answered | Unknown, tx: Tx, reason: str = NO_ANSWER_IN_TIME
    ) -> Change | None:
        """Apply a late answer inside a unit of work; an approval is undone, for that reason."""
        payment = self._rows.find_payment(tx, payment_id)
        assert payment is not None, "payments are never removed"
        now_us = self._clock.now_us()
        if isinstance(answer, Unknown):
            for follow_up in self._rows.open_follow_ups(tx, payment_id):
                due_at_us = min(follow_up.due_at_us, now_us + wait_after_us(0))
                self._rows.postpone_follow_up(
                    tx, follow_up.id, due_at_us=due_at_us, tries=follow_up.tries
                )
            return None
        judge_cryptogram(self._rows, tx, payment, answer, now_us)
        happening = Happening.APPROVAL_TOO_LATE if answer.approved else Happening.DECLINED
        if not can(payment.state, happening):
            return None  # the cure has gone further than this answer
        told = replace(
            payment,
            response_code=answer.response_code,
            auth_code=answer.auth_code,
            reason=reason if answer.approved else answer.reason,
            steered=answer.steered,
            latency=replace(
                payment.latency,
                network=answer.hops_us.get("network", payment.latency.network),
                issuer=answer.hops_us.get("issuer", payment.latency.issuer),
            ),
        )
        valid = {"cryptogram_valid": answer.cryptogram_valid}
        return self._cure(tx, told, happening, payment.network_name, "answered_late", valid)

    # Asking.

    async def run_forever(self) -> None:
        """Ask whenever something is due."""
        await self._alarm.run_forever(self._start_due)

    def wake(self) -> None:
        """Look at the schedule again."""
        self._alarm.ring()

    def publish(self, change: Change | None) -> None:
        """Tell everyone about a committed change; look at the schedule if it left a question."""
        if change is None:
            return
        for event in change.events:
            self._events.publish(event)
        if change.payment.state in NEEDS_FOLLOW_UP:
            self.wake()

    def _start_due(self) -> int | None:
        """Start what is due; when the next is due."""
        now_us = self._clock.now_us()
        try:
            due = self._store.read(
                lambda tx: self._rows.due_follow_ups(tx, now_us, 2 * IN_FLIGHT_MAX)
            )
            next_due_us = self._store.read(lambda tx: self._rows.next_due_us(tx, now_us))
        except StorageError as error:
            self._report(None, error)
            return now_us + STORAGE_WAIT_S * SECOND_US
        for follow_up in due:
            if len(self._asking) < IN_FLIGHT_MAX and follow_up.id not in self._asking:
                self._asking.add(follow_up.id)
                self._scheduler.spawn(self._ask(follow_up), f"follow-up {follow_up.id}")
        return next_due_us

    async def _ask(self, follow_up: FollowUp) -> None:
        try:
            self.publish(await self._ask_once(follow_up))
        except StorageError as error:
            self._report(follow_up.payment_id, error)
            await self._scheduler.sleep(STORAGE_WAIT_S)
        finally:
            self._asking.discard(follow_up.id)
            self.wake()

    async def _ask_once(self, follow_up: FollowUp) -> Change | None:
        payment = self._store.read(lambda tx: self._rows.find_payment(tx, follow_up.payment_id))
        assert payment is not None, "payments are never removed"
        work: Callable[[Tx], Change | None]
        match follow_up.kind:
            case FollowUpKind.STATUS_QUERY:
                status = await self._switch.query_status(
                    payment.network_name,
                    payment.network_reference,
                    payment_id=payment.id,
                    tap_id=payment.tap_id,
                )
                work = partial(self._take_status, follow_up, payment.version, status)
            case FollowUpKind.REVERSAL:
                outcome = await self._switch.reverse(
                    payment.network_name,
                    payment.network_reference,
                    payment_id=payment.id,
                    amount_minor=payment.amount_minor,
                    currency=payment.currency,
                    tap_id=payment.tap_id,
                )
                work = partial(self._take_reversal, follow_up, payment.version, outcome)
            case _ as never:
                assert_never(never)
        return await self._store.write(work)

    def _take_status(
        self,
        follow_up: FollowUp,
        asked_version: int,
        status: StatusKnown | NotSent | Unknown,
        tx: Tx,
    ) -> Change | None:
        payment = self._same(tx, follow_up, asked_version)
        if payment is None:
            return None
        if not isinstance(status, StatusKnown):
            self._ask_later(tx, follow_up, status)
            return None
        if not status.found:
            return self._cure(tx, payment, Happening.NO_TRACE, payment.network_name, "not_found")
        if status.reversed:
            return self._cure(
                tx, payment, Happening.REVERSED, payment.network_name, "already_reversed"
            )
        if status.response_code is None:  # seen, but the issuer has not answered the network
            self._ask_later(tx, follow_up, Unknown("no_outcome_yet"))
            return None
        approved = status.response_code == "00"
        told = replace(
            payment,
            response_code=status.response_code,
            auth_code=status.auth_code,
            reason=NO_ANSWER_IN_TIME if approved else "declined_late",
        )
        happening = Happening.APPROVAL_TOO_LATE if approved else Happening.DECLINED
        result = "found_approved" if approved else "found_declined"
        return self._cure(tx, told, happening, payment.network_name, result)

    def _take_reversal(
        self,
        follow_up: FollowUp,
        asked_version: int,
        outcome: Reversed | NotSent | Unknown,
        tx: Tx,
    ) -> Change | None:
        payment = self._same(tx, follow_up, asked_version)
        if payment is None:
            return None
        if not isinstance(outcome, Reversed):
            self._ask_later(tx, follow_up, outcome)
            return None
        return self._cure(tx, payment, Happening.REVERSED, payment.network_name, "reversed")

    def _same(self, tx: Tx, follow_up: FollowUp, asked_version: int) -> Payment | None:
        """The payment, unless it or the question changed while the network was asked.

        Then the answer may be older than the change; whatever changed it left its own follow-up.
        """
        payment = self._rows.find_payment(tx, follow_up.payment_id)
        assert payment is not None, "payments are never removed"
        still_open = {each.id for each in self._rows.open_follow_ups(tx, payment.id)}
        same = payment.version == asked_version and follow_up.id in still_open
        return payment if same else None

    def _cure(
        self,
        tx: Tx,
        payment: Payment,
        happening: Happening,
        actor: str,
        result: str,
        data: Mapping[str, object] | None = None,
    ) -> Change | None:
        now_us = self._clock.now_us()
        self._rows.close_follow_ups(tx, payment.id, result=result, at_us=now_us)
        facts = {"result": result, **(data or {})}
        change = self._changes.apply(tx, payment, happening, actor, data=facts)
        assert change is not None, "read in the same unit of work"
        if change.payment.state is State.REVERSING:
            self._rows.add_follow_up(tx, payment.id, FollowUpKind.REVERSAL, now_us)
        return change

    def _ask_later(self, tx: Tx, follow_up: FollowUp, answer: NotSent | Unknown) -> None:
        if isinstance(answer, NotSent):
            tries = follow_up.tries
            wait_us = max((answer.retry_in_ms or 0) * 1_000, NOT_SENT_WAIT_S * SECOND_US)
        else:
            tries = follow_up.tries + 1
            wait_us = wait_after_us(tries)
        due_at_us = self._clock.now_us() + wait_us
        self._rows.postpone_follow_up(tx, follow_up.id, due_at_us=due_at_us, tries=tries)

    def _report(self, payment_id: str | None, error: StorageError) -> None:
        self._events.emit(
            "storage.refused", actor="engine", payment_id=payment_id, data={"detail": str(error)}
        )


def judge_cryptogram(
    rows: PaymentRows[Tx], tx: Tx, payment: Payment, answer: Answered, at_us: int
) -> None:
    """Move the watermark for a valid cryptogram; let a forged one's counter go.

    A forged 65535 must not lock a token, so only the card's own counter counts. A card that was
    not there has no counter.
    """
    if payment.token_ref is None:
        return
    if answer.cryptogram_valid is True:
        rows.raise_watermark(tx, payment.token_ref, payment.atc, at_us)
    elif answer.cryptogram_valid is False:
        rows.mark_forged(tx, payment)
