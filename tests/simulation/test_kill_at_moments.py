"""kill -9 of a live engine at 1,500 random moments under load: nothing acknowledged is lost.

Six tills pay with one card's taps until the engine is gone. The files must verify, the next engine
takes them up, and every key is asked again: what was told stays, byte for byte, and what was cut
off comes to one end. `tests/shows/test_kill.py` does the same with the window's world alive, to
which engines of full weight belong; these start in a tenth of a second, so there can be many.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from backend.api import Entropy, Stream
from tests.simulation.engine_forks import LiveEngine
from tests.simulation.kill_bench import (
    OK,
    Bench,
    clean,
    holds_agree,
    made,
    pay,
    pay_until_final,
    until_quiet,
)

SEED = 20262
TILLS = 6
TAPS_A_TILL = 30
LATEST_S = 0.15
MOMENTS_A_FOLDER = 25
FULL_FOLDERS = 56  # 1,400 moments; test_kill.py has a hundred more


@dataclass
class Book:
    """What the tills asked and were told, by key."""

    asked: dict[str, dict[str, object]] = field(default_factory=dict)
    told: dict[str, bytes] = field(default_factory=dict)
    cut_off: int = 0


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = made(tmp_path_factory.mktemp("moments"))
    yield bench
    bench.forks.close()


async def one_till(
    client: httpx.AsyncClient, taps: list[dict[str, object]], name: str, book: Book
) -> None:
    for number, body in enumerate(taps):
        key = f"{name}-{number}"
        book.asked[key] = body
        try:
            answer = await pay(client, body, key)
        except httpx.TransportError:
            book.cut_off += 1
            return
        assert answer.status_code == OK, answer.text
        book.told[key] = answer.content


async def load_and_kill(
    bench: Bench, engine: LiveEngine, name: str, dice: Stream, book: Book
) -> None:
    """All tills until the engine dies under them."""
    taps = bench.taps([5] * (TILLS * TAPS_A_TILL))
    async with engine.client() as client:
        tills = [
            asyncio.ensure_future(one_till(client, taps[till::TILLS], f"{name}-{till}", book))
            for till in range(TILLS)
        ]
        await asyncio.sleep(0.003 + LATEST_S * dice.random())
        bench.forks.kill(engine)
        await asyncio.gather(*tills)


async def ask_again(engine: LiveEngine, folder: Path, book: Book) -> None:
    """Every key once more, until it is final."""
    async with engine.client() as client:
        for key, body in book.asked.items():
            final = await pay_until_final(client, body, key)
            told = book.told.get(key)
            if told is not None and b'"pending"' not in told:
                assert final.content == told, key
        await until_quiet(client, folder)


def kill_at_moments(bench: Bench, moments: int, seed: int) -> int:
    """So many deaths of one folder's engines; how many requests they cut off."""
    dice, folder, cut_off = Entropy(seed).stream("moments"), bench.fresh(), 0
    for moment in range(moments):
        book = Book()
        engine = bench.engine(folder)
        asyncio.run(load_and_kill(bench, engine, f"m{moment}", dice, book))
        clean(folder)
        engine = bench.engine(folder)
        asyncio.run(ask_again(engine, folder, book))
        bench.forks.kill(engine)
        holds_agree(folder)
        cut_off += book.cut_off
    clean(folder)
    return cut_off


@pytest.mark.inv(1, 107)
def test_what_was_acknowledged_survives_any_moment(bench: Bench) -> None:
    assert kill_at_moments(bench, 6, SEED) >= 6


@pytest.mark.full("kill")
@pytest.mark.parametrize("part", range(FULL_FOLDERS))
def test_what_was_acknowledged_survives_1400_moments(bench: Bench, part: int) -> None:
    assert kill_at_moments(bench, MOMENTS_A_FOLDER, SEED + 1 + part) >= MOMENTS_A_FOLDER
