"""A card in a virtual reader: power, reset, answer to reset, and an answer to everything.

Whatever is asked, an answer of at least two bytes comes back: a virtual reader that gets none waits
for ever. Each power-up and each reset is a fresh presentation: a new random identifier, nothing
selected, nothing waiting. Knows no socket and no application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hardware.apdu import SHORT_ANSWER_MAX
from hardware.publish.reader_commands import READER_CLASS, answer_as_reader
from hardware.publish.transmission import Transmission, TwoStepCard
from hardware.publish.vpcd_wire import Control, Message
from hardware.runtime.errors import HardwareError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.readers.port import Card
    from hardware.runtime.ports import Stream

NO_DIAGNOSIS = bytes.fromhex("6F00")
_WRONG_LENGTH = bytes.fromhex("6700")
_SHORTEST_COMMAND = 4
_RANDOM_UID_START = b"\x08"
_RANDOM_UID_BYTES = 3


class Witness(Protocol):
    """Who writes down what the other side asked; called where the card lives."""

    def powered(self, uid: bytes, atr: bytes) -> None:
        """A session begins: the card shows this identifier."""
        ...

    def asked(self, command: bytes) -> None:
        """A command came."""
        ...

    def answered(self, answer: bytes) -> None:
        """It was answered."""
        ...

    def over(self) -> None:
        """The session is over."""
        ...


class PoweredCard:
    """What stands behind a virtual reader's contacts."""

    def __init__(
        self,
        present: Callable[[], Card],
        transmission: Transmission,
        stream: Stream,
        *,
        on_session: Callable[[int], None] = lambda _commands: None,
        on_failure: Callable[[HardwareError], None] = lambda _failure: None,
        witness: Witness | None = None,
    ) -> None:
        """A card that is not powered yet.

        Args:
            present: gives the card, as fresh as when it comes into a field.
            transmission: the protocol that it speaks.
            stream: where its random identifiers come from.
            on_session: told at the end of a session in which commands came, how many.
            on_failure: told of what the card could not do; the program was answered 6F00.
            witness: hears every command and answer, the reader's own commands too.
        """
        self._present = present
        self._transmission = transmission
        self._stream = stream
        self._on_session = on_session
        self._on_failure = on_failure
        self._witness = witness
        self._card: Card | None = None
        self._uid = b""
        self._commands = 0

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return self._transmission.atr

    @property
    def uid(self) -> bytes:
        """Its identifier in this session, random as a phone's; empty before it was powered."""
        return self._uid

    def handle(self, message: Message) -> bytes | None:
        """Do what the reader wants; the answer, where one is expected."""
        match message:
            case Control.GET_ATR:
                return self.atr
            case Control.POWER_ON | Control.RESET:
                self.power_off()
                self._power_on()
                return None
            case Control.POWER_OFF:
                self.power_off()
                return None
            case _:
                return self._witnessed(message)

    def power_off(self) -> None:
        """The session is over: everything that a card forgets without power is gone."""
        commands, self._commands = self._commands, 0
        powered, self._card = self._card is not None, None
        if commands:
            self._on_session(commands)
        if powered and self._witness is not None:
            self._witness.over()

    def _power_on(self) -> None:
        card = self._present()
        self._card = TwoStepCard(card) if self._transmission is Transmission.T0 else card
        self._uid = _RANDOM_UID_START + self._stream.bytes(_RANDOM_UID_BYTES)
        if self._witness is not None:
            self._witness.powered(self._uid, self.atr)

    def _witnessed(self, command: bytes) -> bytes:
        if self._witness is None:
            return self._answer(command)
        self._witness.asked(command)
        answer = self._answer(command)
        self._witness.answered(answer)
        return answer

    def _answer(self, command: bytes) -> bytes:
        if self._card is None:
            return NO_DIAGNOSIS
        if len(command) < _SHORTEST_COMMAND:
            return _WRONG_LENGTH
        if command[0] == READER_CLASS:
            return answer_as_reader(command, self._uid)
        self._commands += 1
        try:
            answer = self._card.transmit(command)
        except HardwareError as failure:
            self._on_failure(failure)
            return NO_DIAGNOSIS
        return answer if 2 <= len(answer) <= SHORT_ANSWER_MAX + 2 else NO_DIAGNOSIS
