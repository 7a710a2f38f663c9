"""Tables that only grow: events (they are the outbox), and beliefs of phone and till."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from backend.storage.metadata import engine_metadata

events = Table(
    "events",
    engine_metadata,
    Column("source", Text, nullable=False),  # "engine", or one window or command: "lab.3f2a"
    Column("seq", Integer, nullable=False),
    Column("lab_time_us", Integer, nullable=False),
    Column("real_time_us", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payment_id", Text),
    Column("tap_id", Text),
    Column("cause_id", Text),
    Column("data", Text, nullable=False),  # JSON
    PrimaryKeyConstraint("source", "seq"),
    Index("ix_events_payment_id", "payment_id"),
    Index("ix_events_tap_id", "tap_id"),
    sqlite_with_rowid=False,
)

outbox_cursors = Table(
    "outbox_cursors",
    engine_metadata,
    Column("consumer", Text, primary_key=True),
    Column("seq", Integer, nullable=False),
)

tap_beliefs = Table(
    "tap_beliefs",
    engine_metadata,
    Column("tap_id", Text, primary_key=True),
    Column("phone", Text),  # what the phone showed last: read, approved, declined, not_completed …
    Column("till", Text),  # what the till showed last
    Column("updated_at_us", Integer, nullable=False),
)
