"""Merchants' rate limits: one contract, on buckets in this process and in Debian's redis-server."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.cache.buckets import SharedBuckets, bucket_key
from backend.cache.connect import open_cache
from backend.domain.token_bucket import Buckets, Limit, LocalBuckets
from backend.gateway.merchant_account import MerchantAccount
from backend.gateway.rate_limits import TIERS, RateLimits, TooManyCalls
from backend.runtime.clock import LabClock
from backend.runtime.events import EventLog
from tests.backend.cache.test_remembered import redis_url
from tests.backend.wallet.test_limits import HandClock

__all__ = ["redis_url"]

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
SMALL = (Limit(3, 3), Limit(5, 5 / 3_600))


@dataclass
class Bench:
    """Buckets of `engines` processes, and a clock that hands move.

    Attributes:
        url: of the server; None keeps buckets in this process, which is one engine then.
    """

    url: str | None
    clock: HandClock = field(default_factory=lambda: HandClock(1_800_000_000 * SECOND_US))
    names: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000)))

    def run(self, work: Callable[[list[Buckets]], Awaitable[None]], engines: int = 1) -> None:
        async def main() -> None:
            if self.url is None:
                await work([LocalBuckets()] * engines)
                return
            log = EventLog(LabClock(), source="test")
            caches = [open_cache(self.url, self.clock, log.emit) for _ in range(engines)]
            try:
                await work([SharedBuckets(cache) for cache in caches])
                assert not any(cache.failures for cache in caches), "the server answered"
            finally:
                for cache in caches:
                    await cache.close()

        asyncio.run(main())


_RUNS = iter(range(1_000_000))


def somebody() -> str:
    """A merchant whom no test has seen yet: a server remembers between tests."""
    return f"mer_{next(_RUNS)}"


@pytest.fixture(params=["in-process", "redis-server"])
def bench(request: pytest.FixtureRequest) -> Bench:
    is_server = request.param == "redis-server"
    return Bench(request.getfixturevalue("redis_url") if is_server else None)


async def allowed(bench: Bench, buckets: Buckets, who: str, limits: tuple[Limit, ...]) -> int:
    """How many calls pass before the first refusal."""
    for number in range(100):
        if not (await buckets.take(who, limits, bench.clock.at_us)).allowed:
            return number
    raise AssertionError("no limit at all")


@pytest.mark.inv(320)
def test_the_tighter_of_two_buckets_binds_and_both_fill_again(bench: Bench) -> None:
    async def work(engines: list[Buckets]) -> None:
        (buckets,), who = engines, somebody()
        assert await allowed(bench, buckets, who, SMALL) == 3
        assert await allowed(bench, buckets, somebody(), SMALL) == 3, "another one has its own"
        bench.clock.at_us += SECOND_US
        assert await allowed(bench, buckets, who, SMALL) == 2, "five in the hour"
        refused = await buckets.take(who, SMALL, bench.clock.at_us)
        assert refused.limit == SMALL[1]
        assert (refused.remaining, refused.wait_us) == (0, 720 * SECOND_US - SECOND_US)
        bench.clock.at_us += 720 * SECOND_US
        assert await allowed(bench, buckets, who, SMALL) == 1
        bench.clock.at_us += 100 * HOUR_US
        assert await allowed(bench, buckets, who, SMALL) == 3, "never more than the burst"

    bench.run(work)


def test_a_refused_call_costs_nothing(bench: Bench) -> None:
    async def work(engines: list[Buckets]) -> None:
        (buckets,), who = engines, somebody()
        assert await allowed(bench, buckets, who, SMALL) == 3
        for _ in range(20):
            refused = await buckets.take(who, SMALL, bench.clock.at_us)
            assert refused.remaining == 0
        bench.clock.at_us += SECOND_US
        assert await allowed(bench, buckets, who, SMALL) == 2

    bench.run(work)


def test_a_clock_that_was_set_back_locks_nobody_out_for_long(bench: Bench) -> None:
    async def work(engines: list[Buckets]) -> None:
        (buckets,), who = engines, somebody()
        assert await allowed(bench, buckets, who, SMALL) == 3
        bench.clock.at_us -= 1_000 * HOUR_US
        refused = await buckets.take(who, SMALL, bench.clock.at_us)
        assert not refused.allowed
        assert refused.wait_us <= HOUR_US
        bench.clock.at_us += HOUR_US
        assert await allowed(bench, buckets, who, SMALL) == 3

    bench.run(work)


@pytest.mark.inv(320, 325)
def test_several_engines_share_one_bucket(bench: Bench) -> None:
    limits, calls = (Limit(20, 1.0), Limit(100, 1.0)), 60

    async def work(engines: list[Buckets]) -> None:
        who = somebody()
        answers = []
        for _ in range(calls // 4):  # two of each engine at once
            asked = [each.take(who, limits, bench.clock.at_us) for each in engines * 2]
            answers += await asyncio.gather(*asked)
        assert sum(each.allowed for each in answers) == 20
        left = sorted(each.remaining for each in answers if each.allowed)
        assert left == list(range(20)), "each call saw a bucket of its own moment"

    bench.run(work, engines=2)


@given(
    burst=st.integers(1, 5),
    per_s=st.sampled_from([0.5, 1.0, 3.0, 100.0]),
    steps_us=st.lists(st.integers(0, 2 * SECOND_US), min_size=1, max_size=40),
)
def test_over_any_time_no_more_passes_than_capacity_and_rate_allow(
    burst: int, per_s: float, steps_us: list[int]
) -> None:
    buckets, limit, now_us = LocalBuckets(), Limit(burst, per_s), 0
    passed: list[int] = []
    for step_us in steps_us:
        now_us += step_us
        taken = buckets.take_now("mer", (limit,), now_us)
        assert 0 <= taken.remaining <= burst
        if taken.allowed:
            passed.append(now_us)
        else:
            assert buckets.take_now("mer", (limit,), now_us + taken.wait_us - 1).allowed is False
    for first, since_us in enumerate(passed):
        for last in range(first, len(passed)):
            span_us = passed[last] - since_us
            assert last - first + 1 <= burst + span_us / limit.interval_us


def test_the_keys_are_the_designs() -> None:
    second, hour = TIERS[1]
    assert bucket_key("mer_1", second) == "rate_limit:{mer_1}:second"
    assert bucket_key("mer_1", hour) == "rate_limit:{mer_1}:hour"


@pytest.mark.inv(321, 322, 323, 324)
@pytest.mark.parametrize(
    ("tier", "per_second", "per_hour"),
    [(1, 100, 10_000), (2, 1_000, 100_000), (3, 10_000, 1_000_000)],
)
def test_a_tier_says_its_limits_in_the_headers(tier: int, per_second: int, per_hour: int) -> None:
    clock = HandClock()
    limits = RateLimits(LocalBuckets(), clock)
    merchant = MerchantAccount("mer_1", "Tea", "5499", "T1", tier=tier)

    async def main() -> None:
        for number in range(per_second):
            headers = await limits.take(merchant)
            assert headers["X-RateLimit-Limit"] == str(per_second)
            assert headers["X-RateLimit-Remaining"] == str(per_second - number - 1)
        with pytest.raises(TooManyCalls) as refused:
            await limits.take(merchant)
        assert refused.value.status == 429
        assert refused.value.retry_after_s == 1
        assert refused.value.headers["X-RateLimit-Remaining"] == "0"
        assert refused.value.headers["X-RateLimit-Reset"] == "1"
        assert TIERS[tier][1].burst == per_hour

    asyncio.run(main())


def test_a_server_that_does_not_answer_leaves_a_limit_for_each_engine() -> None:
    clock = HandClock(SECOND_US)

    async def main() -> None:
        log = EventLog(LabClock(), source="test")
        cache = open_cache("redis://127.0.0.1:1/0", clock, log.emit)
        buckets, limit = SharedBuckets(cache), (Limit(2, 1.0),)
        answers = [await buckets.take("mer", limit, clock.at_us) for _ in range(3)]
        assert [each.allowed for each in answers] == [True, True, False]
        await cache.close()

    asyncio.run(main())
