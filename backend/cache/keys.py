"""Cache keys that no preset renames (the others are the policy's), each built in one place only.

The `{…}` part is a Redis Cluster hash tag: what changes together lives on one shard.
"""

from __future__ import annotations

import hashlib


def token(token_ref: str) -> str:
    """What is known of one network token."""
    return f"token:{{{token_ref}}}"


def news(group: str) -> str:
    """The channel on which a group of engines says what it forgot."""
    return f"forget:{{{group}}}"


def idempotency(scope: str) -> str:
    """The stored answer of one request; hashed, because clients choose keys freely."""
    return f"idempotency:{{{hashlib.sha256(scope.encode()).hexdigest()}}}"
