"""What settlement asks of the world outside: rows, merchants' terms, the bank, the networks.

Storage and the assembly implement these. `Tx` is whatever the store hands to a unit of work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from backend.settlement.records import BankAccount, Batch, Clearing, DayTotal, Payout, Terms

Tx_contra = TypeVar("Tx_contra", contravariant=True)


class TermsBook(Protocol[Tx_contra]):
    """Under which terms merchants are settled."""

    def terms(self, tx: Tx_contra, merchant_id: str) -> Terms | None:
        """One merchant's."""

    def all_terms(self, tx: Tx_contra) -> list[Terms]:
        """Every merchant's, in a fixed order."""


class BatchRows(Protocol[Tx_contra]):
    """Batches, and the journal as settlement reads it."""

    def settled_seq(self, tx: Tx_contra, merchant_id: str) -> int:
        """The last entry of the merchant's shard that is in a batch; 0 for none."""

    def first_unsettled_us(self, tx: Tx_contra, merchant_id: str, after_seq: int) -> int | None:
        """When the first entry after `after_seq` on the pending account was posted."""

    def last_seq_before(
        self, tx: Tx_contra, merchant_id: str, after_seq: int, closes_us: int
    ) -> int:
        """The last entry on the pending account before the first one at or after `closes_us`."""

    def totals(
        self, tx: Tx_contra, merchant_id: str, after_seq: int, last_seq: int
    ) -> list[DayTotal]:
        """What the transactions of a range come to, by currency and purpose."""

    def add_batch(self, tx: Tx_contra, batch: Batch) -> None:
        """Insert a batch."""

    def batches(self, tx: Tx_contra, merchant_id: str | None, limit: int) -> list[Batch]:
        """Batches, newest first; of one merchant, if named."""

    def due_reserves(self, tx: Tx_contra, at_us: int, limit: int) -> list[Batch]:
        """Batches whose reserve is held and due at or before `at_us`."""

    def next_reserve_us(self, tx: Tx_contra) -> int | None:
        """When the first held reserve is due."""

    def release_reserve(self, tx: Tx_contra, batch_id: str, at_us: int) -> bool:
        """Note that a reserve was released; False when it was already."""

    def balances(self, tx: Tx_contra, merchant_id: str) -> dict[tuple[str, str], int]:
        """Balance of the merchant's own accounts by (account, currency), debit positive."""

    def not_available(self, tx: Tx_contra, merchant_id: str, at_us: int) -> dict[str, int]:
        """Positive nets of batches that are settled and not available yet, by currency."""

    def next_available_us(self, tx: Tx_contra, merchant_id: str, after_us: int) -> int | None:
        """When the next batch becomes available."""


class PayoutRows(Protocol[Tx_contra]):
    """Payouts and bank accounts."""

    def add_account(self, tx: Tx_contra, account: BankAccount) -> None:
        """Insert a bank account; the newest is where a merchant is paid."""

    def account_of(self, tx: Tx_contra, merchant_id: str) -> BankAccount | None:
        """Where a merchant is paid."""

    def find_account(self, tx: Tx_contra, account_id: str) -> BankAccount | None:
        """One bank account."""

    def has_refused(self, tx: Tx_contra, account_id: str) -> bool:
        """Whether the bank has returned a payout to an account."""

    def add_payout(self, tx: Tx_contra, payout: Payout) -> bool:
        """Insert a payout; False when this day's automatic one is there already."""

    def move_payout(self, tx: Tx_contra, payout: Payout, *, was: str) -> bool:
        """Store state and end; False when it is no longer in the state `was`."""

    def put_metadata(self, tx: Tx_contra, payout: Payout) -> None:
        """Store the merchant's own words."""

    def find_payout(self, tx: Tx_contra, payout_id: str) -> Payout | None:
        """One payout."""

    def due_payouts(self, tx: Tx_contra, at_us: int, limit: int) -> list[Payout]:
        """Payouts to be sent or asked after at or before `at_us`, oldest first."""

    def next_payout_us(self, tx: Tx_contra) -> int | None:
        """When the next payout is to be sent or asked after."""

    def payouts(
        self, tx: Tx_contra, merchant_id: str | None, limit: int, before_id: str | None = None
    ) -> list[Payout]:
        """Payouts, newest first; of one merchant, if named."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """What the bank is asked to move.

    Attributes:
        reference: ours; the same on every repeat.
        last4: ending of the account that is paid.
        arrives_at_us: when it will be booked.
    """

    reference: str
    last4: str
    amount_minor: int
    currency: str
    arrives_at_us: int


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of our bank's statement.

    Attributes:
        reference: of what was moved.
        kind: "payout", "return" or "network".
        signed_minor: positive when money came in.
    """

    reference: str
    kind: str
    signed_minor: int
    currency: str
    booked_at_us: int


class Bank(Protocol):
    """Another company: it keeps books of its own."""

    async def send(self, transfer: Transfer) -> None:
        """Hand a transfer over; a repeat of a reference changes nothing."""

    def refusal(self, reference: str) -> str | None:
        """Why a transfer was returned; None when it was paid."""

    def statement(self, from_us: int, to_us: int) -> list[StatementLine]:
        """What was booked on our account, by when; payouts and returns."""


class BankRows(Protocol[Tx_contra]):
    """The bank's own book."""

    def add_transfer(self, tx: Tx_contra, transfer: Transfer, failure: str | None) -> None:
        """Insert a transfer, unless its reference is there."""

    def failure_of(self, tx: Tx_contra, reference: str) -> str | None:
        """Why a transfer is returned."""

    def booked(
        self, tx: Tx_contra, from_us: int, to_us: int
    ) -> Sequence[tuple[Transfer, str | None]]:
        """Transfers booked in a span, with why they were returned."""


@dataclass(frozen=True, slots=True)
class Presentment:
    """One line of a network's clearing file: what the network booked.

    Attributes:
        rrn: of the authorization.
        kind: "completion" or "refund".
        stan: of the advice that presented it.
        sent: its DE 7, MMDDhhmmss.
    """

    network: str
    rrn: str
    kind: str
    stan: str
    sent: str
    amount_minor: int
    currency: str
    booked_at_us: int


class ClearingFiles(Protocol):
    """What the networks booked, day by day; only where they can be reached."""

    def presentments(self, from_us: int, to_us: int) -> list[Presentment]:
        """Every network's lines of a span, in order of booking."""


class ClearingRows(Protocol[Tx_contra]):
    """Days that networks have paid for."""

    def cleared_until_us(self, tx: Tx_contra) -> int:
        """The end of the last day that was cleared; 0 for none."""

    def set_cleared(self, tx: Tx_contra, until_us: int, *, was_us: int) -> bool:
        """Move that end; False when somebody else did."""

    def add_clearing(self, tx: Tx_contra, clearing: Clearing) -> None:
        """Insert what a network paid."""

    def clearings(self, tx: Tx_contra, from_us: int, to_us: int) -> list[Clearing]:
        """What networks paid for days that closed in a span."""
