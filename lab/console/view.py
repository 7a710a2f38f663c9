"""The console: tiles, main chart, last tap, faults and payments, arranged for the room there is.

With room, everything is visible at once; without, the three lower panels become tabs.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QStackedWidget, QWidget
from typing_extensions import override

from lab.console.state import ConsoleState
from lab.console.view_faults import FaultPanel
from lab.console.view_last_tap import LastTapPanel
from lab.console.view_latency import LatencyPanel
from lab.console.view_payments import PaymentsPanel
from lab.console.view_tiles import TileRow
from lab.design.blocks import Button, column, row, tight
from lab.design.look import Look
from lab.design.tokens import SPACE_S
from lab.window.commands import LabCommands
from lab.words import tr

TABS_BELOW_PX = 700


class ConsoleView(QWidget):
    """The console place."""

    def __init__(self, look: Look, lab: LabCommands, open_payment: Callable[[str], None]) -> None:
        super().__init__()
        self.setObjectName("consolePlace")
        self._look = look
        self._tabbed: bool | None = None
        self.tiles = TileRow(look, lab)
        self.latency = LatencyPanel(look, lab, open_payment)
        self.last_tap = LastTapPanel(look, lab, open_payment)
        self.faults = FaultPanel(look, lab)
        self.payments = PaymentsPanel(look, open_payment)
        self._lower = (self.last_tap, self.faults, self.payments)
        box = column(look, self, SPACE_S)
        box.addWidget(self.tiles)
        box.addWidget(self.latency, 6)
        self._tabs = QWidget()
        self._tabs.setObjectName("consoleTabs")
        self._fill_tabs(look)
        box.addWidget(self._tabs)
        self._stack = QStackedWidget()
        box.addWidget(self._stack, 1)
        self._wide = QWidget()
        self._grid = QGridLayout(self._wide)
        tight(self._grid, look.px(SPACE_S))
        box.addWidget(self._wide, 7)
        self._box = box

    def _fill_tabs(self, look: Look) -> None:
        line = row(look, self._tabs, 4)
        self._group = QButtonGroup(self)
        titles = ("console.last_tap.title", "console.faults.title", "console.payments.title")
        for index, key in enumerate(titles):
            tab = Button(look, f"consoleTab{index}", tr(key), kind="tab")
            tab.setCheckable(True)
            tab.setChecked(index == 0)
            self._group.addButton(tab, index)
            line.addWidget(tab)
        line.addStretch(1)
        self._group.idClicked.connect(self._show_tab)

    def _show_tab(self, index: int) -> None:
        self._stack.setCurrentIndex(index)

    def _arrange(self, *, tabbed: bool) -> None:
        if tabbed == self._tabbed:
            return
        self._tabbed = tabbed
        self._tabs.setVisible(tabbed)
        self._stack.setVisible(tabbed)
        self._wide.setVisible(not tabbed)
        self._box.setStretchFactor(self.latency, 2 if tabbed else 6)
        self._box.setStretchFactor(self._stack, 1)
        if tabbed:
            for panel in self._lower:
                self._stack.addWidget(panel)
            self._stack.setCurrentIndex(max(0, self._group.checkedId()))
            return
        for panel in self._lower:
            self._stack.removeWidget(panel)
        self._grid.addWidget(self.last_tap, 0, 0)
        self._grid.addWidget(self.faults, 0, 1)
        self._grid.addWidget(self.payments, 1, 0, 1, 2)
        for panel in self._lower:
            panel.show()
        self._grid.setRowStretch(0, 1)
        self._grid.setRowStretch(1, 1)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1)

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
        self._arrange(tabbed=self.height() < self._look.px(TABS_BELOW_PX))
