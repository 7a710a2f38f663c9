"""Card lists in the cache: implements `wallet.ports.CardListCache`.

A list with a card in it that is not active is kept too, because the list is shown, never used to
decide a payment. With a list goes what is kept of the tokens whose cards changed, in one command.
"""

from __future__ import annotations

import orjson

from backend.cache import keys
from backend.cache.policy import DEFAULT, CachePolicy
from backend.cache.remembered import RUN_BYTES, News, Remembered
from backend.cache.tolerant import TolerantCache


class CardLists:
    """The wallet's port for card lists."""

    def __init__(
        self,
        cache: TolerantCache,
        policy: CachePolicy = DEFAULT,
        run: bytes = bytes(RUN_BYTES),
        news: News | None = None,
    ) -> None:
        self._lists = Remembered(cache, policy.cards, run, news=news)

    def changes(self, user_id: str) -> int:
        """How often this person's cards changed; take it before reading the database."""
        return self._lists.changes(user_id)

    async def get(self, user_id: str) -> list[dict[str, object]] | None:
        """The list as it was last read from the database, or None."""
        stored = await self._lists.get(user_id)
        if stored is None:
            return None
        cards: list[dict[str, object]] = orjson.loads(stored)
        return cards

    async def put(self, user_id: str, cards: list[dict[str, object]], *, changes: int) -> None:
        """Keep a list, unless a card changed while it was on its way here."""
        await self._lists.put(user_id, orjson.dumps(cards), changes=changes)

    async def forget(self, user_id: str, *token_refs: str) -> None:
        """A card of this person changed."""
        await self._lists.forget(user_id, *(keys.token(ref) for ref in token_refs))
