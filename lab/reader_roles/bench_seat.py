"""The bench at a reader: who comes and goes there, and which identifier it has.

Waits for a card, asks it for nothing but what selecting it tells (ATR, UID), lets it go and looks
now and then whether it is still there. Whoever wants to talk to the card borrows the reader
meanwhile. Sends no command of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from backend.api import Scheduler
from hardware.api import (
    CardFault,
    CardLinkError,
    NoCard,
    Reader,
    ReaderGone,
)

WAIT_S = 3600.0
LOOK_S = 0.8
AFTER_TROUBLE_S = 2.0


class BenchSeat:
    """The bench's watch over one reader, until closed."""

    def __init__(
        self,
        reader: Reader,
        *,
        scheduler: Scheduler,
        card: Callable[[str, str], None],
        trouble: Callable[[str], None],
        still_there: Callable[[], bool] | None = None,
    ) -> None:
        """A watch that has not begun.

        Args:
            reader: what is watched; this closes it.
            scheduler: waits, in real time.
            card: hears ATR and UID, or words, of what lies there; two times "" when it left.
            trouble: hears what is wrong, "" when nothing is any more.
            still_there: tells that without a touch, where somebody watches anyway (PC/SC); else
                the card is selected again and again.
        """
        self.reader = reader
        self._scheduler = scheduler
        self._card = card
        self._trouble = trouble
        self._still_there = still_there
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[object] | None = None
        self._seen = False
        self._wanted = 0

    def open(self) -> None:
        """Begin to watch."""
        self._task = self._scheduler.spawn(self._watch(), f"bench at {self.reader.url}")

    async def close(self) -> None:
        """End the watch and give the reader back."""
        await self._rest()
        await self.reader.close()

    @contextlib.asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Reader]:
        """The reader for somebody who talks to what lies there; the watch rests meanwhile."""
        self._wanted += 1
        await self._rest()
        try:
            async with self._lock:
                yield self.reader
        finally:
            self._wanted -= 1
            if not self._wanted:
                self.open()

    async def _rest(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _watch(self) -> None:
        while True:
            pause_s = LOOK_S
            if self._seen and self._still_there is not None and self._still_there():
                await self._scheduler.sleep(pause_s)
                continue
            try:
                link = await self.reader.wait_for_card(LOOK_S if self._seen else WAIT_S)
                atr, uid = link.atr.hex().upper(), link.uid.hex().upper()
                await link.release()
                self._came(atr, uid)
            except NoCard:
                self._left()
                pause_s = 0.0
            except CardFault as strange:  # something lies there that carries no commands
                self._came(str(strange), "")
            except ReaderGone as gone:
                self._left()
                self._trouble(str(gone))
                pause_s = AFTER_TROUBLE_S
            except CardLinkError as shy:  # it left in the middle, or another program has it
                self._trouble(str(shy))
            else:
                self._trouble("")
            await self._scheduler.sleep(pause_s)

    def _came(self, what: str, uid: str) -> None:
        if not self._seen:
            self._seen = True
            self._card(what, uid)

    def _left(self) -> None:
        if self._seen:
            self._seen = False
            self._card("", "")
