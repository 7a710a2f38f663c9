"""The error tree of the hardware side. Outcomes of a tap (declined, try again) are not here.

HardwareError
├── TlvError                 bytes that are no BER-TLV; carries the offset
├── ApduError                bytes that are no command or no response
├── VectorFormatError        a vector file that is not one
├── TraceFormatError         a trace file that is not one
├── AuthorityFormatError     keys of certification authorities that cannot be believed
├── FaultPlanError           a fault nobody could fire
├── DriverMissing            a reader's library is not installed; carries its remedy
├── VpcdFrameError           a message that no virtual reader sends
├── VpcdUnreachable          no virtual reader takes the card
├── NfcUnreachable           no NFC controller plays the card
├── CardLinkError            the conversation broke
│   ├── NoCard               nothing came into the field in time
│   ├── CardCollision        more than one card in the field
│   ├── CardRemoved          the card left the field
│   ├── CardMute             the card stopped answering
│   ├── CardHeld             another program does not let go of the card
│   ├── ReaderGone           the reader itself left
│   └── CardFault            the card or its driver broke a rule of the link
│       └── PlainTag         what lies there takes no commands; carries what it showed
└── SecureElementError
    ├── SecureElementBusy    the file is locked by another process
    ├── SecureElementDamaged wrong seal key, or a file that was tampered with
    ├── NotArmed             no valid face or passcode assertion
    ├── ProvisioningRefused  credentials that cannot be installed; nothing was written
    └── AtcExhausted         65535 cryptograms were made; the token must be replaced
"""

from __future__ import annotations


class HardwareError(Exception):
    """Root of every operating error raised by `hardware`."""


class TlvError(HardwareError):
    """Bytes that are not BER-TLV, with the offset of the first byte at fault."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} (at byte {offset})")
        self.offset = offset


class ApduError(HardwareError):
    """Bytes that are not a short command or response APDU (ISO 7816-3 12.1)."""


class VectorFormatError(HardwareError):
    """A vector document without the agreed shape."""


class TraceFormatError(HardwareError):
    """A trace text that cannot be read back, with the line at fault in the message."""


class AuthorityFormatError(HardwareError):
    """A document of certification authorities' keys with a field that is wrong."""


class FaultPlanError(HardwareError):
    """A fault with an unknown key, a bad value or a missing one."""


class DriverMissing(HardwareError):
    """The library that drives a kind of reader cannot be loaded.

    Attributes:
        remedy: one line that says what to do.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.what = what
        self.remedy = remedy


class VpcdFrameError(HardwareError):
    """A message on vpcd's wire that no reader sends."""


class VpcdUnreachable(HardwareError):
    """The card could not be put into a virtual reader; the message says where and why."""


class NfcUnreachable(HardwareError):
    """No NFC controller can play the card; the message says where, why and what to do."""


class CardLinkError(HardwareError):
    """The conversation with a card broke."""


class NoCard(CardLinkError):
    """No card came into the field before the time-out."""


class CardCollision(CardLinkError):
    """More than one card is in the field (Book A: present one card only)."""


class CardRemoved(CardLinkError):
    """The card left the field, before or during an exchange."""


class CardMute(CardLinkError):
    """The card is in the field but did not answer."""


class CardHeld(CardLinkError):
    """Another program holds the card for itself and did not let go in time."""


class ReaderGone(CardLinkError):
    """The reader was unplugged or its driver stopped."""


class CardFault(CardLinkError):
    """The card or its driver broke a rule of the link, such as an empty answer."""


class PlainTag(CardFault):
    """What lies there takes no commands (no ISO-DEP), so it cannot pay.

    Attributes:
        uid: its anti-collision identifier.
        sak: how it answered selection (ISO/IEC 14443-3, 6.5.3.4).
        atqa: how it answered the request, in the order of transmission.
    """

    def __init__(self, message: str, *, uid: bytes, sak: int, atqa: bytes) -> None:
        super().__init__(message)
        self.uid = uid
        self.sak = sak
        self.atqa = atqa


class SecureElementError(HardwareError):
    """The secure element refused or failed."""


class SecureElementBusy(SecureElementError):
    """The secure element's file is in use by another process."""


class SecureElementDamaged(SecureElementError):
    """The file does not open with this seal key, or was changed outside."""


class NotArmed(SecureElementError):
    """No valid assertion of a face or passcode stands behind the request."""


class ProvisioningRefused(SecureElementError):
    """The credentials cannot be installed; nothing was written."""


class AtcExhausted(SecureElementError):
    """The application transaction counter stands at 65535 (Book 2, 8.1)."""
