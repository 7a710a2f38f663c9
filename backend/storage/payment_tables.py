"""Tables of the payments side: merchants, payments, keys, reservations, follow-ups.

Few indexes on purpose: each costs every payment. Payments are stored in the order of their
identifiers, which begin with their time, so that history is a range of the primary key and old
rows stay cold. No column can hold a card number, a cryptogram or chip data.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from backend.storage.metadata import engine_metadata

merchants = Table(
    "merchants",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("category", Text, nullable=False),  # ISO 18245
    Column("terminal_id", Text, nullable=False),
    Column("created_at_us", Integer, nullable=False),
)

payments = Table(
    "payments",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("tap_id", Text),
    Column("account", Text, nullable=False),
    Column("terminal_reference", Text, nullable=False),  # the idempotency key
    Column("transaction_type", Text, nullable=False),  # nfc, in_app, web
    Column("created_at_us", Integer, nullable=False),
    Column("updated_at_us", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("network", Text),
    Column("token_ref", Text),
    Column("card_id", Text),
    Column("user_id", Text),
    Column("last4", Text),
    Column("atc", Integer, nullable=False),
    Column("amount_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("merchant_id", Text, nullable=False),
    Column("merchant_name", Text, nullable=False),
    Column("merchant_category", Text, nullable=False),
    Column("merchant_terminal_id", Text, nullable=False),
    Column("terminal_id", Text, nullable=False),
    Column("rrn", Text),
    Column("stan", Text),
    Column("sent_at_us", Integer),
    Column("response_code", Text),
    Column("auth_code", Text),
    Column("reason", Text),
    Column("steered", Text),
    Column("hold_open", Integer, nullable=False),
    Column("engine_us", Integer, nullable=False),
    Column("network_us", Integer, nullable=False),
    Column("issuer_us", Integer, nullable=False),
    Column("database_us", Integer, nullable=False),
    Column("synthetic", Integer, nullable=False),
    Column("captured_minor", Integer, nullable=False, server_default=text("0")),
    Column("fee_minor", Integer, nullable=False, server_default=text("0")),
    Column("refunded_minor", Integer, nullable=False, server_default=text("0")),
    Column("fee_returned_minor", Integer, nullable=False, server_default=text("0")),
    Column("voided_at_us", Integer),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("captured_minor BETWEEN 0 AND amount_minor", name="captured"),
    CheckConstraint("refunded_minor BETWEEN 0 AND captured_minor", name="refunded"),
    CheckConstraint("fee_returned_minor BETWEEN 0 AND fee_minor", name="fee_returned"),
    CheckConstraint(
        "atc BETWEEN 1 AND 65535 OR (atc = 0 AND transaction_type = 'web')", name="atc"
    ),
    CheckConstraint("transaction_type IN ('nfc', 'in_app', 'web')", name="type"),
    CheckConstraint(
        "state IN ('authorizing', 'approved', 'declined', 'not_sent', 'unknown', 'reversing',"
        " 'reversed', 'captured')",
        name="state",
    ),
    Index("ix_payments_merchant_id_id", "merchant_id", "id"),
    Index("ix_payments_approved", "id", sqlite_where=text("state = 'approved'")),
    Index("ix_payments_token_ref_created_at_us", "token_ref", text("created_at_us DESC")),
    Index(
        "ix_payments_unsettled",
        "state",
        sqlite_where=text("state IN ('authorizing', 'unknown', 'reversing')"),
    ),
    sqlite_with_rowid=False,
)

idempotency_keys = Table(
    "idempotency_keys",
    engine_metadata,
    Column("account", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("payment_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("response_status", Integer),
    Column("response_body", LargeBinary),
    Column("created_at_us", Integer, nullable=False),
    Column("updated_at_us", Integer, nullable=False),
    PrimaryKeyConstraint("account", "mode", "key"),
    CheckConstraint("state IN ('in_flight', 'released', 'pending', 'final')", name="state"),
    sqlite_with_rowid=False,
)

token_atc = Table(
    "token_atc",
    engine_metadata,
    Column("token_ref", Text, primary_key=True),
    Column("last_atc", Integer, nullable=False),  # the watermark: highest ATC proven by the card
    Column("updated_at_us", Integer, nullable=False),
    CheckConstraint("last_atc BETWEEN 1 AND 65535", name="last_atc"),
)

atc_reservations = Table(
    "atc_reservations",
    engine_metadata,
    Column("token_ref", Text, nullable=False),
    Column("atc", Integer, nullable=False),
    Column("payment_id", Text, nullable=False),
    Column("forged", Integer, nullable=False),  # the cryptogram was not the card's
    PrimaryKeyConstraint("token_ref", "atc"),
    sqlite_with_rowid=False,
)

payment_follow_ups = Table(
    "payment_follow_ups",
    engine_metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("payment_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("due_at_us", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("done_at_us", Integer),
    Column("result", Text),
    CheckConstraint("kind IN ('status_query', 'reversal')", name="kind"),
    Index("ix_payment_follow_ups_due", "due_at_us", sqlite_where=text("done_at_us IS NULL")),
)

network_numbers = Table(
    "network_numbers",
    engine_metadata,
    Column("id", Integer, primary_key=True),  # one row
    Column("next_number", Integer, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
