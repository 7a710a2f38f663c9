"""Engines on one Redis: what one forgets, all forget; who cannot hear reads nothing kept."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import pytest
import redis.asyncio

from backend.cache import keys
from backend.cache.connect import open_cache, open_news
from backend.cache.level_one import LevelOne
from backend.cache.policy import DEFAULT, Slot
from backend.cache.remembered import Remembered
from backend.runtime.clock import LabClock
from backend.runtime.events import Event, EventLog
from tests.backend.cache.redis_server import RedisServer

GROUP = "one-world"
SHARED = Slot("merchant", 3_600, 600)
EAR = Slot("ear", 60)
LIMIT_S = 10


class Ear:
    """Hears one key, after everything that was said before it."""

    slot = EAR

    def __init__(self) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue()

    def hear(self, owner: str) -> None:
        self.heard.put_nowait(owner)

    def begin_anew(self) -> None:
        self.heard.put_nowait("anew")


class Engine:
    """What an engine has of the cache."""

    def __init__(self, url: str, name: str, group: str = GROUP) -> None:
        self.clock = LabClock()
        self.log = EventLog(self.clock, source="engine")
        self.said: asyncio.Queue[str] = asyncio.Queue()
        self.log.subscribe(self._note)
        self.near = LevelOne(self.clock, 100_000)
        self.cache = open_cache(url, self.clock, self.log.emit)
        self.news = open_news(url, group, name, self.near, self.log.emit)
        run = name.encode().ljust(8, b".")
        self.kept = Remembered(self.cache, SHARED, run, near=self.near, news=self.news)
        self.lists = Remembered(self.cache, DEFAULT.cards, run, news=self.news)
        self.ear = Ear()
        self.news.join(self.ear)
        self.tasks = [
            asyncio.ensure_future(self.news.run_forever()),
            asyncio.ensure_future(self.news.tell_forever()),
        ]

    def _note(self, event: Event) -> None:
        if event.kind in {"cache.hears", "cache.deaf"}:
            self.said.put_nowait(event.kind)

    async def put(self, owner: str, answer: bytes) -> None:
        for kept in (self.kept, self.lists):
            await kept.put(owner, answer, changes=kept.changes(owner))

    async def get(self, owner: str) -> tuple[bytes | None, bytes | None]:
        return await self.kept.get(owner), await self.lists.get(owner)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self.news.close()
        await self.cache.close()


async def until(queue: asyncio.Queue[str], wanted: str) -> None:
    async with asyncio.timeout(LIMIT_S):
        while await queue.get() != wanted:
            pass


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    made = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield made
    made.stop()


def run(server: RedisServer, work: Callable[[Engine, Engine], Awaitable[None]]) -> None:
    async def main() -> None:
        one, other = Engine(server.url, "one"), Engine(server.url, "other")
        try:
            for engine in (one, other):
                await until(engine.said, "cache.hears")
            await work(one, other)
        finally:
            await one.close()
            await other.close()

    asyncio.run(main())


@pytest.mark.inv(375)
def test_what_one_engine_forgets_all_forget(server: RedisServer) -> None:
    async def work(one: Engine, other: Engine) -> None:
        await other.put("mer_1", b"old")
        assert await other.get("mer_1") == (b"old", b"old")
        before = other.kept.changes("mer_1")
        await one.kept.forget("mer_1")
        one.lists.spoil("mer_1")
        one.news.tell(EAR.key("x"))
        await until(other.ear.heard, "x")
        assert await other.get("mer_1") == (None, None)
        await other.kept.put("mer_1", b"old", changes=before)
        assert await other.kept.get("mer_1") is None, "read before the change, kept after it"
        await other.put("mer_1", b"new")
        assert await other.get("mer_1") == (b"new", b"new")
        assert one.news.heard == 0, "nobody heeds their own words"

    run(server, work)


@pytest.mark.inv(375)
def test_other_worlds_on_the_same_server_are_none_of_ours(server: RedisServer) -> None:
    async def work(one: Engine, other: Engine) -> None:
        stranger = Engine(server.url, "stranger", "another-world")
        await until(stranger.said, "cache.hears")
        await other.put("mer_1", b"ours")
        stranger.kept.spoil("mer_1")
        stranger.news.tell(EAR.key("x"))
        one.news.tell(EAR.key("y"))
        await until(other.ear.heard, "y")
        assert other.ear.heard.empty()
        assert await other.kept.get("mer_1") == b"ours"
        await stranger.close()

    run(server, work)


@pytest.mark.inv(114, 375)
def test_who_cannot_hear_reads_nothing_and_begins_anew(server: RedisServer) -> None:
    """Half a second, which is how long an engine waits before it looks for its server again."""

    async def work(one: Engine, other: Engine) -> None:
        await other.put("mer_1", b"old")
        server.kill()
        await until(other.said, "cache.deaf")
        assert await other.get("mer_1") == (None, None)
        assert len(other.near) == 0
        await other.put("mer_1", b"old")
        one.kept.spoil("mer_1")  # nobody hears it now
        server.start()
        await until(other.said, "cache.hears")
        assert await other.get("mer_1") == (None, None), "it may have changed in the silence"
        one.news.tell(EAR.key("x"))
        await until(other.ear.heard, "x")
        await other.put("mer_1", b"new")
        assert await other.get("mer_1") == (b"new", b"new")

    run(server, work)


@pytest.mark.inv(375)
def test_what_was_kept_before_a_silence_counts_for_nothing(server: RedisServer) -> None:
    """Only the subscription is cut, so level 2 still has what nobody may believe."""

    async def work(_: Engine, other: Engine) -> None:
        await other.put("mer_1", b"old")
        async with redis.asyncio.Redis.from_url(server.url) as client:
            await client.client_kill_filter(_type="pubsub")
            await until(other.said, "cache.deaf")
            assert await other.get("mer_1") == (None, None)
            await until(other.said, "cache.hears")
            assert await client.exists(SHARED.key("mer_1"), DEFAULT.cards.key("mer_1")) == 2
        assert await other.get("mer_1") == (None, None)
        await other.put("mer_1", b"new")
        assert await other.get("mer_1") == (b"new", b"new")

    run(server, work)


@pytest.mark.inv(375)
@pytest.mark.parametrize("words", [b"", b"{}", b"[1]", b'{"from":"x","keys":"all"}', b"\xff"])
def test_words_that_nobody_understands_may_mean_anything(server: RedisServer, words: bytes) -> None:
    async def work(one: Engine, other: Engine) -> None:
        await other.put("mer_1", b"old")
        async with redis.asyncio.Redis.from_url(server.url) as client:
            await client.publish(keys.news(GROUP), words)
        one.news.tell(EAR.key("x"))
        await until(other.ear.heard, "x")
        assert await other.get("mer_1") == (None, None)

    run(server, work)
