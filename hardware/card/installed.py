"""What a secure element tells of its tokens, and of who was recognised: no number, no key."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ATC_MAX = 0xFFFF
"""The last value of a transaction counter (Book 3, 6.5.5)."""


@dataclass(frozen=True, slots=True)
class InstalledToken:
    """One token as the wallet may know it: no number, no key."""

    token_ref: str
    network: str
    last4: str
    label: str
    expiry: str
    """YYMM."""
    atc: int

    @property
    def is_spent(self) -> bool:
        """Whether its counter is at its end: it can make no cryptogram any more."""
        return self.atc >= ATC_MAX


class RecognisedBy(StrEnum):
    """How the device made sure of its owner."""

    FACE = "face"
    PASSCODE = "passcode"
    WRIST = "wrist"
    """A passcode when it was put on, and not taken off since."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """The device has verified its owner for one payment with one token (CDCVM)."""

    token_ref: str
    method: RecognisedBy
    until_us: int
    """On the steady clock."""
