"""The wallet's card in a real field: a controller that plays the card of the phone on the screen.

The card is the secure element's, armed by the phone on the screen and by nobody else: an unarmed
one answers 6985 or 6986 as any phone in a pocket does. The secure element lives in the loop's
thread, the controller in one of its own; a controller that is unplugged is waited for. Says what
happened in words; knows no till.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from backend.api import Scheduler, Stream
from hardware.api import (
    Card,
    DriverMissing,
    NfcAddress,
    NfcUnreachable,
    Publication,
    PublicationChange,
    SecureElement,
)
from lab.card_serving import Failed, Happened, Read, publish
from lab.published_trace import PublishedTrace, TraceKept
from lab.words import Message, message

TRY_AGAIN_S = 3.0


class PhoneSeat:
    """One controller that is the phone, until closed."""

    def __init__(
        self,
        address: NfcAddress,
        element: SecureElement,
        *,
        scheduler: Scheduler,
        stream: Stream,
        tell: Callable[[Message, str], None],
        spent: Callable[[], None],
        trace: PublishedTrace | None = None,
    ) -> None:
        """A seat that nobody sits in yet.

        Args:
            address: of the controller.
            element: the phone's secure element, which lives in this thread.
            scheduler: runs the seat.
            stream: the card's random identifiers.
            tell: hears what happened, and what is wrong now ("" when nothing is).
            spent: hears that a cryptogram leaves.
            trace: writes down what is asked.
        """
        self._address = address
        self._element = element
        self._scheduler = scheduler
        self._stream = stream
        self._tell = tell
        self._spent = spent
        self._trace = trace
        self._stop = asyncio.Event()
        self._task: asyncio.Task[object] | None = None

    def open(self) -> None:
        """Put the card into the field, now or as soon as the controller is there."""
        self._task = self._scheduler.spawn(self._sit(), f"phone at {self._address.url}")

    async def close(self) -> None:
        """Take it out; returns once the controller was given back."""
        self._stop.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _sit(self) -> None:
        said = ""
        while not self._stop.is_set():
            try:
                publishing = publish(
                    self._address,
                    self._present,
                    stream=self._stream,
                    stop=self._stop,
                    trace=self._trace,
                )
                async with contextlib.aclosing(publishing):
                    async for event in publishing:
                        said = ""
                        self._heard(event)
            except (NfcUnreachable, DriverMissing) as absent:
                if str(absent) != said:
                    said = str(absent)
                    self._tell(message("reader.event.trouble", "bad", why=said), said)
                stopped = asyncio.ensure_future(self._stop.wait())
                pause = asyncio.ensure_future(self._scheduler.sleep(TRY_AGAIN_S))
                await asyncio.wait({stopped, pause}, return_when=asyncio.FIRST_COMPLETED)
                stopped.cancel()
                pause.cancel()

    def _present(self) -> Card:
        return self._element.card(on_cryptogram=lambda _token_ref, _atc: self._spent())

    def _heard(self, event: Happened) -> None:
        match event:
            case Publication(PublicationChange.PUBLISHED, _):
                self._tell(Message("reader.event.phone_in_field", "good"), "")
            case Publication(PublicationChange.READER_GONE, detail):
                self._tell(message("reader.event.trouble", "bad", why=detail), detail)
            case Publication(_, detail):
                self._tell(message("reader.event.trouble", "waiting", why=detail), "")
            case Failed(why):
                self._tell(message("reader.event.trouble", "bad", why=why), "")
            case TraceKept(_, problem):
                if problem:
                    self._tell(message("reader.event.trouble", "bad", why=problem), "")
            case Read(commands):
                self._tell(message("reader.event.phone_read", commands=commands), "")
            case _:
                raise AssertionError("only a phone held by hand is looked at")
