"""The payments table: what happened, and what phone, till and bank each believe.

Holds at most `ROWS_MAX` rows however long the session; filtering, copying and writing CSV work on
the rows that are shown.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QLineEdit,
    QStackedWidget,
)
from typing_extensions import override

from lab.console.state import PaymentRow
from lab.design.blocks import Button, EmptyState, Panel
from lab.design.look import Look
from lab.design.names import state_word
from lab.design.tables import Marks, Table
from lab.design.tokens import TEXT_CAPTION_PX
from lab.words import tell, tr

ROWS_MAX = 500
COLUMNS = ("time", "amount", "card", "outcome", "phone", "till", "bank")
WIDTHS_PX = (74, 92, 128, 0, 100, 108, 108)
OUTCOME = COLUMNS.index("outcome")
AMOUNT = COLUMNS.index("amount")
ITEM_KEYS = {"network", "state", "phone", "till", "bank", "card", "amount"}
Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()


def matches(row: PaymentRow, wanted: str) -> bool:
    """Whether a row fits a filter: words anywhere, or `network:visa state:unknown`."""
    whole = " ".join((*cells(row), row.network, row.state, row.id)).casefold()
    for word in wanted.casefold().split():
        key, colon, value = word.partition(":")
        if colon and key in ITEM_KEYS:
            field = {"card": row.card_text, "amount": row.amount_text}.get(key)
            text = field if field is not None else str(getattr(row, key))
            if value not in text.casefold():
                return False
        elif word not in whole:
            return False
    return True


def cells(row: PaymentRow) -> tuple[str, ...]:
    """A row's texts, in the order of `COLUMNS`."""
    outcome = tell(row.outcome)
    return (
        row.time_text,
        row.amount_text,
        row.card_text,
        f"{outcome} {tr('console.synthetic')}" if row.synthetic else outcome,
        state_word(row.phone),
        state_word(row.till),
        state_word(row.bank),
    )


class PaymentModel(QAbstractTableModel):
    """The rows that are shown, newest first as the flow gives them."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._all: tuple[PaymentRow, ...] = ()
        self._rows: list[PaymentRow] = []
        self._wanted = ""
        self._marks = Marks(look)

    @property
    def rows(self) -> list[PaymentRow]:
        """The rows shown."""
        return self._rows

    def show_rows(self, rows: tuple[PaymentRow, ...]) -> None:
        """Take the newest `ROWS_MAX` of `rows`."""
        if rows != self._all:
            self._all = rows
            self._refresh()

    def filter_by(self, wanted: str) -> None:
        """Show only rows that match."""
        self._wanted = wanted
        self._refresh()

    def _refresh(self) -> None:
        fresh = [row for row in self._all[:ROWS_MAX] if matches(row, self._wanted)]
        if len(fresh) == len(self._rows):
            self._rows = fresh
            if fresh:
                self.dataChanged.emit(
                    self.index(0, 0), self.index(len(fresh) - 1, len(COLUMNS) - 1)
                )
            return
        self.beginResetModel()
        self._rows = fresh
        self.endResetModel()

    @override
    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    @override
    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    @override
    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return tr(f"console.column.{COLUMNS[section]}")
        return None

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.ToolTipRole:
                return cells(row)[index.column()]
            case Qt.ItemDataRole.DecorationRole if index.column() == OUTCOME:
                return self._marks.of(row.outcome.kind)
            case Qt.ItemDataRole.ForegroundRole if index.column() == OUTCOME:
                return self._look.kind(row.outcome.kind)
            case Qt.ItemDataRole.ForegroundRole if row.synthetic:
                return QColor(self._look.theme.text_dim)
            case Qt.ItemDataRole.TextAlignmentRole if index.column() == AMOUNT:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case _:
                return None


class PaymentsPanel(Panel):
    """Every payment of the session."""

    def __init__(self, look: Look, open_payment: Callable[[str], None]) -> None:
        super().__init__(look, "payments", tr("console.payments.title"))
        self._open_payment = open_payment
        self.model = PaymentModel(look)
        self.head.addStretch(1)
        self._filter = QLineEdit()
        self._filter.setObjectName("paymentFilter")
        self._filter.setAccessibleName(tr("console.payments.filter"))
        self._filter.setPlaceholderText(tr("console.payments.filter_hint"))
        self._filter.setFont(look.font(TEXT_CAPTION_PX))
        self._filter.setClearButtonEnabled(False)
        self._filter.setFixedWidth(look.px(230))
        self._filter.textChanged.connect(self._filter_changed)
        self.head.addWidget(self._filter)
        copy = Button(look, "copyPayments", kind="quiet", icon_name="copy").named(
            tr("console.payments.copy")
        )
        copy.clicked.connect(self.copy_rows)
        save = Button(look, "savePayments", tr("console.payments.csv"), kind="quiet")
        save.show_icon("download", look.theme.text_dim, 16)
        save.clicked.connect(self._ask_where)
        self.head.addWidget(copy)
        self.head.addWidget(save)
        self._pages = QStackedWidget()
        self._empty = EmptyState(look, "paymentsEmpty", tr("console.payments.empty"))
        self._table = self._make_table(look)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self._table)
        self.body.addWidget(self._pages, 1)

    def _make_table(self, look: Look) -> Table:
        table = Table(look, "paymentTable")
        table.setAccessibleName(tr("console.payments.title"))
        table.setModel(self.model)
        table.setMinimumHeight(look.px(56))
        table.horizontalHeader().setMinimumSectionSize(look.px(56))
        table.share_width(look, WIDTHS_PX)
        table.clicked.connect(self._open)
        table.activated.connect(self._open)
        return table

    def _open(self, index: QModelIndex) -> None:
        self._open_payment(self.model.rows[index.row()].id)

    def _filter_changed(self, wanted: str) -> None:
        self.model.filter_by(wanted)
        self._show_which()

    def show_payments(self, rows: tuple[PaymentRow, ...]) -> None:
        """Draw `rows`."""
        self.model.show_rows(rows)
        self._show_which()

    def _show_which(self) -> None:
        none = not self.model.rows
        wanted = self._filter.text()
        self._empty.sentence.say(
            tr("console.payments.no_match", filter=wanted)
            if wanted
            else tr("console.payments.empty")
        )
        self._pages.setCurrentWidget(self._empty if none else self._table)

    def as_csv(self, separator: str = ",") -> str:
        """The rows shown, as CSV (RFC 4180) with a head line."""
        out = io.StringIO()
        writer = csv.writer(out, delimiter=separator)
        writer.writerow(("id", *(tr(f"console.column.{name}") for name in COLUMNS)))
        writer.writerows((row.id, *cells(row)) for row in self.model.rows)
        return out.getvalue()

    def copy_rows(self) -> None:
        """Put the rows shown on the clipboard, one line each, columns by tab."""
        QGuiApplication.clipboard().setText(self.as_csv("\t"))

    def _ask_where(self) -> None:
        dialog = QFileDialog(self, tr("console.payments.csv"), "payments.csv", "CSV (*.csv)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.fileSelected.connect(self.write_csv)
        dialog.open()

    def write_csv(self, path: str) -> None:
        """Write the rows shown to a file; say so in the panel when that fails."""
        try:
            Path(path).write_text(self.as_csv(), encoding="utf-8", newline="")
        except OSError as failed:
            self.title.say(tr("console.payments.not_written", why=failed.strerror or str(failed)))
        else:
            self.title.say(tr("console.payments.title"))
