"""A stranger's card at the till: what it said is told, nothing is charged, nothing is stored.

Hears the tap's masked events as everybody does. When the kernel stopped because the card is not
this lab's (or no payment card at all), the same exchanges are read once more, in memory, as an
account for the screen. With its owner's consent the card is read on, past SELECT; those exchanges
go to the bench of this window and nowhere else. Without Qt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from backend.api import Clock, Event, Scheduler
from hardware.api import (
    Activation,
    CardHeld,
    CardLinkError,
    NoCard,
    PlainTag,
    Reading,
    TraceRecorder,
    read_card,
    reading_of_tag,
)
from lab.anycard.account import account_of
from lab.anycard.state import StrangerState
from lab.anycard.till_reader import Arrival, TillReader
from lab.bus import Bus
from lab.json_fields import text
from lab.pos.kernel_outcomes import STRANGERS
from lab.words import Message, message

CONSENT_WAIT_S = 20.0
_NOT_FOUND = b"\x6a\x82"
_ANSWERS_MAX = 64


class _HeardLink:
    """The exchanges of a tap that is over, played once more for whoever reads them."""

    def __init__(self, arrival: Arrival | None, answers: dict[bytes, bytes]) -> None:
        self._answers = answers
        self.uid = b"" if arrival is None else arrival.uid
        self.atr = b"" if arrival is None else arrival.atr
        self.activation: Activation | None = None if arrival is None else arrival.activation

    async def transmit(self, command: bytes) -> bytes:
        return self._answers.get(command, _NOT_FOUND)

    async def release(self) -> None:
        """Nothing is held."""


class StrangerFlow:
    """Tells of cards that are not this lab's."""

    def __init__(self, *, reader: TillReader, clock: Clock, scheduler: Scheduler, bus: Bus) -> None:
        """Nothing has come yet.

        Args:
            reader: where a card is read on, with consent.
            clock: lab time.
            scheduler: runs what a tap's end leads to.
            bus: shows the state.
        """
        self._reader = reader
        self._clock = clock
        self._scheduler = scheduler
        self._bus = bus
        self._arrival: Arrival | None = None
        self._answers: dict[bytes, bytes] = {}
        self._state = StrangerState()
        self.on_trace: Callable[[TraceRecorder, Reading], None] = lambda _trace, _reading: None
        bus.publish(self._state)

    @property
    def state(self) -> StrangerState:
        """What is shown."""
        return self._state

    def arrived(self, arrival: Arrival) -> None:
        """Something came to the till; a tag that takes no commands is told of at once."""
        self._arrival, self._answers = arrival, {}
        self._show(StrangerState())
        if arrival.tag is not None:
            self._show(StrangerState(account_of(reading_of_tag(arrival.tag))))

    def heard(self, event: Event) -> None:
        """A tap's masked events."""
        match event.kind:
            case "tap.started":
                self._answers = {}
            case "tap.apdu" if len(self._answers) < _ANSWERS_MAX:
                command = bytes.fromhex(text(event.data, "command"))
                self._answers[command] = bytes.fromhex(text(event.data, "response"))
            case "tap.outcome" if text(event.data, "reason", "") in STRANGERS:
                heard, self._answers = _HeardLink(self._arrival, self._answers), {}
                self._scheduler.spawn(self._tell(heard), "stranger's card")

    async def _tell(self, heard: _HeardLink) -> None:
        self._show(StrangerState(account_of(await read_card(heard, clock=self._clock))))

    def ask(self) -> None:
        """Ask its owner whether it may be read on."""
        if self._state.account is not None and self._state.account.may_read_on:
            self._show(replace(self._state, asking=True, problem=None))

    def done(self) -> None:
        """Forget it."""
        if self._state.waiting:
            self._scheduler.spawn(self._reader.give_back(), "give the reader back")
        self._arrival, self._answers = None, {}
        self._show(StrangerState())

    async def read_on(self) -> None:
        """Its owner agreed: read past SELECT once it lies on the reader; never GENERATE AC."""
        if not self._state.asking:
            return
        self._show(replace(self._state, asking=False, waiting=True, problem=None))
        recorder = TraceRecorder(clock=self._clock, reader=self._reader.url)
        try:
            link = await self._reader.borrow(CONSENT_WAIT_S)
            reading = await read_card(
                link, clock=self._clock, consent=True, on_exchange=recorder.record
            )
        except PlainTag as tag:
            reading = reading_of_tag(tag)
        except CardLinkError as fault:
            self._not_read(fault)
            return
        finally:
            await self._reader.give_back()
        if self._state.account is not None:  # nobody pressed Done in the meantime
            self._show(StrangerState(account_of(reading)))
            self.on_trace(recorder, reading)

    def _not_read(self, fault: CardLinkError) -> None:
        match fault:
            case NoCard():
                why = Message("anycard.again.nobody", "waiting")
            case CardHeld():
                why = Message("anycard.again.busy", "waiting")
            case _:
                why = message("anycard.again.fault", "bad", why=fault)
        if self._state.account is not None:
            self._show(replace(self._state, waiting=False, problem=why))

    def _show(self, state: StrangerState) -> None:
        self._state = state
        self._bus.publish(state)
