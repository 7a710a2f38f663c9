"""Statements behind merchants' balance transactions: the journal by what merchants own.

Implements `backend.gateway.balance_transactions.JournalRows`; decides nothing.
"""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    bindparam,
    func,
    literal_column,
    select,
)

from backend.gateway.pages import Page
from backend.ledger.accounts import merchant_balance, merchant_pending
from backend.ledger.chain import Entry, shard_of
from backend.storage.database import Statement, Transaction, Value
from backend.storage.gateway_tables import refunds
from backend.storage.ledger_rows import entry_from_row
from backend.storage.ledger_tables import ledger_entries as entries
from backend.storage.settlement_rows import LINES_MAX, OF_MERCHANTS
from backend.storage.settlement_tables import settlement_batches

# Money that only becomes available, or is held back and comes free, is the merchant's all along.
_moves: ColumnElement[bool] = literal_column("purpose NOT IN ('settlement', 'reserve_released')")


def _page() -> Select[tuple[object, ...]]:
    return (
        select(entries)
        .where(
            *OF_MERCHANTS,
            entries.c.account == bindparam("account", type_=Text),
            entries.c.seq > bindparam("after_seq", type_=Integer),
            entries.c.seq < bindparam("before_seq", type_=Integer),
            entries.c.at_us >= bindparam("from_us", type_=Integer),
            entries.c.at_us < bindparam("to_us", type_=Integer),
            _moves,
        )
        .limit(bindparam("row_limit", type_=Integer))
    )


_NEWEST = Statement(_page().order_by(entries.c.seq.desc()))
_OLDEST = Statement(_page().order_by(entries.c.seq))
_ONE = Statement(
    select(entries).where(
        entries.c.shard == bindparam("shard", type_=Integer),
        entries.c.seq == bindparam("seq", type_=Integer),
        entries.c.account.in_([bindparam("pending", type_=Text), bindparam("balance", type_=Text)]),
        _moves,
    )
)
_OF_OWNER = Statement(
    select(entries)
    .where(
        entries.c.payment_id == bindparam("owner_id", type_=Text),
        entries.c.purpose == bindparam("purpose", type_=Text),
        entries.c.account >= literal_column("'liabilities:merchant-'"),
        entries.c.account < literal_column("'liabilities:merchant.'"),
    )
    .order_by(entries.c.seq)
    .limit(literal_column("1"))
    .offset(bindparam("number", type_=Integer))
)
_TRANSACTION = Statement(
    select(entries)
    .where(
        entries.c.shard == bindparam("shard", type_=Integer),
        entries.c.seq > bindparam("low_seq", type_=Integer),
        entries.c.seq < bindparam("high_seq", type_=Integer),
        entries.c.transaction_id == bindparam("transaction_id", type_=Text),
    )
    .order_by(entries.c.seq)
)
_AVAILABLE = Statement(
    select(settlement_batches.c.available_at_us)
    .where(
        settlement_batches.c.merchant_id == bindparam("merchant_id", type_=Text),
        settlement_batches.c.last_seq >= bindparam("seq", type_=Integer),
    )
    .order_by(settlement_batches.c.last_seq)
    .limit(literal_column("1"))
)
_REFUNDS = Statement(
    select(refunds.c.id)
    .where(refunds.c.payment_id == bindparam("payment_id", type_=Text))
    .order_by(refunds.c.id)
)
_FAILED = Statement(
    select(refunds.c.id)
    .where(
        refunds.c.payment_id == bindparam("payment_id", type_=Text),
        refunds.c.state == literal_column("'failed'"),
    )
    .order_by(func.coalesce(refunds.c.completed_at_us, literal_column("0")), refunds.c.id)
)
_TIME_MAX_US = 2**62


class SqlBalanceRows:
    """Merchants' lines in SQL."""

    def moves(
        self, tx: Transaction, merchant_id: str, page: Page, seqs: tuple[int, int]
    ) -> list[Entry]:
        """Entries that moved a merchant's money between two numbers, `page.rows` of them."""
        wanted: dict[str, Value] = {
            "after_seq": seqs[0],
            "before_seq": seqs[1],
            "from_us": page.from_us or 0,
            "to_us": _TIME_MAX_US if page.to_us is None else page.to_us,
            "row_limit": page.rows,
        }
        statement = _OLDEST if page.is_backwards else _NEWEST
        found = [
            entry_from_row(row)
            for account in (merchant_pending(merchant_id), merchant_balance(merchant_id))
            for row in tx.all(statement, {**wanted, "account": account.name})
        ]
        found.sort(key=lambda entry: entry.seq, reverse=not page.is_backwards)
        return found[: page.rows]

    def move(self, tx: Transaction, merchant_id: str, seq: int) -> Entry | None:
        """The entry of a number, if it moved this merchant's money."""
        row = tx.one(
            _ONE,
            {
                "shard": shard_of(merchant_id),
                "seq": seq,
                "pending": merchant_pending(merchant_id).name,
                "balance": merchant_balance(merchant_id).name,
            },
        )
        return None if row is None else entry_from_row(row)

    def move_of(self, tx: Transaction, owner_id: str, purpose: str, number: int) -> Entry | None:
        """The entry of an owner's first, second … transaction of a purpose."""
        wanted: dict[str, Value] = {"owner_id": owner_id, "purpose": purpose, "number": number}
        row = tx.one(_OF_OWNER, wanted)
        return None if row is None else entry_from_row(row)

    def transaction(self, tx: Transaction, entry: Entry) -> list[Entry]:
        """Every entry of the transaction of an entry."""
        found = tx.all(
            _TRANSACTION,
            {
                "shard": entry.shard,
                "low_seq": entry.seq - LINES_MAX,
                "high_seq": entry.seq + LINES_MAX,
                "transaction_id": entry.transaction_id,
            },
        )
        return [entry_from_row(row) for row in found]

    def batch_available_us(self, tx: Transaction, merchant_id: str, seq: int) -> int | None:
        """When the batch that an entry is in is available; None while it is in none."""
        row = tx.one(_AVAILABLE, {"merchant_id": merchant_id, "seq": seq})
        return None if row is None else int(row["available_at_us"])

    def refund_ids(self, tx: Transaction, payment_id: str, *, failed: bool) -> list[str]:
        """A payment's refunds in the order in which the journal has them."""
        found = tx.all(_FAILED if failed else _REFUNDS, {"payment_id": payment_id})
        return [str(row["id"]) for row in found]
