"""What the window asks about taking payments offline, and who answers.

A part of the window's `PosCommands`; the adapter posts every call to the I/O thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from lab.pos.offline_rules import OfflineLimits, OfflineMode

if TYPE_CHECKING:
    from lab.pos.flow import PosFlow

Post: TypeAlias = Callable[[Callable[[], Awaitable[object] | None]], None]


class OfflineCommands(Protocol):
    """What a cashier decides about payments without the bank."""

    def offline_mode(self, mode: str) -> None:
        """Keep taps "never", "when_down" or "now"."""

    def offline_limits(self, single: int, total: int, count: int, hours: int) -> None:
        """Take other limits: major units, major units, payments, hours."""

    def offline_seen(self) -> None:
        """The declines after the fact have been read."""


class OfflineAdapter:
    """The window's `OfflineCommands`."""

    def __init__(self, flow: PosFlow, post: Post) -> None:
        self._flow = flow
        self._post = post

    def offline_mode(self, mode: str) -> None:
        """Keep taps "never", "when_down" or "now"."""
        self._post(lambda: self._flow.offline.choose(OfflineMode(mode)))

    def offline_limits(self, single: int, total: int, count: int, hours: int) -> None:
        """Take other limits; the total is never below a single payment."""
        limits = OfflineLimits(single, max(single, total), count, hours)
        self._post(lambda: self._flow.offline.limit(limits))

    def offline_seen(self) -> None:
        """The declines after the fact have been read."""
        self._post(self._flow.offline.seen)
