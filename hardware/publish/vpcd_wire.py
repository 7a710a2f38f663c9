"""The wire between vpcd (a virtual reader) and a virtual card, without any socket.

Every message is a length in two bytes, high byte first, and a body. A body of one byte is a
control: 0 power off, 1 power on, 2 reset, 4 "your answer to reset?"; only the last one is answered.
Any longer body is a command APDU and its answer travels back in the same way. An answer of length
0 would leave the caller of SCardTransmit waiting for ever, so none can be built here. Knows no
card. Source: the virtual smart card project's manual, "Creating a virtual smart card".
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TypeAlias

from hardware.runtime.errors import VpcdFrameError

BODY_BYTES_MAX = 0xFFFF
_LENGTH_BYTES = 2


class Control(Enum):
    """What a reader does to a card beside sending commands."""

    POWER_OFF = 0
    POWER_ON = 1
    RESET = 2
    GET_ATR = 4


Message: TypeAlias = Control | bytes
"""A control, or the bytes of a command."""
_CONTROLS = {control.value: control for control in Control}


def encode(body: bytes) -> bytes:
    """One message of the card's: its answer to reset, or the answer to a command."""
    assert 0 < len(body) <= BODY_BYTES_MAX, "a virtual card never sends nothing, nor too much"
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


class Decoder:
    """Bytes in as they arrive, messages out; what is incomplete is kept for the next bytes."""

    def __init__(self) -> None:
        """Nothing arrived yet."""
        self._buffer = bytearray()

    @property
    def unfinished(self) -> bool:
        """Whether the start of a message has arrived without its end."""
        return bool(self._buffer)

    def feed(self, arrived: bytes) -> None:
        """Take bytes as they come."""
        self._buffer += arrived

    def messages(self) -> Iterator[Message]:
        """Every whole message, in order.

        Raises:
            VpcdFrameError: a message that no reader sends. It is used up: asking again goes on
                behind it.
        """
        while (body := self._take()) is not None:
            yield _message(body)

    def _take(self) -> bytes | None:
        if len(self._buffer) < _LENGTH_BYTES:
            return None
        end = _LENGTH_BYTES + int.from_bytes(self._buffer[:_LENGTH_BYTES], "big")
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_LENGTH_BYTES:end])
        del self._buffer[:end]
        return body


def _message(body: bytes) -> Message:
    if not body:
        raise VpcdFrameError("a message without a body")
    if len(body) > 1:
        return body
    if body[0] not in _CONTROLS:
        raise VpcdFrameError(f"control {body[0]:02X}, which no reader sends")
    return _CONTROLS[body[0]]
