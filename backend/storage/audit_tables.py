"""The audit trail's table. Lines are only ever added; only an address may be taken from one.

Triggers refuse every other change and every removal. The numbers have no gap and are never given
twice (AUTOINCREMENT), so lines cut off at the end are missed too.
"""

from __future__ import annotations

from sqlalchemy import DDL, Column, Index, Integer, LargeBinary, Table, Text, event

from backend.storage.metadata import engine_metadata

audit_logs = Table(
    "audit_logs",
    engine_metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at_us", Integer, nullable=False),
    Column("user_id", Text),
    Column("action", Text, nullable=False),
    Column("resource_type", Text, nullable=False),
    Column("resource_id", Text),
    Column("result", Text, nullable=False),
    Column("metadata", Text, nullable=False),  # JSON
    Column("address_digest", LargeBinary),
    Column("hash", LargeBinary, nullable=False),
    Column("ip_address", Text),  # this and the next go when their person is forgotten
    Column("address_salt", LargeBinary),
    sqlite_autoincrement=True,
)
Index(
    "ix_audit_logs_addresses",
    audit_logs.c.user_id,
    sqlite_where=audit_logs.c.ip_address.is_not(None),
)

ERASABLE = ("ip_address", "address_salt")
_COVERED = ", ".join(column.name for column in audit_logs.c if column.name not in ERASABLE)
_REFUSED = "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
_KEEPS = "NEW.ip_address IS NOT NULL OR NEW.address_salt IS NOT NULL"
_GUARDS = {
    "no_update": f"UPDATE OF {_COVERED} ON audit_logs",
    "only_erase": f"UPDATE OF ip_address, address_salt ON audit_logs WHEN {_KEEPS}",
    "no_delete": "DELETE ON audit_logs",
}
for _name, _guard in _GUARDS.items():
    _ddl: DDL = DDL(f"CREATE TRIGGER tr_audit_logs_{_name} BEFORE {_guard} {_REFUSED}")  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    event.listen(audit_logs, "after_create", _ddl.execute_if(dialect="sqlite"))
