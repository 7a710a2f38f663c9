"""The journal's table. Entries are only ever added: triggers refuse every change and removal.

Stored shard by shard in the order of the hash chain, so the end of a shard is one look at the
primary key. Checkpoints are sums of its beginning: they can be thrown away and made again.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    event,
    text,
)

from backend.storage.metadata import engine_metadata

ledger_entries = Table(
    "ledger_entries",
    engine_metadata,
    Column("shard", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("payment_id", Text, nullable=False, index=True),
    Column("account", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("amount_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("at_us", Integer, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("shard", "seq"),
    CheckConstraint("direction IN ('debit', 'credit')", name="direction"),
    CheckConstraint("amount_minor >= 0", name="amount"),
    # What merchants own, by account: one entry of a capture and none of an authorization.
    Index(
        "ix_ledger_entries_of_merchants",
        "account",
        "seq",
        sqlite_where=text(
            "account >= 'liabilities:merchant-' AND account < 'liabilities:merchant.'"
        ),
    ),
    sqlite_with_rowid=False,
)

ledger_checkpoints = Table(
    "ledger_checkpoints",
    engine_metadata,
    Column("shard", Integer, nullable=False),
    Column("account", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("balance_minor", Integer, nullable=False),  # debit positive
    PrimaryKeyConstraint("shard", "account", "currency"),
    sqlite_with_rowid=False,
)

ledger_checkpoint_heads = Table(
    "ledger_checkpoint_heads",
    engine_metadata,
    Column("shard", Integer, primary_key=True),
    Column("through_seq", Integer, nullable=False),  # the last entry that its checkpoints hold
)

# For a migration that creates the table without this metadata.
APPEND_ONLY_TRIGGERS = tuple(
    f"CREATE TRIGGER tr_ledger_entries_no_{operation.lower()} BEFORE {operation} ON ledger_entries"
    " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: correct by reversing'); END"
    for operation in ("UPDATE", "DELETE")
)
for _trigger in APPEND_ONLY_TRIGGERS:
    _ddl: DDL = DDL(_trigger)  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    event.listen(ledger_entries, "after_create", _ddl.execute_if(dialect="sqlite"))
