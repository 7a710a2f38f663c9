"""The console: tiles, main chart, last tap, faults and payments, arranged for the room there is.

With room, everything is visible at once; with less, the three lower panels become tabs, and in the
least (a presenter's size on a small screen) the chart does too.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QLayout, QStackedWidget, QWidget
from typing_extensions import override

from lab.console.state import ConsoleState
from lab.console.view_faults import FaultPanel
from lab.console.view_last_tap import LastTapPanel
from lab.console.view_latency import LatencyPanel
from lab.console.view_payments import PaymentsPanel
from lab.console.view_tiles import TileRow
from lab.design.blocks import Button, Panel, column, row
from lab.design.look import Look
from lab.design.tokens import SPACE_S
from lab.window.commands import LabCommands

TABS_BELOW_PX = 716
SINGLE_BELOW_PX = 535
PAIR_PX = 294  # seven parts of a tap, or seven faults below their groups, without a scroll bar
CHART_PARTS, PAYMENTS_PARTS, STACK_PARTS = 15, 16, 10  # of the height that is left


class Room(Enum):
    """How much height there is."""

    HIGH = "high"  # everything at once
    MIDDLE = "middle"  # the chart, and one of the lower panels
    LOW = "low"  # one panel


def room_for(height_px: float) -> Room:
    """How the panels are arranged in `height_px`, device-independent and unscaled."""
    if height_px < SINGLE_BELOW_PX:
        return Room.LOW
    return Room.MIDDLE if height_px < TABS_BELOW_PX else Room.HIGH


class ConsoleView(QWidget):
    """The console place."""

    def __init__(self, look: Look, lab: LabCommands, open_payment: Callable[[str], None]) -> None:
        super().__init__()
        self.setObjectName("consolePlace")
        self._look = look
        self._room: Room | None = None
        self.tiles = TileRow(look, lab)
        self.latency = LatencyPanel(look, lab, open_payment)
        self.last_tap = LastTapPanel(look, lab, open_payment)
        self.faults = FaultPanel(look, lab)
        self.payments = PaymentsPanel(look, open_payment)
        self._panels: tuple[Panel, ...] = (
            self.latency,
            self.last_tap,
            self.faults,
            self.payments,
        )
        self._box = box = column(look, self, SPACE_S)
        box.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)  # smaller rearranges
        box.addWidget(self.tiles)
        self._tabs = QWidget()
        self._tabs.setObjectName("consoleTabs")
        self._fill_tabs(look)
        box.addWidget(self._tabs)
        self._stack = QStackedWidget()
        box.addWidget(self._stack, STACK_PARTS)
        self._pair = QWidget()
        self._pair.setFixedHeight(look.px(PAIR_PX))
        self._pair_line = row(look, self._pair, SPACE_S)
        box.addWidget(self._pair)

    def _fill_tabs(self, look: Look) -> None:
        line = row(look, self._tabs, 4)
        self._group = QButtonGroup(self)
        for index, panel in enumerate(self._panels):
            tab = Button(look, f"consoleTab{index}", panel.title.whole_text, kind="tab")
            tab.setCheckable(True)
            self._group.addButton(tab, index)
            line.addWidget(tab)
        line.addStretch(1)
        self._group.idClicked.connect(self._show_tab)

    def _show_tab(self, index: int) -> None:
        self._group.button(index).setChecked(True)
        self._stack.setCurrentWidget(self._panels[index])

    def _arrange(self, room: Room) -> None:
        """Put the panels where `room` wants them."""
        if room is self._room:
            return
        self._room = room
        tabbed = self._panels if room is Room.LOW else self._panels[1:]
        for panel in self._panels:
            self._stack.removeWidget(panel)
        self._box.removeWidget(self.payments)
        self._tabs.setVisible(room is not Room.HIGH)
        self._stack.setVisible(room is not Room.HIGH)
        self._pair.setVisible(room is Room.HIGH)
        self._group.button(0).setVisible(room is Room.LOW)
        self.latency.title.setVisible(room is not Room.LOW)  # its tab says it there
        if room is not Room.LOW:
            self._box.insertWidget(1, self.latency, CHART_PARTS)
        if room is Room.HIGH:
            self._pair_line.addWidget(self.last_tap, 5)
            self._pair_line.addWidget(self.faults, 6)
            self._box.addWidget(self.payments, PAYMENTS_PARTS)
            for panel in self._panels:
                panel.show()
            return
        for panel in tabbed:
            self._stack.addWidget(panel)
        self.latency.show()
        lowest = 0 if room is Room.LOW else 1
        self._show_tab(max(lowest, self._group.checkedId()))

    def toggle_freeze(self) -> None:
        """Freeze the chart, or let it run again."""
        self.latency.freeze_button.toggle()

    def show_state(self, state: ConsoleState) -> None:
        """Draw `state`."""
        self.tiles.show_tiles(state.tiles)
        self.latency.show_series(state.latency)
        self.last_tap.show_tap(state.last_tap)
        self.faults.show_faults(state.faults)
        self.payments.show_payments(state.payments)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(room_for(self.height() / self._look.scale))
