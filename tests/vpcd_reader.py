"""A reader of tests that speaks vpcd's side of the wire, by hand: what a test says, it sends.

Sends length and body apart, as vpcd 3.3 does. Knows no PC/SC; the real one is in `pcsc_stack`.
"""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self

PATIENCE_S = 30.0
OFF, ON, RESET, GET_ATR = b"\x00", b"\x01", b"\x02", b"\x04"


class Slot:
    """One card's connection, as the reader has it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.settimeout(PATIENCE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, body: bytes) -> None:
        self.send_raw(len(body).to_bytes(2, "big"))
        self.send_raw(body)

    def send_raw(self, raw: bytes) -> None:
        self._connection.sendall(raw)

    def receive(self) -> bytes:
        return self._read(int.from_bytes(self._read(2), "big"))

    def ask(self, body: bytes) -> bytes:
        """Send a command, or ask for the answer to reset, and wait for what comes."""
        self.send(body)
        return self.receive()

    def power_on(self) -> bytes:
        """What pcscd does with a card that has just come; its answer to reset."""
        self.send(ON)
        return self.ask(GET_ATR)

    def close(self) -> None:
        self._connection.close()

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            more = self._connection.recv(length - len(data))
            assert more, "the card hung up"
            data += more
        return data

    def is_left(self) -> bool:
        """Whether the card hangs up, having said nothing more."""
        return self._connection.recv(1) == b""


class VirtualReader:
    """One slot that listens on a free port, or on a given one."""

    def __init__(self, port: int = 0) -> None:
        self._door = socket.create_server(("127.0.0.1", port))
        self._door.settimeout(PATIENCE_S)
        self._slots: list[Slot] = []
        self.port: int = self._door.getsockname()[1]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def accept(self) -> Slot:
        """The next card that comes."""
        slot = Slot(self._door.accept()[0])
        self._slots.append(slot)
        return slot

    def close(self) -> None:
        self._door.close()
        for slot in self._slots:
            slot.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
