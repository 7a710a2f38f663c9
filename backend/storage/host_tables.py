"""Tables of the network hosts.

They stand for other companies' machines, so they have a file and a metadata of their own and share
no key with the engine's tables.

Card numbers and keys appear only as ciphertext and as keyed fingerprints.
"""

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
    UniqueConstraint,
    text,
)

from backend.storage.metadata import host_metadata

host_secrets = Table(
    "host_secrets",
    host_metadata,
    Column("network", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("network", "name"),
    sqlite_with_rowid=False,
)

host_accounts = Table(
    "host_accounts",
    host_metadata,
    Column("account_id", Text, primary_key=True),
    Column("network", Text, nullable=False),
    Column("number_fingerprint", LargeBinary, nullable=False),
    Column("sealed_number", LargeBinary, nullable=False),
    Column("last4", Text, nullable=False),
    Column("account_reference", Text, nullable=False, unique=True),
    Column("card_type", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("created_at_us", Integer, nullable=False),
    UniqueConstraint("network", "number_fingerprint"),
)

host_tokens = Table(
    "host_tokens",
    host_metadata,
    Column("token_ref", Text, primary_key=True),
    Column("network", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("wallet_id", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("token_fingerprint", LargeBinary, nullable=False),
    Column("sealed_token", LargeBinary, nullable=False),
    Column("token_last4", Text, nullable=False),
    Column("expiry", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("atc_seen", Integer, nullable=False),
    Column("created_at_us", Integer, nullable=False),
    UniqueConstraint("network", "token_fingerprint"),
    CheckConstraint("status IN ('inactive', 'active', 'suspended', 'deactivated')", name="status"),
    Index(
        "ix_one_live_token_a_device",
        "account_id",
        "device_id",
        unique=True,
        sqlite_where=text("status != 'deactivated'"),
    ),
)

host_counters = Table(
    "host_counters",
    host_metadata,
    Column("token_ref", Text, primary_key=True),
    Column("highest", Integer, nullable=False),
    Column("used_below", Integer, nullable=False),  # bit n: highest - 1 - n was used
    sqlite_with_rowid=False,
)

host_authorizations = Table(
    "host_authorizations",
    host_metadata,
    Column("network", Text, nullable=False),
    Column("rrn", Text, nullable=False),
    Column("stan", Text, nullable=False),
    Column("sent", Text, nullable=False),  # DE 7, MMDDhhmmss
    Column("token_ref", Text),
    Column("amount_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("response_code", Text),
    Column("auth_code", Text),
    Column("reason", Text, nullable=False),
    Column("steered", Text),
    Column("cryptogram_valid", Integer),
    Column("issuer_us", Integer, nullable=False),
    Column("at_us", Integer, nullable=False),
    Column("reversed_at_us", Integer),
    PrimaryKeyConstraint("network", "rrn", "stan", "sent"),
    sqlite_with_rowid=False,
)

host_holds = Table(
    "host_holds",
    host_metadata,
    Column("network", Text, nullable=False),
    Column("rrn", Text, nullable=False),
    Column("stan", Text, nullable=False),
    Column("sent", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("amount_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    PrimaryKeyConstraint("network", "rrn", "stan", "sent"),
    CheckConstraint("amount_minor >= 0", name="amount"),
    CheckConstraint("state IN ('held', 'released')", name="state"),
    sqlite_with_rowid=False,
)

host_balances = Table(
    "host_balances",
    host_metadata,
    Column("account_id", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("held_minor", Integer, nullable=False),
    PrimaryKeyConstraint("account_id", "currency"),
    CheckConstraint("held_minor >= 0", name="held"),
    sqlite_with_rowid=False,
)

host_presentments = Table(
    "host_presentments",
    host_metadata,
    Column("network", Text, nullable=False),
    Column("rrn", Text, nullable=False),
    Column("original_stan", Text, nullable=False),
    Column("original_sent", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("stan", Text, nullable=False),
    Column("sent", Text, nullable=False),
    Column("amount_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("at_us", Integer, nullable=False),
    PrimaryKeyConstraint(
        "network", "rrn", "original_stan", "original_sent", "kind", "stan", "sent"
    ),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("kind IN ('completion', 'refund')", name="kind"),
    sqlite_with_rowid=False,
)

host_postings = Table(
    "host_postings",
    host_metadata,
    Column("account_id", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("posted_minor", Integer, nullable=False),  # completions less refunds
    PrimaryKeyConstraint("account_id", "currency"),
    CheckConstraint("posted_minor >= 0", name="posted"),
    sqlite_with_rowid=False,
)

host_approvals = Table(
    "host_approvals",
    host_metadata,
    Column("network", Text, primary_key=True),
    Column("approvals", Integer, nullable=False),
    sqlite_with_rowid=False,
)

host_verifications = Table(
    "host_verifications",
    host_metadata,
    Column("token_ref", Text, primary_key=True),
    Column("account_id", Text, nullable=False, index=True),
    Column("device_key", Text, nullable=False),  # public JWK
    Column("methods", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("started_at_us", Integer, nullable=False),
    Column("ended_at_us", Integer),
    CheckConstraint("stage IN ('open', 'passed', 'failed')", name="stage"),
    sqlite_with_rowid=False,
)

host_codes = Table(
    "host_codes",
    host_metadata,
    Column("token_ref", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("code_fingerprint", LargeBinary, nullable=False),
    Column("sends", Integer, nullable=False),
    Column("sent_at_us", Integer, nullable=False),
    Column("expires_at_us", Integer, nullable=False),
    Column("wrong_tries", Integer, nullable=False),
    Column("last_request", Text, nullable=False),
    Column("last_outcome", Text, nullable=False),
    PrimaryKeyConstraint("token_ref", "method"),
    sqlite_with_rowid=False,
)

host_notices = Table(
    "host_notices",
    host_metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("network", Text, nullable=False),
    Column("wallet_id", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("token_ref", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("last4", Text, nullable=False),
    Column("sealed_code", LargeBinary, nullable=False),
    Column("sent_at_us", Integer, nullable=False),
    Column("expires_at_us", Integer, nullable=False),
)

host_suspensions = Table(
    "host_suspensions",
    host_metadata,
    Column("token_ref", Text, nullable=False),
    Column("held_by", Text, nullable=False),  # ISSUER, TOKEN_REQUESTOR, CARDHOLDER …
    Column("reason", Text, nullable=False),
    Column("at_us", Integer, nullable=False),
    PrimaryKeyConstraint("token_ref", "held_by"),
    sqlite_with_rowid=False,
)

host_token_terms = Table(
    "host_token_terms",
    host_metadata,
    Column("token_ref", Text, primary_key=True),
    Column("device_type", Text, nullable=False),
    Column("device_key", Text, nullable=False),  # public JWK
    Column("assurance_method", Text, nullable=False),
    Column("replaces", Text),
    Column("replaced_by", Text),
    sqlite_with_rowid=False,
)

host_token_events = Table(
    "host_token_events",
    host_metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("network", Text, nullable=False),
    Column("token_ref", Text, nullable=False, index=True),
    Column("operation", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("suspended_by", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("last4", Text, nullable=False),
    Column("at_us", Integer, nullable=False),
)

host_retired_numbers = Table(
    "host_retired_numbers",
    host_metadata,
    Column("network", Text, nullable=False),
    Column("number_fingerprint", LargeBinary, nullable=False),
    Column("at_us", Integer, nullable=False),
    PrimaryKeyConstraint("network", "number_fingerprint"),
    sqlite_with_rowid=False,
)
