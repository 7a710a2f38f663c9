"""Tables of webhooks: endpoints, what merchants hear of, deliveries and their attempts.

Few indexes, as every payment of a merchant who listens adds rows here. What is pending is found by
partial indexes, so that years of delivered events cost nothing. No column holds a secret in clear.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text, text

from backend.storage.metadata import engine_metadata

_PENDING = text("state = 'pending'")

webhook_endpoints = Table(
    "webhook_endpoints",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("style", Text, nullable=False),
    Column("enabled_events", Text, nullable=False),  # JSON list
    Column("schedule", Text, nullable=False),
    Column("strict_200", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("disabled_reason", Text),
    Column("description", Text),
    Column("metadata", Text, nullable=False),  # JSON object
    Column("secret", LargeBinary, nullable=False),  # sealed
    Column("old_secret", LargeBinary),  # sealed
    Column("old_secret_until_us", Integer),
    Column("is_healthy", Integer, nullable=False),
    Column("created_at_us", Integer, nullable=False),
    Column("after_seq", Integer, nullable=False),
    CheckConstraint("style IN ('stripe', 's3')", name="style"),
    CheckConstraint("state IN ('enabled', 'disabled', 'deleted')", name="state"),
)

merchant_events = Table(
    "merchant_events",
    engine_metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("merchant_id", Text, nullable=False, index=True),
    Column("type", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("order_key", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("created_at_us", Integer, nullable=False),
    Column("source_seq", Integer, nullable=False),
    Column("endpoints", Integer, nullable=False),
    Column("data", LargeBinary),  # JSON; NULL until somebody asks
    CheckConstraint("sequence > 0", name="sequence"),
    Index("ix_merchant_events_order", "order_key", "sequence", unique=True),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    engine_metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("endpoint_id", Text, nullable=False),
    Column("event_number", Integer, nullable=False),
    Column("order_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at_us", Integer, nullable=False),
    Column("created_at_us", Integer, nullable=False),
    Column("ended_at_us", Integer),
    Column("last_status", Integer),
    Column("last_error", Text),
    CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state"),
    CheckConstraint("(state = 'pending') = (ended_at_us IS NULL)", name="ended"),
    Index("ix_webhook_deliveries_event", "event_number", "endpoint_id", unique=True),
    Index("ix_webhook_deliveries_due", "endpoint_id", "due_at_us", sqlite_where=_PENDING),
    Index("ix_webhook_deliveries_order", "order_key", "endpoint_id", "id", sqlite_where=_PENDING),
)

webhook_attempts = Table(
    "webhook_attempts",
    engine_metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("delivery_id", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at_us", Integer, nullable=False),
    Column("duration_us", Integer, nullable=False),
    Column("signature", Text, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("answer", LargeBinary, nullable=False),
    CheckConstraint("(status IS NULL) = (error IS NOT NULL)", name="outcome"),
    Index("ix_webhook_attempts_delivery", "delivery_id", "number", unique=True),
)
