"""The whole laboratory in one thread on virtual time: phone, till, hands, console and engine.

The same wiring as a live world on another ground: the engine lives inside this thread, requests and
sockets cross no network, waiting is free, and the same seed tells the same story, which
`event_log_sha256` attests. Killing the engine is what kill -9 is outside: the supervision notices
the broken connection and brings it back from its files. Knows no fault and no expectation.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import orjson

from backend.api import (
    Crashed,
    Event,
    LabClock,
    LabScheduler,
    VirtualClock,
    VirtualLoop,
    simulated_engine,
)
from lab import kept_streams
from lab.client import Endpoint, http_client
from lab.engine_stream import Socket, with_token
from lab.faulty_transport import FaultyTransport
from lab.seal_key import seal_key
from lab.settings import Settings
from lab.world import Ground, World, opened

if TYPE_CHECKING:
    from backend.api import SimulatedEngine

T = TypeVar("T")
ADDRESS = "http://engine"
ENVIRONMENT = {"TAPLAB_KEY_HOME": "file"}
PATIENCE_S = 86_400.0
CONNECTED_S = 0.001  # no network: every stream is open by then


class BackgroundFailed(Exception):
    """Something in the background of a simulated laboratory broke; the cause says what."""


class SimulatedLab:
    """A context manager: a laboratory with its engine up and its phone signed in.

    Attributes:
        world: the flows, as in a live laboratory.
        events: every event of engine and lab so far, in the order in which they happened.
    """

    world: World

    def __init__(
        self,
        seed: int,
        folder: Path,
        *,
        profile: str = "instant",
        pace: float = 0.0,
        starts_at_us: int | None = None,
    ) -> None:
        """Take note of everything.

        Args:
            seed: of all randomness, keys included.
            folder: the laboratory's files; made if it is not there.
            profile: "lab" (phone and network take their time) or "instant".
            pace: how long choreography waits between its steps.
            starts_at_us: lab time at the beginning; None takes the simulation's own epoch.
        """
        self._settings = Settings(data_dir=folder, seed=seed, profile=profile, pace=pace)
        self._seed = seed
        self._loop = VirtualLoop()
        self._below = (
            VirtualClock(self._loop)
            if starts_at_us is None
            else VirtualClock(self._loop, starts_at_us)
        )
        self._opened = contextlib.AsyncExitStack()
        self._failures: list[dict[str, object]] = []
        self._digest = hashlib.sha256()
        self.events: list[Event] = []

    def __enter__(self) -> Self:
        self._settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.engine = simulated_engine(
            self._seed,
            self._settings.data_dir,
            self._below,
            profile=self._settings.profile,
            on_event=self._engine_said,
        )
        self._loop.set_exception_handler(lambda _loop, context: self._failures.append(context))
        try:
            self.run(self._open())
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()
        if error is None:
            self._raise_failure()

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Run `work` in this laboratory until it is done.

        Raises:
            BackgroundFailed: something else broke meanwhile.
        """
        try:
            return self._loop.run_until_complete(self._patiently(work))
        finally:
            self._raise_failure()

    def crash_engine(self) -> None:
        """Kill the engine now, as kill -9 does; the supervision brings it back by itself."""
        self.engine.crash()

    async def restart_engine(self) -> None:
        """Stop the engine in order, if it lives, and wait until one is up again."""
        if self.engine.is_up:
            await self.world.engine.restart()
        else:
            while self.world.engine.endpoint is not None:  # the news has not arrived yet
                await self.world.real_scheduler.sleep(0)
        await self.world.engine.ready()

    @property
    def event_log_sha256(self) -> str:
        """SHA-256 over everything that happened so far: envelopes without real time, in order."""
        return self._digest.hexdigest()

    async def _patiently(self, work: Coroutine[object, object, T]) -> T:
        async with asyncio.timeout(PATIENCE_S):
            return await work

    async def _open(self) -> None:
        self.world = await self._opened.enter_async_context(
            opened(self._settings, ground_of=self._ground)
        )
        self.world.log.subscribe(self._heard)
        await self.world.ready()
        self.world.listen()
        await self.world.real_scheduler.sleep(CONNECTED_S)

    def _close(self) -> None:
        try:
            self._loop.run_until_complete(self._opened.aclose())
            self._loop.run_until_complete(self.engine.stop())
        finally:
            self._loop.close()

    def _ground(self, settings: Settings) -> Ground:
        clock, real_clock = LabClock(self._below), LabClock(self._below)
        entropy = kept_streams.entropy_of(settings.data_dir, self._seed, simulated=True)
        real_scheduler = LabScheduler(real_clock)
        transport = FaultyTransport(self.engine.server, real_clock, real_scheduler)
        return Ground(
            world="simulated",
            clock=clock,
            scheduler=LabScheduler(clock),
            real_clock=real_clock,
            real_scheduler=real_scheduler,
            entropy=entropy,
            seal_key=seal_key(settings.data_dir, ENVIRONMENT, entropy),
            transport=transport,
            http=http_client(transport),
            open_socket=self._open_socket,
            engines=_EngineInside(self.engine),
        )

    async def _open_socket(self, endpoint: Endpoint, path: str, *, cookie: str = "") -> Socket:
        headers = {"cookie": cookie} if cookie else {}
        return await self.engine.server.open_socket(with_token(endpoint, path), headers)

    def _engine_said(self, event: Event) -> None:
        if event.source == "engine":  # what the lab saw comes back from there: heard already
            self._heard(event)

    def _heard(self, event: Event) -> None:
        envelope = event.to_json()
        del envelope["real_time_us"]
        self._digest.update(orjson.dumps(envelope, option=orjson.OPT_SORT_KEYS))
        self.events.append(event)

    def _raise_failure(self) -> None:
        if self._failures:
            context = self._failures[0]
            self._failures.clear()
            cause = context.get("exception")
            raise BackgroundFailed(str(context.get("message"))) from (
                cause if isinstance(cause, BaseException) else None
            )


class _EngineInside:
    """Where a simulated laboratory's engine comes from: this thread."""

    pid = None
    advice = "a simulated engine says why it cannot start"

    def __init__(self, engine: SimulatedEngine) -> None:
        self._engine = engine

    async def find_or_start(self) -> Endpoint:
        """The engine that lives, or its next life.

        Raises:
            ConnectionAbortedError: it died while it was starting.
        """
        if not self._engine.is_up:
            try:
                await self._engine.start()
            except Crashed as death:
                raise ConnectionAbortedError(str(death)) from death
        return Endpoint(ADDRESS, self._engine.engine.token)

    def refused(self, endpoint: Endpoint) -> None:
        """Nobody else's engine can be there."""

    async def end(self) -> None:
        """Stop it in order."""
        await self._engine.stop()
