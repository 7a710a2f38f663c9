"""Card lists in the cache (cache-aside).

Only an accelerator: a list is written after the database was read and forgotten whenever a card
changes. A list with a card in it that is not active is kept too, because the list is shown, never
used to decide a payment; a token entry never is. A list that could not be forgotten is not read
until it could: the cache may have kept what is true no more.
"""

from __future__ import annotations

import orjson

from backend.cache import keys
from backend.cache.tolerant import TolerantCache

CARD_LIST_TTL_S = 300


class CardLists:
    """The wallet's port for card lists."""

    def __init__(self, cache: TolerantCache) -> None:
        self._cache = cache
        self._changes: dict[str, int] = {}
        self._unforgotten: dict[str, set[str]] = {}

    def changes(self, user_id: str) -> int:
        """How often this person's cards changed; take it before reading the database."""
        return self._changes.get(user_id, 0)

    async def get(self, user_id: str) -> list[dict[str, object]] | None:
        """The list as it was last read from the database, or None."""
        if not await self._catch_up(user_id):
            return None
        stored = await self._cache.get(keys.user_cards(user_id))
        if stored is None:
            return None
        cards: list[dict[str, object]] = orjson.loads(stored)
        return cards

    async def put(self, user_id: str, cards: list[dict[str, object]], *, changes: int) -> None:
        """Keep a list, unless a card changed while it was on its way here."""
        if changes != self.changes(user_id) or user_id in self._unforgotten:
            return
        await self._cache.put(keys.user_cards(user_id), orjson.dumps(cards), ttl_s=CARD_LIST_TTL_S)

    async def forget(self, user_id: str, *token_refs: str) -> None:
        """A card of this person changed."""
        self._changes[user_id] = self.changes(user_id) + 1
        stale = self._unforgotten.setdefault(user_id, set())
        stale |= {keys.user_cards(user_id), *(keys.token(ref) for ref in token_refs)}
        await self._catch_up(user_id)

    async def _catch_up(self, user_id: str) -> bool:
        """Forget what is stale; False while the cache cannot be told."""
        stale = self._unforgotten.get(user_id)
        if not stale:
            return True
        if not await self._cache.forget(*sorted(stale)):
            return False
        if self._unforgotten.get(user_id) is stale:
            del self._unforgotten[user_id]
        return True
