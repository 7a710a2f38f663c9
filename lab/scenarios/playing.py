"""Opens the world that a scenario asks for, plays it there, and closes the world again.

A simulated world lives in a folder of its own for as long as the run. A live one does too, unless a
data folder or a running engine is named: then it is played there, as a guest.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from backend.api import key_home
from lab.scenarios.model import Scenario
from lab.scenarios.result import Result
from lab.scenarios.runner import play
from lab.scenarios.simulated_stage import simulated_stage
from lab.scenarios.stage import live_stage
from lab.settings import Settings

KEYS_IN_A_FILE = {"TAPLAB_KEY_HOME": "file"}


def play_once(
    scenario: Scenario,
    *,
    seed: int | None = None,
    world: str = "",
    guest_of: Settings | None = None,
) -> Result:
    """Play a scenario from its beginning to its end.

    Args:
        scenario: the story.
        seed: instead of the scenario's own.
        world: "live" or "simulated" instead of the scenario's own.
        guest_of: a data folder or engine to play a live scenario on; None takes a fresh folder.

    Raises:
        SomethingMissing: the world cannot be had.
        LabError: the laboratory went away meanwhile.
    """
    seed = scenario.seed if seed is None else seed
    if (world or scenario.world) == "simulated":
        with _own_folder() as folder, simulated_stage(scenario.profile, seed, folder) as stage:
            return stage.lab.run(play(scenario, stage, seed))
    if guest_of is not None:
        return asyncio.run(_live(scenario, seed, replace(guest_of, profile=scenario.profile)))
    with _own_folder() as folder:
        key_home(folder, KEYS_IN_A_FILE)  # on record before anything asks the person's keyring
        settings = Settings(data_dir=folder, seed=seed, profile=scenario.profile, pace=0.0)
        return asyncio.run(_live(scenario, seed, settings, alone=True))


async def _live(
    scenario: Scenario, seed: int, settings: Settings, *, alone: bool = False
) -> Result:
    async with live_stage(settings) as stage:
        result = await play(scenario, stage, seed)
        if alone:
            await stage.world.engine.stop(wait=True)  # its folder is about to be removed
        return result


@contextmanager
def _own_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tap-lab-scenario-") as folder:
        yield Path(folder)
