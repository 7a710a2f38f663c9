"""Tables of the wallet side: people, their devices, their cards, what still has to reach a device.

No column can hold a card number: a card is known by its network's token reference, last four digits
and a keyed fingerprint of its device account number.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from backend.storage.metadata import engine_metadata

users = Table(
    "users",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=True),  # none: the demo user, who enters with the token
    Column("created_at_us", Integer, nullable=False),
    Column("erased_at_us", Integer),  # since then nothing here tells who it was
)

devices = Table(
    "devices",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("lost_at_us", Integer),
    Column("created_at_us", Integer, nullable=False),
    Column("public_key", Text),  # JWK; None until the device showed one
    CheckConstraint("kind IN ('phone', 'watch')", name="kind"),
)

sessions = Table(
    "sessions",
    engine_metadata,
    Column(
        "id_hash", LargeBinary, primary_key=True
    ),  # SHA-256 of the cookie: a stolen file opens nothing
    Column("user_id", Text, nullable=False),
    Column("device_id", Text),
    Column("created_at_us", Integer, nullable=False),
    Column("expires_at_us", Integer, nullable=False),
    Column("device_verified_at_us", Integer),  # its device proved that it holds its key
    Column("face_enrolled", Integer, nullable=False, server_default=text("0")),
)

provisioned_cards = Table(
    "provisioned_cards",
    engine_metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("token_ref", Text, nullable=False, unique=True),
    Column("token_fingerprint", LargeBinary, nullable=False, unique=True),
    Column("network", Text, nullable=False),
    Column("last4", Text, nullable=False),
    Column("token_last4", Text, nullable=False),
    Column("card_type", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("card_art_url", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("is_default", Integer, nullable=False),
    Column("suspended_at_us", Integer),
    Column("suspend_reason", Text),
    Column("provisioned_at_us", Integer, nullable=False),
    Column("updated_at_us", Integer, nullable=False),
    Column(
        "decisions", Text, nullable=False, server_default=""
    ),  # wallet, network, issuer: their colours, or nothing
    Column("terms_version", Text),
    Column("terms_accepted_at_us", Integer),
    Column(
        "suspended_by", Text, nullable=False, server_default=""
    ),  # CARDHOLDER, TOKEN_REQUESTOR, ISSUER …, parted by blanks
    Column("pending_operation", Text),  # reactivate or refresh: ordered, not done yet
    Column("design", Text, nullable=False, server_default=""),  # which face of its product
    UniqueConstraint("user_id", "device_id", "last4", "network"),
    CheckConstraint(
        "status IN ('requested', 'pending', 'active', 'suspended', 'rejected')", name="status"
    ),
    Index(
        "ix_one_default_a_device",
        "user_id",
        "device_id",
        unique=True,
        sqlite_where=text("is_default = 1"),
    ),
)

device_messages = Table(
    "device_messages",
    engine_metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("device_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),  # provision_token, token_status_change, message
    Column(
        "body", Text, nullable=False
    ),  # JSON; token keys inside only as ciphertext for the device
    Column("created_at_us", Integer, nullable=False),
    Column("delivered_at_us", Integer),
)
