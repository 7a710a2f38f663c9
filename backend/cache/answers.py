"""Final answers of payments in the cache, so that a replay need not ask the database.

Implements `payments.ports.IdempotencyCache`. What is read is checked again by its reader; a value
of another shape is a miss. Never decides: the key's row in SQL does.
"""

from __future__ import annotations

from backend.cache import keys
from backend.cache.tolerant import TolerantCache
from backend.payments.ports import CachedReply

HASH_BYTES = 32
STATUS_BYTES = 2
HEAD_BYTES = 2 * HASH_BYTES + STATUS_BYTES


class StoredAnswers:
    """The payment engine's accelerator for replays."""

    def __init__(self, cache: TolerantCache) -> None:
        self._cache = cache

    async def get(self, scope: str) -> CachedReply | None:
        """The final answer kept under a scope, if any."""
        stored = await self._cache.get(keys.idempotency(scope))
        if stored is None or len(stored) < HEAD_BYTES:
            return None
        return CachedReply(
            request_hash=stored[:HASH_BYTES],
            status=int.from_bytes(stored[2 * HASH_BYTES : HEAD_BYTES], "big"),
            body=stored[HEAD_BYTES:],
            proof=stored[HASH_BYTES : 2 * HASH_BYTES],
        )

    async def put(self, scope: str, reply: CachedReply, *, ttl_s: int) -> None:
        """Keep a final answer for `ttl_s` seconds of lab time."""
        if len(reply.request_hash) != HASH_BYTES or len(reply.proof) != HASH_BYTES:
            return  # another digest than the one this format was made for
        head = reply.request_hash + reply.proof + reply.status.to_bytes(STATUS_BYTES, "big")
        await self._cache.put(keys.idempotency(scope), head + reply.body, ttl_s=ttl_s)
