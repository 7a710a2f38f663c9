"""Tables of the merchants' wire: its idempotency keys, and the objects that merchants keep."""

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

UNFINISHED = ("processing", "requires_capture")

wire_keys = Table(
    "wire_keys",
    engine_metadata,
    Column("merchant_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("object_id", Text),  # where a long piece of work is taken up
    Column("status", Integer),  # none while in flight
    Column("body", LargeBinary),
    Column("request_id", Text, nullable=False),
    Column("created_at_us", Integer, nullable=False),
    PrimaryKeyConstraint("merchant_id", "key"),
    CheckConstraint("(status IS NULL) = (body IS NULL)", name="answer"),
    sqlite_with_rowid=False,
)

gateway_objects = Table(
    "gateway_objects",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("created_at_us", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("customer_id", Text),
    Column("payment_id", Text),
    Column("data", Text, nullable=False),  # JSON
    CheckConstraint("version > 0", name="version"),
    Index("ix_gateway_objects_list", "merchant_id", "kind", "id"),
    Index(
        "ix_gateway_objects_unfinished",
        "state",
        sqlite_where=text("state IN ('processing', 'requires_capture')"),
    ),
    sqlite_with_rowid=False,
)
