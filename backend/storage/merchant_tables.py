"""Tables of merchants' accounts: settings beside `merchants`, keys, and what was written to them.

No column holds a key: its SHA-256 and its last four characters stand here.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, Table, Text, UniqueConstraint

from backend.storage.metadata import engine_metadata

merchant_settings = Table(
    "merchant_settings",
    engine_metadata,
    Column("merchant_id", Text, primary_key=True),
    Column("country", Text, nullable=False),
    Column("settlement_currency", Text, nullable=False),
    Column("payout_schedule", Text, nullable=False),
    Column("fee_plan", Text, nullable=False),  # JSON: the plan's fields
    Column("tier", Integer, nullable=False),
    Column("statement_name", Text, nullable=False),
    Column("reserve_basis_points", Integer, nullable=False),
    Column("dispute_fee_major", Text, nullable=False),  # a decimal
    Column("dispute_fee_back_if_won", Integer, nullable=False),
    Column("evidence_days", Integer, nullable=False),
    Column("updated_at_us", Integer, nullable=False),
    CheckConstraint("tier IN (1, 2, 3)", name="tier"),
    CheckConstraint("reserve_basis_points BETWEEN 0 AND 10000", name="reserve"),
    CheckConstraint(
        "payout_schedule IN ('daily', 'weekly', 'monthly', 'manual')", name="payout_schedule"
    ),
)

api_keys = Table(
    "api_keys",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False, index=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("last4", Text, nullable=False),
    Column("created_at_us", Integer, nullable=False),
    Column("expires_at_us", Integer),
    Column("revoked_at_us", Integer),
    UniqueConstraint("secret_hash"),
)

merchant_notices = Table(
    "merchant_notices",
    engine_metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("merchant_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("object_id", Text),
    Column("sent_at_us", Integer, nullable=False),
)
