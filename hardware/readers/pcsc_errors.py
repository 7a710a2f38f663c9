"""PC/SC's result codes, and what each means for a tap: one of the `CardLinkError`s.

Three groups matter: the card is not what it was (take it as pulled), somebody else holds it (try
again for a while), or reader and service are gone (look again when they are back). Every code that
is in none of them is a fault of card or driver, named by its number. Loads no driver.

Source: PC/SC part 5 and the return codes of winscard and pcsc-lite; which of them really occur
when cards and services vanish was measured on pcsc-lite 1.9.9 with a virtual reader.
"""

from __future__ import annotations

from enum import IntEnum

from hardware.runtime.errors import (
    CardFault,
    CardHeld,
    CardLinkError,
    CardMute,
    CardRemoved,
    HardwareError,
    ReaderGone,
)


class Code(IntEnum):
    """The result codes that this driver knows by name."""

    SUCCESS = 0x00000000
    CANCELLED = 0x80100002
    INVALID_HANDLE = 0x80100003
    UNKNOWN_READER = 0x80100009
    TIMEOUT = 0x8010000A
    SHARING_VIOLATION = 0x8010000B
    NO_SMARTCARD = 0x8010000C
    PROTOCOL_MISMATCH = 0x8010000F
    COMMUNICATION_LOST = 0x80100013
    NOT_TRANSACTED = 0x80100016
    READER_UNAVAILABLE = 0x80100017
    NO_SERVICE = 0x8010001D
    SERVICE_STOPPED = 0x8010001E
    NO_READERS = 0x8010002E
    INTERNAL_ERROR = 0x8010002F
    UNSUPPORTED_CARD = 0x80100065
    UNRESPONSIVE_CARD = 0x80100066
    UNPOWERED_CARD = 0x80100067
    RESET_CARD = 0x80100068
    REMOVED_CARD = 0x80100069
    SECURITY_VIOLATION = 0x8010006A


SERVICE_LOST = frozenset(
    {
        Code.COMMUNICATION_LOST,
        Code.INVALID_HANDLE,
        Code.NO_SERVICE,
        Code.SERVICE_STOPPED,
        Code.INTERNAL_ERROR,
    }
)
"""A new context is needed. Windows stops the service with its last reader."""
READER_LOST = SERVICE_LOST | {Code.UNKNOWN_READER, Code.READER_UNAVAILABLE, Code.NO_READERS}
CARD_LOST = frozenset({Code.NO_SMARTCARD, Code.REMOVED_CARD, Code.NOT_TRANSACTED})
CARD_CHANGED = frozenset({Code.NOT_TRANSACTED, Code.UNPOWERED_CARD, Code.RESET_CARD})
"""What a card that was exchanged faster than the reader's own poll looks like, once."""


class PcscFault(HardwareError):
    """A PC/SC function did not succeed.

    Attributes:
        code: its result, unsigned.
        function: which one it was.
    """

    def __init__(self, function: str, code: int) -> None:
        super().__init__(f"{function} gave {name_of(code)}")
        self.code = code
        self.function = function


def name_of(code: int) -> str:
    """A result code in words, such as `no smartcard (8010000C)`."""
    try:
        return f"{Code(code).name.lower().replace('_', ' ')} ({code:08X})"
    except ValueError:
        return f"{code:08X}"


def as_link_error(fault: PcscFault, reader: str) -> CardLinkError:
    """What a fault means for a conversation at `reader`."""
    code = fault.code
    if code in READER_LOST:
        return ReaderGone(f"{reader} is gone: {fault}")
    if code in CARD_LOST or code in CARD_CHANGED:
        return CardRemoved(f"the card left {reader}: {fault}")
    if code == Code.SHARING_VIOLATION:
        return CardHeld(f"another program holds the card on {reader}")
    if code in {Code.UNRESPONSIVE_CARD, Code.TIMEOUT}:
        return CardMute(f"the card on {reader} does not answer: {fault}")
    return CardFault(f"{reader}: {fault}")
