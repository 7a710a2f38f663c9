"""The face sensor: says to the secure element, and to nobody else, who looked at the phone.

A sensor and an element share a pairing key from the day they meet. An assertion is an HMAC-SHA-256
over the element's own challenge, so it can be neither invented nor used twice. Three failed scans
and only the passcode helps. Whether a face matches is decided by whoever plays the user; this
module knows no picture and no card. A failed scan is an outcome, not an error.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from enum import StrEnum

FAILED_SCANS_MAX = 3
"""Failed scans in a row before the passcode is needed."""
PAIRING_KEY_LENGTH = 32


class ScanOutcome(StrEnum):
    """What the camera saw."""

    MATCH = "match"
    NO_MATCH = "no_match"
    CANCEL = "cancel"


class ScanRefusal(StrEnum):
    """Why there is no assertion."""

    NO_MATCH = "no_match"
    CANCELLED = "cancelled"
    PASSCODE_NEEDED = "passcode_needed"
    PASSCODE_WRONG = "passcode_wrong"


@dataclass(frozen=True, slots=True)
class FaceAssertion:
    """The sensor's word for one challenge; `method` is `face`, `passcode` or `wrist`."""

    challenge: bytes
    method: str
    mac: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScanFailed:
    """No assertion, why, and how many scans are left before the passcode."""

    reason: ScanRefusal
    scans_left: int


def assertion_mac(pairing_key: bytes, challenge: bytes, method: str) -> bytes:
    """The HMAC that both ends compute; the method is inside, so it cannot be swapped."""
    message = b"taplab.assertion.v1|" + method.encode() + b"|" + challenge
    return hmac.digest(pairing_key, message, "sha256")


class FaceSensor:
    """A sensor paired with one secure element."""

    def __init__(self, pairing_key: bytes, *, passcode: str = "000000") -> None:
        assert len(pairing_key) == PAIRING_KEY_LENGTH
        self._pairing_key = pairing_key
        self._passcode = passcode
        self._failed_scans = 0

    @property
    def passcode_needed(self) -> bool:
        """Whether scanning is locked until the passcode is entered."""
        return self._failed_scans >= FAILED_SCANS_MAX

    def scan(self, challenge: bytes, outcome: ScanOutcome | str) -> FaceAssertion | ScanFailed:
        """Look once. A cancelled scan counts for nothing; a failed one counts towards the lock."""
        if self.passcode_needed:
            return self._failed(ScanRefusal.PASSCODE_NEEDED)
        match ScanOutcome(outcome):
            case ScanOutcome.MATCH:
                self._failed_scans = 0
                return self._assert(challenge, "face")
            case ScanOutcome.CANCEL:
                return self._failed(ScanRefusal.CANCELLED)
            case ScanOutcome.NO_MATCH:
                self._failed_scans += 1
                needed = self._failed_scans >= FAILED_SCANS_MAX
                return self._failed(ScanRefusal.PASSCODE_NEEDED if needed else ScanRefusal.NO_MATCH)

    def passcode(self, challenge: bytes, code: str) -> FaceAssertion | ScanFailed:
        """Enter the passcode; the right one also unlocks scanning."""
        if not hmac.compare_digest(code.encode(), self._passcode.encode()):
            return self._failed(ScanRefusal.PASSCODE_WRONG)
        self._failed_scans = 0
        return self._assert(challenge, "passcode")

    def _assert(self, challenge: bytes, method: str) -> FaceAssertion:
        return FaceAssertion(challenge, method, assertion_mac(self._pairing_key, challenge, method))

    def _failed(self, reason: ScanRefusal) -> ScanFailed:
        return ScanFailed(reason, max(0, FAILED_SCANS_MAX - self._failed_scans))
