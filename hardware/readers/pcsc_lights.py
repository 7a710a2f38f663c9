"""The lights and the buzzer of a PC/SC reader, beside and never inside a conversation with a card.

Theory of operation: commands for the reader itself go by SCardControl (the CCID class's escape),
which needs no card. Many systems forbid escapes unless an administrator allowed them; there a
reader whose commands look like APDUs still hears them while a card lies on it. Where neither works
the reader shows nothing, and that is no fault: nobody's payment depends on a light. Each show is
made in a worker of its own that may be abandoned. Only models that are known to have lights get
here; nothing is sent to any other. Source: CCID 1.1, 6.1.8; PC/SC part 3, 3.2.2.
"""

from __future__ import annotations

from collections.abc import Sequence

from hardware.readers.models import Lighting
from hardware.readers.pcsc_errors import PcscFault
from hardware.readers.pcsc_service import PROTOCOL_T0, UNAWARE, PcscService
from hardware.readers.transport_t0 import exchange_t0
from hardware.readers.worker import CallHung, Worker

LIMIT_S = 3.0


class PcscLights:
    """One reader's lights."""

    def __init__(self, name: str, service: PcscService, lighting: Lighting) -> None:
        """Lights that were told nothing yet.

        Args:
            name: the reader's, whole.
            service: the PC/SC functions.
            lighting: how this model is told.
        """
        self._name = name
        self._service = service
        self._lighting = lighting
        self._escapes_refused = False

    async def show(self, commands: Sequence[bytes]) -> bool:
        """Send the commands; whether the reader took them."""
        worker = Worker(f"lights of {self._name}", _nothing)
        try:
            return await worker.call(lambda: self._send(commands), LIMIT_S)
        except (CallHung, PcscFault):
            return False
        finally:
            await worker.finish(LIMIT_S)

    def _send(self, commands: Sequence[bytes]) -> bool:
        context = self._service.establish()
        try:
            if not self._escapes_refused:
                try:
                    self._escape(context, commands)
                except PcscFault:
                    self._escapes_refused = True
                else:
                    return True
            return self._as_apdus(context, commands)
        finally:
            self._service.release(context)

    def _escape(self, context: int, commands: Sequence[bytes]) -> None:
        reader = self._service.connect_reader(context, self._name)
        try:
            for command in commands:
                self._service.control(reader, command)
        finally:
            self._service.leave(reader)

    def _as_apdus(self, context: int, commands: Sequence[bytes]) -> bool:
        """The same as APDUs, if this model takes them so and a card lies there to connect to."""
        if self._lighting is not Lighting.PSEUDO_APDU:
            return False
        seats = self._service.states(context, {self._name: UNAWARE}, 0)
        if not any(seat.has_card for seat in seats):
            return False
        card, protocol = self._service.connect(context, self._name)

        def send(command: bytes) -> bytes:
            return self._service.transmit(card, protocol, command)

        try:
            for command in commands:
                if protocol == PROTOCOL_T0:
                    exchange_t0(send, command)
                else:
                    send(command)
        finally:
            self._service.leave(card)
        return True


def _nothing() -> None:
    """Each show gives back what it took."""
