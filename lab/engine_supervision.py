"""Watches over an engine: finds it or has it started, notices when it is gone, brings it back.

Theory of operation. While a command or window uses the engine it holds `WS /lab/attach` open. The
socket is the watch: when it breaks, the engine is down, and it is looked for or started again after
0.2 s, 0.4 s … 5 s. All waiting here is real time: an engine must come back while a trainer has
paused the lab clock. What an engine is (an operating system process, one at a given address, one
inside this thread) is the source's business.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from websockets.exceptions import WebSocketException

from backend.api import Scheduler
from lab.client import Endpoint
from lab.engine_stream import OpenSocket
from lab.errors import SomethingMissing

START_LIMIT_S = 30.0
LOOK_AGAIN_S = 0.05
BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 5.0
STARTS_FAILED_MAX = 3


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """How the engine is: "starting", "up", "down", "restarting" or "stopped", and why."""

    state: str
    detail: str = ""


class EngineSource(Protocol):
    """Where engines come from."""

    @property
    def pid(self) -> int | None:
        """The process id of the engine, when it is a process that was started here."""

    @property
    def advice(self) -> str:
        """What to look at when no engine comes up."""

    async def find_or_start(self) -> Endpoint:
        """The engine that runs, or one that was started for this.

        Raises:
            OSError, SomethingMissing: there is none and none starts.
        """

    def refused(self, endpoint: Endpoint) -> None:
        """What answers there is somebody else's engine: do not offer it again."""

    async def end(self) -> None:
        """End the engine, if it was started here, and wait for it."""


class EngineSupervision:
    """Keeps an engine running and says how it is."""

    def __init__(
        self,
        source: EngineSource,
        open_socket: OpenSocket,
        scheduler: Scheduler,
        on_status: Callable[[EngineStatus], None],
    ) -> None:
        """Watch over the engine of `source`.

        Args:
            source: where it comes from.
            open_socket: how its WebSockets are opened.
            scheduler: a real-time one.
            on_status: told each change, in the event loop's thread.
        """
        self._source = source
        self._open_socket = open_socket
        self._scheduler = scheduler
        self._on_status = on_status
        self._endpoint: Endpoint | None = None
        self._watch: asyncio.Task[object] | None = None
        self._starts_failed = 0
        self.status = EngineStatus("starting")

    @property
    def endpoint(self) -> Endpoint | None:
        """Where the engine answers now; None while it is down."""
        return self._endpoint

    @property
    def child_pid(self) -> int | None:
        """The process id of the engine, when it was started here."""
        return self._source.pid

    async def start(self) -> None:
        """Begin to supervise; returns at once. See `ready`."""
        self._starts_failed = 0
        self._tell("starting")
        self._watch = self._scheduler.spawn(self._supervise(), "engine supervision")

    async def ready(self, limit_s: float = START_LIMIT_S) -> Endpoint:
        """Wait until the engine is up.

        Raises:
            SomethingMissing: it did not come up in time.
        """
        try:
            async with self._scheduler.deadline(limit_s):
                while self._endpoint is None and self._starts_failed < STARTS_FAILED_MAX:
                    await self._scheduler.sleep(LOOK_AGAIN_S)
        except TimeoutError as late:
            raise SomethingMissing(
                f"no engine after {limit_s:g} s ({self.status.detail or 'no answer'})",
                self._source.advice,
            ) from late
        if self._endpoint is None:
            raise SomethingMissing(
                f"the engine does not start ({self.status.detail})", self._source.advice
            )
        return self._endpoint

    async def stop(self, *, wait: bool = False) -> None:
        """Let go of the engine; it ends itself when nobody else uses it.

        Args:
            wait: end the engine now and wait for it, when it was started here.
        """
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        self._endpoint = None
        if wait:
            await self._source.end()
        self._tell("stopped")

    async def restart(self) -> None:
        """End the engine and bring it up again (after its stores were replaced)."""
        await self.stop(wait=True)
        await self.start()

    async def _supervise(self) -> None:
        pause_s = BACKOFF_FIRST_S
        while True:
            try:
                endpoint = await self._source.find_or_start()
                async with await self._open_socket(endpoint, "/lab/attach") as attached:
                    self._endpoint = endpoint
                    self._tell("up", endpoint.url)
                    pause_s, self._starts_failed = BACKOFF_FIRST_S, 0
                    with contextlib.suppress(WebSocketException, OSError):
                        async for _ in attached:  # the engine says nothing here: it only stays
                            continue
                reason = "the engine's connection broke"
            except PermissionError as refusal:
                # Somebody else's engine got the port that our dead one had written down.
                self._source.refused(endpoint)
                reason = f"{endpoint.url} refused the token of this folder ({refusal})"
            except (OSError, WebSocketException, SomethingMissing) as fault:
                reason = str(fault) or type(fault).__name__
            self._starts_failed += 1
            self._endpoint = None
            self._tell("down", reason)
            await self._scheduler.sleep(pause_s)
            pause_s = min(pause_s * 2, BACKOFF_MAX_S)
            self._tell("restarting", reason)

    def _tell(self, state: str, detail: str = "") -> None:
        self.status = EngineStatus(state, detail)
        self._on_status(self.status)
