"""Answers about somebody, kept until something about them changes (cache-aside).

Written after the database was read, forgotten whenever the owner's rows change. What could not be
forgotten is not read until it could: the cache may have kept what is true no more. What was read
before a change and arrives after it is taken back. What an earlier run of the engine kept counts
for nothing, because that run may have died before it could forget. So whoever changed something
never reads the state before it, and only an accelerator is lost when the cache is.

Level 1 (this process's memory) is asked before level 2 (a Redis), and either may be missing. What
is forgotten here is told to the other engines on the same Redis, and what they forget is forgotten
here; after a silence in which that could not be heard, what was kept before it counts for nothing.
"""

from __future__ import annotations

import zlib
from typing import Protocol

from backend.cache.level_one import LevelOne
from backend.cache.policy import Slot
from backend.cache.tolerant import TolerantCache

RUN_BYTES = 8
_COUNTERS = 1024


class Hearer(Protocol):
    """Who wants to know what another engine changed.

    Attributes:
        slot: whose keys these are.
    """

    slot: Slot

    def hear(self, owner: str) -> None:
        """Another engine changed something about this owner."""

    def begin_anew(self) -> None:
        """There was a silence: anything may have changed in it."""


class News(Protocol):
    """Changes, told to and heard from other engines."""

    @property
    def is_deaf(self) -> bool:
        """Whether changes of other engines go unheard now."""

    def join(self, hearer: Hearer) -> None:
        """Let somebody hear."""

    def tell(self, *keys: str) -> None:
        """What these keys held is true no more."""


class Remembered:
    """One kind of answer, by owner.

    Attributes:
        slot: which kind.
    """

    def __init__(
        self,
        cache: TolerantCache | None,
        slot: Slot,
        run: bytes = bytes(RUN_BYTES),
        *,
        near: LevelOne | None = None,
        news: News | None = None,
    ) -> None:
        """Over a cache.

        Args:
            cache: level 2; None is none.
            slot: names and times.
            run: tells this run of the engine from earlier ones.
            near: level 1, for slots that want one; None is none.
            news: of other engines on the same level 2.
        """
        assert len(run) == RUN_BYTES, "a run is told by eight bytes"
        assert slot.ttl_s is not None, "what changes is not kept for ever"
        self.slot = slot
        self._cache = cache
        self._near = near if slot.near_ttl_s else None
        self._ttl_s = slot.ttl_s
        self._run = run
        self._news = news
        if news is not None:
            news.join(self)
        self._changes = [0] * _COUNTERS  # shared by owners with one checksum: a put too few
        self._unforgotten: dict[str, set[str]] = {}

    def changes(self, owner: str) -> int:
        """How often this owner's rows changed; take it before reading the database."""
        return self._changes[_counter(owner)]

    async def get(self, owner: str) -> bytes | None:
        """The answer as it was last read from the database, or None."""
        if self._news is not None and self._news.is_deaf:
            return None
        key = self.slot.key(owner)
        if self._near is not None and (answer := self._near.get(key)) is not None:
            return answer
        if self._cache is None or not await self._catch_up(owner):
            return None
        changes = self.changes(owner)
        found = await self._cache.find(key)
        stored = b"" if found is None else found.value
        if found is None or stored[:RUN_BYTES] != self._run:
            return None
        answer = stored[RUN_BYTES:]
        if changes == self.changes(owner):
            self._put_near(key, answer, found.expires_at_us)
        return answer

    async def put(self, owner: str, answer: bytes, *, changes: int) -> None:
        """Keep an answer, unless something changed while it was on its way here."""
        if changes != self.changes(owner) or owner in self._unforgotten:
            return
        key = self.slot.key(owner)
        self._put_near(key, answer)
        if self._cache is None:
            return
        await self._cache.put(key, self._run + answer, ttl_s=self._ttl_s)
        if changes != self.changes(owner):  # it overtook this answer on the way to the cache
            self._unforgotten.setdefault(owner, set()).add(key)
            await self._catch_up(owner)

    def spoil(self, owner: str, *keys: str) -> None:
        """Something changed: what is kept, and these keys besides, is not to be read any more."""
        self._drop(owner, *keys)
        if self._news is not None:
            self._news.tell(self.slot.key(owner), *keys)

    def hear(self, owner: str) -> None:
        """Another engine changed something: it has told the others itself."""
        self._drop(owner)

    def begin_anew(self) -> None:
        """Whatever was kept so far may be true no more: it counts as an earlier run's."""
        self._changes = [count + 1 for count in self._changes]
        following = int.from_bytes(self._run, "big") + 1
        self._run = (following % 256**RUN_BYTES).to_bytes(RUN_BYTES, "big")

    def _drop(self, owner: str, *keys: str) -> None:
        self._changes[_counter(owner)] += 1
        told = {self.slot.key(owner), *keys}
        if self._near is not None:
            self._near.forget(*told)
        if self._cache is not None:
            self._unforgotten.setdefault(owner, set()).update(told)

    async def forget(self, owner: str, *keys: str) -> None:
        """Something changed: delete what is kept, and these keys with it, in one command."""
        self.spoil(owner, *keys)
        await self._catch_up(owner)

    def _put_near(self, key: str, answer: bytes, until_us: int | None = None) -> None:
        if self._near is not None:
            self._near.put(key, answer, ttl_s=self.slot.near_ttl_s, until_us=until_us)

    async def _catch_up(self, owner: str) -> bool:
        """Forget what is stale; False while the cache cannot be told."""
        stale = self._unforgotten.get(owner)
        if not stale or self._cache is None:
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
