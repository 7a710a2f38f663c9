"""Answers about somebody, kept until something about them changes (cache-aside).

Written after the database was read, forgotten whenever the owner's rows change. What could not be
forgotten is not read until it could: the cache may have kept what is true no more. What was read
before a change and arrives after it is taken back. What an earlier run of the engine kept counts
for nothing, because that run may have died before it could forget. So whoever changed something
never reads the state before it, and only an accelerator is lost when the cache is.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from backend.cache.tolerant import TolerantCache

RUN_BYTES = 8
_COUNTERS = 1024


class Remembered:
    """One kind of answer, by owner."""

    def __init__(
        self,
        cache: TolerantCache,
        key_of: Callable[[str], str],
        ttl_s: int,
        run: bytes = bytes(RUN_BYTES),
    ) -> None:
        """Over a cache.

        Args:
            cache: holds the answers.
            key_of: the key of an owner's answer.
            ttl_s: seconds of lab time that an answer lives.
            run: tells this run of the engine from earlier ones.
        """
        assert len(run) == RUN_BYTES, "a run is told by eight bytes"
        self._cache = cache
        self._key_of = key_of
        self._ttl_s = ttl_s
        self._run = run
        self._changes = [0] * _COUNTERS  # shared by owners with one checksum: a put too few
        self._unforgotten: dict[str, set[str]] = {}

    def changes(self, owner: str) -> int:
        """How often this owner's rows changed; take it before reading the database."""
        return self._changes[_counter(owner)]

    async def get(self, owner: str) -> bytes | None:
        """The answer as it was last read from the database, or None."""
        if not await self._catch_up(owner):
            return None
        stored = await self._cache.get(self._key_of(owner))
        if stored is None or stored[:RUN_BYTES] != self._run:
            return None
        return stored[RUN_BYTES:]

    async def put(self, owner: str, answer: bytes, *, changes: int) -> None:
        """Keep an answer, unless something changed while it was on its way here."""
        if changes != self.changes(owner) or owner in self._unforgotten:
            return
        key = self._key_of(owner)
        await self._cache.put(key, self._run + answer, ttl_s=self._ttl_s)
        if changes != self.changes(owner):  # it overtook this answer on the way to the cache
            self._unforgotten.setdefault(owner, set()).add(key)
            await self._catch_up(owner)

    def spoil(self, owner: str, *keys: str) -> None:
        """Something changed: what is kept, and these keys besides, is not to be read any more."""
        self._changes[_counter(owner)] += 1
        stale = self._unforgotten.setdefault(owner, set())
        stale |= {self._key_of(owner), *keys}

    async def forget(self, owner: str, *keys: str) -> None:
        """Something changed: delete what is kept, and these keys with it, in one command."""
        self.spoil(owner, *keys)
        await self._catch_up(owner)

    async def _catch_up(self, owner: str) -> bool:
        """Forget what is stale; False while the cache cannot be told."""
        stale = self._unforgotten.get(owner)
        if not stale:
            return True
        told = sorted(stale)
        if not await self._cache.forget(*told):
            return False
        if self._unforgotten.get(owner) is stale:
            stale.difference_update(told)
            if not stale:
                del self._unforgotten[owner]
        return True


def _counter(owner: str) -> int:
    return zlib.crc32(owner.encode()) % _COUNTERS
