"""Who notices that readers come and go: PC/SC by its monitor, NFC controllers by looking again.

The PC/SC service tells of changes by itself, in the monitor's own thread. Nobody tells of USB
sticks and serial ports: they are listed every few seconds, in a thread, which opens none of them.
Drivers are loaded off the loop, since that takes a while, and a library that is not installed is
one line with its remedy. Hands on lists of readers, in the loop's thread; decides nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from backend.api import Scheduler
from hardware.api import (
    DriverMissing,
    NfcTrouble,
    PcscMonitor,
    PcscService,
    ReaderInfo,
    Snapshot,
    Winscard,
    nfc_readers,
    pcsc_readers,
    readers_seen,
    survey_nfc,
)

LOOK_EVERY_S = 2.0
FIRST_LOOK_S = 0.5
"""After the window is up: loading a driver must not delay that."""

Tell: TypeAlias = Callable[[str, tuple[ReaderInfo, ...]], None]
"""Hears a kind of readers ("pcsc" or "nfc") and all of that kind."""
SurveyNfc: TypeAlias = Callable[[], "tuple[ReaderInfo, ...] | NfcTrouble"]


class HotPlug:
    """Watches until closed; `start` begins."""

    def __init__(
        self, scheduler: Scheduler, tell: Tell, monitor: PcscMonitor | None = None
    ) -> None:
        """Watch nothing yet.

        Args:
            scheduler: waits between looks, in real time.
            tell: hears what there is, in the loop's thread.
            monitor: that of a PC/SC reader which is open already; stays its owner's.
        """
        self._scheduler = scheduler
        self._tell = tell
        self._monitor = monitor
        self._own_monitor = monitor is None
        self.service: PcscService | None = None
        self._forget: Callable[[], None] = _nothing
        self._tasks: list[asyncio.Task[object]] = []
        self._said: dict[str, tuple[ReaderInfo, ...]] = {}
        self._closed = False

    @property
    def monitor(self) -> PcscMonitor | None:
        """The PC/SC monitor, once the library is loaded."""
        return self._monitor

    def start(self, nfc: SurveyNfc = survey_nfc) -> None:
        """Begin to watch."""
        self._tasks = [
            self._scheduler.spawn(self._watch_pcsc(), "PC/SC readers"),
            self._scheduler.spawn(self._watch_nfc(nfc), "NFC controllers"),
        ]

    async def close(self) -> None:
        """Stop watching; nothing is told any more."""
        self._closed = True
        self._forget()
        self._forget = _nothing
        for task in self._tasks:
            task.cancel()
        if self._monitor is not None and self._own_monitor:
            await asyncio.to_thread(self._monitor.close)

    async def _watch_pcsc(self) -> None:
        try:
            self.service = await asyncio.to_thread(Winscard)
        except DriverMissing:
            self._say("pcsc", await asyncio.to_thread(pcsc_readers))
            return
        if self._closed:
            return
        if self._monitor is None:
            self._monitor = PcscMonitor(self.service)
        loop = asyncio.get_running_loop()

        def looked(snapshot: Snapshot) -> None:
            if not loop.is_closed():  # a monitor that its service hung up may be late
                loop.call_soon_threadsafe(self._say, "pcsc", readers_seen(snapshot))

        self._forget = self._monitor.subscribe(looked)
        self._monitor.look_now()

    async def _watch_nfc(self, survey: SurveyNfc) -> None:
        await self._scheduler.sleep(FIRST_LOOK_S)
        while not self._closed:
            found = await asyncio.to_thread(survey)
            if isinstance(found, NfcTrouble):
                self._say("nfc", await asyncio.to_thread(nfc_readers))
                return
            self._say("nfc", found)
            await self._scheduler.sleep(LOOK_EVERY_S)

    def _say(self, kind: str, found: tuple[ReaderInfo, ...]) -> None:
        if not self._closed and self._said.get(kind) != found:
            self._said[kind] = found
            self._tell(kind, found)


def _nothing() -> None:
    """Nobody subscribed yet."""
