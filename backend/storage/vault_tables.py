"""Tables of the card vault: wrapped data keys, sealed cards, and security codes that wait.

A security code goes in the very statement that stores the outcome of its card's authorization: a
trigger sees to it, whoever changes the payment (PCI DSS 3.3.1). What never left this process keeps
it for its next try.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    event,
)

from backend.storage.metadata import engine_metadata
from backend.storage.payment_tables import payments

vault_keys = Table(
    "vault_keys",
    engine_metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("kek", Integer, nullable=False),
    Column("home", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at_us", Integer, nullable=False),
    Column("wrapped_at_us", Integer, nullable=False),
    CheckConstraint("version > 0", name="version"),
)

vault_cards = Table(
    "vault_cards",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("last4", Text, nullable=False),
    Column("exp_month", Integer, nullable=False),
    Column("exp_year", Integer, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("created_at_us", Integer, nullable=False),
    Column("key_version", Integer, nullable=False),
    Column("sealed_number", LargeBinary, nullable=False),
    UniqueConstraint("merchant_id", "fingerprint", "exp_year", "exp_month"),
    sqlite_with_rowid=False,
)

vault_codes = Table(
    "vault_codes",
    engine_metadata,
    Column("card_id", Text, primary_key=True),
    Column("key_version", Integer, nullable=False),
    Column("sealed_code", LargeBinary, nullable=False),
    Column("kept_at_us", Integer, nullable=False, index=True),
    sqlite_with_rowid=False,
)

vault_codes.add_is_dependent_on(payments)  # its trigger hangs there
_FORGET = (
    "CREATE TRIGGER tr_payments_forget_code AFTER UPDATE OF state ON payments"
    " WHEN NEW.transaction_type = 'web' AND OLD.state = 'authorizing'"
    " AND NEW.state NOT IN ('authorizing', 'not_sent')"
    " BEGIN DELETE FROM vault_codes WHERE card_id = NEW.card_id; END"
)
_ddl: DDL = DDL(_FORGET)  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
event.listen(vault_codes, "after_create", _ddl.execute_if(dialect="sqlite"))
