"""The till's reader with a look at whatever comes, and with others who may borrow it.

Theory of operation. What comes into the field is shown to `on_arrival` before the kernel has it; an
answer stands in its place (a thing that was enrolled triggers the phone's card). Between sales the
raw box or a reading with consent may `borrow` the reader; the till goes first: its next charge
takes the reader back from whoever has it. Knows no APDU and no payment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from hardware.api import (
    EMULATED,
    Activation,
    CardHeld,
    CardLink,
    EmulatedReader,
    PlainTag,
    Reader,
    SecureElement,
    activation_of,
)

LinkSource: TypeAlias = Callable[[float], Awaitable[CardLink]]


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came into the field, before anybody asked it for anything.

    Attributes:
        tag: why it cannot pay, where it takes no commands.
    """

    uid: bytes
    atr: bytes
    activation: Activation | None
    tag: PlainTag | None = None


async def _nothing_instead(_arrival: Arrival) -> CardLink | None:
    return None


class TillReader:
    """A reader, shared; the same port as any reader."""

    def __init__(self, reader: Reader) -> None:
        """Stand before `reader`."""
        self._reader = reader
        self._till_waits = False
        self._waiting: asyncio.Task[CardLink] | None = None
        self._lent: CardLink | None = None
        self.in_emulated_field: LinkSource = reader.wait_for_card
        self.on_arrival: Callable[[Arrival], Awaitable[CardLink | None]] = _nothing_instead
        self.on_taken_back: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        """The reader's."""
        return self._reader.url

    @property
    def name(self) -> str:
        """The reader's."""
        return self._reader.name

    @property
    def capabilities(self) -> frozenset[str]:
        """The reader's."""
        return self._reader.capabilities

    @property
    def recognizes(self) -> bool:
        """Whether people's own things can come: not into the emulated field."""
        return self.url != EMULATED.url

    async def wait_for_card(self, timeout_s: float) -> CardLink:
        """For the till: a link to what comes, or to what stands in its place.

        Raises:
            CardLinkError: as the reader does.
        """
        self._till_waits = True
        try:
            await self._take_back()
            link = await self._reader.wait_for_card(timeout_s)
        except PlainTag as tag:
            arrival = Arrival(tag.uid, b"", Activation(tag.sak, tag.atqa), tag)
            instead = await self.on_arrival(arrival)
            if instead is None:
                raise
            return instead
        finally:
            self._till_waits = False
        instead = await self.on_arrival(Arrival(link.uid, link.atr, activation_of(link)))
        if instead is None:
            return link
        await link.release()
        return instead

    async def borrow(self, timeout_s: float) -> CardLink:
        """For anybody else: a link, until it is given back or the till wants its reader.

        Into the emulated field nobody can lay a card: there `in_emulated_field` holds the phone.

        Raises:
            CardHeld: the till waits for a card itself, or somebody else has borrowed it.
            CardLinkError: as the reader does.
        """
        if self._till_waits or self._waiting is not None:
            raise CardHeld(f"{self.name} is in use")
        await self.give_back()
        source = self._reader.wait_for_card if self.recognizes else self.in_emulated_field
        waiting = asyncio.ensure_future(source(timeout_s))
        self._waiting = waiting
        try:
            self._lent = await waiting
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                waiting.cancel()
                raise
            raise CardHeld("the till has taken its reader back") from None
        finally:
            self._waiting = None
        return self._lent

    async def give_back(self) -> None:
        """End what was borrowed, or the wait for it; nothing was: nothing happens."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.wait({self._waiting})
        lent, self._lent = self._lent, None
        if lent is not None:
            await lent.release()

    async def close(self) -> None:
        """Let the reader go."""
        await self._reader.close()

    async def _take_back(self) -> None:
        if self._waiting is None and self._lent is None:
            return
        await self.give_back()
        self.on_taken_back()


class HeldPhone:
    """The phone held into the emulated field by itself, for as long as one conversation lasts."""

    def __init__(self, field: EmulatedReader, element: SecureElement) -> None:
        """A phone with this element inside."""
        self._field = field
        self._element = element

    async def wait_for_card(self, timeout_s: float) -> CardLink:
        """A link to the phone's card; releasing it takes the phone away.

        Raises:
            CardLinkError: as the emulated reader does.
        """
        self._field.present(self._element.card())
        try:
            return _HeldLink(self._field, await self._field.wait_for_card(timeout_s))
        except BaseException:
            self._field.withdraw()
            raise


class _HeldLink:
    """A link whose end takes the phone out of the field."""

    def __init__(self, field: EmulatedReader, link: CardLink) -> None:
        self._field = field
        self._link = link

    @property
    def atr(self) -> bytes:
        return self._link.atr

    @property
    def uid(self) -> bytes:
        return self._link.uid

    async def transmit(self, command: bytes) -> bytes:
        return await self._link.transmit(command)

    async def release(self) -> None:
        await self._link.release()
        self._field.withdraw()
