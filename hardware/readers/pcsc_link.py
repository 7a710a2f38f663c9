"""The conversation with one card over PC/SC: opened, kept to ourselves, ended; in one thread.

Theory of operation: every call is made in a worker thread that may be abandoned when one does not
return (a card that stays silent holds SCardTransmit for ever, and nothing cancels it). The card is
shared with other programs, and kept to ourselves for the length of the conversation by a PC/SC
transaction, so that nobody selects something else in the middle of a tap; a program that does not
let go is waited for, within a limit. The end powers the card off, which is the field going off.

A card that was exchanged faster than the service looks (0.4 s) fails its first command once. Then,
and only then, the card is powered anew and the command repeated: nothing had been executed.

Knows no payment. Asks for the UID by the pseudo command of PC/SC part 3 (3.2.2.1.3) where the ATR
says that the card is contactless (part 3, 3.1.3.2.3).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from hardware.readers.pcsc_errors import CARD_CHANGED, Code, PcscFault, as_link_error
from hardware.readers.pcsc_service import PROTOCOL_T0, PcscService
from hardware.readers.transport_t0 import exchange_t0
from hardware.readers.worker import CallHung, Worker
from hardware.runtime.errors import CardFault, CardHeld, CardMute, CardRemoved

T = TypeVar("T")
ANSWER_BYTES_MIN, ANSWER_BYTES_MAX = 2, 65_538
"""A status word alone, and extended length with it (ISO 7816-3, 12.1.3)."""
GET_UID = bytes.fromhex("FFCA000000")
_UID_LENGTHS = {4, 7, 10}  # ISO 14443-3, 6.5.4
_CONTACTLESS_ATR = slice(2, 4), b"\x80\x01"
_RETRY_S = 0.05
_RETRIED = {Code.SHARING_VIOLATION, Code.UNPOWERED_CARD, Code.UNRESPONSIVE_CARD, Code.RESET_CARD}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the driver waits for others, in seconds."""

    connect_s: float = 3.0
    exchange_s: float = 6.0
    """More than a contactless card may take (ISO 14443-4, 7.2: frame waiting time up to 4.9 s)."""
    sharing_s: float = 2.0


class PcscLink:
    """A conversation with the card on one reader; `open` comes first, `release` ends it."""

    def __init__(self, name: str, service: PcscService, patience: Patience) -> None:
        """Prepare a conversation.

        Args:
            name: the reader's, whole.
            service: the PC/SC functions.
            patience: how long others are waited for.
        """
        self._name = name
        self._patience = patience
        self._calls = _Calls(name, service, int(patience.sharing_s / _RETRY_S) + 1)
        self._worker = Worker(f"pcsc {name}", self._calls.close)
        self._uid = b""

    @property
    def atr(self) -> bytes:
        """What the card said when it was powered."""
        return self._calls.atr

    @property
    def uid(self) -> bytes:
        """The anti-collision identifier; empty where card or reader does not tell."""
        return self._uid

    @property
    def hangs(self) -> bool:
        """Whether a call of it was given up and has not returned yet."""
        return self._worker.hangs

    async def open(self) -> None:
        """Connect, keep others away, and ask who it is.

        Raises:
            CardHeld: another program does not let go of the card.
            CardLinkError: the card or the reader did not answer.
        """
        limit_s = self._patience.connect_s + self._patience.sharing_s
        try:
            await self._call(self._calls.open, limit_s)
        except CallHung as hung:  # pcsc-lite lets nobody in while a transaction lasts
            raise CardHeld(f"another program does not let go of the card on {self._name}") from hung
        where, contactless = _CONTACTLESS_ATR
        if self.atr[where] == contactless:
            answer = await self.transmit(GET_UID)
            if answer[-2:] == b"\x90\x00" and len(answer) - 2 in _UID_LENGTHS:
                self._uid = answer[:-2]

    async def transmit(self, command: bytes) -> bytes:
        """Exchange one command.

        Raises:
            CardLinkError: the card or the reader did not answer.
        """
        try:
            answer = await self._call(
                lambda: self._calls.exchange(command), self._patience.exchange_s
            )
        except CallHung as hung:
            raise CardMute(f"the card on {self._name} does not answer") from hung
        if not answer:
            raise CardRemoved(f"the card left {self._name} before it answered")
        if not ANSWER_BYTES_MIN <= len(answer) <= ANSWER_BYTES_MAX:
            raise CardFault(f"the card on {self._name} answered with {len(answer)} bytes")
        return answer

    async def release(self) -> None:
        """End the conversation and power the card off."""
        await self._worker.finish(self._patience.connect_s)

    async def _call(self, call: Callable[[], T], limit_s: float) -> T:
        if self._worker.over:
            raise CardMute(f"the conversation on {self._name} is over")
        try:
            return await self._worker.call(call, limit_s)
        except PcscFault as fault:
            raise as_link_error(fault, self._name) from fault


class _Calls:
    """The conversation's calls, all made in its worker's thread."""

    def __init__(self, name: str, service: PcscService, tries: int) -> None:
        self._name = name
        self._service = service
        self._tries = tries
        self._between = threading.Event()
        self._context: int | None = None
        self._card: int | None = None
        self._protocol = 0
        self._fresh = True
        self.atr = b""

    def open(self) -> None:
        """Context, card, transaction."""
        self._context = self._service.establish()
        card, self._protocol = self._connect(self._context)
        self._card = card
        try:
            self._service.begin(card)
        except PcscFault as fault:
            if fault.code != Code.RESET_CARD:
                raise
            self._protocol = self._service.reconnect(card)
            self._service.begin(card)
        self.atr = self._service.answer_to_reset(card)

    def exchange(self, command: bytes) -> bytes:
        """One command, repeated once if it is the first and the card was exchanged before it."""
        fresh, self._fresh = self._fresh, False
        try:
            return self._send(command)
        except PcscFault as fault:
            if not fresh or fault.code not in CARD_CHANGED:
                raise
        assert self._card is not None, "open comes first"
        self._between.wait(_RETRY_S)
        self._protocol = self._service.reconnect(self._card)
        self.atr = self._service.answer_to_reset(self._card)
        return self._send(command)

    def close(self) -> None:
        """Give card and context back."""
        if self._card is not None:
            self._service.disconnect(self._card)
        if self._context is not None:
            self._service.release(self._context)
        self._card = self._context = None

    def _connect(self, context: int) -> tuple[int, int]:
        woken = False
        for left in range(self._tries, 0, -1):
            try:
                return self._service.connect(context, self._name)
            except PcscFault as fault:
                overlooked = fault.code == Code.NO_SMARTCARD and not woken
                if left == 1 or not (overlooked or fault.code in _RETRIED):
                    raise
            if overlooked:
                woken = True
                self._wake(context)
            else:
                self._between.wait(_RETRY_S)
        raise AssertionError("the last try returns or raises")

    def _wake(self, context: int) -> None:
        """Let the reader look at what lies on it.

        pcsc-lite 1.9.9 takes a card that was pulled in the middle of an exchange for gone, and does
        not see the next one if it came before the service's own next look: the reader stays empty
        to everyone until that card leaves too. Powering what is there brings it back (measured).
        """
        with contextlib.suppress(PcscFault):  # then there is no card, and connecting says so again
            reader = self._service.connect_reader(context, self._name)
            try:
                self._service.reconnect(reader)
            finally:
                self._service.disconnect(reader)

    def _send(self, command: bytes) -> bytes:
        assert self._card is not None, "open comes first"
        card, protocol = self._card, self._protocol
        if protocol == PROTOCOL_T0:
            return exchange_t0(lambda part: self._service.transmit(card, protocol, part), command)
        return self._service.transmit(card, protocol, command)
