"""What an NFC controller must be able to do, and how one is named; without any driver.

A controller makes a field or listens to another's, and carries frames; everything above frames
(blocks, cards, commands) is ours. Addresses: `pn532:/dev/ttyUSB0` is a PN532 on that serial port,
`nfcpy:` is followed by what nfcpy itself understands: `usb`, `usb:04e6:5591`, `tty:USB0:pn532`,
`udp:localhost:54321`. Every method may block until its limit, so none is called in an event loop's
thread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from hardware.readers.isodep_initiator import Heard

PN532_SCHEME, NFCPY_SCHEME = "pn532:", "nfcpy:"
NFC_SCHEMES = (PN532_SCHEME, NFCPY_SCHEME)
ISO_DEP_BIT, NFC_DEP_BIT = 0x20, 0x40
"""Of SAK: the card speaks ISO-DEP (ISO/IEC 14443-3, 6.5.3.4); many phones set the other too."""
# nfcpy hands the name of a serial port to a shell: nothing but what ports are called gets there.
_PORT = re.compile(r"(?:/dev/[A-Za-z0-9._/-]+|COM[0-9]+)")
_NFCPY = re.compile(
    r"usb(?::[0-9a-fA-F]{1,4}){0,2}"
    r"|(?:tty|com):[A-Za-z0-9-]+(?::[a-z0-9]+)?"
    r"|udp(?::(?:localhost|127\.0\.0\.1)(?::[0-9]{1,5})?)?"
)


@dataclass(frozen=True, slots=True)
class NfcAddress:
    """Where a controller is."""

    url: str
    path: str
    """A serial port of a PN532, else what nfcpy is given."""
    on_port: bool
    """Whether `path` is a serial port."""

    @property
    def is_network(self) -> bool:
        """Whether it is nfcpy's imitation of a field over UDP."""
        return self.path.startswith("udp")


def nfc_address(url: str) -> NfcAddress | None:
    """The controller that a URL names; None for anything else."""
    for scheme in NFC_SCHEMES:
        path = url.removeprefix(scheme)
        if path == url:
            continue
        on_port = scheme == PN532_SCHEME or path.startswith("tty:/")
        if on_port:
            path = path.removeprefix("tty:")
        fitting = (_PORT if on_port else _NFCPY).fullmatch(path)
        return NfcAddress(url, path, on_port) if fitting and ".." not in path else None
    return None


@dataclass(frozen=True, slots=True)
class Found:
    """A card of type A in the field, selected (ISO/IEC 14443-3, 6.5)."""

    sak: int
    uid: bytes
    handle: object
    """The driver's own."""
    atqa: bytes = b""
    """In the order of transmission."""

    @property
    def speaks_iso_dep(self) -> bool:
        """Whether it can be asked for an ATS."""
        return bool(self.sak & ISO_DEP_BIT)


@dataclass(frozen=True, slots=True)
class Identity:
    """What an emulated card of type A shows of itself before it is selected."""

    uid: bytes
    ats: bytes
    atqa: bytes = bytes.fromhex("0400")
    """In the order of transmission, as a wallet phone's."""
    sak: int = ISO_DEP_BIT


@dataclass(frozen=True, slots=True)
class Selected:
    """A reader selected the emulated card, and this is what it sent first."""

    frame: bytes
    handle: object
    """The driver's own."""


class Gone(Enum):
    """How a conversation of an emulated card ended without a frame."""

    FIELD_OFF = "the field went off"


class Controller(Protocol):
    """An NFC controller. Every method raises `ReaderGone` when it does not answer any more."""

    @property
    def name(self) -> str:
        """What it calls itself."""
        ...

    @property
    def can_emulate(self) -> bool:
        """Whether it can be a card to another reader."""
        ...

    def sense(self) -> Found | None:
        """Make a field and select the card of type A that is in it."""
        ...

    def exchange(self, card: Found, frame: bytes, wait_us: int) -> Heard:
        """Send a frame to a selected card; what came back within that time."""
        ...

    def field_off(self) -> None:
        """End the field: cards lose power and forget everything."""
        ...

    def listen(self, identity: Identity, limit_s: float) -> Selected | None:
        """Be a card until a reader selects it and sends a block, or the time is over."""
        ...

    def respond(self, reader: Selected, frame: bytes | None, limit_s: float) -> Heard | Gone:
        """Send a frame to the reader (none: only listen); what it sends next."""
        ...

    def close(self) -> None:
        """Give the device back."""
        ...
