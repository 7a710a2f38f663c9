"""A real laboratory for these tests: engine child, flows, secure element; no window.

Most tests share one world (a start costs more than a second); each leaves it as it found it. Those
that kill engines or replace worlds get one of their own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

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


def start(data_dir: Path, *, profile: str = "instant") -> Running:
    """A world whose engine is up and whose phone has signed in."""
    faults: list[BaseException] = []
    settings = Settings(data_dir=data_dir, seed=7, profile=profile, pace=0.0)
    io = IoThread(settings, Bus(), faults.append)
    running = Running(io, io.start(), faults)
    running.run(running.world.ready())
    return running


@pytest.fixture(scope="session", autouse=True)
def _keys_in_a_file() -> Iterator[None]:
    """Never touch a keyring."""
    before = os.environ.get("TAPLAB_KEY_HOME")
    os.environ["TAPLAB_KEY_HOME"] = "file"
    yield
    if before is None:
        del os.environ["TAPLAB_KEY_HOME"]
    else:
        os.environ["TAPLAB_KEY_HOME"] = before


@pytest.fixture(scope="session")
def start_lab() -> Callable[[Path], Running]:
    """For tests that start and stop worlds themselves."""
    return start


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp("shared"))
    running.run(running.world.wallet.start_with_demo_cards())
    yield running
    running.stop()
    assert running.faults == []


@pytest.fixture
def lab(_shared: Running) -> Iterator[Running]:
    """The shared world with three demo cards, at rest and without faults."""
    world = _shared.world
    yield _shared
    _shared.run(world.client.reset_faults())
    for network in ("visa", "mastercard", "amex"):
        _shared.run(world.client.force_breaker(network, "auto"))
    _shared.until(lambda: not world.hands.busy)
    _shared.call(world.wallet.close)
    _shared.call(world.pos.clear)
    _shared.run(world.console.look())
    assert _shared.faults == []


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Running]:
    """A world of the test's own, empty."""
    running = start(tmp_path / "lab")
    yield running
    running.stop()
    assert running.faults == []
