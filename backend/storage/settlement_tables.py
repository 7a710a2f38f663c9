"""Tables of settlement: batches, bank accounts, payouts, clearings, exchange rates, conversions.

The bank's own book stands here too, for want of a machine of its own; only `lab_bank` reads it.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, UniqueConstraint, text

from backend.storage.metadata import engine_metadata

settlement_batches = Table(
    "settlement_batches",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("business_day", Text, nullable=False),  # ISO date
    Column("after_seq", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("gross_minor", Integer, nullable=False),
    Column("fees_minor", Integer, nullable=False),
    Column("refunds_minor", Integer, nullable=False),
    Column("disputes_minor", Integer, nullable=False),
    Column("reserve_minor", Integer, nullable=False),
    Column("net_minor", Integer, nullable=False),
    Column("captures", Integer, nullable=False),
    Column("transactions", Integer, nullable=False),
    Column("settled_at_us", Integer, nullable=False),
    Column("available_at_us", Integer, nullable=False),
    Column("reserve_due_at_us", Integer, nullable=False),
    Column("reserve_released_at_us", Integer),
    UniqueConstraint("merchant_id", "currency", "last_seq"),
    CheckConstraint("after_seq < last_seq", name="range"),
    CheckConstraint("reserve_minor >= 0", name="reserve"),
    CheckConstraint(
        "net_minor = gross_minor - fees_minor - refunds_minor - disputes_minor - reserve_minor",
        name="net",
    ),
    Index("ix_settlement_batches_merchant_id_last_seq", "merchant_id", "last_seq"),
    Index(
        "ix_settlement_batches_reserves",
        "reserve_due_at_us",
        sqlite_where=text("reserve_minor > 0 AND reserve_released_at_us IS NULL"),
    ),
)

settlement_terms = Table(
    "settlement_terms",
    engine_metadata,
    Column("merchant_id", Text, primary_key=True),
    Column("time_zone", Text, nullable=False),  # IANA
    Column("cut_off_minutes", Integer, nullable=False),
    Column("settled_after_days", Integer, nullable=False),
    Column("available_after_days", Integer, nullable=False),
    Column("reserve_days", Integer, nullable=False),
    CheckConstraint("cut_off_minutes BETWEEN 0 AND 1439", name="cut_off"),
    CheckConstraint(
        "settled_after_days BETWEEN 1 AND available_after_days AND available_after_days <= 30",
        name="days",
    ),
)

bank_accounts = Table(
    "bank_accounts",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False, index=True),
    Column("country", Text, nullable=False),
    Column("last4", Text, nullable=False),
    Column("created_at_us", Integer, nullable=False),
)

payouts = Table(
    "payouts",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", Integer, nullable=False),
    Column("destination", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("automatic_day", Text),  # ISO date
    Column("created_at_us", Integer, nullable=False),
    Column("send_at_us", Integer, nullable=False),
    Column("arrival_at_us", Integer, nullable=False),
    Column("ended_at_us", Integer),
    Column("failure", Text),
    Column("description", Text),
    Column("metadata", Text, nullable=False),  # JSON
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint(
        "state IN ('pending', 'in_transit', 'paid', 'failed', 'canceled')", name="state"
    ),
    Index("ix_payouts_merchant_id_id", "merchant_id", "id"),
    Index(
        "ix_payouts_automatic",
        "merchant_id",
        "currency",
        "automatic_day",
        unique=True,
        sqlite_where=text("automatic_day IS NOT NULL"),
    ),
    Index(
        "ix_payouts_open",
        "state",
        sqlite_where=text("state IN ('pending', 'in_transit')"),
    ),
)

bank_transfers = Table(
    "bank_transfers",
    engine_metadata,
    Column("reference", Text, primary_key=True),
    Column("last4", Text, nullable=False),
    Column("amount_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("arrives_at_us", Integer, nullable=False, index=True),
    Column("failure", Text),
    CheckConstraint("amount_minor > 0", name="amount"),
)

clearings = Table(
    "clearings",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("network", Text, nullable=False),
    Column("day", Text, nullable=False),  # ISO date, UTC
    Column("currency", Text, nullable=False),
    Column("completions_minor", Integer, nullable=False),
    Column("refunds_minor", Integer, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("closes_us", Integer, nullable=False, index=True),
    Column("posted_at_us", Integer, nullable=False),
    UniqueConstraint("network", "day", "currency"),
)

clearing_progress = Table(
    "clearing_progress",
    engine_metadata,
    Column("id", Integer, primary_key=True),  # one row
    Column("until_us", Integer, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

exchange_rates = Table(
    "exchange_rates",
    engine_metadata,
    Column("rate_id", Integer, primary_key=True, autoincrement=True),
    Column("base", Text, nullable=False),
    Column("quote", Text, nullable=False),
    Column("rate", Text, nullable=False),  # a decimal with eight places: quote for one base
    Column("valid_from_us", Integer, nullable=False),
    Column("valid_until_us", Integer, nullable=False),
    Index("ix_exchange_rates_pair", "base", "quote", "valid_from_us"),
    CheckConstraint("valid_from_us < valid_until_us", name="validity"),
)

payment_conversions = Table(
    "payment_conversions",
    engine_metadata,
    Column("payment_id", Text, primary_key=True),
    Column("rate", Text, nullable=False),  # a decimal
    Column("presentment_minor", Integer, nullable=False),
    Column("presentment_currency", Text, nullable=False),
    Column("settlement_minor", Integer, nullable=False),
    Column("settlement_currency", Text, nullable=False),
    Column("fee_minor", Integer, nullable=False),  # in the settlement currency, of all kinds
    Column("returned_minor", Integer, nullable=False),
    Column("fee_returned_minor", Integer, nullable=False),
    Column("created_at_us", Integer, nullable=False),
    CheckConstraint("returned_minor BETWEEN 0 AND settlement_minor", name="returned"),
    CheckConstraint("fee_returned_minor BETWEEN 0 AND fee_minor", name="fee_returned"),
)

refund_conversions = Table(
    "refund_conversions",
    engine_metadata,
    Column("refund_id", Text, primary_key=True),
    Column("payment_id", Text, nullable=False, index=True),
    Column("returned_minor", Integer, nullable=False),  # in the payment's settlement currency
    Column("fee_returned_minor", Integer, nullable=False),
    CheckConstraint("returned_minor >= 0", name="returned"),
    CheckConstraint("fee_returned_minor BETWEEN 0 AND returned_minor", name="fee_returned"),
)
