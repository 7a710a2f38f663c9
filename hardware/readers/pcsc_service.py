"""The PC/SC functions that the reader driver needs, with types, and results instead of codes.

The only place that imports pyscard, and only when a PC/SC reader is asked for: an install without
the library runs everything else. Uses the bare `smartcard.scard` functions, because the library's
own monitors end for good when the service stops. Every function may block for as long as driver or
service please, so none is called in an event loop's thread. Decides nothing.

Source: PC/SC part 5 (ICC resource manager), as winscard and pcsc-lite offer it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from hardware.readers.pcsc_errors import Code, PcscFault
from hardware.runtime.errors import DriverMissing

PLUG_AND_PLAY = "\\\\?PnP?\\Notification"
"""The pseudo reader whose state changes when a reader comes or goes."""
UNAWARE = 0x0000
_SCOPE_USER, _SHARED, _DIRECT, _LEAVE_CARD, _UNPOWER_CARD = 0, 2, 3, 0, 2
_ESCAPE, _ESCAPE_ON_WINDOWS = 1, 3500
"""Function numbers of the CCID escape: pcsc-lite's and Microsoft's drivers' own."""
_ANY_PROTOCOL = 3
PROTOCOL_T0 = 1
_STATE_CHANGED, _STATE_UNKNOWN = 0x0002, 0x0004
_STATE_UNAVAILABLE, _STATE_PRESENT = 0x0008, 0x0020
_STATE_EXCLUSIVE = 0x0080


@dataclass(frozen=True, slots=True)
class Seat:
    """A reader and what lies on it, as the service last said."""

    name: str
    state: int
    """State flags; the high half counts the cards that came and went."""
    atr: bytes

    @property
    def there(self) -> bool:
        """Whether the reader can be used at all."""
        return not self.state & (_STATE_UNKNOWN | _STATE_UNAVAILABLE)

    @property
    def has_card(self) -> bool:
        """Whether a card lies on it."""
        return self.there and bool(self.state & _STATE_PRESENT)

    @property
    def held(self) -> bool:
        """Whether a program holds the card exclusively."""
        return bool(self.state & _STATE_EXCLUSIVE)


class PcscService(Protocol):
    """The smart-card service. Every method raises `PcscFault` unless it succeeds."""

    def establish(self) -> int:
        """A new context: one per thread of use."""
        ...

    def release(self, context: int) -> None:
        """Give a context back, if the service still knows it."""
        ...

    def cancel(self, context: int) -> None:
        """End the `states` that waits in this context, if one does."""
        ...

    def reader_names(self, context: int) -> tuple[str, ...]:
        """Every reader there is."""
        ...

    def states(self, context: int, known: Mapping[str, int], wait_ms: int) -> tuple[Seat, ...]:
        """Wait until a state differs from the one known, at most `wait_ms` milliseconds."""
        ...

    def connect(self, context: int, name: str) -> tuple[int, int]:
        """Share the card on a reader: its handle and protocol."""
        ...

    def reconnect(self, card: int) -> int:
        """Power the card off and on; its protocol afterwards."""
        ...

    def answer_to_reset(self, card: int) -> bytes:
        """What the card said when it was powered."""
        ...

    def begin(self, card: int) -> None:
        """Keep other programs away from the card; waits until none is in our way."""
        ...

    def transmit(self, card: int, protocol: int, command: bytes) -> bytes:
        """One exchange, as the card's protocol has it."""
        ...

    def disconnect(self, card: int) -> None:
        """Let the others in again, and power the card off."""
        ...

    def connect_reader(self, context: int, name: str) -> int:
        """Talk to a reader itself, whether or not a card lies on it: a handle."""
        ...

    def control(self, reader: int, command: bytes) -> bytes:
        """Send a command to the reader itself (CCID escape); many systems forbid that."""
        ...

    def leave(self, handle: int) -> None:
        """Give a handle back and leave the card as it is."""
        ...


class Winscard:
    """`PcscService` by pyscard's bare functions."""

    def __init__(self) -> None:
        """Load the library.

        Raises:
            DriverMissing: it is not installed, or the system's own part of it is not.
        """
        try:
            from smartcard import scard
        except ImportError as absent:
            raise DriverMissing(f"PC/SC library: {absent}", _library_remedy()) from absent
        self._scard = scard

    def establish(self) -> int:
        """A new context."""
        code, context = self._scard.SCardEstablishContext(_SCOPE_USER)
        _check("SCardEstablishContext", code)
        return int(context)

    def release(self, context: int) -> None:
        """Give a context back; one that died with its service is given back already."""
        self._scard.SCardReleaseContext(context)

    def cancel(self, context: int) -> None:
        """End a wait; none is no fault."""
        self._scard.SCardCancel(context)

    def reader_names(self, context: int) -> tuple[str, ...]:
        """Every reader there is."""
        code, names = self._scard.SCardListReaders(context, [])
        if _unsigned(code) == Code.NO_READERS:
            return ()
        _check("SCardListReaders", code)
        return tuple(names)

    def states(self, context: int, known: Mapping[str, int], wait_ms: int) -> tuple[Seat, ...]:
        """Wait for a change."""
        code, states = self._scard.SCardGetStatusChange(context, wait_ms, list(known.items()))
        _check("SCardGetStatusChange", code)
        return tuple(Seat(name, state & ~_STATE_CHANGED, bytes(atr)) for name, state, atr in states)

    def connect(self, context: int, name: str) -> tuple[int, int]:
        """Share the card."""
        code, card, protocol = self._scard.SCardConnect(context, name, _SHARED, _ANY_PROTOCOL)
        _check("SCardConnect", code)
        return int(card), int(protocol)

    def reconnect(self, card: int) -> int:
        """Power the card off and on."""
        code, protocol = self._scard.SCardReconnect(card, _SHARED, _ANY_PROTOCOL, _UNPOWER_CARD)
        _check("SCardReconnect", code)
        return int(protocol)

    def answer_to_reset(self, card: int) -> bytes:
        """The ATR."""
        code, _reader, _state, _protocol, atr = self._scard.SCardStatus(card)
        _check("SCardStatus", code)
        return bytes(atr)

    def begin(self, card: int) -> None:
        """Start a transaction."""
        _check("SCardBeginTransaction", self._scard.SCardBeginTransaction(card))

    def transmit(self, card: int, protocol: int, command: bytes) -> bytes:
        """One exchange."""
        code, answer = self._scard.SCardTransmit(card, protocol, list(command))
        _check("SCardTransmit", code)
        return bytes(answer)

    def disconnect(self, card: int) -> None:
        """End transaction and connection; a card or a service that has gone needs neither."""
        self._scard.SCardEndTransaction(card, _LEAVE_CARD)
        self._scard.SCardDisconnect(card, _UNPOWER_CARD)

    def connect_reader(self, context: int, name: str) -> int:
        """Connect without a card."""
        code, reader, _protocol = self._scard.SCardConnect(context, name, _DIRECT, 0)
        _check("SCardConnect", code)
        return int(reader)

    def control(self, reader: int, command: bytes) -> bytes:
        """One escape."""
        function = _ESCAPE_ON_WINDOWS if sys.platform == "win32" else _ESCAPE
        code, answer = self._scard.SCardControl(
            reader, self._scard.SCARD_CTL_CODE(function), list(command)
        )
        _check("SCardControl", code)
        return bytes(answer)

    def leave(self, handle: int) -> None:
        """End a connection; what has gone needs no farewell."""
        self._scard.SCardDisconnect(handle, _LEAVE_CARD)


def _check(function: str, code: int) -> None:
    if code:
        raise PcscFault(function, _unsigned(code))


def _unsigned(code: int) -> int:
    """Pyscard gives some results with a sign and some without."""
    return code & 0xFFFFFFFF


def _library_remedy(system: str = sys.platform) -> str:
    if system.startswith("linux"):
        return (
            "sudo apt-get install -y gcc libpcsclite-dev python3-dev, then python3 start.py "
            "(with the wheel: pip install 'tap-lab[drivers]')"
        )
    return "python3 start.py installs it (with the wheel: pip install 'tap-lab[drivers]')"
