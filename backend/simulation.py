"""A whole engine in one thread on virtual time: same assembly, in-memory links, inline database.

Theory of operation. A `SimulatedEngine` is what an operating system process is to a live world: it
can be started on a data folder, stopped, and killed. Killing drops everything that is not on disk,
at that instant: database handles are closed without a commit, connections break, tasks are
cancelled, and whatever of the dead engine still unwinds finds that every store, scheduler and
connection of it raises `Crashed`. The next start reads the files, as after a kill -9. A crash can
be ordered for any commit, before or after it.

Waiting is free and everything repeats exactly for the same seed. Randomness belongs to the world
and goes on over restarts, so nothing is drawn twice. `SimulatedWorld` is the shortest way to one
engine and its HTTP door.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx

from backend.assembly.engine import Engine, open_engine
from backend.assembly.ground import entropy_of, simulated_ground
from backend.http.attachments import Attachments
from backend.http.in_memory import MemoryServer
from backend.runtime.errors import Crashed
from backend.runtime.events import Event
from backend.runtime.scheduler import EPOCH_OF_SIMULATION_US, VirtualClock, VirtualLoop
from backend.settings import Settings
from backend.storage.data_folder import DataFolder
from backend.storage.database import Moment

T = TypeVar("T")
BASE_URL = "http://engine"
CLIENT_PATIENCE_S = 600.0
ENVIRONMENT = {"TAPLAB_KEY_HOME": "file"}


@dataclass(slots=True)
class _Death:
    """A crash that is ordered: so many more commits of that kind."""

    commits_left: int
    moment: Moment


class SimulatedEngine:
    """An engine that is started and killed inside this thread.

    Attributes:
        server: its address; nobody answers there while it is down.
        commits: how many commits all its lives made.
        crashes: how often it died when it was up.
        commit_crashes: how often at a commit, by moment; also while it was starting.
    """

    def __init__(
        self,
        seed: int,
        folder: Path,
        below: VirtualClock,
        *,
        profile: str = "instant",
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        """Take note of everything; `start` begins its first life.

        Args:
            seed: of all randomness, keys included.
            folder: the world's files.
            below: the virtual loop's clock.
            profile: delays of the simulated networks: "lab" or "instant".
            on_event: hears every event of every life.
        """
        self._folder = DataFolder(folder)
        self._settings = Settings(
            data_dir=folder, seed=seed, profile=profile, environment=ENVIRONMENT
        )
        self._below = below
        self._entropy = entropy_of(self._folder.world(), seed, simulated=True)
        self._on_event = on_event
        self._engine: Engine | None = None
        self._death: _Death | None = None
        self._unwinding: list[asyncio.Task[object]] = []
        self._starting = False
        self._died_starting = False
        self.server = MemoryServer()
        self.commits = 0
        self.crashes = 0
        self.commit_crashes: dict[Moment, int] = {"before": 0, "after": 0}

    @property
    def engine(self) -> Engine:
        """The engine of the present life."""
        assert self._engine is not None, "the engine is down"
        return self._engine

    @property
    def is_up(self) -> bool:
        """Whether it lives."""
        return self._engine is not None

    async def start(self) -> Engine:
        """Begin a life on the folder's files.

        Raises:
            Crashed: it died while it was starting.
            FolderInUse: another engine has the folder.
        """
        assert self._engine is None, "one life at a time"
        await asyncio.gather(*self._unwinding, return_exceptions=True)
        self._unwinding.clear()
        self._folder.take()
        ground = simulated_ground(self._folder, self._below, self._entropy)
        self._starting, self._died_starting = True, False
        try:
            self._engine = await open_engine(
                self._folder, self._settings, ground, Attachments(), points=self
            )
        except BaseException:
            self._unwinding += ground.scheduler.kill()
            self._folder.give_back()
            raise
        finally:
            self._starting = False
        if self._died_starting:  # in the background, where nobody waited for it
            self.crash()
            raise Crashed("killed while it was starting")
        if self._on_event is not None:
            for event in self._engine.lab.events.recent():
                self._on_event(event)
            self._engine.lab.events.subscribe(self._on_event)
        self.server.serve(self._engine.app)
        return self._engine

    async def stop(self) -> None:
        """End this life in order; nothing happens to an engine that is down."""
        engine, self._engine = self._engine, None
        self._unwinding += self.server.kill()
        if engine is not None:
            await engine.close()
            self._folder.give_back()
        await asyncio.gather(*self._unwinding, return_exceptions=True)
        self._unwinding.clear()

    def crash(self) -> None:
        """Kill it now; may be called from anywhere, also from inside of it."""
        engine, self._engine = self._engine, None
        if engine is None:
            return
        self.crashes += 1
        self._death = None
        self._unwinding += self.server.kill()
        self._unwinding += engine.kill()
        self._folder.give_back()

    def crash_at(self, commits: int, moment: Moment) -> None:
        """Die before or after so many commits from now (1 is the next)."""
        assert commits > 0, "what is done is done"
        self._death = _Death(commits, moment)

    def crash_never(self) -> None:
        """Take back a crash that was ordered and has not come."""
        self._death = None

    def reached(self, moment: Moment, store: str) -> None:
        """A commit of one of its stores: the port that the databases call.

        Raises:
            Crashed: this was the one.
        """
        self.commits += moment == "before"
        death = self._death
        if death is None or death.moment != moment:
            return
        death.commits_left -= 1
        if death.commits_left == 0:
            self._death = None
            self._died_starting = self._starting
            self.commit_crashes[moment] += 1
            self.crash()
            raise Crashed(f"killed {moment} a commit of {store}")


class SimulatedWorld:
    """One engine and its door, opened on entering, closed on leaving; may be opened again.

    Attributes:
        process: the engine's lives.
    """

    process: SimulatedEngine
    _loop: VirtualLoop

    def __init__(self, seed: int, folder: Path, *, profile: str = "instant") -> None:
        self._seed = seed
        self._path = folder
        self._profile = profile

    def __enter__(self) -> Self:
        self._loop = VirtualLoop()
        below = VirtualClock(self._loop, EPOCH_OF_SIMULATION_US)
        self.process = SimulatedEngine(self._seed, self._path, below, profile=self._profile)
        try:
            self.run(self.process.start())
        except BaseException:
            self._loop.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.run(self.process.stop())
        self._loop.close()

    @property
    def engine(self) -> Engine:
        """The engine, while it lives."""
        return self.process.engine

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Run `work` in this world until it is done."""
        return self._loop.run_until_complete(work)

    def client(self, *, with_token: bool = True) -> httpx.AsyncClient:
        """An HTTP client of this engine; with the local token unless told otherwise."""
        headers = {"Authorization": f"Bearer {self.engine.token}"} if with_token else {}
        return httpx.AsyncClient(
            transport=self.process.server,
            base_url=BASE_URL,
            headers=headers,
            timeout=CLIENT_PATIENCE_S,
        )

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(seconds)
