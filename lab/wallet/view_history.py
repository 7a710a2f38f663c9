"""A card's payments on the phone, and which of them are wanted: all, paid, not paid, open.

Draws rows that it is given; what a payment's state is called is not its business.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QWidget

from lab.design.blocks import Button, EmptyState, Label, clear_layout, column, row
from lab.design.look import SEMIBOLD, Look
from lab.design.names import STATE_TONES
from lab.design.tokens import SPACE_S, TEXT_CAPTION_PX, TEXT_LEAD_PX
from lab.wallet.state import HistoryRow
from lab.words import tr

CHOICE_SPACE_PX = 2  # four choices beside a scroll bar on the narrowest phone

UNDONE = frozenset({"reversed", "voided", "cancelled", "expired"})
"""No tone of red, and yet nothing was paid in the end."""


class Wanted(Enum):
    """Which payments are shown."""

    ALL = "all"
    PAID = "paid"
    NOT_PAID = "not_paid"
    OPEN = "still_open"


def group_of(state: str) -> Wanted:
    """Where a payment in `state` belongs; what is not known to be over is open."""
    tone = STATE_TONES.get(state, "")
    if state in UNDONE or tone == "bad":
        return Wanted.NOT_PAID
    return Wanted.PAID if tone in {"good", "neutral"} else Wanted.OPEN


class HistoryPart(QWidget):
    """The title, the choice, the rows; one sentence where there is none."""

    def __init__(self, look: Look, line: Callable[[HistoryRow], QWidget]) -> None:
        super().__init__()
        self.setObjectName("historyPart")
        self._line = line
        self._rows: tuple[HistoryRow, ...] | None = None
        self._wanted = Wanted.ALL
        box = column(look, self, SPACE_S)
        title = Label(
            look, "detailHistoryTitle", size_px=TEXT_LEAD_PX, weight=SEMIBOLD, tone="phone"
        )
        title.say(tr("phone.history"))
        box.addWidget(title)
        self._choice = QWidget()
        self._choice.setLayout(self._choices(look))
        box.addWidget(self._choice)
        self._lines = column(look, None, 1)
        box.addLayout(self._lines)
        self._empty = EmptyState(look, "historyEmpty", tr("phone.history.empty"))
        box.addWidget(self._empty)

    def _choices(self, look: Look) -> QHBoxLayout:
        line, group = row(look, None, CHOICE_SPACE_PX), QButtonGroup(self)
        self._buttons = {}
        for wanted in Wanted:
            button = Button(look, f"history_{wanted.value}", tr(f"phone.history.{wanted.value}"),
                            kind="tab", size_px=TEXT_CAPTION_PX)  # fmt: skip
            button.setCheckable(True)
            button.setChecked(wanted is self._wanted)
            button.clicked.connect(self._chooser(wanted))
            group.addButton(button)
            line.addWidget(button)
            self._buttons[wanted] = button
        line.addStretch(1)
        return line

    def _chooser(self, wanted: Wanted) -> Callable[[], None]:
        return lambda: self._want(wanted)

    def _want(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._buttons[wanted].setChecked(True)
        self._draw()

    def begin(self) -> None:
        """Another card: all of its payments."""
        self._want(Wanted.ALL)

    def show_rows(self, rows: tuple[HistoryRow, ...]) -> None:
        """Show what of `rows` is wanted."""
        if rows != self._rows:
            self._rows = rows
            self._draw()

    def _draw(self) -> None:
        clear_layout(self._lines)
        every = self._rows or ()
        shown = [entry for entry in every if self._wanted in {Wanted.ALL, group_of(entry.state)}]
        self._choice.setVisible(bool(every))
        self._empty.setVisible(not shown)
        why = "phone.history.none_such" if every else "phone.history.empty"
        self._empty.sentence.say(tr(why), "phone-dim")
        for entry in shown:
            self._lines.addWidget(self._line(entry))
