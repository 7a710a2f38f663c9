"""A world's file holds the watch, and a reset takes it away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backend.api import Entropy, LabClock
from hardware.api import SecureElement
from lab import world_file
from lab.commands.watch import watch_card_for
from lab.commands.world import load, reset, save
from lab.errors import SomethingMissing, WrongUse
from lab.pos.state import PosPhase
from lab.seal_key import seal_key
from lab.settings import Settings
from tests.lab.core.running import Running, start
from tests.lab.core.test_world_file import rewritten


@pytest.fixture(autouse=True)
def _keys_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPLAB_KEY_HOME", "file")


def tap_by_watch(running: Running) -> tuple[PosPhase, int | None]:
    world = running.world
    card = next(card for card in world.wallet.cards if card.network == "visa")
    held = running.run(watch_card_for(world, card))
    sale = running.run(world.hands.tap(1240, "USD", held.id))
    assert sale is not None
    assert sale.tap is not None
    return sale.phase, sale.tap.atc


def test_the_watch_goes_with_its_world_and_ends_with_a_reset(tmp_path: Path) -> None:
    """Over 0.25 s: two engines start, one on the loaded folder."""
    archive = tmp_path / "world.taplab"
    running = start(tmp_path / "lab")
    running.run(running.world.wallet.start_with_demo_cards())
    assert tap_by_watch(running) == (PosPhase.APPROVED, 1)
    running.run(save(running.world, archive))
    running.stop()

    other = Settings(data_dir=tmp_path / "other", profile="instant", pace=0.0)
    other.data_dir.mkdir()
    asyncio.run(load(other, archive))
    running = start(other.data_dir)
    try:
        assert tap_by_watch(running) == (PosPhase.APPROVED, 2), "the counter went on"
    finally:
        running.stop()
    spoiled = rewritten(
        archive, tmp_path / "spoiled.taplab", {world_file.WATCH_ELEMENT: b"something else"}
    )
    with pytest.raises(WrongUse, match=world_file.WATCH_ELEMENT):
        asyncio.run(load(other, spoiled))
    asyncio.run(reset(other))
    left = {path.name for path in other.data_dir.iterdir()}
    assert not left & {world_file.WATCH_ELEMENT, world_file.SECURE_ELEMENT, "watch.json"}


def test_a_watch_in_use_is_not_replaced(tmp_path: Path) -> None:
    element = SecureElement.open(
        tmp_path / world_file.WATCH_ELEMENT,
        seal_key=seal_key(tmp_path),
        clock=LabClock(),
        stream=Entropy().secret("watch element"),
    )
    with pytest.raises(SomethingMissing, match="watch is in use"):
        world_file.demand_free(tmp_path, LabClock())
    element.close()
    world_file.demand_free(tmp_path, LabClock())
