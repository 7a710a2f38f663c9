"""Who watches the PC/SC readers: which there are, what lies on them, and whether anybody is home.

Theory of operation: one thread blocks in the service's own "tell me what changed" for all readers
and for the pseudo reader that stands for plugging, so idling costs a wake-up every few seconds.
The first look and every change make a `Snapshot`, which listeners hear in that thread. pcsc-lite
misses a reader that comes between listing and waiting, so the wait is cut into slices and the list
read again. When the service stops (a crash, an update; on Windows also the last reader leaving)
the context is dead for ever: the monitor says so and tries for a new one until the service is
back. macOS knows no pseudo reader; there the list is read once a second.

Knows no card and no tap. Waits in real time, as its readers do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from hardware.readers.pcsc_errors import SERVICE_LOST, Code, PcscFault
from hardware.readers.pcsc_service import PLUG_AND_PLAY, UNAWARE, PcscService, Seat

WAIT_SLICE_MS = 5_000
RELIST_S = 1.0
"""How often readers are listed where the system does not tell of plugging, and a service sought."""
JOIN_ROUND_S = 0.05
JOIN_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the monitor saw at its last look."""

    look: int = 0
    """Counts looks; 0 is before the first."""
    seats: tuple[Seat, ...] = ()
    fault: PcscFault | None = None
    """Why the service cannot be asked."""


class PcscMonitor:
    """Watches until closed. `subscribe` starts it."""

    def __init__(self, service: PcscService) -> None:
        self._service = service
        self._snapshot = Snapshot()
        self._listeners: list[Callable[[Snapshot], None]] = []
        self._lock = threading.Lock()
        self._nudge = threading.Event()
        self._closing = False
        self._context: int | None = None
        self._thread: threading.Thread | None = None
        self.wake_ups = 0
        """How often its thread woke, for a test that idling is cheap."""

    @property
    def snapshot(self) -> Snapshot:
        """The last look."""
        return self._snapshot

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        """Tell `listener` every look from now on, in the monitor's thread; gives the way out.

        After the way out was taken the listener is not called any more.
        """
        with self._lock:
            self._listeners.append(listener)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="pcsc-monitor", daemon=True)
                self._thread.start()

        def unsubscribe() -> None:
            with self._lock:
                self._listeners.remove(listener)

        return unsubscribe

    def look_now(self) -> None:
        """Do not wait for the next change: look again at once."""
        self._nudge.set()
        context = self._context
        if context is not None:
            self._service.cancel(context)

    def close(self) -> None:
        """End the thread; one that a hung service holds is left behind."""
        self._closing = True
        if self._thread is None:
            return
        for _ in range(JOIN_ROUNDS):  # a cancel that comes before the wait is lost
            self.look_now()
            self._thread.join(JOIN_ROUND_S)
            if not self._thread.is_alive():
                return

    def _run(self) -> None:
        while not self._closing:
            try:
                context = self._service.establish()
            except PcscFault as fault:
                self._looked((), fault)
                self._pause()
                continue
            self._context = context
            try:
                self._watch(context)
            except PcscFault as fault:
                self._looked((), fault)
            finally:
                self._context = None
                self._service.release(context)

    def _watch(self, context: int) -> None:
        """Look until closed, or until the service fails."""
        plugging = self._tells_of_plugging(context)
        known: dict[str, int] = {}
        seen: tuple[Seat, ...] = ()
        repeats = 0
        while not self._closing:
            names = self._service.reader_names(context)
            kept = (PLUG_AND_PLAY, *names) if plugging else names
            known = {name: known.get(name, UNAWARE) for name in kept}
            if not names:
                self._looked((), None)
            if not known:
                self._pause()
                continue
            try:
                states = self._service.states(context, known, self._slice_ms(plugging=plugging))
            except PcscFault as fault:
                known = self._known_after(fault, known)
                continue
            finally:
                self.wake_ups += 1
            known = {seat.name: seat.state for seat in states}
            self._looked(tuple(seat for seat in states if seat.name != PLUG_AND_PLAY), None)
            repeats = repeats + 1 if states == seen else 0
            seen = states
            if repeats > 1:  # once is plugging; a driver that calls nothing a change goes on
                self._pause()

    def _slice_ms(self, *, plugging: bool) -> int:
        return WAIT_SLICE_MS if plugging else int(RELIST_S * 1000)

    def _known_after(self, fault: PcscFault, known: dict[str, int]) -> dict[str, int]:
        """What is still known after a wait that told of no change.

        Raises:
            PcscFault: it was no such wait.
        """
        match fault.code:
            case Code.TIMEOUT:
                return known
            case Code.CANCELLED:
                return {}  # somebody wants a fresh look: ask for every state
            case Code.UNKNOWN_READER:
                self._pause()  # it left between listing and waiting
                return {}
            case _:
                raise fault

    def _tells_of_plugging(self, context: int) -> bool:
        try:
            self._service.states(context, {PLUG_AND_PLAY: UNAWARE}, 0)
        except PcscFault as fault:
            if fault.code in SERVICE_LOST:
                raise
            return fault.code == Code.TIMEOUT
        return True

    def _looked(self, seats: tuple[Seat, ...], fault: PcscFault | None) -> None:
        with self._lock:
            self._snapshot = Snapshot(self._snapshot.look + 1, seats, fault)
            for listener in self._listeners:
                listener(self._snapshot)

    def _pause(self) -> None:
        self.wake_ups += 1
        self._nudge.wait(RELIST_S)
        self._nudge.clear()
