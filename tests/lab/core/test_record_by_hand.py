"""The window's record key on a live laboratory: Record, break Visa, three taps, Stop; then CI.

An engine process and whole taps take seconds; they are what is shown.
"""

from __future__ import annotations

from pathlib import Path

from lab.adapter import LabAdapter, Runner
from lab.console.state import ConsoleState
from lab.scenarios.loader import load_file
from lab.scenarios.model import Tap
from lab.scenarios.playing import play_once
from lab.scenarios.result import Verdict
from lab.words import tell
from tests.lab.core.running import Running

TAPS = 3


def test_what_was_broken_by_hand_is_a_file_that_passes_headless(own_lab: Running) -> None:
    world = own_lab.world
    own_lab.run(world.wallet.start_with_demo_cards())
    adapter = LabAdapter(world, Runner(world, own_lab.io.call_soon).post)

    adapter.record()
    own_lab.until(lambda: world.desk.is_on)
    own_lab.run(world.console.set_fault("visa.silent", on=True, parameters={}))
    for _ in range(TAPS):
        own_lab.run(world.hands.tap(1240, "USD"))
    adapter.record()
    own_lab.until(lambda: not world.desk.is_on)
    own_lab.until(lambda: list(world.settings.scenarios_dir.glob("*.toml")) != [])

    (saved,) = world.settings.scenarios_dir.glob("*.toml")
    own_lab.until(lambda: str(saved) in _toast(world.console.state))
    scenario = load_file(saved)
    assert sum(isinstance(step, Tap) for step in scenario.steps) == TAPS
    result = play_once(scenario)
    assert result.verdict is Verdict.PASSED, result.why
    assert {tap.outcome for tap in result.taps} == {"unknown"}


def test_stopping_at_once_saves_nothing_and_says_so(own_lab: Running) -> None:
    world = own_lab.world
    adapter = LabAdapter(world, Runner(world, own_lab.io.call_soon).post)
    adapter.record()
    own_lab.until(lambda: world.desk.is_on)
    adapter.record()
    own_lab.until(lambda: "nothing to save" in _toast(world.console.state))
    assert not Path(world.settings.scenarios_dir).exists()


def _toast(state: ConsoleState) -> str:
    return "" if state.toast is None else tell(state.toast)
