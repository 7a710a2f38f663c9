"""Where any card shows in the window: over the till, in the bench, and in sheets of its own.

Puts the views of `lab.anycard` and `lab.preflight` in their places and hands them their states;
the window itself only knows that there are some.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from lab.anycard.state import EnrolState, RawState, StrangerState
from lab.anycard.view_enrol import EnrolSheet
from lab.anycard.view_stranger import StrangerSheet
from lab.bench.view import BenchView
from lab.design.look import Look
from lab.preflight.state import PreflightState
from lab.preflight.view import PreflightSheet
from lab.window.commands import LabCommands

PREFLIGHT_KEY = "Ctrl+Shift+P"


class AnyCardParts:
    """The views that are about cards, and the sheet before the room comes in."""

    def __init__(
        self, look: Look, lab: LabCommands, window: QWidget, till: QWidget, bench: BenchView
    ) -> None:
        self._bench = bench
        self._stranger = StrangerSheet(look, lab, till)
        self._enrol = EnrolSheet(look, lab, window)
        self._preflight = PreflightSheet(look, lab, window)
        bench.raw.enrol_wanted.connect(self.show_enrolled)
        key = QShortcut(QKeySequence(PREFLIGHT_KEY), window)
        key.activated.connect(self.show_preflight)

    def shown_by_type(self) -> dict[type, Callable[..., None]]:
        """What draws each kind of state."""
        return {
            StrangerState: self._show_stranger,
            RawState: self._bench.raw.show_state,
            EnrolState: self._enrol.show_state,
            PreflightState: self._preflight.show_state,
        }

    def show_preflight(self) -> None:
        """Open the sheet and look at everything."""
        self._preflight.open_over()
        self._preflight.look_again()

    def show_enrolled(self) -> None:
        """Open the sheet of things that pay."""
        self._enrol.open_over()

    def shut_sheets(self) -> None:
        """Take every sheet away."""
        self._enrol.shut()
        self._preflight.shut()

    def _show_stranger(self, state: StrangerState) -> None:
        self._stranger.show_state(state)
        self._bench.stranger.show_state(state)
