"""What tables of the insight places have in common: status marks, and keys that stay the till's.

Knows no rows: each place has a model of its own.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView
from typing_extensions import override

from lab.design.icons import draw_shape
from lab.design.look import Look
from lab.design.tokens import TEXT_CAPTION_PX

MARK_PX = 10
ROW_PX = 26
RATIO = 2
MOVES = frozenset(
    {
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
    }
)


class Marks:
    """The status shape of a `Message.kind` as a picture for a table's cell, drawn once."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._drawn: dict[str, QPixmap] = {}

    def of(self, kind: str) -> QPixmap:
        """The shape of `kind`."""
        if kind not in self._drawn:
            side = self._look.px(MARK_PX) * RATIO
            made = QPixmap(side, side)
            made.fill(Qt.GlobalColor.transparent)
            painter = QPainter(made)
            draw_shape(painter, QRectF(0, 0, side, side), kind, self._look.kind(kind))
            painter.end()
            made.setDevicePixelRatio(RATIO)
            self._drawn[kind] = made
        return self._drawn[kind]


class Table(QTableView):
    """Rows to be looked at and opened; it leaves digits, Space and Backspace to the till."""

    def __init__(self, look: Look, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setFont(look.font(tabular=True))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(look.px(ROW_PX))
        head = self.horizontalHeader()
        head.setFont(look.font(TEXT_CAPTION_PX))
        head.setHighlightSections(False)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def share_width(self, look: Look, widths_px: tuple[int, ...]) -> None:
        """Give columns their widths; those of 0 px share what is left."""
        head = self.horizontalHeader()
        for place, width_px in enumerate(widths_px):
            if width_px:
                head.setSectionResizeMode(place, QHeaderView.ResizeMode.Interactive)
                self.setColumnWidth(place, look.px(width_px))
            else:
                head.setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in MOVES or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().keyPressEvent(event)
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self.currentIndex().isValid():
            self.activated.emit(self.currentIndex())
        else:
            event.ignore()
