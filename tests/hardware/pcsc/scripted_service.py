"""A PC/SC service that answers from a script: for systems and moments that no desk can produce.

Stands where winscard stands, on other people's side of the boundary. What it cannot do is prove
that a real service behaves so; the tests beside it do that with a real one.
"""

# ruff: noqa: ARG002 -- the functions' shape is PC/SC's
from __future__ import annotations

import threading
from collections.abc import Mapping

from hardware.readers.pcsc_errors import Code, PcscFault
from hardware.readers.pcsc_service import PLUG_AND_PLAY, UNAWARE, Seat

LIMIT_S = 5.0
PRESENT = 0x20
EMPTY = 0x10


class ScriptedService:
    """Readers as a table that tests change; waits end when it is changed or cancelled."""

    def __init__(self, *, tells_of_plugging: bool = True) -> None:
        self.tells_of_plugging = tells_of_plugging
        self.seats: dict[str, Seat] = {}
        self.fault: int = Code.SUCCESS
        """What every function gives while it is set."""
        self.answers: dict[bytes, bytes | int] = {}
        """Answers, or the codes instead of them."""
        self.calls: list[str] = []
        self.allows_escapes = True
        self.controlled: list[bytes] = []
        self.asleep = False
        """No card is seen until the reader was told to look; in vain unless it `wakes`."""
        self.wakes = True
        self._plugged = 0
        self._cancelled = False
        self._changed = threading.Condition()

    def put(self, name: str, state: int, atr: bytes = b"") -> None:
        """Plug a reader in, or change what lies on it."""
        with self._changed:
            self._plugged += name not in self.seats
            self.seats[name] = Seat(name, state, atr)
            self._changed.notify_all()

    def stop(self, code: int) -> None:
        """Everything gives `code` from now on; 0 comes back."""
        with self._changed:
            self.fault = code
            self._changed.notify_all()

    def _check(self, function: str) -> None:
        self.calls.append(function)
        if self.fault:
            raise PcscFault(function, self.fault)

    def establish(self) -> int:
        self._check("establish")
        return 1

    def release(self, context: int) -> None:
        self.calls.append("release")

    def cancel(self, context: int) -> None:
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def reader_names(self, context: int) -> tuple[str, ...]:
        self._check("reader_names")
        return tuple(self.seats)

    def states(self, context: int, known: Mapping[str, int], wait_ms: int) -> tuple[Seat, ...]:
        self._check("states")
        if PLUG_AND_PLAY in known and not self.tells_of_plugging:
            raise PcscFault("states", Code.UNKNOWN_READER)
        with self._changed:
            plugged = self._plugged
            if any(self._differs(name, state) for name, state in known.items()):
                return self._seats(known)
            if wait_ms == 0:
                raise PcscFault("states", Code.TIMEOUT)
            changed = self._changed.wait_for(
                lambda: (
                    self._cancelled
                    or self.fault
                    or (PLUG_AND_PLAY in known and self._plugged != plugged)
                    or any(self._differs(name, state) for name, state in known.items())
                ),
                LIMIT_S if wait_ms > 2000 else 0.02,
            )
            if self._cancelled:
                self._cancelled = False
                raise PcscFault("states", Code.CANCELLED)
        if self.fault or not changed:
            raise PcscFault("states", self.fault or Code.TIMEOUT)
        return self._seats(known)

    def _differs(self, name: str, state: int) -> bool:
        return name != PLUG_AND_PLAY and (state == UNAWARE or self.seats[name].state != state)

    def _seats(self, known: Mapping[str, int]) -> tuple[Seat, ...]:
        return tuple(self.seats.get(name, Seat(name, UNAWARE, b"")) for name in known)

    def connect(self, context: int, name: str) -> tuple[int, int]:
        self._check("connect")
        if self.asleep:
            raise PcscFault("connect", Code.NO_SMARTCARD)
        return 7, 2

    def connect_reader(self, context: int, name: str) -> int:
        self._check("connect_reader")
        return 8

    def control(self, reader: int, command: bytes) -> bytes:
        self._check("control")
        if not self.allows_escapes:
            raise PcscFault("control", 0x8010001F)
        self.controlled.append(command)
        return b""

    def leave(self, handle: int) -> None:
        self.calls.append("leave")

    def reconnect(self, card: int) -> int:
        self._check("reconnect")
        self.asleep = self.asleep and not self.wakes
        if self.asleep:
            raise PcscFault("reconnect", Code.NO_SMARTCARD)
        return 2

    def answer_to_reset(self, card: int) -> bytes:
        self._check("answer_to_reset")
        return bytes.fromhex("3B00")

    def begin(self, card: int) -> None:
        self._check("begin")

    def transmit(self, card: int, protocol: int, command: bytes) -> bytes:
        self._check("transmit")
        answer = self.answers[command]
        if isinstance(answer, int):
            raise PcscFault("transmit", answer)
        return answer

    def disconnect(self, card: int) -> None:
        self.calls.append("disconnect")
