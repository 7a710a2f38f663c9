"""Transaction counters (ATC) that were used up, as the payment engine last wrote them down.

Implements `payments.ports.CounterCache`: the token behind a number's keyed hash (which never
changes), and the highest counter of that token that came with a valid cryptogram (write-through, no
expiry). A counter here may be too low, when a write was lost; then SQL decides alone. One that is
too high, out of another world's data, is confirmed by SQL before it counts.
"""

from __future__ import annotations

import orjson

from backend.cache.kept import Kept
from backend.cache.policy import Slot
from backend.cache.remembered import Remembered
from backend.cache.tolerant import TolerantCache

ATC_BYTES = 2


class KeptCounters:
    """The payment engine's port for counters."""

    def __init__(self, cache: TolerantCache, metadata: Remembered, slot: Slot) -> None:
        """Over a cache.

        Args:
            cache: level 2.
            metadata: the slot of what never changes of a token.
            slot: the watermarks'.
        """
        self._cache = cache
        self._tokens = Kept[str](metadata, orjson.dumps, orjson.loads)
        self._slot = slot

    async def token_of(self, fingerprint: bytes) -> str | None:
        """The token with that keyed digest of its digits, or None."""
        return await self._tokens.get(fingerprint.hex())

    async def keep_token(self, fingerprint: bytes, token_ref: str) -> None:
        """Keep whose digits these are."""
        owner = fingerprint.hex()
        await self._tokens.put(owner, token_ref, changes=self._tokens.changes(owner))

    async def highest(self, token_ref: str) -> int | None:
        """The highest counter that is known to be used up, or None."""
        stored = await self._cache.get(self._slot.key(token_ref))
        if stored is None or len(stored) != ATC_BYTES:
            return None
        return int.from_bytes(stored, "big")

    async def raise_to(self, token_ref: str, atc: int) -> None:
        """A counter was used up, and that is committed."""
        value = atc.to_bytes(ATC_BYTES, "big")
        await self._cache.put(self._slot.key(token_ref), value, ttl_s=self._slot.ttl_s)
