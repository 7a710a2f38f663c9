"""Waiting and background work, on lab time.

`sleep` and `sleep_until` wait for the laboratory's clock, so a jump of three days wakes what was
due in between. `deadline` limits real input and output and knows nothing of jumps. A simulated
world uses `VirtualLoop`: an event loop whose time moves only when nobody has anything left to do,
so thirty seconds of a breaker's patience cost no second of a test's.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import selectors
from collections.abc import Coroutine
from typing import Protocol

from backend.runtime.clock import LabClock
from backend.runtime.errors import Crashed

EPOCH_OF_SIMULATION_US = 1_790_000_000_000_000  # 2026-09-21T13:33:20Z, a working day


class Scheduler(Protocol):
    """What a rule that waits takes as a parameter."""

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of lab time."""

    async def sleep_until(self, at_us: int) -> None:
        """Wait until the lab clock shows `at_us`."""

    def deadline(self, seconds: float) -> asyncio.Timeout:
        """`async with` limit on input and output; raises TimeoutError."""

    def spawn(self, work: Coroutine[object, object, object], name: str) -> asyncio.Task[object]:
        """Run in the background; a crash there ends the engine loudly, not silently."""


class _Background:
    """Background tasks that are held, and whose failure is reported."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[object], None] = {}  # in order: a simulated world repeats
        self._is_dead = False

    def spawn(self, work: Coroutine[object, object, object], name: str) -> asyncio.Task[object]:
        """Run `work` in the background and keep it alive.

        Raises:
            Crashed: this scheduler's process is dead.
        """
        if self._is_dead:
            work.close()
            raise Crashed(f"{name} was begun by a dead engine")
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    async def cancel_all(self) -> None:
        """End every background task and wait for it."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def kill(self) -> list[asyncio.Task[object]]:
        """End every background task as a dead process does; those that have yet to unwind."""
        self._is_dead = True
        for task in self._tasks:
            task.cancel()
        return list(self._tasks)

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.pop(task, None)
        if self._is_dead or task.cancelled():
            return
        if (error := task.exception()) is not None and not isinstance(error, Crashed):
            task.get_loop().call_exception_handler(
                {"message": f"background task {task.get_name()} failed", "exception": error}
            )


class LabScheduler(_Background):
    """The live world: waits on a `LabClock`, and looks again whenever it is moved."""

    def __init__(self, clock: LabClock) -> None:
        super().__init__()
        self._clock = clock
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._ties = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        clock.changed.append(self._rearm)

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of lab time."""
        await self.sleep_until(self._clock.now_us() + int(seconds * 1e6))

    async def sleep_until(self, at_us: int) -> None:
        """Wait until the lab clock shows `at_us`."""
        if at_us <= self._clock.now_us():
            await asyncio.sleep(0)
            return
        waiter = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (at_us, next(self._ties), waiter))
        self._rearm()
        await waiter

    def next_due_us(self) -> int | None:
        """When the next timer rings (lab time), for the time bar."""
        return min((at for at, _, waiter in self._waiting if not waiter.done()), default=None)

    def deadline(self, seconds: float) -> asyncio.Timeout:
        """`async with` limit on real input and output."""
        return asyncio.timeout(seconds)

    def _rearm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake_due()
        if self._waiting and self._clock.rate > 0:
            wait_s = (self._waiting[0][0] - self._clock.now_us()) / 1e6 / self._clock.rate
            loop = self._waiting[0][2].get_loop()
            self._timer = loop.call_later(max(wait_s, 0.0005), self._rearm)

    def _wake_due(self) -> None:
        now = self._clock.now_us()
        while self._waiting and (self._waiting[0][0] <= now or self._waiting[0][2].done()):
            _, _, waiter = heapq.heappop(self._waiting)
            if not waiter.done():
                waiter.set_result(None)


class _InstantSelector(selectors.SelectSelector):
    """Never blocks: where a real selector would wait, it moves virtual time."""

    def __init__(self) -> None:
        super().__init__()
        self.advanced_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Report what is ready now; if nothing is, let the wanted time pass at once."""
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("the simulated world waits for something that can never come")
            self.advanced_s += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop in which waiting is free. Single thread, no sockets, no executors."""

    def __init__(self) -> None:
        self._instant = _InstantSelector()
        super().__init__(self._instant)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._instant.advanced_s


class VirtualClock:
    """The simulated world's clock: reads a `VirtualLoop`."""

    def __init__(self, loop: VirtualLoop, starts_at_us: int = EPOCH_OF_SIMULATION_US) -> None:
        self._loop = loop
        self._starts_at_us = starts_at_us

    def now_us(self) -> int:
        """Lab wall time, microseconds since the Unix epoch."""
        return self._starts_at_us + self.monotonic_us()

    def monotonic_us(self) -> int:
        """Virtual microseconds since the start."""
        return round(self._loop.time() * 1e6)


class VirtualScheduler(_Background):
    """The simulated world: asyncio's own primitives, on virtual time."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of virtual time."""
        await asyncio.sleep(seconds)

    async def sleep_until(self, at_us: int) -> None:
        """Wait until the virtual clock shows `at_us`."""
        await asyncio.sleep(max(0, at_us - self._clock.now_us()) / 1e6)

    def deadline(self, seconds: float) -> asyncio.Timeout:
        """`async with` limit, on virtual time."""
        return asyncio.timeout(seconds)
