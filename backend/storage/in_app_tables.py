"""Tables of payments in apps: keys for payment tokens, sessions of shops, tokens that were taken.

No column can hold a device account number or a cryptogram; a private key stands here sealed only.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, Table, Text

from backend.storage.metadata import engine_metadata

token_keys = Table(
    "token_keys",
    engine_metadata,
    Column("name", Text, primary_key=True),  # EC_v1/root … merchant/mer_tea_house
    Column("certificate", Text, nullable=False),  # PEM
    Column("sealed_key", LargeBinary, nullable=False),
    Column("created_at_us", Integer, nullable=False),
)

in_app_sessions = Table(
    "in_app_sessions",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("amount_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("line_items", Text, nullable=False),  # JSON: label, amount
    Column("networks", Text, nullable=False),  # parted by blanks
    Column("capabilities", Text, nullable=False),  # parted by blanks
    Column("unpredictable_number", LargeBinary, nullable=False),  # what the device signs (9F37)
    Column("created_at_us", Integer, nullable=False),
    Column("expires_at_us", Integer, nullable=False),
    Column("cancelled_at_us", Integer),
    Column("payment_id", Text),  # its last attempt
    CheckConstraint("amount_minor > 0", name="amount"),
)

in_app_tokens = Table(
    "in_app_tokens",
    engine_metadata,
    Column("transaction_id", Text, primary_key=True),  # each is taken once, for ever
    Column("merchant_id", Text, nullable=False),
    Column("payment_id", Text, nullable=False, index=True),
    Column("version", Text, nullable=False),
    Column("signed_at_us", Integer, nullable=False),
)
