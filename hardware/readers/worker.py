"""A thread for calls that may never return, and the way to do without it when one does not.

A driver's call blocks for as long as a card, a cable or a service please, and nothing can cancel
it. So it is made in a thread of its own and waited for with a limit. When the limit passes the
thread is abandoned: nobody hears its result, and it tidies up and ends by itself if the call ever
returns. Knows nothing of what it runs. Real readers keep real time, so the limit is real seconds.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from hardware.runtime.errors import HardwareError

T = TypeVar("T")


class CallHung(HardwareError):
    """A driver's call did not return within its limit; its worker was abandoned."""


class Worker:
    """One thread that makes one call after the other, until finished or abandoned."""

    def __init__(self, name: str, tidy: Callable[[], None]) -> None:
        """Start the thread.

        Args:
            name: the thread's, for whoever looks at a hung program.
            tidy: the last thing that the thread does, also after it was abandoned.
        """
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._tidy = tidy
        self._lock = threading.Lock()
        self._over = self._hung = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether it takes no more calls."""
        return self._over

    @property
    def hangs(self) -> bool:
        """Whether it was given up in the middle of a call that has not returned yet."""
        return self._hung and self._thread.is_alive()

    async def call(self, call: Callable[[], T], limit_s: float) -> T:
        """Make `call` in the thread and give what it gives, or raise what it raises.

        Raises:
            CallHung: it did not return within `limit_s` seconds, or an earlier one did not.
        """
        if self._over:
            raise CallHung(f"{self._thread.name}: an earlier call has not returned")
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()
        self._jobs.put(lambda: self._make(call, loop, result))
        try:
            async with asyncio.timeout(limit_s):
                return await result
        except TimeoutError:
            self._give_up()
            raise CallHung(f"{self._thread.name}: no return within {limit_s:g} s") from None
        except asyncio.CancelledError:
            self._give_up()
            raise

    async def finish(self, limit_s: float) -> None:
        """Let it tidy up and end; one that hangs is abandoned."""
        if self._over:
            return
        try:
            await self.call(self._tidied, limit_s)
        except CallHung:
            return  # abandoned by now: it tidies up when it can
        self._end()

    def _give_up(self) -> None:
        """What it does now is heard by nobody, and it ends when that returns."""
        self._hung = True
        self._end()

    def _end(self) -> None:
        with self._lock:
            self._over = True
        self._jobs.put(None)

    def _tidied(self) -> None:
        tidy, self._tidy = self._tidy, _nothing
        tidy()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        self._tidied()

    def _make(
        self, call: Callable[[], T], loop: asyncio.AbstractEventLoop, result: asyncio.Future[T]
    ) -> None:
        try:
            value = call()
        except Exception as fault:  # noqa: BLE001 -- handed to whoever waits for the call
            caught = fault  # the name in the clause ends with it
            self._deliver(loop, result, lambda: result.set_exception(caught))
        else:
            self._deliver(loop, result, lambda: result.set_result(value))

    def _deliver(
        self, loop: asyncio.AbstractEventLoop, result: asyncio.Future[T], settle: Callable[[], None]
    ) -> None:
        def settle_once() -> None:
            if not result.done():
                settle()

        with self._lock:  # once abandoned, the loop may be closed
            if not self._over:
                loop.call_soon_threadsafe(settle_once)


def _nothing() -> None:
    """A thread tidies up once."""
