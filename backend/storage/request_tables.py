"""Idempotency keys of wallet requests that are no payments (a payment's are the payments' own)."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from backend.storage.metadata import engine_metadata

request_keys = Table(
    "request_keys",
    engine_metadata,
    Column("user_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("answer", LargeBinary),  # none: the request is being worked on
    Column("claimed_at_us", Integer, nullable=False),
    PrimaryKeyConstraint("user_id", "key"),
    sqlite_with_rowid=False,
)
