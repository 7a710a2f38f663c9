"""The wrist: put on, passcode, taken off. What the watch may do hangs on nothing else.

A part of the watch's flow. The sensor decides; this only asks it and says what it answered.
"""

from __future__ import annotations

from collections.abc import Callable

from hardware.api import SecureElement, WristSensor, WristState
from lab.words import Message, message

CODE_DIGITS = 6


class Wrist:
    """Whoever wears the watch, or nobody."""

    def __init__(
        self,
        element: SecureElement,
        sensor: WristSensor,
        settled: Callable[..., None],
    ) -> None:
        """A watch that lies on the table.

        Args:
            element: disarmed when it is taken off.
            sensor: its paired wrist sensor.
            settled: shows the screen that fits now, with these changes of the state.
        """
        self._element = element
        self._sensor = sensor
        self._settled = settled
        self._code = ""

    @property
    def state(self) -> WristState:
        """How it sits."""
        return self._sensor.state

    def put_on(self) -> None:
        """Onto a wrist: it asks for its passcode."""
        self._sensor.put_on()
        self._forget_code(notice=None)

    def take_off(self) -> None:
        """Off the wrist: it locks, and whatever was armed is not any more."""
        self._sensor.take_off()
        self._element.disarm()
        self._forget_code(notice=None, selected_id="", armed_left_s=0)

    def type_digit(self, digit: str) -> None:
        """A key of the passcode; the last digit sends it."""
        if self.state is not WristState.LOCKED or not (digit.isascii() and digit.isdecimal()):
            return
        self._code += digit[:1]
        if len(self._code) < CODE_DIGITS:
            self._settled(code_length=len(self._code))
            return
        self.enter(self._code)

    def erase_digit(self) -> None:
        """Take the last digit back."""
        self._code = self._code[:-1]
        self._settled(code_length=len(self._code))

    def enter(self, code: str) -> bool:
        """The whole passcode; whether the watch is unlocked now."""
        if self._sensor.unlock(code):
            self._forget_code(notice=None)
            return True
        left = self._sensor.tries_left
        key = "watch.code_wrong" if left else "watch.code_spent"
        self._forget_code(notice=message(key, "bad", left=left))
        return False

    def _forget_code(self, *, notice: Message | None, **changes: object) -> None:
        self._code = ""
        self._settled(code_length=0, notice=notice, **changes)
