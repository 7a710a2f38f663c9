"""An NFC reader: `pn532:PORT` or `nfcpy:PATH`, a controller under an ISO-DEP of our own.

Theory of operation: the controller is opened when a card is first waited for, in a worker thread
that may be abandoned, and kept open. While waiting, the field is made and ended again about eight
times a second. A card that is found is asked for its ATS; from there an `NfcLink` holds the
conversation, block by block, each block one call in the thread. A controller that is unplugged ends
whatever is going on in `ReaderGone`, and the next `wait_for_card` opens it anew. When a card falls
silent the field is looked into once more: an empty one means that it was taken away. Knows no
command and no payment.

Source: ISO/IEC 14443-3, 6.5 (selection), 14443-4 (through `isodep_initiator`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import reduce
from operator import xor
from typing import TypeVar

from hardware.readers.discovery import ReaderInfo
from hardware.readers.frames import Frame, FrameMemory, Way, selection
from hardware.readers.isodep_initiator import Act, Heard, Initiator, Trouble
from hardware.readers.models import APDU, EMULATE, FRAMES
from hardware.readers.nfc_controller import Controller, Found, NfcAddress
from hardware.readers.nfc_seat import NfcPatience, Seat
from hardware.readers.tag_kinds import Activation
from hardware.runtime.errors import (
    CardFault,
    CardMute,
    CardRemoved,
    NoCard,
    PlainTag,
    ReaderGone,
)
from hardware.runtime.ports import Scheduler

T = TypeVar("T")
DRIVER = "nfcpy"
_POLL_S = 0.1
_HISTORICAL_MAX = 15


class NfcReader:
    """A controller that makes a field, opened whenever it is needed."""

    def __init__(
        self,
        address: NfcAddress,
        open_controller: Callable[[NfcAddress], Controller],
        scheduler: Scheduler,
        patience: NfcPatience | None = None,
    ) -> None:
        """A reader that need not be there yet.

        Args:
            address: where the controller is.
            open_controller: opens it; blocks.
            scheduler: waits, in real time.
            patience: how long others are waited for.
        """
        self._address = address
        self._open_controller = open_controller
        self._scheduler = scheduler
        self._patience = patience or NfcPatience()
        self._seat: Seat | None = None
        self._link: NfcLink | None = None
        self._closed = False
        self._name = address.url
        self._emulates = False
        self._told: list[Callable[[ReaderInfo], None]] = []

    @property
    def url(self) -> str:
        """As it was asked for."""
        return self._address.url

    @property
    def name(self) -> str:
        """The controller's own name once it was opened."""
        return self._name

    @property
    def capabilities(self) -> frozenset[str]:
        """It reads, by frames of ours; some can be a card too."""
        return frozenset({APDU, FRAMES} | ({EMULATE} if self._emulates else set()))

    def subscribe(self, tell: Callable[[ReaderInfo], None]) -> None:
        """Tell how the reader is, now and whenever its controller was opened or lost."""
        self._told.append(tell)
        tell(self._seen(""))

    async def wait_for_card(self, timeout_s: float) -> NfcLink:
        """A link to the card in the field, or to the first that comes within `timeout_s`.

        Raises:
            NoCard: none came in time.
            ReaderGone: the controller is not there, leaves, or hangs.
            CardMute, CardFault: what came does not talk.
        """
        try:
            return await self._wait_for_card(timeout_s)
        except ReaderGone as gone:
            self._say(str(gone))
            raise

    async def _wait_for_card(self, timeout_s: float) -> NfcLink:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        if self._link is not None:
            await self._link.release()
        while True:
            seat = await self._seated(deadline)
            field_on_s = loop.time()
            found = await seat.call(seat.controller.sense)
            if found is not None:
                link = await self._converse(seat, found, field_on_s)
                if link is not None:
                    return link
            await seat.call(seat.controller.field_off)
            if loop.time() >= deadline:
                raise NoCard(f"no card at {self._name} within {timeout_s:g} s")
            await self._scheduler.sleep(_POLL_S)

    async def close(self) -> None:
        """Let the controller go."""
        self._closed = True
        if self._seat is not None:
            await self._seat.leave()

    async def _seated(self, deadline: float) -> Seat:
        """The open controller; one that was lost is opened again.

        Raises:
            ReaderGone: it is not there, or an earlier call to it does not return.
        """
        if self._closed:
            raise ReaderGone(f"{self._name} was closed")
        if self._seat is not None and not self._seat.lost:
            return self._seat
        loop = asyncio.get_running_loop()
        while self._seat is not None and self._seat.hangs:
            if loop.time() >= deadline:
                raise ReaderGone(f"{self._name} hangs: plug it in again")
            await self._scheduler.sleep(_POLL_S)
        seat = self._seat = Seat(self._address, self._open_controller, self._patience)
        await seat.take()
        self._name, self._emulates = seat.controller.name, seat.controller.can_emulate
        self._say("")
        return seat

    def _say(self, why: str) -> None:
        for tell in self._told:
            tell(self._seen(why))

    def _seen(self, why: str) -> ReaderInfo:
        capabilities = tuple(sorted(self.capabilities))
        return ReaderInfo(self.url, self._name, DRIVER, capabilities, None, not why, why)

    async def _converse(self, seat: Seat, found: Found, field_on_s: float) -> NfcLink | None:
        """A link to what was found; None when it left before we got to it."""
        if not found.speaks_iso_dep:
            raise PlainTag(
                f"a card that cannot pay lies on {self._name}: SAK {found.sak:02X}, no ISO-DEP",
                uid=found.uid,
                sak=found.sak,
                atqa=found.atqa,
            )
        link = self._link = NfcLink(seat, found, self._name, self._patience)
        link.begin(field_on_s)
        try:
            guard_us = await link.activate()
        except CardRemoved:
            return None
        except BaseException:
            await link.release()
            raise
        if guard_us:
            await self._scheduler.sleep(guard_us / 1_000_000)
        return link


class NfcLink:
    """The conversation with one selected card."""

    def __init__(self, seat: Seat, found: Found, name: str, patience: NfcPatience) -> None:
        """Prepare it; `activate` comes first.

        Args:
            seat: the open controller.
            found: the card.
            name: the reader's.
            patience: how long the card is waited for.
        """
        self._seat = seat
        self._found = found
        self._name = name
        self._patience = patience
        self._initiator = Initiator()
        self._released = self._card_left = False
        self._frames = FrameMemory()

    @property
    def atr(self) -> bytes:
        """What PC/SC makes of the card's historical bytes (PC/SC part 3, 3.1.3.2.3)."""
        historical = self._initiator.ats.historical[:_HISTORICAL_MAX]
        checked = bytes([0x80 | len(historical), 0x80, 0x01]) + historical
        return b"\x3b" + checked + bytes([reduce(xor, checked)])

    @property
    def uid(self) -> bytes:
        """The anti-collision identifier."""
        return self._found.uid

    @property
    def activation(self) -> Activation:
        """What it showed while it was selected."""
        return Activation(self._found.sak, self._found.atqa, self._initiator.ats.raw)

    def begin(self, field_on_s: float) -> None:
        """Write the selection down, which the controller made from that moment (loop time) on."""
        self._frames.add(field_on_s, Way.FIELD_ON)
        found, now_s = self._found, asyncio.get_running_loop().time()
        for way, data in selection(found.atqa, found.uid, found.sak):
            self._frames.add(now_s, way, data, told=True)

    def take_frames(self) -> tuple[Frame, ...]:
        """What went through the air since the last call; times count back from now."""
        return self._frames.take(asyncio.get_running_loop().time())

    async def activate(self) -> int:
        """Ask for the ATS; the microseconds that the card must be left alone.

        Raises:
            CardLinkError: the card or the controller did not answer.
        """
        return (await self._play(self._initiator.activate())).guard_us

    async def transmit(self, command: bytes) -> bytes:
        """Exchange one command.

        Raises:
            CardLinkError: the card or the controller did not answer.
        """
        if self._released:
            raise CardRemoved("the conversation was released")
        answer = await self._play(self._initiator.exchange(command))
        if len(answer) < 2:
            raise CardFault(f"the card on {self._name} answered with {len(answer)} bytes")
        return answer

    async def release(self) -> None:
        """Let the card go and end the field."""
        if self._released:
            return
        self._released = True
        if self._seat.lost:
            return
        try:
            if not self._card_left:
                await self._play(self._initiator.deselect())
            await self._field_off()
        except ReaderGone:
            return  # with the controller its field is gone: nothing is left to end

    async def _play(self, act: Act[T]) -> T:
        """Do what the reader's side of ISO-DEP wants until it is done, in bounded time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience.exchange_s
        try:
            outgoing = next(act)
            while True:
                wait_us = min(outgoing.wait_us, self._left_us(deadline - loop.time()))
                outgoing = act.send(await self._exchange(outgoing.frame, wait_us))
        except StopIteration as done:
            result: T = done.value
            return result
        except CardMute as mute:
            await self._field_off()
            if await self._seat.call(self._seat.controller.sense) is None:
                self._card_left = True
                raise CardRemoved(f"the card left {self._name}") from mute
            raise

    def _left_us(self, left_s: float) -> int:
        if left_s <= 0:
            limit_s = self._patience.exchange_s
            raise CardMute(f"the card on {self._name} took more than {limit_s:g} s")
        return int(left_s * 1_000_000) + 1

    async def _exchange(self, frame: bytes, wait_us: int) -> Heard:
        seat = self._seat
        self._remember(Way.TO_CARD, frame)
        heard = await seat.call(lambda: seat.controller.exchange(self._found, frame, wait_us))
        match heard:
            case bytes():
                self._remember(Way.FROM_CARD, heard)
            case Trouble.SILENCE:
                self._remember(Way.SILENCE)
            case Trouble.GARBLED:
                self._remember(Way.GARBLED)
        return heard

    async def _field_off(self) -> None:
        await self._seat.call(self._seat.controller.field_off)
        self._remember(Way.FIELD_OFF)

    def _remember(self, way: Way, data: bytes = b"") -> None:
        self._frames.add(asyncio.get_running_loop().time(), way, data)
