"""The newest page of a person's history in the cache, spoiled by every change of a payment.

The change is heard from the event log, in the same turn of the loop in which its commit is
announced, so whoever paid sees that payment in the next list (read-your-writes). The first page
only: pages behind a cursor change seldom and are asked for seldom.
"""

from __future__ import annotations

from collections.abc import Callable

from backend.cache.policy import DEFAULT, CachePolicy
from backend.cache.remembered import RUN_BYTES, News, Remembered
from backend.cache.tolerant import TolerantCache
from backend.runtime.errors import StorageError
from backend.runtime.events import Event

OwnerOf = Callable[[str], str | None]


class RecentHistory:
    """Pages as they were answered, by person."""

    def __init__(
        self,
        cache: TolerantCache,
        owner_of: OwnerOf,
        policy: CachePolicy = DEFAULT,
        run: bytes = bytes(RUN_BYTES),
        news: News | None = None,
    ) -> None:
        """Over a cache.

        Args:
            cache: holds the pages.
            owner_of: whose payment that is; None for nobody's.
            policy: how long, and under which name.
            run: tells this run of the engine from earlier ones.
            news: of other engines on the same cache.
        """
        self._pages = Remembered(cache, policy.history, run, news=news)
        self._owner_of = owner_of
        self._kept: set[str] = set()  # people of whom there is something to spoil

    def heed(self, event: Event) -> None:
        """Subscribed to the event log."""
        if not self._kept or event.payment_id is None or not event.kind.startswith("payment."):
            return
        try:
            owner = self._owner_of(event.payment_id)
        except StorageError:  # it may be anybody's
            changed = set(self._kept)
        else:
            changed = self._kept & {owner or ""}
        self._kept -= changed
        for owner in changed:
            self._pages.spoil(owner)

    async def get(self, user_id: str) -> bytes | None:
        """The page as it was last answered, or None."""
        return await self._pages.get(user_id)

    def changes(self, user_id: str) -> int:
        """How often this person's payments changed; take it before reading the database."""
        self._kept.add(user_id)  # from here on a change has to be heard
        return self._pages.changes(user_id)

    async def put(self, user_id: str, page: bytes, *, changes: int) -> None:
        """Keep a page, unless a payment changed while it was on its way here."""
        await self._pages.put(user_id, page, changes=changes)

    async def forget(self, user_id: str) -> None:
        """Nothing of this person is kept any more."""
        await self._pages.forget(user_id)
