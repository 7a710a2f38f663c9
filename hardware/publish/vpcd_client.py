"""Keeps a card in a vpcd reader: one blocking connection in one thread, for as long as it is told.

Theory of operation: vpcd listens, the card connects. pcscd asks for the answer to reset about every
400 ms, which is how it sees that a card is there, and how this knows that the card is really in
the reader: a port that takes the connection and never asks is held by another card, or is no vpcd.
When the connection ends (pcscd stopped, restarted or was killed) it is tried again, with a pause
that doubles. vpcd sends length and body apart; without TCP_QUICKACK set before every receive, Linux
delays its acknowledgement and a command costs 44 ms instead of 0.1. A watchdog answers 6F00 where
the card takes too long, because whoever waits in SCardTransmit cannot be called back. Waiting here
is for real input and output, so it is in real time. Knows no card's secrets and no application:
bytes in, bytes out.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from hardware.publish.powered_card import NO_DIAGNOSIS, PoweredCard
from hardware.publish.vpcd_wire import Control, Decoder, Message, encode
from hardware.runtime.errors import VpcdFrameError, VpcdUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VPCD_PORT = 35963
"""Of vpcd's first slot; its second slot is the next port."""
WATCHDOG_S = 2.0
FIRST_WORD_S = 2.0
"""pcscd asks every 0.4 s; a port silent for so long has no reader behind it."""
CONNECT_S = 2.0
PAUSE_S = (0.1, 3.0)
"""Shortest and longest pause before another connection is tried."""
_CHUNK_BYTES = 4096
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class Address(NamedTuple):
    """Where vpcd listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class PublicationChange(Enum):
    """What can become of a published card."""

    PUBLISHED = "published"
    READER_GONE = "reader_gone"
    BAD_FRAME = "bad_frame"
    TOO_SLOW = "too_slow"


@dataclass(frozen=True, slots=True)
class Publication:
    """One change, and a few words about it."""

    change: PublicationChange
    detail: str = ""


class VpcdClient:
    """One card in one slot of one vpcd."""

    def __init__(
        self,
        address: Address,
        card: PoweredCard,
        *,
        at_home: Callable[[Callable[[], bytes | None]], Future[bytes | None]],
        tell: Callable[[Publication], None],
        watchdog_s: float = WATCHDOG_S,
        first_word_s: float = FIRST_WORD_S,
        pause_s: tuple[float, float] = PAUSE_S,
    ) -> None:
        """A client that does nothing yet.

        Args:
            address: of vpcd.
            card: what is published.
            at_home: runs work where the card lives, one at a time and in order; cards and their
                secure element belong to one thread, and it is not this one.
            tell: hears what becomes of the publication, in the client's thread.
            watchdog_s: longest wait for the card, in seconds.
            first_word_s: longest wait for a reader to ask anything after connecting.
            pause_s: shortest and longest pause between attempts, in seconds.
        """
        self._address = address
        self._card = card
        self._at_home = at_home
        self._tell = tell
        self._watchdog_s = watchdog_s
        self._first_word_s = first_word_s
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._published_before = False

    def run(self) -> None:
        """Publish until `stop`; blocks, so give it a thread.

        Raises:
            VpcdUnreachable: the card never got into the reader. Once it has been, a reader that
                goes away is waited for.
        """
        pause_s, longest_s = self._pause_s
        while not self._stopping.is_set():
            was_published = False
            try:
                with self._connected() as connection:
                    was_published = self._serve(connection)
                reason = "the reader hung up"
            except OSError as fault:
                reason = _reason(fault)
            self._leave()
            if self._stopping.is_set():
                return
            if was_published:
                pause_s = self._pause_s[0]
                self._tell(Publication(PublicationChange.READER_GONE, reason))
            elif not self._published_before:
                raise VpcdUnreachable(f"{self._address}: {reason}")
            self._stopping.wait(pause_s)
            pause_s = min(pause_s * 2, longest_s)

    def stop(self) -> None:
        """Take the card out of the reader; `run` returns soon. From any thread."""
        self._stopping.set()
        with self._lock:
            if self._socket is not None:
                with contextlib.suppress(OSError):  # it had gone already
                    self._socket.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        with socket.create_connection(self._address, timeout=CONNECT_S) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(self._first_word_s)
            with self._lock:
                self._socket = connection
            try:
                yield connection
            finally:
                with self._lock:
                    self._socket = None

    def _serve(self, connection: socket.socket) -> bool:
        """Answer until the connection ends; whether the card was in the reader."""
        decoder = Decoder()
        published = False
        try:
            while not self._stopping.is_set() and (arrived := _receive(connection)):
                decoder.feed(arrived)
                for message in self._messages(decoder):
                    answer = self._answer(message)
                    if answer is not None:
                        connection.sendall(encode(answer))
                    if message is Control.GET_ATR and not published:
                        connection.settimeout(None)
                        published = self._published_before = True
                        self._tell(Publication(PublicationChange.PUBLISHED, str(self._address)))
        except OSError:
            if not published:
                raise
        if decoder.unfinished:
            self._refuse("the connection ended inside a message")
        return published

    def _messages(self, decoder: Decoder) -> Iterator[Message]:
        """The decoder's messages, without those that no reader sends."""
        while True:
            try:
                yield from decoder.messages()
            except VpcdFrameError as nonsense:
                self._refuse(str(nonsense))
            else:
                return

    def _answer(self, message: Message) -> bytes | None:
        if message is Control.GET_ATR:
            return self._card.atr  # a constant: a card that is thinking is still there
        done = self._at_home(lambda: self._card.handle(message))
        try:
            return done.result(self._watchdog_s)
        except TimeoutError:
            done.cancel()  # answered already: what has not begun must not happen
            self._tell(Publication(PublicationChange.TOO_SLOW, f"{self._watchdog_s:g} s"))
            return NO_DIAGNOSIS if isinstance(message, bytes) else None

    def _leave(self) -> None:
        """The card is out of the reader: without power, as out of a field."""

        def without_power() -> None:
            self._card.power_off()

        with contextlib.suppress(TimeoutError):  # it will notice when it has done thinking
            self._at_home(without_power).result(self._watchdog_s)

    def _refuse(self, what: str) -> None:
        self._tell(Publication(PublicationChange.BAD_FRAME, what))


def _receive(connection: socket.socket) -> bytes:
    if _QUICKACK is not None:
        connection.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
    return connection.recv(_CHUNK_BYTES)


def _reason(fault: OSError) -> str:
    match fault:
        case ConnectionRefusedError():
            return "nothing listens there"
        case socket.gaierror():
            return "there is no such host"
        case TimeoutError():
            return "no reader asks for a card there (another card may be in it)"
        case _:
            return fault.strerror or str(fault)
