"""What the swarm found, each told again as the shortest story that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engine_stream import EventStream
from lab.pos.sale import Sale
from lab.pos.state import PosPhase
from lab.simulation import SimulatedLab
from lab.wallet.state import PhoneScreen


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[SimulatedLab]:
    with SimulatedLab(8, tmp_path) as opened:
        opened.run(opened.world.wallet.start_with_demo_cards())
        yield opened


def tap(lab: SimulatedLab, amount_minor: int, patience_s: float = 3.0) -> Sale:
    world = lab.world
    visa = next(card for card in world.wallet.cards if card.network == "visa")
    sale = lab.run(world.hands.tap(amount_minor, "USD", visa.id, patience_s=patience_s))
    assert sale is not None
    return sale


def break_(lab: SimulatedLab, link: str, effect: str, **terms: object) -> None:
    fault = {"link": link, "effect": effect, **terms}
    lab.run(lab.world.client.put_faults((fault,)))


def wait(lab: SimulatedLab, seconds: float) -> None:
    lab.run(lab.world.real_scheduler.sleep(seconds))


def beliefs(lab: SimulatedLab) -> dict[int, tuple[str, str, str]]:
    records = lab.run(lab.world.client.payments())
    return {record.amount_minor: (record.state, record.till, record.phone) for record in records}


def test_a_late_answer_belongs_to_its_tap(lab: SimulatedLab) -> None:
    """The till has moved on: the answer goes to the list, and not onto the next sale's display."""
    break_(lab, "pos.engine", "lost_response", when={"nth": 1})
    assert tap(lab, 1000, patience_s=0.0).phase is PosPhase.NOT_COMPLETED
    assert tap(lab, 1251).phase is PosPhase.DECLINED
    wait(lab, 10)
    assert lab.world.pos.state.phase is PosPhase.DECLINED
    assert lab.world.pos.state.recent[0].state == "approved"
    wait(lab, 2)
    assert beliefs(lab)[1000][:2] == ("approved", "approved")


def test_trouble_says_nothing_about_an_earlier_copy(lab: SimulatedLab) -> None:
    """A first request that was approved, a lost answer, and a disk that refuses the second."""
    plan = (
        {"link": "pos.engine", "effect": "lost_response", "when": {"nth": 1}},
        {"link": "database", "effect": "reset_peer", "from_s": 2, "to_s": 12},
    )
    lab.run(lab.world.client.put_faults(plan))
    sale = tap(lab, 1000, patience_s=6.0)
    assert sale.phase in {PosPhase.NOT_COMPLETED, PosPhase.APPROVED}
    wait(lab, 20)
    assert lab.world.pos.state.phase is PosPhase.APPROVED
    wait(lab, 5)
    assert beliefs(lab)[1000][:2] == ("approved", "approved")


def test_a_copy_that_came_through_is_not_a_failure(lab: SimulatedLab) -> None:
    """The disk refuses the first copy of a request and takes the second."""
    plan = (
        {"link": "pos.engine", "effect": "duplicate"},
        {"link": "database", "effect": "reset_peer", "when": {"nth": 1}},
    )
    lab.run(lab.world.client.put_faults(plan))
    assert tap(lab, 1000).phase is PosPhase.FAILED
    wait(lab, 3)
    assert lab.world.pos.state.phase is PosPhase.APPROVED
    assert beliefs(lab)[1000][:2] == ("approved", "approved")


def test_a_lost_question_is_asked_again(lab: SimulatedLab) -> None:
    break_(lab, "database", "limit_data", bytes=0, from_s=1)
    tap(lab, 1000)
    wait(lab, 3)
    lab.run(lab.world.client.reset_faults())
    lab.crash_engine()
    wait(lab, 10)
    state, till, phone = beliefs(lab)[1000]
    assert (state, phone) == ("approved", "approved")
    assert till == "approved"


def test_a_card_without_its_token_cannot_be_armed(lab: SimulatedLab) -> None:
    world = lab.world
    visa = next(card for card in world.wallet.cards if card.network == "visa")
    world.element.remove(visa.token_ref)
    assert lab.run(world.hands.tap(1000, "USD", visa.id)) is None
    assert world.wallet.state.screen is PhoneScreen.STACK
    assert world.wallet.state.notice is not None
    lab.run(world.wallet.actions.set_default(visa.id))


def test_an_overtaken_event_reaches_the_watcher_after_a_crash(lab: SimulatedLab) -> None:
    """A commit on a slow disk is overtaken, and its engine dies before it tells of it."""
    world = lab.world
    heard: list[int] = []

    async def listen() -> None:
        stream = EventStream(lambda: world.engine.endpoint, world.real_scheduler, world.open_socket)
        async for event in stream.listen():
            if event.source == "engine":
                heard.append(event.seq)  # noqa: PERF401 - read while it grows

    async def listening() -> None:
        world.real_scheduler.spawn(listen(), "watcher")
        await world.real_scheduler.sleep(0.01)

    lab.run(listening())
    break_(lab, "database", "latency", ms=2_000)
    lab.engine.crash_at(1, "after")
    tap(lab, 1000)
    wait(lab, 60)
    database = lab.engine.engine.lab.engine_database
    stored = database._reader.execute(
        "SELECT seq FROM events WHERE source = 'engine' AND seq > ?", (min(heard),)
    )
    assert {row["seq"] for row in stored} <= set(heard)
    assert len(heard) == len(set(heard))
