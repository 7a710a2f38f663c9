"""The audit trail as one chain of hashes, from which an address can still be taken.

Each line's hash covers the one before it, so a changed, removed or inserted line breaks every later
one. An address (personal data) enters the chain as a salted digest only: when its person asks to be
forgotten, address and salt go, and the chain still holds. SHA-256 over a JSON array; protects
against mistakes and quiet edits, not against someone who can write the whole trail anew. Knows no
database.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import orjson

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The last line of the trail.

    Attributes:
        seq: its number; 0 while there is none.
        hash: its hash.
    """

    seq: int = 0
    hash: bytes = GENESIS


@dataclass(frozen=True, slots=True)
class AuditLine:
    """What the chain covers of a line.

    Attributes:
        at_us: lab time.
        metadata: JSON, as it is stored.
        address_digest: of where the request came from; None for what nobody sent.
    """

    at_us: int
    user_id: str | None
    action: str
    resource_type: str
    resource_id: str | None
    result: str
    metadata: str
    address_digest: bytes | None


def line_hash(head: AuditHead, line: AuditLine) -> bytes:
    """SHA-256 of the line that follows `head`."""
    digest = None if line.address_digest is None else line.address_digest.hex()
    parts = [
        head.seq + 1,
        line.at_us,
        line.user_id,
        line.action,
        line.resource_type,
        line.resource_id,
        line.result,
        line.metadata,
        digest,
    ]
    return hashlib.sha256(head.hash + orjson.dumps(parts)).digest()


def address_digest(salt: bytes, address: str) -> bytes:
    """What stays of an address in the chain; without the salt it cannot be guessed back."""
    return hashlib.sha256(salt + address.encode()).digest()
