"""What this process saw, handed to the engine in batches, so that everybody sees one time line.

Events wait here while the engine is out of reach; the oldest are dropped past a bound, because a
window that runs a day without an engine must not grow. Each has its number, so the engine stores a
batch that was sent twice once. What is said to a card waits until it is known whose it is: of a
stranger's card nothing is stored anywhere.
"""

from __future__ import annotations

import asyncio
from collections import deque

from backend.api import Event, EventLog, Scheduler
from lab.client import EngineClient
from lab.errors import EngineRefused, EngineUnreachable
from lab.json_fields import text
from lab.pos.kernel_outcomes import STRANGERS

WAITING_MAX = 8_192
BATCH_MAX = 50
PAUSE_S = 0.15
PAUSES_MAX = 7
RETRY_S = 1.0


class EventForwarding:
    """Listens to a log and forwards it."""

    def __init__(self, log: EventLog, client: EngineClient, scheduler: Scheduler) -> None:
        """Begin to collect; `run` forwards.

        Args:
            log: this process's events.
            client: the way to the engine.
            scheduler: a real-time one.
        """
        self._client = client
        self._scheduler = scheduler
        self._waiting: deque[Event] = deque(maxlen=WAITING_MAX)
        self._some = asyncio.Event()
        self._sending = asyncio.Lock()
        self._heard = 0
        self._undecided = ""
        self.refused = 0
        log.subscribe(self._collect)

    async def run(self) -> None:
        """Forward for ever."""
        while True:
            await self._some.wait()
            await self._quiet()
            if not await self.flush():
                await self._scheduler.sleep(RETRY_S)

    async def _quiet(self) -> None:
        """Until nothing new has come for a moment: a tap in progress has the line for itself."""
        for _ in range(PAUSES_MAX):
            heard = self._heard
            await self._scheduler.sleep(PAUSE_S)
            if heard == self._heard:
                return

    async def flush(self) -> bool:
        """Send what is waiting now; False when the engine is out of reach or in trouble."""
        async with self._sending:
            while batch := self._decided():
                try:
                    await self._client.post_events(batch)
                except EngineUnreachable:
                    return False
                except EngineRefused as refusal:
                    if refusal.is_trouble:
                        return False
                    self.refused += len(batch)  # shown by doctor: a batch nobody will ever take
                for _ in batch:
                    self._waiting.popleft()
            self._some.clear()
            return True

    def _decided(self) -> tuple[Event, ...]:
        """The next batch, up to the tap of which it is not known yet whose card it reads."""
        batch = tuple(self._waiting)[:BATCH_MAX]
        held = (at for at, event in enumerate(batch) if event.tap_id and self._is_open(event))
        return batch[: next(held, len(batch))]

    def _is_open(self, event: Event) -> bool:
        return event.tap_id == self._undecided

    def _collect(self, event: Event) -> None:
        self._heard += 1
        if event.kind == "tap.started":
            self._undecided = event.tap_id or ""  # a till has one tap at a time
        elif event.kind == "tap.outcome" and self._is_open(event):
            self._undecided = ""
            if text(event.data, "reason", "") in STRANGERS:
                self._forget_exchanges(event.tap_id)
        self._waiting.append(event)
        self._some.set()

    def _forget_exchanges(self, tap_id: str | None) -> None:
        kept = (each for each in self._waiting if each.tap_id != tap_id or each.kind != "tap.apdu")
        self._waiting = deque(kept, maxlen=WAITING_MAX)
