"""Keeping the machine awake while people watch: asked of the system, never forced.

Linux: `systemd-inhibit` holds a lock for as long as its child reads from us, so that it ends with
this program however that ends. macOS: `caffeinate` watches this process. Windows: the execution
state of a thread (SetThreadExecutionState). Where none of these is there, that is said. Calls may
take a moment; they belong into a thread without an event loop.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from enum import Enum

_LOCKS = ("systemd-inhibit", "--list", "--no-legend", "--no-pager")
_HOLD = (
    "systemd-inhibit", "--what=idle:sleep", "--who=Tap Lab", "--why=a demonstration",
    "--mode=block", "cat",
)  # fmt: skip
_KEEPING = 0x80000003
"""ES_CONTINUOUS, ES_SYSTEM_REQUIRED and ES_DISPLAY_REQUIRED."""
_LIMIT_S = 5.0


class Sleep(Enum):
    """Whether the machine may fall asleep."""

    PREVENTED = "prevented"
    POSSIBLE = "possible"
    UNKNOWN = "unknown"


def _output(command: Sequence[str]) -> str | None:
    """What a program of the system says; None where it is missing or fails."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 -- the system's own programs, fixed arguments
            command, capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _held(command: Sequence[str]) -> subprocess.Popen[bytes] | None:
    """A program that runs until its input is closed; None where it is missing or ends at once."""
    if shutil.which(command[0]) is None:
        return None
    try:
        return subprocess.Popen(  # noqa: S603 -- the system's own programs, fixed arguments
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None


def _set_windows_state(flags: int) -> bool:
    import ctypes

    kernel = getattr(ctypes, "windll", None)
    return kernel is not None and bool(kernel.kernel32.SetThreadExecutionState(flags))


class Wakefulness:
    """Asks whether the machine may sleep, and asks it not to."""

    def __init__(
        self,
        system: str = sys.platform,
        output: Callable[[Sequence[str]], str | None] = _output,
        hold: Callable[[Sequence[str]], subprocess.Popen[bytes] | None] = _held,
        set_state: Callable[[int], bool] = _set_windows_state,
    ) -> None:
        """Of this machine, unless a test says of which."""
        self._system = system
        self._output = output
        self._hold = hold
        self._set_state = set_state
        self._holder: subprocess.Popen[bytes] | None = None
        self._state_set = False

    def look(self) -> Sleep:
        """Whether it may fall asleep now."""
        if self._state_set or (self._holder is not None and self._holder.poll() is None):
            return Sleep.PREVENTED
        if self._system.startswith("linux"):
            return self._look_at_locks()
        if self._system == "darwin":
            said = self._output(("pmset", "-g", "assertions"))
            return Sleep.UNKNOWN if said is None else _of_assertions(said)
        return Sleep.POSSIBLE if self._system == "win32" else Sleep.UNKNOWN

    def keep_awake(self) -> bool:
        """Ask that it stays awake until `let_sleep` or our end; whether that was granted."""
        if self.look() is Sleep.PREVENTED:
            return True
        if self._system == "win32":
            self._state_set = self._set_state(_KEEPING)
            return self._state_set
        mac = ("caffeinate", "-dims", "-w", str(os.getpid()))
        self._holder = self._hold(mac if self._system == "darwin" else _HOLD)
        if self._holder is None:
            return False
        try:
            self._holder.wait(0.2)  # one that is refused ends at once
        except subprocess.TimeoutExpired:
            return True
        self.let_sleep()
        return False

    def let_sleep(self) -> None:
        """Take the request back."""
        holder, self._holder = self._holder, None
        if self._state_set:
            self._state_set = False
            self._set_state(0x80000000)
        if holder is not None:
            if holder.stdin is not None:
                holder.stdin.close()
            holder.terminate()
            holder.wait(_LIMIT_S)

    def _look_at_locks(self) -> Sleep:
        said = self._output(_LOCKS)
        if said is None:
            return Sleep.UNKNOWN
        for line in said.splitlines():
            words = line.split()
            kept = any({"idle", "sleep"} <= set(word.split(":")) for word in words)
            if kept and "block" in words:
                return Sleep.PREVENTED
        return Sleep.POSSIBLE


def _of_assertions(said: str) -> Sleep:
    for line in said.splitlines():
        name, _, count = line.strip().partition(" ")
        if name == "PreventUserIdleDisplaySleep" and count.strip() == "1":
            return Sleep.PREVENTED
    return Sleep.POSSIBLE
