"""Redis flushed, and killed, in the middle of taps: no replay is accepted, nobody pays twice.

A real engine with a real redis-server. Each tap is sent under its key, repeated under it and
replayed under others, at once and afterwards, while somebody empties the server as fast as it goes
or kills it and starts it again. What the networks believe is read from their own file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import redis.asyncio

from backend.api import verify
from lab.engine_shapes import NfcOrder
from tests.backend.cache.redis_server import RedisServer
from tests.shows.laboratory import OK, Laboratory, opened, pay_until_final

LANES = 6
TAPS_A_LANE = 10
FLUSHES_LEAST = 100
KILLS = 3


@dataclass
class Told:
    """What came of one tap: the answers under its own key, and those to its replays."""

    amount_minor: int
    under_its_key: list[httpx.Response] = field(default_factory=list)
    replays: list[httpx.Response] = field(default_factory=list)

    @property
    def approved(self) -> set[str]:
        """Payments of this tap that somebody was told are approved."""
        answers = [each.json() for each in (*self.under_its_key, *self.replays)]
        return {str(each["transactionId"]) for each in answers if each["approved"]}


@dataclass
class Progress:
    """How many taps are over, for whoever disturbs them."""

    done: int = 0
    is_over: bool = False
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def step(self) -> None:
        self.done += 1
        self.moved.set()

    async def reaches(self, count: int) -> None:
        while self.done < count:
            self.moved.clear()
            await self.moved.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    made = RedisServer(folder).start()
    yield made
    made.stop()


@pytest.fixture
def lab(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Laboratory]:
    monkeypatch.setenv("TAPLAB_REDIS_URL", server.url)
    made = opened(tmp_path / "lab")
    yield made
    made.stop()


async def pay_and_replay(lab: Laboratory, order: NfcOrder, key: str) -> Told:
    """One tap: under its key twice and under another at once, then both once more."""
    told, body = Told(order.amount_minor), order.to_json()

    async def send(client: httpx.AsyncClient, name: str) -> httpx.Response:
        return await pay_until_final(client, body, name, lab.world.real_scheduler.sleep, [])

    async with lab.client() as client:
        *own, replay = await asyncio.gather(
            send(client, key), send(client, key), send(client, f"{key}-replayed")
        )
        told.under_its_key += [*own, await send(client, key)]
        told.replays += [
            replay,
            await send(client, f"{key}-replayed"),
            await send(client, f"{key}-later"),
        ]
    return told


async def pay_all(
    lab: Laboratory,
    orders: list[NfcOrder],
    disturb: Callable[[Progress], Awaitable[int]],
) -> tuple[list[Told], int]:
    """Lane by lane, so that each card's counters stay in order; how often it was disturbed."""
    progress = Progress()
    told: list[Told] = []

    async def lane(number: int) -> None:
        for sequence, order in enumerate(orders[number::LANES]):
            told.append(await pay_and_replay(lab, order, f"lane-{number}-{sequence}"))
            progress.step()

    disturbing = asyncio.ensure_future(disturb(progress))
    await asyncio.gather(*(lane(number) for number in range(LANES)))
    progress.is_over = True
    return told, await disturbing


def taps(lab: Laboratory) -> list[NfcOrder]:
    """Each of another amount (whole units: none steers), which tells them apart."""
    return lab.orders([100 * (1 + number) for number in range(LANES * TAPS_A_LANE)], devices=LANES)


def expect_each_paid_once(lab: Laboratory, told: list[Told]) -> None:
    assert len(told) == LANES * TAPS_A_LANE
    for tap in told:
        assert {each.status_code for each in (*tap.under_its_key, *tap.replays)} == {OK}
        assert len({each.content for each in tap.under_its_key}) == 1, "one key, one answer"
        assert len({each.content for each in tap.replays[:2]}) == 1
        assert len(tap.approved) == 1, tap.amount_minor
        assert not tap.replays[2].json()["approved"]
        assert tap.replays[2].json()["reason"] == "atc_replay"
        approved = lab.at_networks(
            "SELECT count(*) FROM host_authorizations WHERE amount_minor = ?"
            " AND response_code = '00'",
            tap.amount_minor,
        )
        assert approved == [(1,)]
        assert lab.holds(tap.amount_minor) == ["held"]
    report = verify(lab.folder)
    assert report["ok"], [check for check in report["checks"] if not check["ok"]]


@pytest.mark.inv(107, 114, 130)
def test_a_cache_that_is_flushed_in_the_middle_lets_nothing_through(
    lab: Laboratory, server: RedisServer
) -> None:
    orders = taps(lab)

    async def flush(progress: Progress) -> int:
        flushes = 0
        async with redis.asyncio.Redis.from_url(server.url) as client:
            while not progress.is_over:
                await client.flushall()
                flushes += 1
        return flushes

    told, flushes = lab.run(pay_all(lab, orders, flush))
    expect_each_paid_once(lab, told)
    assert flushes >= FLUSHES_LEAST
    cache = lab.send("GET", "/lab/metrics").json()["cache"]
    assert cache["name"] == "redis"
    assert {"idempotency", "token_metadata"} <= cache["kinds"].keys()


@pytest.mark.inv(107, 114, 130, 142)
def test_a_cache_that_is_killed_in_the_middle_lets_nothing_through(
    lab: Laboratory, server: RedisServer
) -> None:
    orders = taps(lab)
    part = len(orders) // (2 * KILLS + 1)

    async def kill(progress: Progress) -> int:
        for number in range(KILLS):
            await progress.reaches((2 * number + 1) * part)
            server.kill()
            await progress.reaches((2 * number + 2) * part)
            await asyncio.to_thread(server.start)
        return KILLS

    told, kills = lab.run(pay_all(lab, orders, kill))
    expect_each_paid_once(lab, told)
    assert kills == KILLS
    cache = lab.send("GET", "/lab/metrics").json()["cache"]
    assert cache["failures"] >= KILLS
