"""A card of tests that speaks vpcd's wire and answers, or misbehaves, exactly as it is told.

The wire (vsmartcard): two bytes of length, then a body; a body of one byte is a control (0 power
off, 1 power on, 2 reset, 4 asks for the ATR and is the only one answered), any other a command
APDU. Knows nothing of payments; the product's own publisher is a different program.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from enum import Enum, auto

ATR = bytes.fromhex("3B80800101")
GET_ATR = 4
CONNECT_S = 5.0


class Misbehave(Enum):
    """What a card may do instead of answering."""

    SILENT = auto()
    """Nothing, for ever."""
    LEAVE = auto()
    """It is pulled out before it answered."""


class VirtualCard:
    """A card in one slot, in a thread of its own, until it is removed.

    `answer` takes a command and returns the answer's bytes, of any length up to what the wire
    carries, or a `Misbehave`.
    """

    def __init__(
        self, address: tuple[str, int], answer: Callable[[bytes], object], atr: bytes = ATR
    ) -> None:
        self._answer = answer
        self._atr = atr
        self.commands: list[bytes] = []
        self.asked = threading.Event()
        self.gone = threading.Event()
        self._socket = socket.create_connection(address, CONNECT_S)
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def remove(self) -> None:
        """Pull it out. The service notices at its next look, or in the exchange under way."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(CONNECT_S)
        assert not self._thread.is_alive(), "the card's own answer does not return"

    def _serve(self) -> None:
        with self._socket, contextlib.suppress(OSError):
            while body := self._receive():
                if len(body) > 1:
                    if not self._respond(body):
                        break
                elif body[0] == GET_ATR:
                    self._send(self._atr)
        self.gone.set()

    def _respond(self, command: bytes) -> bool:
        """Answer one command; false when the card leaves instead."""
        self.commands.append(command)
        self.asked.set()
        answer = self._answer(command)
        if answer is Misbehave.LEAVE:
            return False
        if answer is not Misbehave.SILENT:
            assert isinstance(answer, bytes)
            self._send(answer)
        return True

    def _send(self, body: bytes) -> None:
        self._socket.sendall(len(body).to_bytes(2, "big") + body)

    def _receive(self) -> bytes:
        """One body; empty when the service hung up."""
        head = self._read(2)
        return self._read(int.from_bytes(head, "big")) if len(head) == 2 else b""

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            more = self._socket.recv(length - len(data))
            if not more:
                return b""
            data += more
        return data
