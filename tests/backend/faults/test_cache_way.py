"""A cache that is slow, lost or wrong: always a miss, never a decision, never an old list."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from fakeredis import FakeAsyncRedis

from backend.cache import keys
from backend.cache.answers import StoredAnswers
from backend.cache.card_lists import CardLists
from backend.cache.tolerant import OPERATION_LIMIT_S, TolerantCache
from backend.faults.board import FaultBoard
from backend.faults.cache_way import FaultyCacheWay
from backend.payments.ports import CachedReply
from backend.runtime.events import Event, EventLog
from tests.backend.networks.bench import run_virtual, virtual

CARDS: list[dict[str, object]] = [{"id": "card_1", "status": "active"}]


class World:
    """A cache in the simulated world, and the board that troubles it."""

    def __init__(self) -> None:
        self.clock, _ = virtual()
        self.events: list[Event] = []
        log = EventLog(self.clock, source="engine")
        log.subscribe(self.events.append)
        self.board = FaultBoard(clock=self.clock, emit=log.emit, seed=6)
        self.redis = FakeAsyncRedis()
        self.cache = TolerantCache(
            self.redis, self.clock, log.emit, name="test", way=FaultyCacheWay(self.board)
        )

    def trouble(self, **fault: object) -> None:
        self.board.apply([{"link": "cache", **fault}])

    def fired(self) -> int:
        return self.board.view()["faults"][0]["fired"]

    def said(self) -> list[str]:
        return [event.kind for event in self.events if event.kind.startswith("cache.")]


def play(story: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        at = World()
        await story(at)
        await at.cache.close()

    run_virtual(main())


@pytest.mark.inv(114, 142)
@pytest.mark.parametrize(
    ("fault", "waited_s"),
    [
        ({"effect": "timeout"}, OPERATION_LIMIT_S),
        ({"effect": "latency", "ms": 60}, OPERATION_LIMIT_S),
        ({"effect": "lost_request"}, 0),
        ({"effect": "lost_response"}, 0),
    ],
)
def test_every_operation_fails_softly_and_comes_back(fault: dict, waited_s: float) -> None:
    async def story(at: World) -> None:
        await at.cache.put("k", b"before", ttl_s=60)
        at.trouble(**fault)
        begun_us = at.clock.now_us()
        assert await at.cache.get("k") is None
        await at.cache.put("k", b"during", ttl_s=60)
        assert not await at.cache.forget("other")
        assert not await at.cache.is_reachable()
        assert at.clock.now_us() - begun_us == 4 * waited_s * 1_000_000
        assert (at.cache.failures, at.fired()) == (4, 4)
        at.board.reset()
        done = fault["effect"] == "lost_response"
        assert await at.cache.get("k") == (b"during" if done else b"before")
        assert at.said() == ["cache.failed", "cache.recovered"]

    play(story)


def test_a_slow_cache_within_its_limit_still_answers() -> None:
    async def story(at: World) -> None:
        await at.cache.put("k", b"v", ttl_s=60)
        at.trouble(effect="latency", ms=30, jitter_ms=10)
        assert await at.cache.get("k") == b"v"
        assert (at.cache.failures, at.fired()) == (0, 1)

    play(story)


def test_a_wrong_value_is_a_miss_and_only_values_are_struck() -> None:
    async def story(at: World) -> None:
        at.trouble(effect="corrupt", when={"nth": 2})
        await at.cache.put("k", b"v", ttl_s=60)
        assert await at.cache.get("missing") is None
        assert [await at.cache.get("k") for _ in range(3)] == [b"v", None, b"v"]
        assert (at.fired(), at.cache.spoiled, at.cache.failures) == (1, 1, 0)
        assert at.said() == ["cache.spoiled"]

    play(story)


@pytest.mark.parametrize("size", [0, 7, 23, 24, 40])
def test_a_value_of_another_kind_is_a_miss(size: int) -> None:
    async def story(at: World) -> None:
        await at.redis.set("k", b"\xff" * size)
        assert await at.cache.get("k") is None

    play(story)


def test_another_keys_value_is_nobodys_answer() -> None:
    async def story(at: World) -> None:
        answers = StoredAnswers(at.cache)
        reply = CachedReply(b"h" * 32, 200, b'{"approved":true}', b"p" * 32)
        await answers.put("mer_1:paid", reply, ttl_s=60)
        stored = await at.redis.get(keys.idempotency("mer_1:paid"))
        await at.redis.set(keys.idempotency("mer_1:other"), stored)
        assert await answers.get("mer_1:other") is None
        assert await answers.get("mer_1:paid") == reply

    play(story)


@pytest.mark.inv(138)
@pytest.mark.parametrize("effect", ["lost_request", "lost_response", "timeout"])
def test_a_list_that_could_not_be_forgotten_is_not_shown_again(effect: str) -> None:
    async def story(at: World) -> None:
        lists = CardLists(at.cache)
        await lists.put("user", CARDS, changes=0)
        assert await lists.get("user") == CARDS
        at.trouble(effect=effect)
        await lists.forget("user", "tok_1")
        assert await lists.get("user") is None
        await lists.put("user", CARDS, changes=lists.changes("user"))
        at.board.reset()
        assert await lists.get("user") is None, "it was forgotten first"
        await lists.put("user", CARDS, changes=lists.changes("user"))
        assert await lists.get("user") == CARDS

    play(story)
