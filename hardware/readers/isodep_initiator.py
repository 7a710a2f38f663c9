"""The reader's side of ISO-DEP, without a reader: frames to send come out, what was heard goes in.

Theory of operation: each act (activate, exchange, deselect) is a generator. It yields a frame and
how long an answer may take; it is sent what came back, or why nothing did. A block whose answer is
missing or spoiled is asked for again: by R(NAK) where an answer is due, by the same R(ACK) where
the card is in the middle of a chain, and an R(ACK) with the other number means that the card never
heard the block, which is then sent again. So a command is carried out once or not at all, whatever
the air does to its frames. Everything has a bound: tries, extensions, bytes. Knows no command.

Source: ISO/IEC 14443-4, 5.6.1 (activation), 7.3 (S(WTX)), 7.5.3.1 (rules A and B), 7.5.4.2 (rules
4 to 8), 8 (deactivation). How often to try is the reader's choice there; here it is three times.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, TypeVar

from hardware.readers.isodep import (
    ACTIVATION_US,
    RATS,
    WAITING_INTEGER_MAX,
    Ats,
    Block,
    Kind,
    cut,
    parse_block,
    waiting_us,
)
from hardware.runtime.errors import CardFault, CardLinkError, CardMute

T = TypeVar("T")
MISTAKES_MAX = 3
"""Bad or missing answers to one block before the conversation is given up."""
EXTENSIONS_MAX = 60
"""Extensions of the waiting time that a card gets for one block; a phone asks for four."""
MESSAGE_BYTES_MAX = 65_538
FRAME_CODE = 8
"""FSDI: frames of 256 bytes, which NFC controllers hold and EMV asks of readers."""
_DESELECT_TRIES = 2


class Trouble(Enum):
    """Why no frame came back."""

    SILENCE = "no answer"
    GARBLED = "a garbled answer"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A frame to send, and how long its answer may take, in microseconds."""

    frame: bytes
    wait_us: int


Heard: TypeAlias = bytes | Trouble
Act: TypeAlias = Generator[Outgoing, Heard, T]
"""Something the reader does: it yields frames, is sent what was heard, and returns a result."""


class Initiator:
    """A reader's conversation with one selected card."""

    def __init__(self, frame_code: int = FRAME_CODE) -> None:
        """A conversation that has not begun.

        Args:
            frame_code: FSDI, the largest frame that the reader takes.
        """
        self._frame_code = frame_code
        self._number = 0
        self.ats = Ats()

    def activate(self) -> Act[Ats]:
        """Ask for the ATS (RATS, 5.6.1); the parameters hold from here on.

        Raises:
            CardMute: no answer.
            CardFault: an answer that is no ATS.
        """
        request = Outgoing(bytes([RATS, self._frame_code << 4]), ACTIVATION_US)
        heard: Heard = Trouble.SILENCE
        for _ in range(MISTAKES_MAX):
            heard = yield request
            if isinstance(heard, bytes):
                self.ats = Ats.parse(heard)
                self._number = 0  # rule A
                return self.ats
        raise _given_up(heard)

    def exchange(self, command: bytes) -> Act[bytes]:
        """Bring a command there and its answer back, in as many blocks as they need.

        Raises:
            CardMute: the card stopped answering.
            CardFault: what it answers does not follow the protocol, or has no end.
        """
        answer = Block(Kind.ACK)
        for part, more in cut(command, self.ats.frame_bytes):
            block = Block(Kind.INFORMATION, self._number, part, more)
            repair = Block(Kind.NAK, self._number)
            answer = yield from self._ask(block, repair, Kind.ACK if more else Kind.INFORMATION)
        collected = bytearray(answer.information)
        while answer.more:
            if not answer.information or len(collected) > MESSAGE_BYTES_MAX:
                raise CardFault("an answer in parts that has no end")
            block = Block(Kind.ACK, self._number)
            answer = yield from self._ask(block, block, Kind.INFORMATION)  # rules 2 and 5
            collected += answer.information
        return bytes(collected)

    def deselect(self) -> Act[bool]:
        """Let the card go (8.1); whether it confirmed. A card that has gone needs no asking."""
        goodbye = Outgoing(Block(Kind.DESELECT).to_bytes(), ACTIVATION_US)
        for _ in range(_DESELECT_TRIES):
            heard = yield goodbye
            if isinstance(heard, bytes) and parse_block(heard) == Block(Kind.DESELECT):
                return True
        return False

    def _ask(self, block: Block, repair: Block, wanted: Kind) -> Act[Block]:
        """Send a block until the block wanted in return comes; its number moves on (rule B).

        Raises:
            CardMute, CardFault: it does not come.
        """
        sending, wait_us = block, self.ats.waiting_us
        mistakes = extensions = unheard = 0
        while True:
            heard = yield Outgoing(sending.to_bytes(), wait_us)
            wait_us = self.ats.waiting_us
            answer = parse_block(heard) if isinstance(heard, bytes) else None
            if answer is not None and answer.kind is Kind.EXTENSION:
                extensions += 1
                if extensions > EXTENSIONS_MAX:
                    raise CardFault("the card asks for more time without end")
                sending = Block(Kind.EXTENSION, 0, bytes([answer.multiplier]))
                wait_us = min(wait_us * answer.multiplier, waiting_us(WAITING_INTEGER_MAX))
                continue
            if answer is not None and answer.number == self._number and answer.kind is wanted:
                self._number ^= 1
                return answer
            if answer == Block(Kind.ACK, self._number ^ 1) and block.kind is Kind.INFORMATION:
                unheard += 1
                sending = block  # rule 6
            else:
                mistakes += 1
                sending = repair  # rules 4 and 5
            if max(mistakes, unheard) > MISTAKES_MAX:
                raise _given_up(heard)


def _given_up(heard: Heard) -> CardLinkError:
    match heard:
        case Trouble.SILENCE:
            return CardMute("the card does not answer")
        case Trouble.GARBLED:
            return CardFault("the card's answers arrive garbled")
        case _:
            return CardFault("the card answers with blocks that do not follow the protocol")
