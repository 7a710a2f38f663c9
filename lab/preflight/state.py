"""What pre-flight shows: a line a check, with its shape and at most one action."""

from __future__ import annotations

from dataclasses import dataclass

from lab.words import Message

NAMES = ("reader", "engine", "faults", "clock", "sleep", "sound", "screen")
"""The checks, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class PreflightLine:
    """One check. `text.kind` is "good" (●), "waiting" (▲) or "bad" (■).

    Attributes:
        name: one of `NAMES`.
        action: what its key does: "read_once", "again", "normal", "keep_awake", "beep", "fill", or
            "" where there is nothing to do.
    """

    name: str
    text: Message
    action: str = ""


@dataclass(frozen=True, slots=True)
class ScreenSize:
    """The window as the room sees it, in device-independent pixels; `scale` as it was started."""

    width_px: int
    height_px: int
    scale: float


@dataclass(frozen=True, slots=True)
class PreflightState:
    """The lines so far; `running` while more come."""

    lines: tuple[PreflightLine, ...] = ()
    running: bool = False

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way."""
        return bool(self.lines) and all(line.text.kind != "bad" for line in self.lines)
