"""kill -9 of a live engine, by itself, before and after every commit of five stories.

The engine is told at which commit to die. After each death the files must verify, the next engine
must take them up, and the same key must come to one end: whatever was acknowledged is still true.
Slower than other tests: each death is a real process's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.simulation.kill_bench import (
    IN_FLIGHT,
    Bench,
    clean,
    holds_agree,
    made,
    pay,
    pay_until_final,
    rows,
    until_quiet,
)

COMMITS_MAX = 60
KEY = "T0000001-00000001"


@dataclass
class Told:
    """What the client of a story was told before the engine died."""

    body: dict[str, object] = field(default_factory=dict)
    answer: bytes | None = None


Story = Callable[[Bench, httpx.AsyncClient, Path, Told], Coroutine[object, object, None]]


async def add_card(bench: Bench, client: httpx.AsyncClient, folder: Path, told: Told) -> None:
    phone = bench.phone
    phone.client = client
    await phone.sign_in()
    told.body = dict(await phone.order("visa", "4111111111111111"))
    answer = await phone.send({str(k): str(v) for k, v in told.body.items()}, KEY)
    assert answer.status_code == 201, answer.text
    told.answer = answer.content


async def approved(bench: Bench, client: httpx.AsyncClient, folder: Path, told: Told) -> None:
    told.answer = (await pay(client, told.body, KEY)).content


async def with_fault(
    bench: Bench, client: httpx.AsyncClient, folder: Path, told: Told, effect: str
) -> None:
    fault = {"link": "visa.auth", "effect": effect, "when": {"nth": 1}}
    await client.put("/lab/faults", json={"faults": [fault]})
    told.answer = (await pay(client, told.body, KEY)).content
    await client.post("/lab/faults/reset")
    await until_quiet(client, folder)


async def lost_response(bench: Bench, client: httpx.AsyncClient, folder: Path, told: Told) -> None:
    await with_fault(bench, client, folder, told, "lost_response")


async def silence(bench: Bench, client: httpx.AsyncClient, folder: Path, told: Told) -> None:
    await with_fault(bench, client, folder, told, "lost_request")


STORIES: dict[str, tuple[Story, int]] = {
    "add a card": (add_card, 0),
    "approved": (approved, 1240),
    "declined": (approved, 1251),  # the issuer says 51 to amounts that end so
    "lost response and reversal": (lost_response, 1240),
    "follow-up after silence": (silence, 1240),
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = made(tmp_path_factory.mktemp("kills"))
    yield bench
    bench.forks.close()


def die_at(bench: Bench, name: str, kill_at: str) -> bool:
    """The story with a death in it, and what follows; whether there was one."""
    story, amount = STORIES[name]
    folder, told = bench.fresh(), Told()
    if amount:
        told.body = bench.taps([amount])[0]
    engine = bench.forks.start(folder, kill_at)
    if engine is not None:
        asyncio.run(_tell(bench, engine.client(), story, folder, told))
        died = not bench.forks.is_alive(engine)
        bench.forks.kill(engine)
    else:
        died = True
    clean(folder)
    engine = bench.engine(folder)
    try:
        asyncio.run(_ask_again(bench, engine.client(), folder, told, is_payment=bool(amount)))
    finally:
        bench.forks.kill(engine)
    clean(folder)
    return died


async def _tell(
    bench: Bench, client: httpx.AsyncClient, story: Story, folder: Path, told: Told
) -> None:
    async with client:
        try:
            await story(bench, client, folder, told)
        except httpx.TransportError:
            return  # it died: that is the story


async def _ask_again(
    bench: Bench, client: httpx.AsyncClient, folder: Path, told: Told, *, is_payment: bool
) -> None:
    async with client:
        if is_payment:
            final = await pay_until_final(client, told.body, KEY)
            if told.answer is not None and b'"pending"' not in told.answer:
                assert final.content == told.answer
            await until_quiet(client, folder)
            assert len(rows(folder / "engine.db", "SELECT id FROM payments")) == 1
            holds_agree(folder)
            return
        again = Told()
        bench.phone.client = client
        await bench.phone.sign_in()
        order = {str(k): str(v) for k, v in (told.body or await bench.phone.order(
            "visa", "4111111111111111"
        )).items()}  # fmt: skip
        answer = await bench.phone.send(order, KEY)
        while answer.status_code == IN_FLIGHT:  # for as long as the dead engine had it in hand
            await client.post("/lab/clock", json={"jump_s": 30})
            answer = await bench.phone.send(order, KEY)
        assert answer.status_code == 201, answer.text
        again.answer = answer.content
        if told.answer is not None:
            assert again.answer == told.answer
        tokens = rows(folder / "networks.db", "SELECT token_ref FROM host_tokens")
        cards = rows(folder / "engine.db", "SELECT token_ref FROM provisioned_cards")
        assert len(tokens) == len(cards) == 2


def every_commit(bench: Bench, name: str, moment: str, step: int = 1) -> int:
    """Die at each commit, until the story ends without a death; how many deaths there were."""
    for deaths, number in enumerate(range(1, COMMITS_MAX, step)):
        if not die_at(bench, name, f"{moment}:{number}"):
            return deaths
    raise AssertionError(f"{name} has more than {COMMITS_MAX} commits")


@pytest.mark.inv(1, 107)
@pytest.mark.parametrize(("name", "moment"), [("approved", "after"), ("add a card", "before")])
def test_a_death_at_some_commits_loses_nothing(bench: Bench, name: str, moment: str) -> None:
    assert every_commit(bench, name, moment, step=3) > 1


@pytest.mark.full("kill")
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", STORIES)
def test_a_death_at_any_commit_loses_nothing(bench: Bench, name: str, moment: str) -> None:
    assert every_commit(bench, name, moment) > 4
