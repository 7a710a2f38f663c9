"""A shop without its bank: phone, till, engine and networks of one laboratory, real bytes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lab.pos.offline_rules import OfflineLimits, OfflineMode
from lab.pos.state import PosPhase
from lab.words import tell
from tests.lab.core.running import Running, start


@pytest.fixture
def offline_lab(lab: Running):
    desk = lab.world.pos.offline
    lab.call(lambda: desk.choose(OfflineMode.NOW))
    yield lab
    lab.call(lambda: desk.choose(OfflineMode.NEVER))
    lab.until(lambda: not desk.stored)
    lab.call(desk.seen)
    lab.call(lambda: desk.limit(OfflineLimits()))


def network_rows(folder: Path, amount_minor: int) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(folder / "networks.db")) as networks:
        return networks.execute(
            "SELECT response_code, cryptogram_valid FROM host_authorizations"
            " WHERE amount_minor = ?",
            (amount_minor,),
        ).fetchall()


def test_taps_taken_offline_are_uploaded_below_later_counters(offline_lab: Running) -> None:
    """Over 0.25 s: four taps and an upload."""
    lab, pos = offline_lab, offline_lab.world.pos
    card = next(card for card in lab.world.wallet.cards if card.network == "visa")
    for amount in (1101, 1151):
        sale = lab.run(lab.world.hands.tap(amount, "USD", card.id))
        assert (sale.phase, sale.answer) == (PosPhase.STORED, None)
    assert tell(pos.state.offline.risk) == "2 taps, $22.52 at the shop's risk"
    assert network_rows(lab.world.settings.data_dir, 1101) == []
    lab.call(lambda: pos.offline._rules.choose(OfflineMode.NEVER))  # another till goes first
    later = lab.run(lab.world.hands.tap(1240, "USD", card.id))
    assert later.phase is PosPhase.APPROVED
    lab.call(lambda: pos.offline.choose(OfflineMode.NEVER))
    lab.until(lambda: not pos.offline.stored and pos.state.offline.risk is None)
    assert network_rows(lab.world.settings.data_dir, 1101) == [("00", 1)]
    assert network_rows(lab.world.settings.data_dir, 1151) == [("51", 1)]
    state = pos.state.offline
    assert [(line.amount_text, line.state) for line in state.lost] == [("$11.51", "declined")]
    assert state.lost_reasons == ("insufficient funds",)


def test_beyond_a_limit_nobody_is_asked_to_tap(offline_lab: Running) -> None:
    lab, pos = offline_lab, offline_lab.world.pos
    lab.call(lambda: pos.set_amount(5001, "USD"))
    sale = lab.run(pos.charge())
    assert (sale.phase, sale.problem) == (PosPhase.FAILED, "over_single")
    assert "$50.00" in tell(pos.state.detail)
    assert pos.amount_minor == 5001


def test_the_display_hears_of_a_decline_after_the_fact(offline_lab: Running) -> None:
    lab, pos = offline_lab, offline_lab.world.pos
    sale = lab.run(lab.world.hands.tap(1251, "USD"))
    assert sale.phase is PosPhase.STORED
    lab.call(lambda: pos.offline.choose(OfflineMode.NEVER))
    lab.until(lambda: pos.state.phase is PosPhase.DECLINED)
    assert tell(pos.state.detail).startswith("Declined after the fact: insufficient funds")
    assert pos.state.recent[0].state == "declined"


def test_an_engine_that_is_away_costs_no_sale_and_a_new_process_uploads(tmp_path: Path) -> None:
    """Over 0.25 s: an engine that starts, is killed and starts again, and two worlds."""
    lab = start(tmp_path)
    try:
        world = lab.world
        lab.run(world.wallet.start_with_demo_cards())
        lab.call(lambda: world.pos.offline.choose(OfflineMode.WHEN_DOWN))
        assert lab.run(world.hands.tap(1240, "USD")).phase is PosPhase.APPROVED
        lab.run(world.engine.stop(wait=True))
        sale = lab.run(world.hands.tap(1340, "USD"))
        assert sale.phase is PosPhase.STORED
        assert len(world.pos.offline.stored) == 1
    finally:
        lab.stop()
    again = start(tmp_path)
    try:
        pos = again.world.pos
        again.until(lambda: not pos.offline.stored)
        assert network_rows(tmp_path, 1340) == [("00", 1)]
        assert pos.state.recent[0].amount_text == "$13.40"
        assert pos.state.recent[0].state == "approved"
    finally:
        again.stop()
    assert lab.faults == again.faults == []
