"""Sessions in the cache: implements `wallet.ports.SessionCache`.

Useful where the database is farther away than the cache. A session that was ended is deleted here
in the same breath, and one that could not be deleted is not read: the next request finds it gone.
"""

from __future__ import annotations

from dataclasses import asdict

import orjson

from backend.cache.policy import DEFAULT, CachePolicy
from backend.cache.remembered import RUN_BYTES, News, Remembered
from backend.cache.tolerant import TolerantCache
from backend.wallet.model import Session


class KeptSessions:
    """The wallet's port for sessions that were read lately."""

    def __init__(
        self,
        cache: TolerantCache,
        policy: CachePolicy = DEFAULT,
        run: bytes = bytes(RUN_BYTES),
        news: News | None = None,
    ) -> None:
        self._kept = Remembered(cache, policy.session, run, news=news)

    def changes(self, id_hash: bytes) -> int:
        """How often this session changed; take it before reading the database."""
        return self._kept.changes(id_hash.hex())

    async def get(self, id_hash: bytes) -> Session | None:
        """The session as it was last read from the database, or None."""
        stored = await self._kept.get(id_hash.hex())
        return None if stored is None else Session(id_hash, **orjson.loads(stored))

    async def put(self, session: Session, *, changes: int) -> None:
        """Keep a session, unless it changed while it was on its way here."""
        values = asdict(session)
        del values["id_hash"]
        await self._kept.put(session.id_hash.hex(), orjson.dumps(values), changes=changes)

    async def forget(self, *id_hashes: bytes) -> None:
        """These sessions changed or ended."""
        for id_hash in id_hashes:
            await self._kept.forget(id_hash.hex())
