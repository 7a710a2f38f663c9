"""How commands travel to a published card: whole (T=1, contactless), or in T=0's two steps.

Under T=0 a command carries data or asks for data, never both (ISO 7816-3 10.3 and 12.2; EMV Book 1
9.2.2). So an answer with data to a command with data waits behind 61xx for GET RESPONSE, and a
wrong expected length is answered 6Cxx with the right one; the command that follows is then served
from what the card said, because a card must not do twice what was asked once. vpcd hands over what
a program sent as it is and does not say which protocol was chosen, so a published card keeps to
the one of its answer to reset. Knows no application.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from hardware.apdu import SHORT_ANSWER_MAX, ResponseApdu

if TYPE_CHECKING:
    from hardware.readers.port import Card

_HEADER_LENGTH = 4
_GET_RESPONSE = 0xC0
_GET_RESPONSE_CLASSES = (0x00, 0x80)
_WRONG_LENGTH = bytes.fromhex("6700")
_WRONG_PARAMETERS = bytes.fromhex("6A86")
_NOTHING_WAITS = bytes.fromhex("6985")


class Transmission(Enum):
    """The protocol that a published card speaks, by its usual name."""

    T0 = "T=0"
    T1 = "T=1"

    @property
    def atr(self) -> bytes:
        """The answer to reset that offers it.

        T=1: what PC/SC builds for a contactless card without historical bytes (PC/SC part 3,
        3.1.3.2.3). T=0: the basic one (EMV Book 1, 8.3.3), which needs no check byte.
        """
        match self:
            case Transmission.T0:
                return bytes.fromhex("3B600000")
            case Transmission.T1:
                return bytes.fromhex("3B80800101")


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An answer that the card gave and the program has not fetched yet."""

    header: bytes
    """Of the command that may fetch it again after 6Cxx; empty after 61xx."""
    data: bytes
    sw: int


class TwoStepCard:
    """A card behind T=0."""

    def __init__(self, card: Card) -> None:
        """Nothing waits yet."""
        self._card = card
        self._waiting: _Waiting | None = None

    def transmit(self, command: bytes) -> bytes:
        """The answer to one T=0 command; a trailing Le of a case 4 command does no harm.

        Raises:
            ApduError: the card answered with something that is no response.
        """
        waiting, self._waiting = self._waiting, None
        if command[1:2] == bytes([_GET_RESPONSE]) and command[0] in _GET_RESPONSE_CLASSES:
            return self._get_response(command, waiting)
        expected = _expected(command)
        if waiting is not None and expected is not None and waiting.header == command[:4]:
            return self._give(waiting, expected)
        response = ResponseApdu.parse(self._card.transmit(command))
        if not response.data:
            return response.to_bytes()
        if expected is not None:
            return self._give(_Waiting(command[:4], response.data, response.sw), expected)
        self._waiting = _Waiting(b"", response.data, response.sw)
        return _more(len(response.data))

    def _give(self, answer: _Waiting, expected: int) -> bytes:
        """All of it, or how long it is: EMV cards give no part (Book 1, 9.2.2.3)."""
        if expected == len(answer.data):
            return answer.data + answer.sw.to_bytes(2, "big")
        self._waiting = answer
        return bytes([0x6C, len(answer.data) & 0xFF])

    def _get_response(self, command: bytes, waiting: _Waiting | None) -> bytes:
        expected = _expected(command)
        if expected is None:
            self._waiting = waiting
            return _WRONG_LENGTH
        if command[2:4] != b"\0\0":
            self._waiting = waiting
            return _WRONG_PARAMETERS
        if waiting is None or waiting.header:
            return _NOTHING_WAITS
        if expected >= len(waiting.data):
            return self._give(waiting, expected)
        part, rest = waiting.data[:expected], waiting.data[expected:]
        self._waiting = _Waiting(b"", rest, waiting.sw)
        return part + _more(len(rest))


def _expected(command: bytes) -> int | None:
    """Bytes wanted by a command without data (P3 is Le); None where P3 is Lc.

    Four bytes are the header of case 1, which on the wire has P3 = 00.
    """
    if len(command) > _HEADER_LENGTH + 1:
        return None
    return (command[_HEADER_LENGTH] if len(command) > _HEADER_LENGTH else 0) or SHORT_ANSWER_MAX


def _more(length: int) -> bytes:
    return bytes([0x61, length & 0xFF])
