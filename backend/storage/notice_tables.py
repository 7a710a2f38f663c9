"""The notice mailbox: what banks and shops wrote to cardholders and merchants.

Rows are appended and never changed. No column can hold a card number; codes of
verifications are elsewhere, with the networks.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, UniqueConstraint

from backend.storage.metadata import engine_metadata

notices = Table(
    "notices",
    engine_metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("recipient_kind", Text, nullable=False),  # cardholder or merchant
    Column("recipient", Text, nullable=False),  # the person's or the merchant's identifier
    Column("kind", Text, nullable=False),  # payment.approved, card.suspended …
    Column("payment_id", Text),
    Column("card_id", Text),
    Column("facts", Text, nullable=False),  # JSON: what its sentence is made of
    Column("cause_id", Text, nullable=False),  # what it tells of: once for each recipient
    Column("created_at_us", Integer, nullable=False),
    CheckConstraint("recipient_kind IN ('cardholder', 'merchant')", name="recipient_kind"),
    UniqueConstraint("cause_id", "recipient_kind", "recipient"),
    Index("ix_notices_recipient", "recipient_kind", "recipient", "id"),
    sqlite_autoincrement=True,
)
