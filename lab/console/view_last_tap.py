"""The panel of the last tap: how long each part took, and the way to the whole payment."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from lab.console.charts_waterfall import HopTable, WaterfallBar
from lab.console.state import LastTap
from lab.design.blocks import Button, EmptyState, Label, Panel, column, scroll
from lab.design.look import Look
from lab.design.tokens import SPACE_XS, TEXT_CAPTION_PX
from lab.window.commands import LabCommands
from lab.words import tell, tr


class LastTapPanel(Panel):
    """Where the milliseconds of the last tap went."""

    def __init__(self, look: Look, lab: LabCommands, open_payment: Callable[[str], None]) -> None:
        super().__init__(look, "lastTap", tr("console.last_tap.title"))
        self._tap: LastTap | None = None
        self._open_payment = open_payment
        self._about = Label(
            look, "lastTapAbout", size_px=TEXT_CAPTION_PX, tone="dim", tabular=True
        ).eliding()
        self.head.addWidget(self._about, 1)
        self._open = Button(look, "lastTapOpen", tr("console.show_payment"), kind="link")
        self._open.clicked.connect(self._open_it)
        self.head.addWidget(self._open)
        tap = Button(look, "lastTapEmptyTap", tr("console.last_tap.action"), kind="plain")
        tap.clicked.connect(lab.space)
        self._empty = EmptyState(look, "lastTapEmpty", tr("console.last_tap.empty"), tap)
        self._content = QWidget()
        box = column(look, self._content, SPACE_XS)
        self._bar = WaterfallBar(look)
        self._table = HopTable(look)
        box.addWidget(self._bar)
        box.addWidget(scroll(self._table, "hopScroll"), 1)
        self.body.addWidget(self._empty, 1)
        self.body.addWidget(self._content, 1)
        self._show_which()

    def _open_it(self) -> None:
        if self._tap is not None:
            self._open_payment(self._tap.payment_id)

    def _show_which(self) -> None:
        self._empty.setVisible(self._tap is None)
        self._content.setVisible(self._tap is not None)
        self._open.setVisible(self._tap is not None and bool(self._tap.payment_id))

    def show_tap(self, tap: LastTap | None) -> None:
        """Draw `tap`."""
        if tap == self._tap and tap is not None:
            return
        self._tap = tap
        self._show_which()
        if tap is None:
            self._about.say("")
            return
        self._about.say(
            tr(
                "console.last_tap.about",
                total=round(tap.total_us / 1000),
                budget=round(tap.budget_us / 1000),
                outcome=tell(tap.outcome),
            )
        )
        self._bar.show_hops(tap.hops, tap.total_us, tap.budget_us)
        self._table.show_hops(tap.hops)
