"""Pays merchants: on schedule or on demand, through a bank that may return what it was given.

Theory of operation. Creating a payout takes its money out of the merchant's balance in one unit of
work. The bank is another company: it is handed the payout later, outside any unit, with the
payout's identifier as its reference, so a repeat after a crash moves nothing twice. When the
payout arrives the bank is asked how it went; a returned one goes back to the balance in the unit
that ends it, once. Automatic payouts are unique by merchant, currency and day of the schedule;
after one was returned they wait until the merchant names another account.

Knows no SQL and no HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Generic, TypeVar

from backend.domain.identifiers import ordered_identifier
from backend.domain.money import Money, check_amount, exponent, format_amount
from backend.ledger import settling
from backend.ledger.accounts import merchant_balance, merchant_pending, merchant_reserve
from backend.ledger.journal import Purpose
from backend.ledger.journal import Transaction as Posted
from backend.outbox.ports import AuditRecord, Outbox
from backend.payments.posting import Poster
from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream
from backend.runtime.errors import BadRequest, Conflict, NotFound
from backend.runtime.events import Event, EventLog
from backend.runtime.store import Store
from backend.settlement.payout_machine import PayoutHappening, advance
from backend.settlement.ports import Bank, BatchRows, PayoutRows, TermsBook, Transfer
from backend.settlement.records import (
    Balance,
    BankAccount,
    Payout,
    PayoutState,
    Schedule,
    Terms,
)

Tx = TypeVar("Tx")
ACTOR = "settlement"
PAGE = 200
BANK_WAIT_US = 600_000_000
"""How long a payout waits before the bank is handed it: ten minutes in which to cancel."""
FIRST_ACCOUNT_LAST4 = "6789"
DESCRIPTION_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True)
class PayoutOrder:
    """What a merchant wants paid out.

    Attributes:
        destination: one of its bank accounts; None for the newest.
        description: its words, if any.
    """

    merchant_id: str
    amount_minor: int
    currency: str
    destination: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        """Judge the fields that can be judged alone.

        Raises:
            BadRequest: `amount_…`, `currency_unknown` or `description_too_long`.
        """
        check_amount(self.amount_minor)
        exponent(self.currency)
        if self.description is not None and len(self.description) > DESCRIPTION_LENGTH_MAX:
            raise BadRequest(
                "description_too_long",
                f"a description has at most {DESCRIPTION_LENGTH_MAX} characters",
                field="description",
            )


@dataclass(frozen=True, slots=True)
class PayoutPorts(Generic[Tx]):
    """Everything that paying out takes from outside.

    Attributes:
        identifiers: stream for the random part of identifiers.
    """

    store: Store[Tx]
    rows: PayoutRows[Tx]
    batches: BatchRows[Tx]
    terms: TermsBook[Tx]
    poster: Poster[Tx]
    outbox: Outbox[Tx]
    events: EventLog
    clock: Clock
    identifiers: Stream
    bank: Bank


Done = tuple[Payout, tuple[Event, ...]]


class Payouts(Generic[Tx]):
    """Creates payouts and brings each to its end."""

    def __init__(self, ports: PayoutPorts[Tx]) -> None:
        self._ports = ports

    def create(self, tx: Tx, order: PayoutOrder) -> Done:
        """Take a payout's money out of the balance, inside the caller's unit of work.

        Returns:
            The payout and its events, to be published after the commit.

        Raises:
            Conflict: `balance_insufficient`.
            NotFound: `merchant_not_found` or `bank_account_not_found`.
        """
        terms = self._terms(tx, order.merchant_id)
        now_us = self._ports.clock.now_us()
        available_minor = self._available(tx, terms.merchant_id, now_us).get(order.currency, 0)
        if order.amount_minor > available_minor:
            raise Conflict(
                "balance_insufficient",
                f"{format_amount(max(available_minor, 0), order.currency)} are available",
                field="amount",
            )
        made = self._new(tx, terms, order, automatic_day=None)
        assert made is not None, "only automatic payouts are unique by their day"
        return made

    async def create_alone(self, order: PayoutOrder) -> Payout:
        """Like `create`, in a unit of work of its own.

        Raises:
            Conflict: `balance_insufficient`.
            NotFound: `merchant_not_found` or `bank_account_not_found`.
            StorageError: the database refused; nothing was done.
        """
        return self._publish(await self._ports.store.write(lambda tx: self.create(tx, order)))

    def cancel(self, tx: Tx, merchant_id: str, payout_id: str) -> Done:
        """Take a payout back before the bank has it, inside the caller's unit of work.

        Raises:
            Conflict: `payout_not_pending`.
            NotFound: `payout_not_found`.
        """
        payout = self.find(tx, merchant_id, payout_id)
        if payout.state is not PayoutState.PENDING:
            raise Conflict("payout_not_pending", f"this payout is {payout.state.value}")
        done = self._move(payout, PayoutHappening.CANCELED, None, tx)
        assert done is not None, "read in the same unit of work"
        return done

    async def cancel_alone(self, merchant_id: str, payout_id: str) -> Payout:
        """Like `cancel`, in a unit of work of its own.

        Raises:
            Conflict: `payout_not_pending`.
            NotFound: `payout_not_found`.
            StorageError: the database refused; nothing was done.
        """
        write = self._ports.store.write
        return self._publish(await write(lambda tx: self.cancel(tx, merchant_id, payout_id)))

    def find(self, tx: Tx, merchant_id: str, payout_id: str) -> Payout:
        """One payout of a merchant.

        Raises:
            NotFound: `payout_not_found`.
        """
        payout = self._ports.rows.find_payout(tx, payout_id)
        if payout is None or payout.merchant_id != merchant_id:
            raise NotFound("payout_not_found", "this merchant has no such payout")
        return payout

    async def pay_to(self, merchant_id: str, number: str) -> BankAccount:
        """Have a merchant paid to another account from now on; only its ending is kept.

        Raises:
            BadRequest: `account_number`.
            NotFound: `merchant_not_found`.
            StorageError: the database refused.
        """
        if not (number.isascii() and number.isdigit() and 4 <= len(number) <= 17):
            raise BadRequest("account_number", "an account number has 4 to 17 digits",
                             field="number")  # fmt: skip
        return await self._ports.store.write(
            lambda tx: self._add_account(tx, self._terms(tx, merchant_id), number[-4:])
        )

    def balances(self, tx: Tx, merchant_id: str) -> list[Balance]:
        """A merchant's money now, by currency."""
        now_us = self._ports.clock.now_us()
        found = self._ports.batches.balances(tx, merchant_id)
        not_yet = self._ports.batches.not_available(tx, merchant_id, now_us)

        def owed(account: str, currency: str) -> int:
            return -found.get((account, currency), 0)

        return [
            Balance(
                currency,
                owed(merchant_pending(merchant_id).name, currency) + not_yet.get(currency, 0),
                owed(merchant_balance(merchant_id).name, currency) - not_yet.get(currency, 0),
                owed(merchant_reserve(merchant_id).name, currency),
            )
            for currency in sorted({currency for _, currency in found})
        ]

    async def pay_scheduled(self, terms: Terms) -> list[Payout]:
        """Create the automatic payouts of the last day of the schedule that has come.

        Raises:
            StorageError: the database refused; what was created stays.
        """
        day = scheduled_day(terms, self._today(terms))
        if day is None:
            return []
        made = []
        for currency in self._payable(terms, day):
            done = await self._ports.store.write(partial(self._automatic, terms, currency, day))
            if done is not None:
                made.append(self._publish(done))
        return made

    def scheduled_us(self, terms: Terms) -> int | None:
        """When the next automatic payout could be due; None when nothing is coming."""
        now_us, merchant_id = self._ports.clock.now_us(), terms.merchant_id
        if terms.schedule is Schedule.MANUAL:
            return None

        def read(tx: Tx) -> int | None:
            account = self._ports.rows.account_of(tx, merchant_id)
            if account is not None and self._ports.rows.has_refused(tx, account.id):
                return None
            if any(minor > 0 for minor in self._available(tx, merchant_id, now_us).values()):
                return now_us + 1
            return self._ports.batches.next_available_us(tx, merchant_id, now_us)

        from_us = self._ports.store.read(read)
        if from_us is None:
            return None
        day = terms.calendar.day_of(from_us)
        if day.opens_us < from_us:
            day = day.after(1)
        while not _is_scheduled(terms.schedule, day.date):
            day = day.after(1)
        return day.opens_us

    async def move_due(self) -> int:
        """Hand the bank what waits for it and ask after what has arrived; how many moved.

        Raises:
            StorageError: the database refused.
        """
        ports, moved = self._ports, 0
        while due := ports.store.read(
            lambda tx: ports.rows.due_payouts(tx, ports.clock.now_us(), PAGE)
        ):
            for payout in due:
                happening, failure = await self._at_the_bank(payout)
                done = await ports.store.write(partial(self._move, payout, happening, failure))
                if done is not None:
                    self._publish(done)
                    moved += 1
        return moved

    async def _at_the_bank(self, payout: Payout) -> tuple[PayoutHappening, str | None]:
        ports = self._ports
        if payout.state is PayoutState.IN_TRANSIT:
            failure = ports.bank.refusal(payout.id)
            return (PayoutHappening.FAILED if failure else PayoutHappening.PAID), failure
        account = ports.store.read(lambda tx: ports.rows.find_account(tx, payout.destination))
        assert account is not None, "bank accounts are never removed"
        await ports.bank.send(
            Transfer(
                payout.id,
                account.last4,
                payout.amount_minor,
                payout.currency,
                payout.arrival_at_us,
            )
        )
        return PayoutHappening.SENT, None

    def _payable(self, terms: Terms, day: date) -> list[str]:
        opens_us = terms.calendar.day(day).opens_us
        found = self._ports.store.read(lambda tx: self._available(tx, terms.merchant_id, opens_us))
        return [currency for currency, minor in found.items() if minor > 0]

    def _automatic(self, terms: Terms, currency: str, day: date, tx: Tx) -> Done | None:
        opens_us = terms.calendar.day(day).opens_us
        then = self._available(tx, terms.merchant_id, opens_us).get(currency, 0)
        account = self._destination(tx, terms, None)
        if then <= 0 or self._ports.rows.has_refused(tx, account.id):
            return None
        order = PayoutOrder(terms.merchant_id, then, currency)
        return self._new(tx, terms, order, automatic_day=day.isoformat())

    def _available(self, tx: Tx, merchant_id: str, at_us: int) -> dict[str, int]:
        """What can be paid out of batches that were available at `at_us`, by currency."""
        account = merchant_balance(merchant_id).name
        not_yet = self._ports.batches.not_available(tx, merchant_id, at_us)
        return {
            currency: -minor - not_yet.get(currency, 0)
            for (name, currency), minor in sorted(
                self._ports.batches.balances(tx, merchant_id).items()
            )
            if name == account
        }

    def _new(
        self, tx: Tx, terms: Terms, order: PayoutOrder, *, automatic_day: str | None
    ) -> Done | None:
        ports, now_us = self._ports, self._ports.clock.now_us()
        account = self._destination(tx, terms, order.destination)
        send_at_us = now_us + BANK_WAIT_US
        payout = Payout(
            id=ordered_identifier("po", now_us, ports.identifiers),
            merchant_id=order.merchant_id,
            currency=order.currency,
            amount_minor=order.amount_minor,
            destination=account.id,
            state=advance(None, PayoutHappening.CREATED),
            automatic_day=automatic_day,
            created_at_us=now_us,
            send_at_us=send_at_us,
            arrival_at_us=terms.calendar.day_of(send_at_us).closes_us,
            description=order.description,
            metadata=dict(order.metadata or {}),
        )
        if not ports.rows.add_payout(tx, payout):
            return None
        money = Money(payout.amount_minor, payout.currency)
        posted = settling.payout(payout.id, payout.merchant_id, money, now_us)
        return payout, self._say(tx, payout, PayoutHappening.CREATED, posted)

    def _move(
        self, payout: Payout, happening: PayoutHappening, failure: str | None, tx: Tx
    ) -> Done | None:
        now_us = self._ports.clock.now_us()
        state = advance(payout.state, happening)
        moved = replace(
            payout,
            state=state,
            failure=failure,
            ended_at_us=None if state is PayoutState.IN_TRANSIT else now_us,
        )
        if not self._ports.rows.move_payout(tx, moved, was=payout.state.value):
            return None
        match happening:
            case PayoutHappening.FAILED:
                purpose = Purpose.PAYOUT_FAILED
            case PayoutHappening.CANCELED:
                purpose = Purpose.PAYOUT_CANCELED
            case _:
                return moved, self._say(tx, moved, happening, None)
        money = Money(moved.amount_minor, moved.currency)
        posted = settling.payout_back(moved.id, moved.merchant_id, money, now_us, purpose=purpose)
        return moved, self._say(tx, moved, happening, posted)

    def _say(
        self,
        tx: Tx,
        payout: Payout,
        happening: PayoutHappening,
        posted: Posted | None,
    ) -> tuple[Event, ...]:
        ports = self._ports
        names = {"merchant_id": payout.merchant_id, "object": "payout", "object_id": payout.id}
        facts: dict[str, object] = {
            "amount_minor": payout.amount_minor,
            "currency": payout.currency,
            "state": payout.state.value,
            "automatic": payout.automatic_day is not None,
            "failure": payout.failure,
        }
        event = ports.events.make(happening.value, actor=ACTOR, data={**names, **facts})
        events = [event]
        if posted is not None:
            events.append(ports.poster.post(tx, posted, cause_id=event.id, data=names))
        ports.outbox.add_events(tx, events)
        ports.outbox.add_audit(
            tx,
            AuditRecord(
                ports.clock.now_us(), None, happening.value, "payout", payout.id,
                payout.state.value, {**facts, "merchant_id": payout.merchant_id},
            ),
        )  # fmt: skip
        return tuple(events)

    def _destination(self, tx: Tx, terms: Terms, wanted: str | None) -> BankAccount:
        rows = self._ports.rows
        if wanted is None:
            account = rows.account_of(tx, terms.merchant_id)
            return account or self._add_account(tx, terms, FIRST_ACCOUNT_LAST4)
        account = rows.find_account(tx, wanted)
        if account is None or account.merchant_id != terms.merchant_id:
            raise NotFound("bank_account_not_found", "this merchant has no such bank account",
                           field="destination")  # fmt: skip
        return account

    def _add_account(self, tx: Tx, terms: Terms, last4: str) -> BankAccount:
        now_us = self._ports.clock.now_us()
        account = BankAccount(
            ordered_identifier("ba", now_us, self._ports.identifiers),
            terms.merchant_id,
            terms.country,
            last4,
            now_us,
        )
        self._ports.rows.add_account(tx, account)
        return account

    def _terms(self, tx: Tx, merchant_id: str) -> Terms:
        terms = self._ports.terms.terms(tx, merchant_id)
        if terms is None:
            raise NotFound("merchant_not_found", "there is no such merchant")
        return terms

    def _today(self, terms: Terms) -> date:
        return terms.calendar.day_of(self._ports.clock.now_us()).date

    def _publish(self, done: Done) -> Payout:
        payout, events = done
        for event in events:
            self._ports.events.publish(event)
        return payout


def scheduled_day(terms: Terms, today: date) -> date | None:
    """The last day of the schedule up to today; None when payouts are the merchant's to ask."""
    match terms.schedule:
        case Schedule.MANUAL:
            return None
        case Schedule.DAILY:
            return today
        case Schedule.WEEKLY:
            return today - timedelta(days=today.weekday())
        case Schedule.MONTHLY:
            return today.replace(day=1)


def _is_scheduled(schedule: Schedule, day: date) -> bool:
    return (
        schedule is Schedule.DAILY
        or (schedule is Schedule.WEEKLY and day.weekday() == 0)
        or (schedule is Schedule.MONTHLY and day.day == 1)
    )
