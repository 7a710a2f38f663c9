"""What moved a merchant's money, one line for each: charges, refunds, disputes, payouts.

Nothing is stored for it: a balance transaction is a transaction of the journal as the merchant
sees it, so the list can never say anything else than the books. Its identifier names the entry
(`txn_`, shard, number). Moving money from pending to available is no line: it is the same money.
Knows no SQL and no HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from backend.gateway.pages import Page
from backend.gateway.pricing import ConversionRows
from backend.ledger.chain import Entry, shard_of
from backend.ledger.journal import Purpose, signed_minor
from backend.runtime.clock import Clock
from backend.settlement.ports import BatchRows, TermsBook

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)
_IDENTIFIER = re.compile(r"txn_([0-9a-f]{2})([0-9a-f]{14})", re.ASCII)
KINDS = {
    Purpose.CAPTURE.value: "charge",
    Purpose.REFUND.value: "refund",
    Purpose.REFUND_FAILED.value: "refund_failure",
    Purpose.PAYOUT.value: "payout",
    Purpose.PAYOUT_FAILED.value: "payout_failure",
    Purpose.PAYOUT_CANCELED.value: "payout_cancel",
}
ADJUSTMENT = "adjustment"
TYPES = frozenset({*KINDS.values(), ADJUSTMENT})
_DISPUTES = frozenset(
    {Purpose.DISPUTE.value, Purpose.DISPUTE_WON.value, Purpose.DISPUTE_LOST.value}
)
_OWNED = ("liabilities:merchant-pending:", "liabilities:merchant-balance:")
_PENDING = "liabilities:merchant-pending:"
_REVENUE = "revenue:"
_SPREAD = "revenue:fx-spread"
_TAX = "liabilities:tax"


@dataclass(frozen=True, slots=True)
class FeePart:
    """A part of a fee: "stripe_fee" or "tax", as the wire's clients know them."""

    kind: str
    amount_minor: int
    description: str


@dataclass(frozen=True, slots=True)
class BalanceTransaction:
    """One line.

    Attributes:
        id: "txn_…".
        kind: the wire's word.
        source_id: the charge, refund, dispute or payout.
        amount_minor: what moved before our fee; negative when money left the merchant.
        fee_minor: ours of it; negative when a fee went back.
        available_us: when it can be paid out.
        is_available: whether that is so now.
        rate: from the payment's currency, where it was converted.
    """

    id: str
    kind: str
    source_id: str
    amount_minor: int
    fee_minor: int
    currency: str
    created_us: int
    available_us: int
    is_available: bool
    fees: tuple[FeePart, ...]
    description: str
    rate: Decimal | None

    @property
    def net_minor(self) -> int:
        """What it did to the merchant's balance."""
        return self.amount_minor - self.fee_minor


class JournalRows(Protocol[Tx_contra]):
    """The journal as merchants' lines are read from it."""

    def moves(
        self, tx: Tx_contra, merchant_id: str, page: Page, seqs: tuple[int, int]
    ) -> list[Entry]:
        """Entries that moved a merchant's money between two numbers, `page.rows` of them.

        Newest first; oldest first where `page.is_backwards`.
        """

    def move(self, tx: Tx_contra, merchant_id: str, seq: int) -> Entry | None:
        """The entry of a number, if it moved this merchant's money."""

    def move_of(self, tx: Tx_contra, owner_id: str, purpose: str, number: int) -> Entry | None:
        """The entry of an owner's first, second … transaction of a purpose."""

    def transaction(self, tx: Tx_contra, entry: Entry) -> list[Entry]:
        """Every entry of the transaction of an entry."""

    def batch_available_us(self, tx: Tx_contra, merchant_id: str, seq: int) -> int | None:
        """When the batch that an entry is in is available; None while it is in none."""

    def refund_ids(self, tx: Tx_contra, payment_id: str, *, failed: bool) -> list[str]:
        """A payment's refunds in the order in which the journal has them."""


@dataclass(frozen=True, slots=True)
class BooksPorts(Generic[Tx]):
    """Everything that reading lines takes from outside."""

    rows: JournalRows[Tx]
    batches: BatchRows[Tx]
    terms: TermsBook[Tx]
    conversions: ConversionRows[Tx]
    clock: Clock


class Books(Generic[Tx]):
    """Reads merchants' lines."""

    def __init__(self, ports: BooksPorts[Tx]) -> None:
        self._ports = ports

    def page(
        self, tx: Tx, merchant_id: str, page: Page, wanted: Mapping[str, str]
    ) -> list[BalanceTransaction]:
        """At most `page.rows` lines, newest first; oldest first where `page.is_backwards`.

        Args:
            tx: a read.
            merchant_id: whose.
            page: which part of the list.
            wanted: values that `kind`, `currency` or `source_id` must have.
        """
        shard = shard_of(merchant_id)
        before, after = _seq_of(page.before_id, shard), _seq_of(page.after_id, shard)
        low, high = 0 if after is None else after, 2**62 if before is None else before
        lines: list[BalanceTransaction] = []
        while True:
            found = self._ports.rows.moves(tx, merchant_id, page, (low, high))
            lines += [
                line
                for line in (self._line(tx, merchant_id, entry) for entry in found)
                if line is not None
                and all(getattr(line, name) == value for name, value in wanted.items())
            ]
            if len(found) < page.rows or len(lines) >= page.rows:
                return lines[: page.rows]
            if page.is_backwards:
                low = found[-1].seq
            else:
                high = found[-1].seq

    def find(self, tx: Tx, merchant_id: str, identifier: str) -> BalanceTransaction | None:
        """One line of a merchant."""
        seq = _seq_of(identifier, shard_of(merchant_id))
        if seq is None:
            return None
        entry = self._ports.rows.move(tx, merchant_id, seq)
        return None if entry is None else self._line(tx, merchant_id, entry)

    def id_of(self, tx: Tx, owner_id: str, purpose: Purpose, number: int = 0) -> str | None:
        """The line of a payment's capture, of its first, second … refund, of a payout."""
        entry = self._ports.rows.move_of(tx, owner_id, purpose.value, number)
        return None if entry is None else _identifier(entry)

    def id_of_refund(self, tx: Tx, payment_id: str, refund_id: str) -> str | None:
        """The line of a refund."""
        refunds = self._ports.rows.refund_ids(tx, payment_id, failed=False)
        if refund_id not in refunds:
            return None
        return self.id_of(tx, payment_id, Purpose.REFUND, refunds.index(refund_id))

    def _line(self, tx: Tx, merchant_id: str, entry: Entry) -> BalanceTransaction | None:
        """The line of a transaction; None for an entry that is not the first of its line."""
        ports, currency = self._ports, entry.posting.money.currency
        transaction = [
            each
            for each in ports.rows.transaction(tx, entry)
            if each.posting.money.currency == currency
        ]
        owned = [each for each in transaction if each.posting.account.startswith(_OWNED)]
        if owned[0].seq != entry.seq:
            return None
        net_minor = sum(_gained_minor(each) for each in owned)
        fees = _fees_of(entry.purpose, transaction, owned[1:])
        fee_minor = sum(part.amount_minor for part in fees)
        available_us = self._available_us(tx, merchant_id, entry)
        conversion = ports.conversions.find_conversion(tx, entry.payment_id)
        return BalanceTransaction(
            id=_identifier(entry),
            kind=KINDS.get(entry.purpose, ADJUSTMENT),
            source_id=self._source(tx, entry),
            amount_minor=net_minor + fee_minor,
            fee_minor=fee_minor,
            currency=currency,
            created_us=entry.at_us,
            available_us=available_us,
            is_available=available_us <= ports.clock.now_us(),
            fees=fees,
            description=entry.posting.sentence,
            rate=None if conversion is None else conversion.rate,
        )

    def _available_us(self, tx: Tx, merchant_id: str, entry: Entry) -> int:
        if not entry.posting.account.startswith(_PENDING):
            return entry.at_us
        settled_us = self._ports.rows.batch_available_us(tx, merchant_id, entry.seq)
        if settled_us is not None:
            return settled_us
        terms = self._ports.terms.terms(tx, merchant_id)
        assert terms is not None, "merchants are never removed"
        return terms.calendar.day_of(entry.at_us).after(terms.available_after_days).opens_us

    def _source(self, tx: Tx, entry: Entry) -> str:
        """The charge of a capture, the refund that the n-th transaction was, or the owner."""
        owner = entry.payment_id
        match entry.purpose:
            case Purpose.CAPTURE.value:
                return "ch_" + owner.removeprefix("pay_")
            case Purpose.REFUND.value | Purpose.REFUND_FAILED.value:
                failed = entry.purpose == Purpose.REFUND_FAILED.value
                for number, refund in enumerate(
                    self._ports.rows.refund_ids(tx, owner, failed=failed)
                ):
                    found = self._ports.rows.move_of(tx, owner, entry.purpose, number)
                    if found is not None and found.seq == entry.seq:
                        return refund
                return "ch_" + owner.removeprefix("pay_")
            case purpose if purpose in _DISPUTES:
                return entry.transaction_id.partition(":")[0]
            case _:
                return owner


def _fees_of(purpose: str, transaction: list[Entry], others: list[Entry]) -> tuple[FeePart, ...]:
    """What a transaction earned us, or gave back; a dispute's fee is a line of the merchant's."""
    if purpose in _DISPUTES:
        return tuple(
            FeePart("stripe_fee", -_gained_minor(each), "Fee of the dispute") for each in others
        )
    parts = (_fee_part(each, purpose) for each in transaction)
    return tuple(part for part in parts if part is not None)


def _fee_part(entry: Entry, purpose: str) -> FeePart | None:
    account, amount_minor = entry.posting.account, _gained_minor(entry)
    if account == _TAX:
        return FeePart("tax", amount_minor, "Tax on the fee")
    if not account.startswith(_REVENUE):
        return None
    if account == _SPREAD:
        return FeePart("stripe_fee", amount_minor, "Fee for converting")
    back = purpose != Purpose.CAPTURE.value and amount_minor < 0
    return FeePart("stripe_fee", amount_minor, "Fee that goes back" if back else "Fee")


def _gained_minor(entry: Entry) -> int:
    """What an entry gave to the account's owner."""
    return -signed_minor(entry.posting.direction, entry.posting.money.amount_minor)


def _identifier(entry: Entry) -> str:
    return f"txn_{entry.shard:02x}{entry.seq:014x}"


def _seq_of(identifier: str | None, shard: int) -> int | None:
    """The entry's number; None where the identifier is none of this shard's."""
    matched = _IDENTIFIER.fullmatch(identifier or "")
    if matched is None or int(matched[1], 16) != shard:
        return None
    return int(matched[2], 16)
