"""Settlement's rows as values: a merchant's terms, batches, bank accounts, payouts, clearings.

What the rules hold between reading and writing. Knows no SQL; a bank account's number is read
once and only its ending kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from backend.settlement.business_day import Calendar

RESERVE_DAYS = 90


class Schedule(Enum):
    """When what is available is paid out."""

    DAILY = "daily"
    WEEKLY = "weekly"  # on Mondays
    MONTHLY = "monthly"  # on the first of the month
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a merchant's money is settled.

    Attributes:
        calendar: its business days.
        settled_after_days: a day's batch is made when the day so many later opens (T+1).
        available_after_days: its money can be paid out when the day so many later opens (T+2).
        schedule: of automatic payouts.
        reserve_basis_points: of a day's revenue, held back, in 1/10,000.
        reserve_days: for how long after the batch.
        country: of the merchant, ISO 3166-1 letters; for its bank account.
    """

    merchant_id: str
    calendar: Calendar = field(default_factory=Calendar)
    settled_after_days: int = 1
    available_after_days: int = 2
    schedule: Schedule = Schedule.DAILY
    reserve_basis_points: int = 0
    reserve_days: int = RESERVE_DAYS
    country: str = "US"


@dataclass(frozen=True, slots=True)
class Batch:
    """One merchant's business day in one currency.

    Its transactions are those with a line on the merchant's pending account after entry
    `after_seq` and up to `last_seq` of the merchant's shard; a merchant's batches follow one
    another without gap or overlap, so each capture is in exactly one.

    Attributes:
        id: "stl_…".
        business_day: ISO date.
        gross_minor: captured.
        fees_minor: ours, less what went back; negative when more went back.
        refunds_minor: given back to cards, less refunds that failed.
        disputes_minor: taken by disputes, less what was won back.
        reserve_minor: held back.
        net_minor: gross less all of these: what the merchant is owed.
        captures: how many captures.
        transactions: how many transactions of any kind.
        settled_at_us: when the batch was made.
        available_at_us: when it can be paid out.
        reserve_due_at_us: when the reserve is released.
        reserve_released_at_us: when it was; None while held, or when nothing was.
    """

    id: str
    merchant_id: str
    currency: str
    business_day: str
    after_seq: int
    last_seq: int
    gross_minor: int
    fees_minor: int
    refunds_minor: int
    disputes_minor: int
    reserve_minor: int
    net_minor: int
    captures: int
    transactions: int
    settled_at_us: int
    available_at_us: int
    reserve_due_at_us: int
    reserve_released_at_us: int | None = None

    def __post_init__(self) -> None:
        assert self.net_minor == (
            self.gross_minor
            - self.fees_minor
            - self.refunds_minor
            - self.disputes_minor
            - self.reserve_minor
        ), "net = gross - fees - refunds - disputes - reserve"


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What transactions of one purpose did to a merchant in one currency.

    Attributes:
        purpose: the ledger's word.
        net_minor: to the merchant.
        fee_minor: to us.
        transactions: how many.
    """

    currency: str
    purpose: str
    net_minor: int
    fee_minor: int
    transactions: int


@dataclass(frozen=True, slots=True)
class BankAccount:
    """Where a merchant is paid.

    Attributes:
        id: "ba_…".
        last4: the ending of its number; the bank decides by it.
    """

    id: str
    merchant_id: str
    country: str
    last4: str
    created_at_us: int


class PayoutState(Enum):
    """Where a payout stands."""

    PENDING = "pending"  # out of the balance, not at the bank yet
    IN_TRANSIT = "in_transit"  # the bank has it
    PAID = "paid"
    FAILED = "failed"  # the bank returned it: back in the balance
    CANCELED = "canceled"  # before the bank had it: back in the balance


@dataclass(frozen=True, slots=True)
class Payout:
    """Money on its way to a merchant's bank.

    Attributes:
        id: "po_…".
        automatic_day: the business day of the schedule; None on demand.
        send_at_us: when the bank is handed it; until then it can be canceled.
        arrival_at_us: when the bank will have booked it.
        ended_at_us: when it was paid, returned or canceled.
        failure: the bank's reason.
        description: the merchant's words.
        metadata: the merchant's own.
    """

    id: str
    merchant_id: str
    currency: str
    amount_minor: int
    destination: str
    state: PayoutState
    automatic_day: str | None
    created_at_us: int
    send_at_us: int
    arrival_at_us: int
    ended_at_us: int | None = None
    failure: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Balance:
    """A merchant's money in one currency, minor units.

    Attributes:
        pending_minor: captured or settled, not yet to be paid out.
        available_minor: can be paid out; negative when the merchant owes us.
        reserved_minor: held back.
    """

    currency: str
    pending_minor: int
    available_minor: int
    reserved_minor: int


@dataclass(frozen=True, slots=True)
class Clearing:
    """What a network paid for one of its days in one currency.

    Attributes:
        id: "clr_visa_2026-03-02_usd": a day is cleared once.
        day: ISO date, UTC.
        completions_minor: presented by us.
        refunds_minor: given back by us.
        lines: how many lines of its file.
    """

    id: str
    network: str
    day: str
    currency: str
    completions_minor: int
    refunds_minor: int
    lines: int
    closes_us: int
    posted_at_us: int

    @property
    def net_minor(self) -> int:
        """What the network pays; negative when we pay."""
        return self.completions_minor - self.refunds_minor
