"""A table of `Row`s. What is chosen stays so over refreshes; digits and Space stay the till's."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView
from typing_extensions import override

from lab.design.icons import draw_shape
from lab.design.look import Look
from lab.design.tokens import TEXT_CAPTION_PX
from lab.money.state import Column, Row
from lab.words import tr

Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
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


class RowModel(QAbstractTableModel):
    """The rows of the section that is shown."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.columns: tuple[Column, ...] = ()
        self.rows: tuple[Row, ...] = ()
        self._marks: dict[str, QPixmap] = {}

    def show_rows(self, columns: tuple[Column, ...], rows: tuple[Row, ...]) -> None:
        """Take other rows; the same ones leave everything as it is."""
        if (columns, rows) == (self.columns, self.rows):
            return
        self.beginResetModel()
        self.columns, self.rows = columns, rows
        self.endResetModel()

    @override
    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.rows)

    @override
    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.columns)

    @override
    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return tr(f"money.column.{self.columns[section].name}")
            case Qt.ItemDataRole.TextAlignmentRole:
                return RIGHT if self.columns[section].is_amount else LEFT
            case _:
                return None

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = self.rows[index.row()], self.columns[index.column()]
        marked = bool(row.kind) and index.column() == row.marked
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.ToolTipRole:
                return row.cells[index.column()]
            case Qt.ItemDataRole.DecorationRole if marked:
                return self._mark(row.kind)
            case Qt.ItemDataRole.ForegroundRole if marked and row.kind != "neutral":
                return self._look.kind(row.kind)
            case Qt.ItemDataRole.TextAlignmentRole:
                return RIGHT if column.is_amount else LEFT
            case _:
                return None

    def _mark(self, kind: str) -> QPixmap:
        if kind not in self._marks:
            side = self._look.px(10)
            made = QPixmap(side * 2, side * 2)
            made.fill(Qt.GlobalColor.transparent)
            painter = QPainter(made)
            draw_shape(painter, QRectF(0, 0, side * 2, side * 2), kind, self._look.kind(kind))
            painter.end()
            made.setDevicePixelRatio(2)
            self._marks[kind] = made
        return self._marks[kind]


class RowTable(QTableView):
    """Shows a `RowModel`."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._model = RowModel(look)
        self.setObjectName("moneyTable")
        self.setModel(self._model)
        self.setFont(look.font(tabular=True))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(look.px(26))
        head = self.horizontalHeader()
        head.setFont(look.font(TEXT_CAPTION_PX))
        head.setHighlightSections(False)

    @property
    def rows(self) -> tuple[Row, ...]:
        """What is shown."""
        return self._model.rows

    def show_rows(self, columns: tuple[Column, ...], rows: tuple[Row, ...], chosen: str) -> None:
        """Draw rows; `chosen` is the identifier of the one that is marked."""
        others = columns != self._model.columns
        self._model.show_rows(columns, rows)
        if others:
            self._share_width(columns)
        place = next((at for at, row in enumerate(rows) if row.id == chosen), None)
        if place is None:
            self.clearSelection()
        elif not self.selectionModel().isRowSelected(place, NOWHERE):
            self.selectRow(place)

    def _share_width(self, columns: tuple[Column, ...]) -> None:
        head = self.horizontalHeader()
        for place, column in enumerate(columns):
            if column.width_px:
                head.setSectionResizeMode(place, QHeaderView.ResizeMode.Interactive)
                self.setColumnWidth(place, self._look.px(column.width_px))
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
