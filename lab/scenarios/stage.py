"""Where a scenario is played: a world, and the few things that differ between live and simulated.

A live stage has a real engine process: lab time is jumped, and the process is killed with SIGKILL.
Knows no scenario; made for the runner, which knows no process.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from backend.api import Event
from lab import world as worlds
from lab.errors import NotDone
from lab.settings import Settings
from lab.world import World

NOTICED_S = 10.0
LOOK_AGAIN_S = 0.01


class Stage(Protocol):
    """A world that is ready, and what a story may do to it beyond what a person's hands can."""

    @property
    def kind(self) -> str:
        """Which of the two worlds: live or simulated."""

    @property
    def world(self) -> World:
        """The world; its engine is up and its phone has signed in."""

    @property
    def events(self) -> list[Event]:
        """Everything that has happened since the stage was opened."""

    async def advance(self, seconds: float) -> None:
        """Let lab time go on."""

    async def kill_engine(self) -> None:
        """Kill the engine and wait until it is back.

        Raises:
            NotDone: it is not this stage's to kill, or does not come back.
        """

    @property
    def event_log_sha256(self) -> str | None:
        """Of everything that happened, where that repeats exactly."""


@dataclass(slots=True)
class LiveStage:
    """Real time and a real engine process.

    Attributes:
        kind: "live".
        world: what is played on.
        events: what was heard.
    """

    world: World
    events: list[Event]
    kind: str = "live"
    event_log_sha256: str | None = None

    async def advance(self, seconds: float) -> None:
        """Jump lab time, and let everything that came due begin."""
        world = self.world
        await world.client.move_clock({"jump_s": seconds})
        await world.console.look()
        async with world.real_scheduler.deadline(NOTICED_S):
            while await self._is_due():
                await world.real_scheduler.sleep(LOOK_AGAIN_S)

    async def _is_due(self) -> bool:
        lab = await self.world.client.lab_state()
        return lab.next_due_us is not None and lab.next_due_us <= lab.now_us

    async def kill_engine(self) -> None:
        """SIGKILL; the world's own supervision brings it back."""
        world = self.world
        pid = world.engine.child_pid
        if pid is None:
            raise NotDone("this engine was started elsewhere, so it is not killed from here")
        os.kill(pid, signal.SIGKILL)
        pause = world.real_scheduler.sleep
        async with world.real_scheduler.deadline(NOTICED_S):
            while world.engine.endpoint is not None:
                await pause(LOOK_AGAIN_S)
        await world.engine.ready()
        async with world.real_scheduler.deadline(NOTICED_S):
            while world.wallet.state.offline:
                await pause(LOOK_AGAIN_S)


@contextlib.asynccontextmanager
async def live_stage(settings: Settings) -> AsyncIterator[LiveStage]:
    """A live world on a data folder, its engine up.

    Raises:
        SomethingMissing: the folder cannot be used, or no engine comes up.
    """
    async with worlds.opened(settings) as world:
        stage = LiveStage(world, [])
        world.log.subscribe(stage.events.append)
        world.hearers.append(stage.events.append)
        await world.ready()
        await world.listen().connected.wait()
        yield stage
