"""What a till found (tag 95) and what it did (tag 9B), bit by bit.

Bits as Book 3, tables C5 and C6, and Book C-2, A, name them. A kernel sets them while it works; the
card's cryptogram covers the findings, and the action codes read them.
"""

from __future__ import annotations

NOT_AUTHENTICATED_OFFLINE = (0, 0x80)
STATIC_DATA_FAILED = (0, 0x40)
CARD_DATA_MISSING = (0, 0x20)
DYNAMIC_DATA_FAILED = (0, 0x08)
COMBINED_DATA_FAILED = (0, 0x04)
OTHER_VERSION = (1, 0x80)
EXPIRED = (1, 0x40)
NOT_YET_EFFECTIVE = (1, 0x20)
SERVICE_NOT_ALLOWED = (1, 0x10)
VERIFICATION_FAILED = (2, 0x80)
VERIFICATION_UNKNOWN = (2, 0x40)
PIN_PAD_MISSING = (2, 0x10)
ONLINE_PIN_ENTERED = (2, 0x04)
OVER_FLOOR_LIMIT = (3, 0x80)
SELECTED_BY_CHANCE = (3, 0x10)
RELAY_THRESHOLD_EXCEEDED = (4, 0x08)
RELAY_TIME_EXCEEDED = (4, 0x04)
RELAY_MEASURED = (4, 0x02)
RELAY_NOT_MEASURED = (4, 0x01)
RELAYED = bytes.fromhex("000000000C")
"""Both ways of a card being farther away than it says, as an action code names them."""
DID_AUTHENTICATION = (0, 0x80)
DID_VERIFICATION = (0, 0x40)
DID_CARD_RISK_MANAGEMENT = (0, 0x20)
DID_RISK_MANAGEMENT = (0, 0x08)


class Verdicts:
    """The results of one tap; nothing was found yet, or what a torn tap had found."""

    def __init__(self, found: bytes = bytes(5), did: bytes = bytes(2)) -> None:
        self._bytes = bytearray(found)
        self._status = bytearray(did)

    def note(self, bit: tuple[int, int]) -> None:
        """Set one bit."""
        index, mask = bit
        self._bytes[index] |= mask

    def did(self, bit: tuple[int, int]) -> None:
        """Set one bit of the transaction status information."""
        index, mask = bit
        self._status[index] |= mask

    @property
    def status(self) -> bytes:
        """Tag 9B as it stands now."""
        return bytes(self._status)

    def to_bytes(self) -> bytes:
        """Tag 95 as it stands now."""
        return bytes(self._bytes)

    def meets(self, *codes: bytes) -> bool:
        """Whether any bit is set that one of these action codes names (Book 3, 10.7)."""
        return any(
            bool(own & code)
            for other in codes
            for own, code in zip(self._bytes, other, strict=True)
        )
