"""The cache as an accelerator: correct without it, never later than lab time, quick to give up."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from redis.exceptions import ConnectionError as RedisConnectionError

from backend.cache.answers import StoredAnswers
from backend.cache.card_lists import CardLists
from backend.cache.connect import open_cache
from backend.cache.policy import DEFAULT
from backend.cache.tolerant import TolerantCache
from backend.payments.ports import CachedReply
from backend.runtime.errors import UsageError
from backend.runtime.events import Event, EventLog
from backend.runtime.scheduler import VirtualClock, VirtualLoop

T = TypeVar("T")


class SlowRedis:
    """A server that answers after a minute."""

    async def get(self, name: str) -> bytes | None:
        await asyncio.sleep(60)
        return name.encode()

    async def set(self, name: str, value: bytes, *, ex: int | None) -> object:
        await asyncio.sleep(60)
        return (name, value, ex)

    async def delete(self, *names: str) -> int:
        await asyncio.sleep(60)
        return len(names)

    async def ping(self) -> object:
        raise RedisConnectionError("gone")

    async def aclose(self) -> None:
        return None


def in_virtual_time(
    work: Callable[[VirtualClock, EventLog], Awaitable[T]],
) -> tuple[T, list[Event]]:
    loop = VirtualLoop()
    clock = VirtualClock(loop)
    events = EventLog(clock, source="engine", world="simulated")

    async def main() -> T:
        return await work(clock, events)

    try:
        return loop.run_until_complete(main()), events.recent()
    finally:
        loop.close()


@pytest.mark.inv(127)
def test_a_value_lives_as_long_as_lab_time_says() -> None:
    async def work(clock: VirtualClock, events: EventLog) -> None:
        cache = open_cache(None, clock, events.emit)
        await cache.put("k", b"v", ttl_s=10)
        assert await cache.get("k") == b"v"
        await asyncio.sleep(9.9)
        assert await cache.get("k") == b"v"
        await asyncio.sleep(0.1)
        assert await cache.get("k") is None
        assert (cache.hits, cache.misses, cache.failures) == (2, 1, 0)
        assert await cache.is_reachable()
        await cache.close()

    assert in_virtual_time(work)[1] == []


@pytest.mark.inv(114, 142)
def test_a_broken_server_is_a_miss_and_said_once() -> None:
    server = FakeServer()

    async def work(clock: VirtualClock, events: EventLog) -> None:
        cache = TolerantCache(FakeAsyncRedis(server=server), clock, events.emit, name="redis")
        await cache.put("k", b"v", ttl_s=10)
        server.connected = False
        assert await cache.get("k") is None
        await cache.put("k", b"w", ttl_s=10)
        assert not await cache.forget("k")
        assert (cache.failures, cache.is_failing) == (3, True)
        server.connected = True
        assert await cache.get("k") == b"v"
        assert not cache.is_failing
        await cache.close()

    kinds = [event.kind for event in in_virtual_time(work)[1]]
    assert kinds == ["cache.failed", "cache.recovered"]


def test_a_slow_server_is_given_up_at_once() -> None:
    async def work(clock: VirtualClock, events: EventLog) -> int:
        cache = TolerantCache(SlowRedis(), clock, events.emit, name="redis")
        started_us = clock.monotonic_us()
        assert await cache.get("k") is None
        await cache.put("k", b"v", ttl_s=1)
        assert not await cache.is_reachable()
        return clock.monotonic_us() - started_us

    took_us, events = in_virtual_time(work)
    assert took_us == 100_000
    assert events[0].data["error"] == "TimeoutError"


@pytest.mark.inv(127, 138, 139)
def test_a_list_that_was_overtaken_by_a_change_is_not_kept() -> None:
    async def work(clock: VirtualClock, events: EventLog) -> None:
        lists = CardLists(open_cache(None, clock, events.emit))
        changes = lists.changes("usr_1")
        await lists.forget("usr_1", "ref_1")
        await lists.put("usr_1", [{"id": "old"}], changes=changes)
        assert await lists.get("usr_1") is None
        await lists.put("usr_1", [{"id": "new"}], changes=lists.changes("usr_1"))
        assert await lists.get("usr_1") == [{"id": "new"}]
        await asyncio.sleep(DEFAULT.cards.ttl_s or 0)
        assert await lists.get("usr_1") is None

    in_virtual_time(work)


@pytest.mark.inv(102)
def test_answers_come_back_byte_equal() -> None:
    async def work(clock: VirtualClock, events: EventLog) -> None:
        cache = open_cache(None, clock, events.emit)
        answers = StoredAnswers(cache)
        reply = CachedReply(b"h" * 32, 200, b'{"approved":true}', b"p" * 32)
        await answers.put("scope", reply, ttl_s=60)
        assert await answers.get("scope") == reply
        assert await answers.get("other") is None
        await answers.put("odd", CachedReply(b"short", 200, b"", b"p" * 32), ttl_s=60)
        assert await answers.get("odd") is None

    in_virtual_time(work)


def test_a_url_that_is_none_is_refused() -> None:
    async def work(clock: VirtualClock, events: EventLog) -> None:
        with pytest.raises(UsageError, match="--redis-url"):
            open_cache("nonsense", clock, events.emit)

    in_virtual_time(work)
