"""The I/O thread: one asyncio loop beside Qt's, with the world, its flows and its sockets in it.

Knows no Qt: a window, the picture maker and tests start it alike. Faults of background tasks end
the loop loudly through `on_fault`, never silently.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import TypeVar

from lab.bus import Bus
from lab.settings import Settings
from lab.world import World, opened

T = TypeVar("T")
JOIN_LIMIT_S = 10.0


class IoThread:
    """One world in one thread."""

    def __init__(
        self, settings: Settings, bus: Bus, on_fault: Callable[[BaseException], None]
    ) -> None:
        """Prepare; `start` begins.

        Args:
            settings: of the world.
            bus: where its states are heard (in the I/O thread).
            on_fault: told, in the I/O thread, what ended the world or a task of it.
        """
        self._settings = settings
        self._bus = bus
        self._on_fault = on_fault
        self._thread = threading.Thread(target=self._run, name="lab-io", daemon=True)
        self._started: Future[World] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None

    def start(self) -> World:
        """Start the thread; the world is wired when this returns, its engine still starting.

        Raises:
            SomethingMissing: data folder, secure element or reader cannot be had.
        """
        self._thread.start()
        return self._started.result()

    def call_soon(self, work: Callable[[], None]) -> None:
        """Run `work` in the thread's loop; from any thread. After the end, nothing happens."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work)

    def run(self, work: Coroutine[object, object, T], limit_s: float | None = None) -> T:
        """Run `work` in the loop and wait for its result; not for Qt's thread."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(limit_s)

    def stop(self) -> None:
        """Close the world and join the thread."""
        leave = self._leave
        if leave is not None:
            self.call_soon(leave.set)
        if self._thread.ident is not None:
            self._thread.join(JOIN_LIMIT_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as fault:  # noqa: BLE001 -- handed on, to whoever waits or watches
            if self._started.done():
                self._on_fault(fault)
            else:
                self._started.set_exception(fault)

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._task_failed)
        self._leave = asyncio.Event()
        async with opened(self._settings, self._bus) as world:
            await world.follow()
            self._started.set_result(world)
            await self._leave.wait()

    def _task_failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        fault = context.get("exception")
        if isinstance(fault, BaseException):
            self._on_fault(fault)
        else:
            self._on_fault(RuntimeError(str(context.get("message"))))
