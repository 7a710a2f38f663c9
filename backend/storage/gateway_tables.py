"""Tables of the gateway: refunds, and what a network has yet to be told after a sale."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, text

from backend.storage.metadata import engine_metadata

refunds = Table(
    "refunds",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("payment_id", Text, nullable=False, index=True),
    Column("amount_minor", Integer, nullable=False),
    Column("fee_returned_minor", Integer, nullable=False),
    Column("reason", Text),
    Column("state", Text, nullable=False),
    Column("failure", Text),
    Column("created_at_us", Integer, nullable=False),
    Column("completed_at_us", Integer),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("state IN ('pending', 'succeeded', 'failed')", name="state"),
)

advices = Table(
    "advices",
    engine_metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("payment_id", Text, nullable=False, index=True),
    Column("refund_id", Text),
    Column("kind", Text, nullable=False),
    Column("amount_minor", Integer, nullable=False),
    Column("rrn", Text, nullable=False),
    Column("stan", Text, nullable=False),
    Column("sent_at_us", Integer, nullable=False),
    Column("due_at_us", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("done_at_us", Integer),
    Column("response_code", Text),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("kind IN ('completion', 'refund')", name="kind"),
    CheckConstraint("(kind = 'refund') = (refund_id IS NOT NULL)", name="refund"),
    Index("ix_advices_due", "due_at_us", sqlite_where=text("done_at_us IS NULL")),
)
