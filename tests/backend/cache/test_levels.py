"""Level 1 above level 2, the slots that use it, and what of them can be chosen."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import pytest
from fakeredis import FakeAsyncRedis, FakeServer

from backend.cache.counters import KeptCounters
from backend.cache.kept import Kept
from backend.cache.level_one import ENTRY_BYTES, LevelOne
from backend.cache.merchants import KeptMerchants
from backend.cache.policy import DEFAULT, PRESETS, SLOTS, Slot
from backend.cache.remembered import RUN_BYTES, Remembered
from backend.cache.tolerant import TolerantCache
from backend.payments.records import DEFAULT_MERCHANT
from backend.runtime.errors import UsageError
from backend.runtime.events import EventLog
from backend.settings import settings_from

RUN = b"run-one."
SECOND_US = 1_000_000


@dataclass
class HandClock:
    """Time that stands still until a test moves it."""

    at_us: int = 1_700_000_000_000_000

    def now_us(self) -> int:
        return self.at_us

    def monotonic_us(self) -> int:
        return self.at_us


class Levels:
    """Both levels over one in-process server, which outlives them."""

    def __init__(self, bytes_max: int = 10_000) -> None:
        self.clock = HandClock()
        self.events = EventLog(self.clock, source="engine", world="simulated")
        self.redis = FakeAsyncRedis(server=FakeServer())
        self.two = TolerantCache(self.redis, self.clock, self.events.emit, name="redis")
        self.one = LevelOne(self.clock, bytes_max)

    def remembered(self, slot: Slot, run: bytes = RUN) -> Remembered:
        return Remembered(self.two, slot, run, near=self.one)


@pytest.fixture
def levels() -> Iterator[Levels]:
    made = Levels()
    yield made
    asyncio.run(made.two.close())


@pytest.mark.inv(136)
def test_the_least_recently_used_goes_first() -> None:
    size = len("k1") + 100 + ENTRY_BYTES
    near = LevelOne(HandClock(), 3 * size)
    for number in (1, 2, 3):
        near.put(f"k{number}", bytes(100), ttl_s=60)
    assert near.bytes_used == 3 * size
    assert near.get("k1") is not None
    near.put("k4", bytes(100), ttl_s=60)
    assert [near.get(f"k{number}") is not None for number in (1, 2, 3, 4)] == [
        True, False, True, True,
    ]  # fmt: skip
    assert (near.bytes_used, near.evicted, len(near)) == (3 * size, 1, 3)
    near.put("big", bytes(3 * size), ttl_s=60)
    assert (near.get("big"), len(near)) == (None, 3), "what never fits drives nothing out"
    near.put("k1", b"", ttl_s=60)
    near.forget("k1", "k3", "k4", "k9")
    assert (near.bytes_used, len(near)) == (0, 0)


@pytest.mark.inv(136)
def test_the_limit_is_a_hundred_million_bytes() -> None:
    assert DEFAULT.near_bytes_max == 100_000_000


@pytest.mark.inv(129)
def test_level_one_answers_without_level_two(levels: Levels) -> None:
    async def main() -> None:
        kept = levels.remembered(DEFAULT.merchant)
        await kept.put("mer_1", b"shop", changes=0)
        assert await kept.get("mer_1") == b"shop"
        assert levels.two.by_kind() == {}, "level 2 was not asked"
        levels.clock.at_us += 600 * SECOND_US  # level 1 keeps ten minutes, level 2 an hour
        assert await kept.get("mer_1") == b"shop"
        assert levels.two.by_kind() == {"merchant": (1, 0)}
        assert await kept.get("mer_1") == b"shop"
        assert levels.one.by_kind() == {"merchant": (2, 1)}
        levels.clock.at_us += 3_000 * SECOND_US
        assert await kept.get("mer_1") is None

    asyncio.run(main())


def test_level_one_keeps_nothing_longer_than_level_two_does(levels: Levels) -> None:
    async def main() -> None:
        slot = Slot("x", 100, 90)
        await levels.remembered(slot).put("ann", b"v", changes=0)
        levels.one.forget("x:{ann}")
        levels.clock.at_us += 80 * SECOND_US
        kept = levels.remembered(slot)
        assert await kept.get("ann") == b"v"
        levels.clock.at_us += 20 * SECOND_US
        assert await kept.get("ann") is None

    asyncio.run(main())


@pytest.mark.inv(138)
def test_a_change_empties_both_levels(levels: Levels) -> None:
    async def main() -> None:
        kept = levels.remembered(DEFAULT.merchant)
        await kept.put("mer_1", b"old", changes=0)
        kept.spoil("mer_1")
        assert await kept.get("mer_1") is None
        await kept.put("mer_1", b"old", changes=0)
        assert await kept.get("mer_1") is None, "what was read before the change is not kept"
        await kept.put("mer_1", b"new", changes=kept.changes("mer_1"))
        assert await kept.get("mer_1") == b"new"

    asyncio.run(main())


def test_level_one_alone_is_a_cache_too() -> None:
    async def main() -> None:
        clock = HandClock()
        kept = Remembered(None, DEFAULT.merchant, RUN, near=LevelOne(clock, 10_000))
        assert await kept.get("mer_1") is None
        await kept.put("mer_1", b"shop", changes=0)
        assert await kept.get("mer_1") == b"shop"
        await kept.forget("mer_1")
        assert await kept.get("mer_1") is None

    asyncio.run(main())


def test_what_was_read_while_nobody_heard_is_not_kept(levels: Levels) -> None:
    async def main() -> None:
        kept = levels.remembered(DEFAULT.merchant)
        before = kept.changes("mer_1")
        await kept.put("mer_1", b"old", changes=before)
        levels.one.deafen()
        kept.begin_anew()
        await kept.put("mer_1", b"old", changes=before)
        levels.one.hear_again()
        assert await kept.get("mer_1") is None

    asyncio.run(main())


@pytest.mark.inv(129)
def test_a_merchant_is_forgotten_when_its_settings_change(levels: Levels) -> None:
    async def main() -> None:
        kept = KeptMerchants(levels.remembered(DEFAULT.merchant))
        levels.events.subscribe(kept.heed)
        who = DEFAULT_MERCHANT.id
        await kept.put(who, DEFAULT_MERCHANT, changes=kept.changes(who))
        assert await kept.get(who) == DEFAULT_MERCHANT
        levels.events.emit("merchant.updated", actor="merchant", data={"merchant_id": "mer_2"})
        levels.events.emit("payment.approved", actor="visa", data={"merchant_id": who})
        assert await kept.get(who) == DEFAULT_MERCHANT
        levels.events.emit("merchant.updated", actor="merchant", data={"merchant_id": who})
        assert await kept.get(who) is None

    asyncio.run(main())


@pytest.mark.inv(133, 134)
def test_a_slot_holds_values_of_any_type(levels: Levels) -> None:
    async def main() -> None:
        kept = Kept[dict[str, int]](
            levels.remembered(DEFAULT.rates),
            orjson.dumps,
            lambda stored: dict(orjson.loads(stored)),
        )
        asked = []

        def load() -> dict[str, int]:
            asked.append(1)
            return {"USD": 1}

        for _ in range(3):
            assert await kept.through("USDEUR", load) == {"USD": 1}
        assert asked == [1]
        await kept.forget("USDEUR")
        assert await kept.through("USDEUR", load) == {"USD": 1}
        assert asked == [1, 1]
        assert DEFAULT.rates.key("USDEUR") == "fx_rate:{USDEUR}"
        assert DEFAULT.features.key("usr_1") == "features:{usr_1}"

    asyncio.run(main())


@pytest.mark.inv(130, 132)
def test_a_watermark_is_written_through_and_never_expires(levels: Levels) -> None:
    async def main() -> None:
        kept = KeptCounters(levels.two, levels.remembered(DEFAULT.token_metadata), DEFAULT.atc)
        assert (await kept.token_of(b"print"), await kept.highest("tok_1")) == (None, None)
        await kept.keep_token(b"print", "tok_1")
        await kept.raise_to("tok_1", 7)
        await kept.raise_to("tok_1", 8)
        assert (await kept.token_of(b"print"), await kept.highest("tok_1")) == ("tok_1", 8)
        assert await levels.redis.ttl("atc:{tok_1}") == -1, "no expiry"
        assert 3_600 <= await levels.redis.ttl(f"token_metadata:{{{b'print'.hex()}}}") <= 3_660
        levels.clock.at_us += 3_599 * SECOND_US
        assert await kept.token_of(b"print") == "tok_1"
        levels.clock.at_us += SECOND_US
        assert await kept.token_of(b"print") is None, "what a token is, is known for an hour"
        levels.clock.at_us += 400 * 86_400 * SECOND_US
        assert await kept.highest("tok_1") == 8
        await levels.redis.flushall()
        assert await kept.highest("tok_1") is None

    asyncio.run(main())


@pytest.mark.inv(129, 130, 132, 133, 134)
@pytest.mark.parametrize(
    ("name", "merchant"),
    [
        ("lab", (3_600, 600)),
        ("apple-backend", (3_600, 600)),
        ("apple-system", (3_600, 0)),
        ("apple-frontend", (3_600, 600)),
        ("gateway", (600, 600)),
    ],
)
def test_times_are_those_of_a_design(name: str, merchant: tuple[int, int]) -> None:
    policy = PRESETS[name]
    assert (policy.merchant.ttl_s, policy.merchant.near_ttl_s) == merchant
    assert policy.atc.ttl_s is None
    assert (policy.token_metadata.ttl_s, policy.features.ttl_s, policy.rates.ttl_s) == (
        3_600, 300, 3_600,
    )  # fmt: skip


def test_any_slot_can_be_chosen() -> None:
    chosen = settings_from(
        {"TAPLAB_CACHE_BYTES": "5000"},
        cache_preset="gateway",
        cache_slots=["cards=user_cards:60", "merchant=30/0", "atc=9"],
    ).cache_policy
    assert (chosen.name, chosen.near_bytes_max) == ("gateway", 5_000)
    assert chosen.cards == Slot("user_cards", 60)
    assert chosen.merchant == Slot("merchant", 30, 0)
    assert (chosen.atc.ttl_s, chosen.history) == (9, DEFAULT.history)
    by_name = settings_from({"TAPLAB_CACHE_SLOTS": "cards=5 session=7"}).cache_policy
    assert (by_name.cards.ttl_s, by_name.session.ttl_s) == (5, 7)


@pytest.mark.parametrize(
    "slot",
    ["", "cards", "cards=", "cards=-1", "cards=0", "name=5", "near_bytes_max=5", "cake=5",
     "cards=UPPER:5", "cards=session:5", "cards=99999999", "cards=5/99999999"],
)  # fmt: skip
def test_a_slot_that_cannot_be_is_refused(slot: str) -> None:
    with pytest.raises(UsageError, match="cache-slot"):
        settings_from({}, cache_slots=[slot])


def test_a_size_that_cannot_be_is_refused() -> None:
    for size in ("-1", "many", "9" * 20):
        with pytest.raises(UsageError, match="cache-bytes"):
            settings_from({"TAPLAB_CACHE_BYTES": size})
    with pytest.raises(UsageError, match="cache-bytes"):
        settings_from({}, cache_bytes=-5)
    assert len(RUN) == RUN_BYTES
    assert set(SLOTS) >= {"cards", "atc", "merchant"}
