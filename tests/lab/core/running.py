"""A world in its I/O thread, as tests hold it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lab.bus import Bus
from lab.io_thread import IoThread
from lab.settings import Settings
from lab.world import World

T = TypeVar("T")
LIMIT_S = 20.0


@dataclass
class Running:
    """A world in its I/O thread."""

    io: IoThread
    world: World
    faults: list[BaseException]

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Run a coroutine where the flows live."""
        return self.io.run(work, LIMIT_S)

    def call(self, work: Callable[[], T]) -> T:
        """Call a plain function where the flows live."""

        async def called() -> T:
            return work()

        return self.run(called())

    def until(self, reached: Callable[[], bool]) -> None:
        """Wait, on the lab's own scheduler, until the flows are there."""

        async def wait() -> None:
            async with asyncio.timeout(LIMIT_S - 1):
                while not reached():
                    await self.world.real_scheduler.sleep(0.01)

        self.run(wait())

    def stop(self) -> None:
        """End the engine and the thread."""
        self.run(self.world.engine.stop(wait=True))
        self.io.stop()


def start(data_dir: Path, *, profile: str = "instant", reader: str = "sim:") -> Running:
    """A world whose engine is up and whose phone has signed in."""
    faults: list[BaseException] = []
    settings = Settings(data_dir=data_dir, seed=7, profile=profile, pace=0.0, reader=reader)
    io = IoThread(settings, Bus(), faults.append)
    running = Running(io, io.start(), faults)
    running.run(running.world.ready())
    return running
