"""What may be posted: balanced transactions of two or more postings, corrected only by reversing.

Pure values and functions. Knows no database, no clock and no payment states: callers say when a
promise is made and when it is released. An unbalanced transaction is a mistake in the program,
not an outcome, and therefore asserts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from backend.domain.money import Money
from backend.ledger.accounts import customer_card, pending_settlement


class Direction(Enum):
    """The two columns of a journal."""

    DEBIT = "debit"
    CREDIT = "credit"

    @property
    def opposite(self) -> Direction:
        """The other column."""
        return Direction.CREDIT if self is Direction.DEBIT else Direction.DEBIT


class Purpose(Enum):
    """Why a transaction was posted."""

    AUTHORIZATION = "authorization"
    RELEASE = "release"
    CAPTURE = "capture"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    DISPUTE = "dispute"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    SETTLEMENT = "settlement"
    RESERVE_RELEASED = "reserve_released"
    PAYOUT = "payout"
    PAYOUT_FAILED = "payout_failed"
    PAYOUT_CANCELED = "payout_canceled"
    CLEARING = "clearing"


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of a transaction.

    Attributes:
        account: path name of the account.
        direction: debit or credit.
        money: never negative.
        sentence: what it means, for people.
    """

    account: str
    direction: Direction
    money: Money
    sentence: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """Postings that stand or fall together; debits equal credits in every currency.

    Attributes:
        id: unique; `pay_…:authorization:2`, the number being the payment's version.
        purpose: why.
        payment_id: the payment it belongs to; for money of a whole day, its batch or payout.
        merchant_id: chooses the shard of the hash chain.
        at_us: lab time of posting.
        postings: two or more.
    """

    id: str
    purpose: Purpose
    payment_id: str
    merchant_id: str
    at_us: int
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        assert self.postings, "a transaction has postings"
        assert not any(imbalance(self.postings).values()), "debits equal credits per currency"


@dataclass(frozen=True, slots=True)
class Promise:
    """An issuer's promise to pay a merchant for one payment.

    Attributes:
        token_ref: whose promise: a token, or a card of the vault.
        card: "Visa ·4242", for the sentences.
        merchant_name: as the cardholder reads it.
    """

    payment_id: str
    token_ref: str
    card: str
    merchant_id: str
    merchant_name: str
    money: Money


def authorization(promise: Promise, at_us: int, *, version: int = 1) -> Transaction:
    """The promise is made: debit the customer's card, credit pending settlement."""
    card, merchant, money = promise.card, promise.merchant_name, promise.money
    sentences = f"{card} promises {money} to {merchant}", f"{merchant} awaits {money} from {card}"
    lines = _lines(promise, Direction.DEBIT, sentences)
    return _of_promise(promise, Purpose.AUTHORIZATION, at_us, version, lines)


def release(promise: Promise, at_us: int, *, version: int = 1) -> Transaction:
    """The promise is taken back: the authorization's lines with their columns exchanged."""
    card, merchant, money = promise.card, promise.merchant_name, promise.money
    sentences = (
        f"{card} is released from {money} to {merchant}",
        f"{merchant} no longer awaits {money} from {card}",
    )
    lines = _lines(promise, Direction.CREDIT, sentences)
    return _of_promise(promise, Purpose.RELEASE, at_us, version, lines)


def imbalance(postings: Iterable[Posting]) -> dict[str, int]:
    """Debits minus credits by currency, minor units; all zero when balanced."""
    sums: defaultdict[str, int] = defaultdict(int)
    for posting in postings:
        sums[posting.money.currency] += signed_minor(posting.direction, posting.money.amount_minor)
    return dict(sums)


def balances(postings: Iterable[Posting]) -> dict[tuple[str, str], int]:
    """Balance of each (account, currency) as the fold of its postings; debit is positive."""
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for posting in postings:
        sums[posting.account, posting.money.currency] += signed_minor(
            posting.direction, posting.money.amount_minor
        )
    return dict(sums)


def signed_minor(direction: Direction, amount_minor: int) -> int:
    """Debits positive, credits negative."""
    return amount_minor if direction is Direction.DEBIT else -amount_minor


def _of_promise(
    promise: Promise, purpose: Purpose, at_us: int, version: int, lines: tuple[Posting, ...]
) -> Transaction:
    return Transaction(
        id=f"{promise.payment_id}:{purpose.value}:{version}",
        purpose=purpose,
        payment_id=promise.payment_id,
        merchant_id=promise.merchant_id,
        at_us=at_us,
        postings=lines,
    )


def _lines(
    promise: Promise, card_side: Direction, sentences: tuple[str, str]
) -> tuple[Posting, Posting]:
    card = customer_card(promise.token_ref).name
    merchant = pending_settlement(promise.merchant_id).name
    return (
        Posting(card, card_side, promise.money, sentences[0]),
        Posting(merchant, card_side.opposite, promise.money, sentences[1]),
    )
