"""What is remembered of somebody: the same promises on the in-process cache and on a real server.

Two runs of each test: `fakeredis`, which the engine has inside, and Debian's redis-server.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import pytest

from backend.cache.card_lists import CardLists
from backend.cache.connect import open_cache
from backend.cache.kept_sessions import KeptSessions
from backend.cache.policy import DEFAULT, PRESETS, SESSION_TTL_S, CachePolicy, Slot
from backend.cache.recent_history import RecentHistory
from backend.cache.remembered import Remembered
from backend.cache.tolerant import TolerantCache
from backend.runtime.errors import StorageError
from backend.runtime.events import Event, EventLog
from backend.wallet.model import Session
from tests.backend.cache.redis_server import RedisServer

SESSION = Session(b"\x01" * 32, "usr_1", "dev_1", 1, 2, 3, face_enrolled=True)
ONE_RUN, NEXT_RUN = b"run-one.", b"run-two."


@dataclass
class HandClock:
    """Time that stands still until a test moves it."""

    at_us: int = 1_700_000_000_000_000

    def now_us(self) -> int:
        return self.at_us

    def monotonic_us(self) -> int:
        return self.at_us


@dataclass
class Bench:
    url: str | None
    clock: HandClock = field(default_factory=HandClock)

    def run(self, work: Callable[[TolerantCache, EventLog], Awaitable[None]]) -> list[Event]:
        events = EventLog(self.clock, source="engine", world="simulated")
        said: list[Event] = []

        async def main() -> None:
            cache = open_cache(self.url, self.clock, events.emit)
            await cache.is_reachable()  # the first time is slow, and not what is to be shown
            events.subscribe(said.append)
            await work(cache, events)
            await cache.close()

        asyncio.run(main())
        return said


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server.url
    server.stop()


@pytest.fixture(params=["in-process", "redis-server"])
def bench(request: pytest.FixtureRequest) -> Bench:
    is_server = request.param == "redis-server"
    return Bench(request.getfixturevalue("redis_url") if is_server else None)


def remembered(cache: TolerantCache, name: str, run: bytes = ONE_RUN) -> Remembered:
    return Remembered(cache, Slot(name, 30), run)


@pytest.mark.inv(127, 128, 138, 139)
def test_an_answer_is_kept_until_a_change_or_its_end(bench: Bench) -> None:
    async def work(cache: TolerantCache, _: EventLog) -> None:
        kept = remembered(cache, "life")
        assert await kept.get("ann") is None
        await kept.put("ann", b"one", changes=kept.changes("ann"))
        await kept.put("bob", b"two", changes=kept.changes("bob"))
        assert await kept.get("ann") == b"one"
        await kept.forget("ann")
        assert (await kept.get("ann"), await kept.get("bob")) == (None, b"two")
        bench.clock.at_us += 30_000_000
        assert await kept.get("bob") is None
        assert cache.by_kind() == {"life": (2, 3)}

    assert bench.run(work) == []


def test_a_change_on_the_way_wins_over_what_was_read_before_it(bench: Bench) -> None:
    async def work(cache: TolerantCache, _: EventLog) -> None:
        kept = remembered(cache, "race")
        before = kept.changes("ann")
        kept.spoil("ann")
        await kept.put("ann", b"old", changes=before)
        assert await kept.get("ann") is None
        putting = asyncio.ensure_future(kept.put("ann", b"old", changes=kept.changes("ann")))
        await asyncio.sleep(0)  # it is on its way to the cache
        kept.spoil("ann")
        await putting
        assert await kept.get("ann") is None

    bench.run(work)


def test_what_an_earlier_run_kept_counts_for_nothing(bench: Bench) -> None:
    async def work(cache: TolerantCache, _: EventLog) -> None:
        await remembered(cache, "runs").put("ann", b"one", changes=0)
        assert await remembered(cache, "runs").get("ann") == b"one"
        assert await remembered(cache, "runs", NEXT_RUN).get("ann") is None

    bench.run(work)


@pytest.mark.inv(131, 141, 156)
def test_a_session_comes_back_whole_and_goes_at_once(bench: Bench) -> None:
    async def work(cache: TolerantCache, _: EventLog) -> None:
        kept = KeptSessions(cache)
        await kept.put(SESSION, changes=kept.changes(SESSION.id_hash))
        assert await kept.get(SESSION.id_hash) == SESSION
        await kept.forget(SESSION.id_hash)
        assert await kept.get(SESSION.id_hash) is None

    bench.run(work)


@pytest.mark.inv(128, 170)
def test_a_history_is_spoiled_by_a_payment_of_its_person_only(bench: Bench) -> None:
    async def work(cache: TolerantCache, events: EventLog) -> None:
        asked: list[str] = []

        def owner_of(payment_id: str) -> str | None:
            asked.append(payment_id)
            return {"pay_1": "ann", "pay_2": "bob"}.get(payment_id)

        history = RecentHistory(cache, owner_of)
        events.subscribe(history.heed)
        events.emit("payment.approved", actor="engine", payment_id="pay_1")
        assert asked == [], "nobody's history is kept"
        await history.put("ann", b"page", changes=history.changes("ann"))
        events.emit("payment.approved", actor="engine", payment_id="pay_2")
        events.emit("ledger.posted", actor="engine", payment_id="pay_1")
        assert await history.get("ann") == b"page"
        events.emit("payment.declined", actor="engine", payment_id="pay_1")
        assert await history.get("ann") is None
        changes = history.changes("ann")
        events.emit("payment.created", actor="engine", payment_id="pay_1")
        await history.put("ann", b"before it", changes=changes)
        assert await history.get("ann") is None

    bench.run(work)


def test_a_payment_whose_person_cannot_be_read_spoils_every_history(bench: Bench) -> None:
    async def work(cache: TolerantCache, events: EventLog) -> None:
        def owner_of(_payment_id: str) -> str | None:
            raise StorageError("engine.db: disk I/O error")

        history = RecentHistory(cache, owner_of)
        events.subscribe(history.heed)
        for who in ("ann", "bob"):
            await history.put(who, b"page", changes=history.changes(who))
        events.emit("payment.approved", actor="engine", payment_id="pay_1")
        assert (await history.get("ann"), await history.get("bob")) == (None, None)

    bench.run(work)


@pytest.mark.inv(126, 140)
def test_a_list_goes_with_its_tokens(bench: Bench) -> None:
    async def work(cache: TolerantCache, _: EventLog) -> None:
        lists = CardLists(cache)
        await cache.put("token:{ref_1}", b"active", ttl_s=300)
        await cache.put("token:{ref_2}", b"active", ttl_s=300)
        await lists.put("ann", [{"id": "card_1"}], changes=0)
        await lists.forget("ann", "ref_1", "ref_2")
        assert await lists.get("ann") is None
        assert await cache.get("token:{ref_1}") is None
        assert await cache.get("token:{ref_2}") is None

    bench.run(work)


@pytest.mark.inv(114, 142, 144)
def test_a_server_that_is_away_costs_answers_and_nothing_else() -> None:
    bench = Bench("redis://127.0.0.1:1/0")

    async def work(cache: TolerantCache, _: EventLog) -> None:
        kept = remembered(cache, "away")
        await kept.put("ann", b"one", changes=0)
        await kept.forget("ann")
        assert await kept.get("ann") is None

        assert cache.failures > 1

    assert bench.run(work) == [], "it was said once, when the server was first looked for"


@pytest.mark.inv(127, 128, 131)
@pytest.mark.parametrize(
    ("name", "cards_ttl_s", "cards_key"),
    [
        ("lab", 120, "cards:{u}"),
        ("apple-backend", 300, "cards:{u}"),
        ("apple-system", 120, "user_cards:{u}"),
        ("apple-frontend", 120, "cards:{u}"),
    ],
)
def test_each_design_is_a_preset(name: str, cards_ttl_s: int, cards_key: str) -> None:
    policy = PRESETS[name]
    assert (policy.cards.ttl_s, policy.cards.key("u")) == (cards_ttl_s, cards_key)
    assert (policy.history.ttl_s, policy.history.key("u")) == (30, "tx_history:{u}")
    assert (policy.session.ttl_s, policy.session.key("s")) == (SESSION_TTL_S, "session:{s}")
    assert isinstance(DEFAULT, CachePolicy)
