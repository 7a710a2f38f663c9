"""An alarm clock for a schedule that lies in the database: rings when something is due, or sooner.

The owner looks at its rows, starts what is due and says when the next thing will be; until then, or
until somebody rings, nothing happens. What is due and how it is done is the owner's business. Lab
time, so a moved clock rings at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from backend.runtime.scheduler import Scheduler


class Alarm:
    """Rings at the times that its owner tells it."""

    def __init__(self, scheduler: Scheduler, name: str) -> None:
        """An alarm that nobody waits for yet; `name` is its timer's, for logs."""
        self._scheduler = scheduler
        self._name = name
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Have the schedule looked at again."""
        self._rung.set()

    async def run_forever(self, look: Callable[[], int | None]) -> None:
        """Look whenever it rings; runs until cancelled.

        Args:
            look: starts what is due; microseconds of lab time of the next thing, None for nothing.
        """
        while True:
            self._rung.clear()
            due_at_us = look()
            timer = (
                None
                if due_at_us is None
                else self._scheduler.spawn(self._ring_at(due_at_us), self._name)
            )
            try:
                await self._rung.wait()
            finally:
                if timer is not None:
                    timer.cancel()

    async def _ring_at(self, due_at_us: int) -> None:
        await self._scheduler.sleep_until(due_at_us)
        self.ring()
