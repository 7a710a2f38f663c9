"""The emulated reader: `sim:`. A field into which a card is presented and withdrawn.

Theory of operation: `present` puts a card into the field and `withdraw` takes it out, at any
moment, also while an exchange is under way. The card computes its answer half-way through the
exchange's time, so a card withdrawn before that has done nothing, and one withdrawn after it has
spent its counter although nobody heard the answer: the tear-out that matters. Two cards at once
are a collision. It can say what it is before a card answers, as a transit gate does (`polling`).
Knows no APDU beyond what `timing` reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware.readers.polling import ANNOUNCE, HearsPolling
from hardware.runtime.errors import CardCollision, CardFault, CardRemoved, NoCard, ReaderGone

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.readers.port import Card
    from hardware.readers.timing import TimingProfile
    from hardware.runtime.ports import Scheduler, Stream

ATR = bytes.fromhex("3B80800101")
"""What PC/SC makes of a contactless card without historical bytes (PC/SC part 3, 3.1.3.2.3)."""
_POLL_SECONDS = 0.01


class EmulatedReader:
    """A reader without hardware. Fast, honest about time, and torn out of at will."""

    def __init__(
        self,
        name: str,
        scheduler: Scheduler,
        profile: TimingProfile,
        stream: Stream,
    ) -> None:
        self._name = name
        self._scheduler = scheduler
        self._profile = profile
        self._stream = stream
        self._cards: list[Card] = []
        self._presentation = 0
        self._closed = False
        self.on_card: Callable[[bool], None] = lambda _there: None
        self._announced: bytes | None = None

    @property
    def url(self) -> str:
        """Always `sim:`."""
        return "sim:"

    @property
    def name(self) -> str:
        """The name given at construction."""
        return self._name

    @property
    def capabilities(self) -> frozenset[str]:
        """It reads, faults can be put on it, and it can announce what it is."""
        return frozenset({"apdu", "faults", ANNOUNCE})

    @property
    def profile(self) -> TimingProfile:
        """How long its cards take."""
        return self._profile

    def announce(self, frame: bytes | None) -> None:
        """Send this frame between polls from now on; None sends none."""
        self._announced = frame

    def present(self, card: Card) -> None:
        """Bring a card into the field; a second one makes a collision."""
        self._cards.append(card)
        self._presentation += 1
        self.on_card(True)

    def withdraw(self) -> None:
        """Take every card out of the field; an exchange under way ends in `CardRemoved`."""
        was_there = bool(self._cards)
        self._cards.clear()
        self._presentation += 1
        if was_there:
            self.on_card(False)

    async def wait_for_card(self, timeout_s: float) -> EmulatedLink:
        """A link to the card in the field, or to the first that comes within `timeout_s`.

        Raises:
            NoCard: none came in time.
            CardCollision: more than one is there.
            ReaderGone: the reader was closed.
        """
        waited_s = 0.0
        while True:
            if self._closed:
                raise ReaderGone(f"{self._name} was closed")
            if len(self._cards) > 1:
                raise CardCollision(f"{len(self._cards)} cards are in the field")
            if self._cards:
                if self._announced is not None and isinstance(self._cards[0], HearsPolling):
                    self._cards[0].hear(self._announced)
                uid = b"\x08" + self._stream.bytes(3)
                return EmulatedLink(self, self._cards[0], self._presentation, uid)
            if waited_s >= timeout_s:
                raise NoCard(f"no card within {timeout_s} s")
            step_s = min(_POLL_SECONDS, timeout_s - waited_s)
            await self._scheduler.sleep(step_s)
            waited_s += step_s

    async def close(self) -> None:
        """Let the reader go; links end in `ReaderGone`."""
        self._closed = True
        self._cards.clear()

    def check_presence(self, presentation: int) -> None:
        """Raise unless the card of this presentation is still in the field.

        Raises:
            ReaderGone: the reader was closed.
            CardRemoved: the card was withdrawn, or another stands in its place.
            CardCollision: a second card came into the field.
        """
        if self._closed:
            raise ReaderGone(f"{self._name} was closed")
        if len(self._cards) > 1:
            raise CardCollision(f"{len(self._cards)} cards are in the field")
        if presentation != self._presentation:
            raise CardRemoved("the card left the field")

    async def exchange(self, card: Card, presentation: int, command: bytes) -> bytes:
        """One exchange in this reader's time; half of it before the card computes.

        Raises:
            CardLinkError: the card left, or answered with nothing.
        """
        self.check_presence(presentation)
        # The card decides early whether it refuses: the wait before it is never longer than that.
        half_ms = self._profile.duration_ms(command, b"", self._stream) / 2
        before_ms = min(half_ms, self._profile.refusal_ms / 2)
        await self._pass(before_ms)
        self.check_presence(presentation)
        response = card.transmit(command)
        after_ms = self._profile.duration_ms(command, response, self._stream) - before_ms
        await self._pass(after_ms)
        self.check_presence(presentation)
        if not response:
            raise CardFault("the card answered with nothing")
        return response

    async def _pass(self, duration_ms: float) -> None:
        if duration_ms > 0:
            await self._scheduler.sleep(duration_ms / 1000)


class EmulatedLink:
    """The conversation with one presented card."""

    def __init__(self, reader: EmulatedReader, card: Card, presentation: int, uid: bytes) -> None:
        self._reader = reader
        self._card = card
        self._presentation = presentation
        self._uid = uid
        self._released = False

    @property
    def atr(self) -> bytes:
        """The same for every emulated card."""
        return ATR

    @property
    def uid(self) -> bytes:
        """Random for every link, as a phone's is."""
        return self._uid

    async def transmit(self, command: bytes) -> bytes:
        """Exchange one command.

        Raises:
            CardLinkError: the card or the reader did not answer.
        """
        if self._released:
            raise CardRemoved("the conversation was released")
        return await self._reader.exchange(self._card, self._presentation, command)

    async def release(self) -> None:
        """End the conversation."""
        self._released = True
