"""Idempotency keys: what a second request with the same key is told.

One row in SQL, unique by (account, mode, key) and committed with the payment's intent, decides;
two merchants may use the same key. For a tap the key is the terminal's identifier and sequence
number, so this row is also the check of a terminal's retry: it lives outside `payments` because
a partitioned table could not keep it unique.

The key is released only when nothing left this process: then the same payment tries again under
the same reference. After the first byte outside, the key keeps its answer: "pending" while the
outcome is unknown, then the final bytes for ever. Knows no SQL.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from backend.payments.ports import CachedReply
from backend.runtime.errors import BadRequest, Conflict

KEY_LENGTH_MAX = 255
RETRY_AFTER_S = 1
CACHE_TTL_S = 86_400
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class KeyInFlight(Conflict):
    """The first request with this key is not answered yet (HTTP 409 with Retry-After).

    Attributes:
        retry_after_s: when to ask again.
    """

    retry_after_s = RETRY_AFTER_S

    def __init__(self) -> None:
        super().__init__("key_in_flight", "a request with this Idempotency-Key is in flight")


class KeyMismatch(BadRequest):
    """The key was used for another request (HTTP 422)."""

    status = 422

    def __init__(self) -> None:
        super().__init__(
            "idempotency_mismatch", "this Idempotency-Key belongs to a different request"
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a till.

    Attributes:
        status: HTTP status.
        body: JSON bytes; a final answer's never change.
        replayed: whether an earlier request with the same key got it first.
    """

    status: int
    body: bytes
    replayed: bool


def check_key(key: str) -> None:
    """Refuse keys that cannot be kept.

    Raises:
        BadRequest: `idempotency_key_required` or `idempotency_key_invalid`.
    """
    if not key:
        raise BadRequest("idempotency_key_required", "send an Idempotency-Key")
    if _KEY.fullmatch(key) is None:
        raise BadRequest(
            "idempotency_key_invalid", f"1 to {KEY_LENGTH_MAX} visible ASCII characters"
        )


def cache_scope(account: str, key: str) -> str:
    """The cache's key: tells accounts apart and fits any store."""
    return hashlib.sha256(f"{account}\x00{key}".encode()).hexdigest()


def cacheable(scope: str, request_hash: bytes, status: int, body: bytes) -> CachedReply:
    """A final answer with the proof that it belongs to this scope and request."""
    return CachedReply(request_hash, status, body, _proof(scope, request_hash, status, body))


def is_genuine(scope: str, cached: CachedReply) -> bool:
    """Whether a cached answer is the one that was put there, for this scope."""
    return cached.proof == _proof(scope, cached.request_hash, cached.status, cached.body)


def _proof(scope: str, request_hash: bytes, status: int, body: bytes) -> bytes:
    return hashlib.sha256(f"{scope}|{status}|".encode() + request_hash + body).digest()
