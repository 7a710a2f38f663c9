"""The card's side of ISO-DEP, without a controller: frames from the reader in, frames to it out.

Theory of operation: `receive` takes a frame and says what to do: send this, ask the card this,
nothing, or it is over. While the card thinks, `extend` makes the S(WTX) that keeps the reader
waiting; `answer` makes the first block of what the card said, and the rest follows as the reader
acknowledges. The last block sent is kept, since a reader that missed it asks for it again; a
command that arrives twice, byte for byte and under the same number, is the same command, and is not
carried out twice. Whatever is no valid block is met with silence: the reader repairs. Knows no
command.

Source: ISO/IEC 14443-4, 5.6.2 (activation), 7.3 (S(WTX)), 7.5.3.2 (rules C to E), 7.5.4.3 (rules 9
to 13), 8 (deactivation).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from hardware.readers.isodep import (
    EXTENSION_MAX,
    FRAME_BYTES_DEFAULT,
    RATS,
    Block,
    Kind,
    cut,
    frame_bytes,
    parse_block,
)

COMMAND_BYTES_MAX = 65_545
"""The longest command there is: extended length both ways (ISO 7816-3, 12.1.3)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Send this frame."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """The card is asked this; `answer` is due, or `extend` until it is there."""

    apdu: bytes


@dataclass(frozen=True, slots=True)
class Nothing:
    """Send nothing, and listen on; a card that thinks may go on thinking."""


@dataclass(frozen=True, slots=True)
class Over:
    """The reader let go: send this frame, and the conversation has ended."""

    frame: bytes


Reaction: TypeAlias = Reply | Command | Nothing | Over
_NOTHING = Nothing()


class Target:
    """A card's conversation with one reader, from its selection to its end."""

    def __init__(self, ats: bytes) -> None:
        """A card that was selected and has not been asked for its ATS.

        Args:
            ats: what it answers to RATS.
        """
        self._ats = ats
        self._frame_bytes = FRAME_BYTES_DEFAULT
        self._number = 1  # rule C
        self._heard = b""
        self._collected = bytearray()
        self._last: Block | None = None
        self._rest: Iterator[tuple[bytes, bool]] = iter(())
        self._thinking = False

    @property
    def thinking(self) -> bool:
        """Whether an answer of the card is due."""
        return self._thinking

    def activate(self, code: int) -> None:
        """RATS has come, with this FSDI: the conversation begins."""
        self._frame_bytes = frame_bytes(code)
        self._number = 1
        self._heard, self._last = b"", None
        self._collected.clear()
        self._rest, self._thinking = iter(()), False

    def receive(self, frame: bytes) -> Reaction:
        """What a frame from the reader leads to."""
        if frame[:1] == bytes([RATS]) and len(frame) == 2:
            self.activate(frame[1] >> 4)
            return Reply(self._ats)
        block = parse_block(frame)
        if block is None:
            return _NOTHING
        match block.kind:
            case Kind.INFORMATION:
                return self._take(block, frame)
            case Kind.ACK | Kind.NAK:
                return self._repair(block)
            case Kind.DESELECT:
                return Over(block.to_bytes())
            case Kind.EXTENSION:  # granted: the card goes on thinking
                return _NOTHING

    def answer(self, response: bytes) -> bytes:
        """The first frame of what the card said."""
        assert self._thinking, "nothing was asked"
        self._thinking = False
        self._rest = cut(response, self._frame_bytes)
        return self._next_part()

    def extend(self, multiplier: int) -> bytes:
        """The S(WTX) that asks for `multiplier` times the frame waiting time (rule 9)."""
        assert self._thinking, "nothing was asked"
        assert 1 <= multiplier <= EXTENSION_MAX, "7.3 allows 1 to 59"
        return self._send(Block(Kind.EXTENSION, 0, bytes([multiplier])))

    def _take(self, block: Block, frame: bytes) -> Reaction:
        if block.number == self._number and frame == self._heard:
            return self._again()
        self._number ^= 1  # rule D
        self._heard = frame
        self._rest, self._thinking = iter(()), False
        self._last = None
        self._collected += block.information
        if len(self._collected) > COMMAND_BYTES_MAX:
            self._collected.clear()
            return _NOTHING
        if block.more:
            return Reply(self._send(Block(Kind.ACK, self._number)))  # rule 2
        command = bytes(self._collected)
        self._collected.clear()
        self._thinking = True
        return Command(command)

    def _repair(self, block: Block) -> Reaction:
        if block.number == self._number:
            return self._again()  # rule 11
        if block.kind is Kind.NAK:
            return Reply(Block(Kind.ACK, self._number).to_bytes())  # rule 12
        if self._last is None or not self._last.more:
            return _NOTHING
        self._number ^= 1  # rule E
        return Reply(self._next_part())  # rule 13

    def _again(self) -> Reaction:
        return _NOTHING if self._last is None else Reply(self._last.to_bytes())

    def _next_part(self) -> bytes:
        part, more = next(self._rest)
        return self._send(Block(Kind.INFORMATION, self._number, part, more))

    def _send(self, block: Block) -> bytes:
        self._last = block
        return block.to_bytes()
