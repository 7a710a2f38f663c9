"""A whole engine in one thread on virtual time: same assembly, in-memory links, inline database.

Waiting is free and everything repeats exactly for the same seed. Clients speak to the engine
through `client()`, which calls the application without a socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx

from backend.assembly import Engine, Ground, open_engine
from backend.http.attachments import Attachments
from backend.runtime.entropy import Entropy
from backend.runtime.scheduler import VirtualClock, VirtualLoop, VirtualScheduler
from backend.settings import Settings
from backend.storage.data_folder import DataFolder

T = TypeVar("T")
BASE_URL = "http://engine"


class SimulatedWorld:
    """A context manager: opened on entering, closed on leaving; may be opened again.

    Attributes:
        engine: while it is open.
    """

    engine: Engine
    _loop: VirtualLoop

    def __init__(self, seed: int, folder: Path, *, profile: str = "instant") -> None:
        self._seed = seed
        self._folder = DataFolder(folder)
        self._settings = Settings(
            data_dir=folder, seed=seed, profile=profile, environment={"TAPLAB_KEY_HOME": "file"}
        )

    def __enter__(self) -> Self:
        self._folder.take()
        self._loop = VirtualLoop()
        clock = VirtualClock(self._loop)
        scheduler = VirtualScheduler(clock)
        ground = Ground("simulated", clock, scheduler, Entropy(self._seed, simulated=True))
        try:
            self.engine = self.run(open_engine(self._folder, self._settings, ground, Attachments()))
        except BaseException:
            self._loop.close()
            self._folder.give_back()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.run(self.engine.close())
        self._loop.close()
        self._folder.give_back()

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Run `work` in this world until it is done."""
        return self._loop.run_until_complete(work)

    def client(self, *, with_token: bool = True) -> httpx.AsyncClient:
        """An HTTP client of this engine; with the local token unless told otherwise."""
        headers = {"Authorization": f"Bearer {self.engine.token}"} if with_token else {}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.engine.app),
            base_url=BASE_URL,
            headers=headers,
        )

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(seconds)
