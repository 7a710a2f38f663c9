"""The stage on virtual time: the whole laboratory in this thread, repeated exactly by its seed.

Lab time passes instead of being jumped, so that everything that waits does what it would do; beyond
ten minutes the rest is jumped, because months of half-second ticks show nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.api import Event
from lab.scenarios.stage import LOOK_AGAIN_S, NOTICED_S
from lab.simulation import SimulatedLab
from lab.world import World

PASSES_S = 600.0


@dataclass(slots=True)
class SimulatedStage:
    """A simulated laboratory as a stage.

    Attributes:
        lab: the laboratory.
        kind: "simulated".
    """

    lab: SimulatedLab
    kind: str = "simulated"

    @property
    def world(self) -> World:
        """What is played on."""
        return self.lab.world

    @property
    def events(self) -> list[Event]:
        """Everything that has happened, in order."""
        return self.lab.events

    @property
    def event_log_sha256(self) -> str | None:
        """Of everything that happened so far."""
        return self.lab.event_log_sha256

    async def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        world = self.world
        if seconds > PASSES_S:
            await world.client.move_clock({"jump_s": seconds - PASSES_S})
        await world.real_scheduler.sleep(min(seconds, PASSES_S))

    async def kill_engine(self) -> None:
        """Drop everything that is not on disk; the supervision brings the engine back."""
        world = self.world
        self.lab.crash_engine()
        await self.lab.restart_engine()
        async with world.real_scheduler.deadline(NOTICED_S):
            while world.wallet.state.offline:
                await world.real_scheduler.sleep(LOOK_AGAIN_S)


@contextlib.contextmanager
def simulated_stage(profile: str, seed: int, folder: Path) -> Iterator[SimulatedStage]:
    """A simulated laboratory in an empty folder, its engine up."""
    with SimulatedLab(seed, folder, profile=profile) as lab:
        yield SimulatedStage(lab)
