"""Tables of what passes between wallet and networks about tokens: orders out, events in."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, text

from backend.storage.metadata import engine_metadata

token_orders = Table(
    "token_orders",
    engine_metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("card_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("token_ref", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("actor", Text, nullable=False),  # CARDHOLDER, TOKEN_REQUESTOR …, parted by blanks
    Column("reason", Text, nullable=False),
    Column("ip_address", Text),
    Column("created_at_us", Integer, nullable=False),
    Column("due_at_us", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("done_at_us", Integer),
    Column("result", Text),
    CheckConstraint(
        "operation IN ('suspend', 'resume', 'delete', 'refresh', 'admit')", name="operation"
    ),
    Index("ix_token_orders_open", "card_id", "id", sqlite_where=text("done_at_us IS NULL")),
)

network_cursors = Table(
    "network_cursors",
    engine_metadata,
    Column("network", Text, primary_key=True),
    Column("event_id", Integer, nullable=False),  # the last of its events that was taken in
)
