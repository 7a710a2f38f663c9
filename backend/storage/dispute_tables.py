"""Tables of disputes, and of payments for which the issuer bears a fraud dispute.

One dispute a payment: a network does not open a second case over the same sale.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from backend.storage.metadata import engine_metadata

disputes = Table(
    "disputes",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("payment_id", Text, nullable=False),
    Column("merchant_id", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("amount_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("fee_minor", Integer, nullable=False),
    Column("fee_returned", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("liability", Text, nullable=False),
    Column("evidence", Text, nullable=False),  # JSON: kind, text or file name
    Column("metadata", Text, nullable=False),  # JSON
    Column("evidence_due_at_us", Integer, nullable=False),
    Column("submitted_at_us", Integer),
    Column("closed_at_us", Integer),
    Column("closed_why", Text),
    Column("due_at_us", Integer),
    Column("tries", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at_us", Integer, nullable=False),
    Column("updated_at_us", Integer, nullable=False),
    UniqueConstraint("case_id"),
    UniqueConstraint("payment_id"),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("fee_minor >= 0", name="fee"),
    CheckConstraint("state IN ('needs_response', 'under_review', 'won', 'lost')", name="state"),
    CheckConstraint("liability IN ('merchant', 'issuer')", name="liability"),
    CheckConstraint("(state IN ('won', 'lost')) = (closed_at_us IS NOT NULL)", name="closed"),
    CheckConstraint("(due_at_us IS NULL) = (closed_at_us IS NOT NULL)", name="due"),
    Index("ix_disputes_merchant_id", "merchant_id", "id"),
    Index("ix_disputes_due", "due_at_us", sqlite_where=text("due_at_us IS NOT NULL")),
)

liability_shifts = Table(
    "liability_shifts",
    engine_metadata,
    Column("payment_id", Text, primary_key=True),
    Column("at_us", Integer, nullable=False),
)
