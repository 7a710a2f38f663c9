"""The journal's statements: the end of a shard, appending, reading back.

Implements `backend.payments.ports.LedgerRows`. Knows no accounting; what is balanced is decided
before it comes here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Integer, Text, bindparam, case, func, insert, literal_column, select

from backend.domain.money import Money
from backend.ledger.chain import Entry, Head
from backend.ledger.journal import Direction, Posting
from backend.storage.database import Row, Statement, Transaction
from backend.storage.ledger_tables import ledger_entries as entries

_HEAD = Statement(
    select(entries.c.seq, entries.c.hash)
    .where(entries.c.shard == bindparam("shard", type_=Integer))
    .order_by(entries.c.seq.desc())
    .limit(1)
)
_APPEND = Statement(insert(entries))
_OF_PAYMENT = Statement(
    select(entries)
    .where(entries.c.payment_id == bindparam("payment_id", type_=Text))
    .order_by(entries.c.shard, entries.c.seq)
)
_SHARDS = Statement(select(entries.c.shard).distinct().order_by(entries.c.shard))
_PAGE = Statement(
    select(entries)
    .where(
        entries.c.shard == bindparam("shard", type_=Integer),
        entries.c.seq > bindparam("after_seq", type_=Integer),
    )
    .order_by(entries.c.seq)
    .limit(bindparam("row_limit", type_=Integer))
)
_NEWEST = Statement(
    select(entries)
    .where(
        entries.c.shard == bindparam("shard", type_=Integer),
        entries.c.seq < bindparam("before_seq", type_=Integer),
    )
    .order_by(entries.c.seq.desc())
    .limit(bindparam("row_limit", type_=Integer))
)
_BALANCES = Statement(
    select(
        entries.c.account,
        entries.c.currency,
        func.sum(
            case(
                (entries.c.direction == literal_column("'debit'"), entries.c.amount_minor),
                else_=-entries.c.amount_minor,
            )
        ).label("balance_minor"),
    )
    .group_by(entries.c.account, entries.c.currency)
    .order_by(entries.c.account, entries.c.currency)
)
PAGE_ENTRIES = 2_000


class SqlLedgerRows:
    """The journal in SQL."""

    def head(self, tx: Transaction, shard: int) -> Head:
        """The last entry of a shard."""
        row = tx.one(_HEAD, {"shard": shard})
        return Head() if row is None else Head(row["seq"], row["hash"])

    def append(self, tx: Transaction, entries: Sequence[Entry]) -> None:
        """Add entries in the order of their chain."""
        tx.run_many(
            _APPEND,
            [
                {
                    "shard": entry.shard,
                    "seq": entry.seq,
                    "transaction_id": entry.transaction_id,
                    "purpose": entry.purpose,
                    "payment_id": entry.payment_id,
                    "account": entry.posting.account,
                    "direction": entry.posting.direction.value,
                    "amount_minor": entry.posting.money.amount_minor,
                    "currency": entry.posting.money.currency,
                    "sentence": entry.posting.sentence,
                    "at_us": entry.at_us,
                    "previous_hash": entry.previous_hash,
                    "hash": entry.hash,
                }
                for entry in entries
            ],
        )

    def of_payment(self, tx: Transaction, payment_id: str) -> list[Entry]:
        """Every entry of a payment, oldest first."""
        return [entry_from_row(row) for row in tx.all(_OF_PAYMENT, {"payment_id": payment_id})]

    def balances(self, tx: Transaction) -> dict[tuple[str, str], int]:
        """Balance of each (account, currency), minor units, debit positive; scans the journal."""
        return {
            (row["account"], row["currency"]): row["balance_minor"] for row in tx.all(_BALANCES)
        }

    def shards(self, tx: Transaction) -> list[int]:
        """The shards that have entries."""
        return [row["shard"] for row in tx.all(_SHARDS)]

    def page(self, tx: Transaction, shard: int, before_seq: int, limit: int) -> list[Entry]:
        """Entries of a shard before one of them, newest first."""
        wanted = {"shard": shard, "before_seq": before_seq, "row_limit": limit}
        return [entry_from_row(row) for row in tx.all(_NEWEST, wanted)]

    def of_shard(self, tx: Transaction, shard: int) -> Iterator[Entry]:
        """Every entry of a shard in order, read page by page."""
        after_seq = 0
        while rows := tx.all(
            _PAGE, {"shard": shard, "after_seq": after_seq, "row_limit": PAGE_ENTRIES}
        ):
            yield from map(entry_from_row, rows)
            after_seq = rows[-1]["seq"]


def entry_from_row(row: Row) -> Entry:
    """A stored line of the journal."""
    return Entry(
        shard=row["shard"],
        seq=row["seq"],
        transaction_id=row["transaction_id"],
        purpose=row["purpose"],
        payment_id=row["payment_id"],
        at_us=row["at_us"],
        posting=Posting(
            account=row["account"],
            direction=Direction(row["direction"]),
            money=Money(row["amount_minor"], row["currency"]),
            sentence=row["sentence"],
        ),
        previous_hash=row["previous_hash"],
        hash=row["hash"],
    )
