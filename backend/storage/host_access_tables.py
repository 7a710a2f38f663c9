"""The vault access log's table, in the networks' own file. Lines are only ever added.

Triggers refuse every change and every removal. The numbers have no gap and are never given twice
(AUTOINCREMENT), so lines cut off at the end are missed too.
"""

from __future__ import annotations

from sqlalchemy import DDL, Column, Integer, LargeBinary, Table, Text, event

from backend.storage.metadata import host_metadata

host_vault_accesses = Table(
    "host_vault_accesses",
    host_metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at_us", Integer, nullable=False),
    Column("network", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("field", Text, nullable=False),  # "number" of a card, or "token"
    Column("record", Text, nullable=False),
    Column("token_ref", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
_REFUSED = "BEGIN SELECT RAISE(ABORT, 'the vault access log is append-only'); END"
for _change in ("update", "delete"):
    _ddl: DDL = DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
        f"CREATE TRIGGER tr_host_vault_accesses_no_{_change} "
        f"BEFORE {_change.upper()} ON host_vault_accesses {_REFUSED}"
    )
    event.listen(host_vault_accesses, "after_create", _ddl.execute_if(dialect="sqlite"))
