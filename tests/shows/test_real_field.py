"""The window's world at an NFC controller: taps, waiting given up, and a cable that is pulled.

The card in the field is this world's own phone, carried there by the test; the board is virtual,
its driver is nfcpy's. An engine is a process, so these tests take as long as that.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.api import ScanOutcome
from lab.console.state import BenchState, ReaderView
from lab.pos.state import PosPhase
from lab.words import tell
from tests.pn532_bench import Bench, SoftCard
from tests.shows.laboratory import Laboratory, opened

GET_PROCESSING_OPTIONS = 0xA8


@pytest.fixture
def boards() -> Iterator[Bench]:
    if importlib.util.find_spec("nfc") is None or not hasattr(os, "openpty"):
        pytest.skip("nfcpy or pseudo-terminals are missing: python3 start.py installs nfcpy")
    made = Bench(1)
    yield made
    made.close()


@pytest.fixture
def desk(tmp_path: Path, boards: Bench) -> Iterator[Laboratory]:
    """A world whose till stands at the board."""
    lab = opened(tmp_path, f"pn532:{boards.path()}")
    lab.run(lab.world.wallet.start_with_demo_cards())
    yield lab
    lab.stop()


def phone(lab: Laboratory, boards: Bench) -> SoftCard:
    """This world's phone, looked at, in the field and no other card."""
    element = lab.world.element
    [visa] = [card for card in lab.world.wallet.cards if card.network == "visa"]

    def scanned() -> object:
        seen = element.face_sensor().scan(element.challenge(), ScanOutcome.MATCH)
        element.arm(seen, visa.token_ref)
        return element.card(token_ref=visa.token_ref).transmit

    transmit = lab.running.call(scanned)
    made = SoftCard(lambda command: lab.running.call(lambda: transmit(command)))
    boards.take_away()
    boards.put(made)
    return made


def charge(lab: Laboratory, amount_minor: int) -> PosPhase:
    lab.running.call(lambda: lab.world.pos.set_amount(amount_minor, "USD"))
    sale = lab.run(lab.world.hands.space())
    assert sale is not None
    return sale.phase


def test_waiting_can_be_given_up_and_the_next_charge_is_paid(
    desk: Laboratory, boards: Bench
) -> None:
    world = desk.world
    boards.take_away()
    desk.running.call(lambda: world.pos.set_amount(1500, "USD"))
    for _ in range(2):
        charging = desk.running.call(
            lambda: world.real_scheduler.spawn(world.hands.space(), "charge")
        )
        desk.until(lambda: world.pos.state.phase is PosPhase.PRESENT)
        desk.running.call(world.pos.cancel)
        desk.until(charging.done)
    card = phone(desk, boards)
    assert charge(desk, 1501) is PosPhase.APPROVED
    assert len(card.commands) == 3
    assert len(desk.holds(1501)) == 1


def test_a_cable_pulled_in_the_middle_is_named_in_till_and_window(
    desk: Laboratory, boards: Bench
) -> None:
    world, shown = desk.world, []

    def see(state: object) -> None:
        if isinstance(state, BenchState):
            shown.append(state)

    def till() -> ReaderView | None:
        found = [view for state in shown[-1:] for view in state.readers if view.role == "till"]
        return found[0] if found else None

    forget = desk.running.call(lambda: world.bus.subscribe(see))
    desk.until(lambda: (view := till()) is not None and view.usable)
    card = phone(desk, boards)

    def unplugged(command: bytes) -> bytes:
        if command[1] == GET_PROCESSING_OPTIONS:
            boards.unplug_now()
        return answer(command)

    answer, card.answer = card.answer, unplugged
    assert charge(desk, 7777) is PosPhase.FAILED
    assert "Reader unplugged" in tell(world.pos.state.detail)
    assert (world.pos.amount_minor, world.pos.state.can_charge) == (7777, True)
    assert desk.holds(7777) == []
    assert charge(desk, 7777) is PosPhase.FAILED  # still unplugged: said again, at once
    desk.until(lambda: not till().usable)
    desk.running.call(forget)
