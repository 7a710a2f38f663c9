"""What the window asks of pre-flight, and who answers: every call is posted to the I/O thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from lab.preflight.flow import PreflightFlow
from lab.preflight.state import ScreenSize

Post: TypeAlias = Callable[[Callable[[], Awaitable[object] | None]], None]


class PreflightCommands(Protocol):
    """What a person does before the room comes in."""

    def preflight(self, width_px: int, height_px: int, scale: float) -> None:
        """Look at everything, in a window of that size."""

    def preflight_act(self, action: str) -> None:
        """Do what a line's key says."""


class PreflightAdapter:
    """The window's `PreflightCommands`."""

    def __init__(self, flow: PreflightFlow, post: Post) -> None:
        """Post to the I/O thread what concerns `flow`."""
        self._preflight = flow
        self._post_preflight = post

    def preflight(self, width_px: int, height_px: int, scale: float) -> None:
        """Look at everything."""
        size = ScreenSize(width_px, height_px, scale)
        self._post_preflight(lambda: self._preflight.run(size))

    def preflight_act(self, action: str) -> None:
        """Do what a line's key says."""
        self._post_preflight(lambda: self._preflight.act(action))
