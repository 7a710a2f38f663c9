"""Wires what is kept: level 1 in this process, level 2 in a Redis where one is named.

Without a Redis the wallet's lists lie in an in-process one, and merchants and rates in level 1
alone: a point read of SQLite costs less than the in-process server's answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from backend.assembly.files import Files
from backend.assembly.ground import Ground
from backend.cache.answers import StoredAnswers
from backend.cache.card_lists import CardLists
from backend.cache.connect import open_news
from backend.cache.counters import KeptCounters
from backend.cache.kept import Kept
from backend.cache.kept_sessions import KeptSessions
from backend.cache.level_one import LevelOne
from backend.cache.merchants import KeptMerchants
from backend.cache.news import SharedNews
from backend.cache.policy import CachePolicy, Slot
from backend.cache.recent_history import RecentHistory
from backend.cache.remembered import RUN_BYTES, Remembered
from backend.cache.tolerant import TolerantCache
from backend.runtime.events import EventLog
from backend.settings import Settings
from backend.storage import history_rows

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Caches:
    """What is kept of the answers of others.

    Attributes:
        near: level 1.
        lists: card lists.
        history: newest pages of payments.
        merchants: who is paid.
        answers: final answers of payments; None without a server.
        sessions: None without a server.
        counters: used up transaction counters; None without a server.
    """

    policy: CachePolicy
    near: LevelOne
    lists: CardLists
    history: RecentHistory
    merchants: KeptMerchants
    answers: StoredAnswers | None
    sessions: KeptSessions | None
    counters: KeptCounters | None
    _remembered: Callable[[Slot], Remembered] = field(repr=False)
    _news: SharedNews | None

    def slot(self, slot: Slot, write: Callable[[T], bytes], read: Callable[[bytes], T]) -> Kept[T]:
        """A place for values of one type, each slot of the policy once.

        Args:
            slot: of `policy`: `rates`, `features`.
            write: a value as bytes.
            read: the value that was written so.
        """
        return Kept(self._remembered(slot), write, read)

    def start(self, ground: Ground) -> None:
        """Hear what other engines change, and tell them."""
        if self._news is not None:
            ground.scheduler.spawn(self._news.run_forever(), "cache news")
            ground.scheduler.spawn(self._news.tell_forever(), "cache tidings")

    async def close(self) -> None:
        """Give connections back; the cache itself is closed by its owner."""
        if self._news is not None:
            await self._news.close()


def open_caches(
    files: Files, events: EventLog, ground: Ground, cache: TolerantCache, settings: Settings
) -> Caches:
    """Everything that is kept, not started."""
    policy, url = settings.cache_policy, settings.redis_url
    run = ground.entropy.secret("cache.run").bytes(RUN_BYTES)
    near = LevelOne(ground.clock, policy.near_bytes_max)
    group = files.named_keys.key("cache group").hex()
    news = open_news(url, group, run.hex(), near, events.emit) if url else None

    def owner_of(payment_id: str) -> str | None:
        return files.engine.read(lambda tx: history_rows.owner(tx, payment_id))

    def remembered(slot: Slot) -> Remembered:
        return Remembered(cache if url else None, slot, run, near=near, news=news)

    history = RecentHistory(cache, owner_of, policy, run, news)
    merchants = KeptMerchants(remembered(policy.merchant))
    events.subscribe(history.heed)
    events.subscribe(merchants.heed)
    return Caches(
        policy=policy,
        near=near,
        lists=CardLists(cache, policy, run, news),
        history=history,
        merchants=merchants,
        answers=StoredAnswers(cache) if url else None,
        sessions=KeptSessions(cache, policy, run, news) if url else None,
        counters=KeptCounters(cache, remembered(policy.token_metadata), policy.atc)
        if url
        else None,
        _remembered=remembered,
        _news=news,
    )
