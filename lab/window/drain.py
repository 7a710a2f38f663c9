"""The one way from other threads into the window: a bounded ring, drained at 30 Hz.

The I/O thread puts immutable values; the window's thread takes the newest of each type. The ring
has one place a type, so it cannot grow and a flood of one state never pushes out another. The
timer runs only while there is something to take: an idle window has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock

from PySide6.QtCore import QObject, Qt, QTimer, Signal

DRAIN_MS = 33


class Drain(QObject):
    """Takes values from any thread and shows the latest of each type in the window's thread."""

    _woken = Signal()

    def __init__(
        self, show: Mapping[type, Callable[..., None]], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._show = dict(show)
        self._lock = Lock()
        self._latest: dict[type, object] = {}
        self._replaced = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DRAIN_MS)
        self._timer.timeout.connect(self.drain_now)
        self._woken.connect(self._timer.start, Qt.ConnectionType.QueuedConnection)

    def put(self, value: object) -> None:
        """Hand over a value. Safe from any thread; never waits for the window.

        Raises:
            KeyError: nobody shows values of this type: a programmer's slip.
        """
        kind = type(value)
        if kind not in self._show:
            raise KeyError(f"the window shows no {kind.__name__}")
        with self._lock:
            first = not self._latest
            self._replaced += kind in self._latest
            self._latest[kind] = value
        if first:
            self._woken.emit()

    def drain_now(self) -> None:
        """Show what has come in, the newest of each type. Belongs to the window's thread."""
        with self._lock:
            taken, self._latest = self._latest, {}
        for kind, value in taken.items():
            self._show[kind](value)

    @property
    def waiting(self) -> int:
        """How many values wait to be shown: at most one a type."""
        with self._lock:
            return len(self._latest)

    @property
    def replaced(self) -> int:
        """How many values were replaced by newer ones before they were shown."""
        return self._replaced

    @property
    def is_idle(self) -> bool:
        """Whether no timer runs."""
        return not self._timer.isActive()
