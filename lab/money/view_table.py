"""A table of `Row`s. What is chosen stays so over refreshes; digits and Space stay the till's."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView
from typing_extensions import override

from lab.design.look import Look
from lab.design.tables import Marks, Table
from lab.money.state import Column, Row
from lab.words import tr

Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()
SHARED_PX_MIN = 120
"""What a column that takes the rest wants at least."""
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class RowModel(QAbstractTableModel):
    """The rows of the section that is shown."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.columns: tuple[Column, ...] = ()
        self.rows: tuple[Row, ...] = ()
        self._marks = Marks(look)

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
                return self._marks.of(row.kind)
            case Qt.ItemDataRole.ForegroundRole if marked and row.kind != "neutral":
                return self._look.kind(row.kind)
            case Qt.ItemDataRole.TextAlignmentRole:
                return RIGHT if column.is_amount else LEFT
            case _:
                return None


class RowTable(Table):
    """Shows a `RowModel`."""

    def __init__(self, look: Look) -> None:
        super().__init__(look, "moneyTable")
        self._look = look
        self._model = RowModel(look)
        self.setModel(self._model)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)

    @property
    def rows(self) -> tuple[Row, ...]:
        """What is shown."""
        return self._model.rows

    def show_rows(self, columns: tuple[Column, ...], rows: tuple[Row, ...], chosen: str) -> None:
        """Draw rows; `chosen` is the identifier of the one that is marked."""
        others = columns != self._model.columns
        self._model.show_rows(columns, rows)
        if others:
            self.share_width(self._look, tuple(column.width_px for column in columns))
            self._fit()
        place = next((at for at, row in enumerate(rows) if row.id == chosen), None)
        if place is None:
            self.clearSelection()
        elif not self.selectionModel().isRowSelected(place, NOWHERE):
            self.selectRow(place)

    def _fit(self) -> None:
        """Leave out what is for wide tables only, where this one is not wide enough for all."""
        columns = self._model.columns
        wanted = sum(self._look.px(each.width_px or SHARED_PX_MIN) for each in columns)
        narrow = wanted > self.viewport().width()
        for place, each in enumerate(columns):
            self.setColumnHidden(place, narrow and each.when_wide)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
