"""The one place where cache keys are built, so that what is written is also what is forgotten.

The `{…}` part is a Redis Cluster hash tag: what changes together lives on one shard.
"""

from __future__ import annotations

import hashlib


def user_cards(user_id: str) -> str:
    """The card list of one person."""
    return f"cards:{{{user_id}}}"


def token(token_ref: str) -> str:
    """What is known of one network token."""
    return f"token:{{{token_ref}}}"


def idempotency(scope: str) -> str:
    """The stored answer of one request; hashed, because clients choose keys freely."""
    return f"idempotency:{{{hashlib.sha256(scope.encode()).hexdigest()}}}"
