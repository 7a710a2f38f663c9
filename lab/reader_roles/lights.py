"""The reader's own lights and buzzer, in step with the till's or left alone.

Follows the till's states and tells its reader the moment, one at a time and in order; a
reader without lights is told nothing. Never while the card is being read: nothing comes between two
commands of a tap. What the lights say is what the till's say: read is not approved.
"""

from __future__ import annotations

from backend.api import Scheduler
from hardware.api import PcscReader, Signal
from lab.pos.display import tone
from lab.pos.state import PosPhase, PosState

_WITH_TONE = frozenset({Signal.READ, Signal.ALERT})


def signal_of(phase: PosPhase) -> Signal | None:
    """What a reader shows at a phase of the till; None leaves it as it is."""
    match phase:
        case PosPhase.READING:
            return None
        case PosPhase.PRESENT:
            return Signal.READY
        case PosPhase.AUTHORIZING:
            return Signal.READ
        case _:
            return Signal.ALERT if tone(phase) == "alert" else Signal.OFF


class ReaderLights:
    """The lights of whichever reader the till stands at."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.reader: PcscReader | None = None
        """The till's, where it may have lights."""
        self.silent = False
        """Whether they are left alone."""
        self._phase: PosPhase | None = None
        self._due: list[Signal] = []
        self._telling = False

    def saw(self, state: object) -> None:
        """The till shows something new."""
        if not isinstance(state, PosState) or state.phase is self._phase:
            return
        self._phase = state.phase
        signal = signal_of(state.phase)
        if signal is None:
            self._due = []  # a card is being read: too late for what was not shown yet
        elif self.reader is not None and not self.silent:
            heard = [due for due in self._due if due in _WITH_TONE]  # a fast bank skips no tone
            self._due = [*heard, signal]
            if not self._telling:
                self._telling = True
                self._scheduler.spawn(self._tell(), "reader's lights")

    def put_out(self) -> None:
        """Darken them once, and stop the reader from beeping by itself."""
        if self.reader is not None:
            self._scheduler.spawn(self.reader.signal(Signal.OFF, sound=False), "lights out")

    async def _tell(self) -> None:
        try:
            while self._due and self.reader is not None:
                await self.reader.signal(self._due.pop(0), sound=True)
        finally:
            self._telling = False
