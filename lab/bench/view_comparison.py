"""Two conversations side by side: exchange by exchange, only the objects that differ.

What the bits of one say and those of the other do not stands under the object, in words.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QFrame, QHeaderView, QTableWidget, QTableWidgetItem
from typing_extensions import override

from lab.bench.state import Comparison, ExchangePair, ObjectPair
from lab.bench.view_hex import pairs
from lab.design.blocks import Button, Label, Panel
from lab.design.look import SEMIBOLD, Look
from lab.design.tokens import TEXT_CAPTION_PX
from lab.window.commands import LabCommands
from lab.words import tr

COLUMNS = 3
NAME_PX = 270
NAME_PART = 0.34


class ComparisonPanel(Panel):
    """The comparison, and the way back to one conversation."""

    def __init__(self, look: Look, lab: LabCommands) -> None:
        super().__init__(look, "comparison", tr("bench.compare.title"))
        self._look = look
        self._shown: Comparison | None = None
        self._titles = Label(look, "comparisonTitles", size_px=TEXT_CAPTION_PX, tone="dim")
        self.head.addWidget(self._titles.eliding(), 1)
        back = Button(look, "comparisonBack", tr("bench.compare.back"), kind="plain",
                      size_px=TEXT_CAPTION_PX)  # fmt: skip
        back.clicked.connect(lambda: lab.compare_tap(""))
        self.head.addWidget(back)
        self._table = table = QTableWidget(0, COLUMNS)
        table.setObjectName("comparisonTable")
        table.setAccessibleName(tr("bench.compare.title"))
        table.setFont(look.font(TEXT_CAPTION_PX))
        table.horizontalHeader().setFont(look.font(TEXT_CAPTION_PX))
        table.setWordWrap(True)
        table.setShowGrid(False)
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setVerticalScrollMode(QTableWidget.ScrollMode.ScrollPerPixel)
        table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setMinimumSectionSize(look.px(20))
        table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        names = (tr("bench.tag"), "", "")
        for place, name in enumerate(names):
            head = QTableWidgetItem(name)
            head.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            table.setHorizontalHeaderItem(place, head)
        self.body.addWidget(table, 1)

    def show_comparison(self, comparison: Comparison) -> None:
        """Draw the two."""
        if comparison == self._shown:
            return
        self._shown = comparison
        self._titles.say(f"{comparison.left.title}  ↔  {comparison.right.title}")
        for place, listed in ((1, comparison.left), (2, comparison.right)):
            head = self._table.horizontalHeaderItem(place)
            assert head is not None, "the table has its head from the start"
            head.setText(listed.title)
            head.setToolTip(listed.title)
        self._table.clearSpans()
        self._table.setRowCount(0)
        for pair in comparison.pairs:
            self._say_exchange(pair)
            for name, objects in (("asked", pair.asked), ("answered", pair.answered)):
                for each in objects:
                    self._say_object(each, asked=name == "asked")
        self._table.resizeRowsToContents()

    def _say_exchange(self, pair: ExchangePair) -> None:
        if pair.left is None or pair.right is None:
            key = "bench.compare.only_right" if pair.left is None else "bench.compare.only_left"
            title = tr(key, name=pair.name)
        else:
            count = len(pair.asked) + len(pair.answered)
            title = tr("bench.compare.same", name=pair.name, same=pair.same, count=count)
        line = self._line()
        item = QTableWidgetItem(title)
        item.setFont(self._look.font(TEXT_CAPTION_PX, SEMIBOLD))
        item.setToolTip(title)
        self._table.setItem(line, 0, item)
        if pair.left is None or pair.right is None:
            item.setForeground(QColor(self._look.theme.amber))
            self._table.setSpan(line, 0, 1, COLUMNS)
            return
        statuses = (pair.left.sw, pair.right.sw)
        line = self._line()
        self._table.setSpan(line - 1, 0, 1, COLUMNS)
        texts = (
            f"{tr('bench.sw')} · {tr('bench.time')}",
            *(
                f"{each.sw or '-'} · {each.duration_us / 1000:.1f} ms"
                for each in (pair.left, pair.right)
            ),
        )
        for place, text in enumerate(texts):
            cell = QTableWidgetItem(text)
            tone = self._look.theme.amber if len(set(statuses)) > 1 else self._look.theme.text_dim
            cell.setForeground(QColor(tone))
            self._table.setItem(line, place, cell)

    def _say_object(self, each: ObjectPair, *, asked: bool) -> None:
        line = self._line()
        tag = tr("bench.compare.asked", tag=each.tag) if asked else each.tag
        texts = (
            f"{tag}  {each.name}",
            *(pairs(value) or tr("bench.compare.nothing") for value in (each.left, each.right)),
        )
        for place, text in enumerate(texts):
            cell = QTableWidgetItem(text)
            cell.setToolTip(text)
            if place:
                cell.setFont(self._look.font(TEXT_CAPTION_PX, mono=True))
                if (each.left, each.right)[place - 1]:
                    cell.setBackground(QColor(self._look.theme.code_mark))
            self._table.setItem(line, place, cell)
        said = ((1, "bench.compare.lost", each.lost), (2, "bench.compare.gained", each.gained))
        two_words = len(each.lost) == len(each.gained) == 1  # one meaning against another
        if not (each.left and each.right and (each.lost or each.gained)):
            return
        line = self._line()
        for place, key, words in said:
            told = "; ".join(words)
            cell = QTableWidgetItem(told if two_words or not told else tr(key, words=told))
            cell.setToolTip(cell.text())
            self._table.setItem(line, place, cell)

    def _line(self) -> int:
        line = self._table.rowCount()
        self._table.insertRow(line)
        return line

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self._table.viewport().width()
        self._table.setColumnWidth(0, min(self._look.px(NAME_PX), round(wide * NAME_PART)))
        self._table.resizeRowsToContents()
