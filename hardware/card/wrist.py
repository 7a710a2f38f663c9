"""A watch's wrist sensor: says to its secure element that it is still on the arm that unlocked it.

A watch sees no face. Put on, it asks for its passcode once; from then on every assertion it makes
stands on that, until it leaves the skin. Taken off, it makes none, and only the passcode helps
again. Pairing, challenge and HMAC are those of `face`, so neither can be invented nor used twice.
Whether there is skin is decided by whoever plays the wearer; this module knows no card.
"""

from __future__ import annotations

import hmac
from enum import Enum

from hardware.card.face import PAIRING_KEY_LENGTH, FaceAssertion, assertion_mac

PASSCODE_TRIES_MAX = 5
"""Wrong passcodes in a row before it has to be taken off and put on again."""


class WristState(Enum):
    """How a watch sits."""

    OFF = "off"
    LOCKED = "locked"  # on an arm, whose it is nobody knows
    UNLOCKED = "unlocked"


class WristSensor:
    """A sensor paired with one secure element; it begins off the wrist."""

    def __init__(self, pairing_key: bytes, *, passcode: str = "000000") -> None:
        assert len(pairing_key) == PAIRING_KEY_LENGTH
        self._pairing_key = pairing_key
        self._passcode = passcode
        self._state = WristState.OFF
        self._wrong = 0

    @property
    def state(self) -> WristState:
        """How it sits."""
        return self._state

    @property
    def tries_left(self) -> int:
        """Passcodes that may still be wrong before it has to be taken off."""
        return PASSCODE_TRIES_MAX - self._wrong

    def put_on(self) -> None:
        """Skin: locked until the passcode comes; putting it on again changes nothing."""
        if self._state is WristState.OFF:
            self._state, self._wrong = WristState.LOCKED, 0

    def take_off(self) -> None:
        """No skin any more: whatever it knew of its wearer is over."""
        self._state, self._wrong = WristState.OFF, 0

    def unlock(self, code: str) -> bool:
        """Enter the passcode, on the wrist; whether it was right and still counted."""
        if self._state is WristState.OFF or self.tries_left == 0:
            return False
        if not hmac.compare_digest(code.encode(), self._passcode.encode()):
            self._wrong += 1
            return False
        self._state, self._wrong = WristState.UNLOCKED, 0
        return True

    def confirm(self, challenge: bytes) -> FaceAssertion | None:
        """The sensor's word for one challenge; None unless it is worn and unlocked."""
        if self._state is not WristState.UNLOCKED:
            return None
        return FaceAssertion(
            challenge, "wrist", assertion_mac(self._pairing_key, challenge, "wrist")
        )
