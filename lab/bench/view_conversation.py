"""The conversation: each exchange on a line, and under it what the kernel concluded, in words.

Choosing a conclusion leads to the object that made it. A conversation from a file is framed as
one. Which tap is looked at, and which is put beside it, is chosen here.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
)
from typing_extensions import override

from lab.bench.state import ApduLine, Conversation, Decision, Listed
from lab.console.state import BenchState
from lab.design.blocks import Button, EmptyState, Label, Panel, Shape, row, set_property
from lab.design.choices import Choice
from lab.design.look import Look
from lab.design.tokens import TEXT_CAPTION_PX
from lab.window.commands import LabCommands
from lab.words import tell, tr

EXCHANGE_PX = (31, 0, 43, 50)  # number, name, status word, time; 0 takes what is left
NAME_PLACE, SW_PLACE, TIME_PLACE = 1, 2, 3
CONVERSATION_PX = 290
SW_OK = "9000"
PLAIN_MARK = "→"
MARKS = {"good": "●", "bad": "■", "waiting": "▲"}


class ConversationPanel(Panel):
    """The exchanges and the kernel's conclusions.

    Signals:
        exchange_chosen: its index; -1 when there is none.
        decision_chosen: a `Decision`.
    """

    exchange_chosen = Signal(int)
    decision_chosen = Signal(object)

    def __init__(self, look: Look, lab: LabCommands) -> None:
        super().__init__(look, "conversation", tr("bench.conversation"))
        self._look, self._lab = look, lab
        self._shown = Conversation()
        self._rows: list[ApduLine | Decision] = []
        self._listed: tuple[Listed, ...] = ()
        self.setMinimumWidth(look.px(CONVERSATION_PX))
        self._build_head()
        self._framed = Label(look, "fromFile", size_px=TEXT_CAPTION_PX, tone="waiting").wrapping()
        self.body.addWidget(self._framed)
        line = row(look)
        self._medium_shape = Shape(look, 10)
        self._medium = Label(look, "medium", size_px=TEXT_CAPTION_PX).wrapping()
        line.addWidget(self._medium_shape, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self._medium, 1)
        self.body.addLayout(line)
        self._list = self._table()
        self._empty = EmptyState(look, "benchEmpty", tr("bench.empty"))
        self.body.addWidget(self._empty, 1)
        self.body.addWidget(self._list, 1)

    # -- building -----------------------------------------------------------------------------

    def _build_head(self) -> None:
        look = self._look
        self.title.eliding()
        self.head.setStretchFactor(self.title, 1)
        for name, icon_name, call in (
            ("open", "upload", self._open_file),
            ("export", "download", self._export),
            ("replay", "play", self._lab.replay_trace),
        ):
            button = Button(look, f"bench_{name}", kind="quiet", icon_name=icon_name)
            button.named(tr(f"bench.{name}.long"))
            button.clicked.connect(lambda _=False, call=call: call())
            self.head.addWidget(button)
        self._choice = Choice(look, "benchChoice", tr("bench.choose"))
        self._beside = Choice(look, "benchBeside", tr("bench.compare"))
        for choice in (self._choice, self._beside):
            choice.setMinimumContentsLength(6)
            choice.setSizeAdjustPolicy(
                Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
        self._choice.activated.connect(
            lambda place: self._lab.choose_tap(str(self._choice.itemData(place)))
        )
        self._beside.activated.connect(
            lambda place: self._lab.compare_tap(str(self._beside.itemData(place)))
        )
        line = row(look)
        line.addWidget(self._choice, 3)
        line.addWidget(self._beside, 2)
        self.body.addLayout(line)

    def _table(self) -> QTableWidget:
        """Number, name, status word and time of each exchange; only the name gives way."""
        look, table = self._look, QTableWidget(0, len(EXCHANGE_PX))
        table.setObjectName("apduList")
        table.setAccessibleName(tr("bench.conversation"))
        table.setFont(look.font(TEXT_CAPTION_PX, tabular=True))
        table.setWordWrap(True)
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setShowGrid(False)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setVerticalScrollMode(QTableWidget.ScrollMode.ScrollPerPixel)
        table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setMinimumSectionSize(look.px(20))
        head = table.horizontalHeader()
        head.setFont(look.font(TEXT_CAPTION_PX))
        head.setHighlightSections(False)
        head.setMinimumSectionSize(look.px(20))
        names = ("bench.number", "bench.command", "bench.sw", "bench.time")
        for place, (name, width_px) in enumerate(zip(names, EXCHANGE_PX, strict=True)):
            item = QTableWidgetItem(tr(name))
            item.setTextAlignment(_side(place))
            table.setHorizontalHeaderItem(place, item)
            if width_px:
                table.setColumnWidth(place, look.px(width_px))
            else:
                head.setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)
        table.currentCellChanged.connect(lambda line, *_: self._chosen(line))
        return table

    # -- showing ------------------------------------------------------------------------------

    def show_state(self, state: BenchState) -> None:
        """Draw the conversation; the line looked at stays, as long as the conversation does."""
        if self._listed != state.on_offer or self._shown.id != state.shown.id:
            self._show_choices(state)
        before, self._shown = self._shown, state.shown
        if before == state.shown:
            return
        from_file = bool(state.shown.source)
        frame = ""
        if state.shown.replayed:
            self.title.say(tr("bench.conversation.replayed"))
            frame = tr("bench.replayed")
        elif from_file:
            self.title.say(tr("bench.conversation.file"))
            frame = tr("bench.from_file", name=state.shown.source)
        else:
            self.title.say(tr("bench.conversation"))
        self._framed.setVisible(bool(frame))
        self._framed.say(frame)
        set_property(self, "alarm", "waiting" if frame else "")
        medium = state.shown.medium
        self._medium_shape.setVisible(medium is not None)
        self._medium.setVisible(medium is not None)
        if medium is not None:
            self._medium_shape.show_kind(medium.kind)
            self._medium.say(tell(medium))
        self._empty.setVisible(not state.shown.apdus)
        self._list.setVisible(bool(state.shown.apdus))
        kept = self._list.currentRow() if before.id == state.shown.id else 0
        self._fill()
        line = min(max(0, kept), len(self._rows) - 1)
        if before.id == state.shown.id and len(state.shown.apdus) > len(before.apdus):
            line = self._rows.index(state.shown.apdus[-1])  # a conversation by hand went on
        self._list.setCurrentCell(line, 0)
        self._list.blockSignals(False)
        self._chosen(line)

    def go_to(self, index: int) -> None:
        """Choose an exchange."""
        for line, content in enumerate(self._rows):
            if isinstance(content, ApduLine) and content.index == index:
                self._list.setCurrentCell(line, 0)
                return

    def _show_choices(self, state: BenchState) -> None:
        self._listed = state.on_offer
        self._choice.clear()
        self._beside.clear()
        self._beside.addItem(tr("bench.compare.with"), "")
        for listed in state.on_offer:
            self._choice.addItem(listed.title, listed.id)
            if listed.id == state.shown.id:
                self._choice.setCurrentIndex(self._choice.count() - 1)
            else:
                self._beside.addItem(listed.title, listed.id)
        self._choice.setVisible(bool(state.on_offer))
        self._beside.setVisible(len(state.on_offer) > 1)

    def _fill(self) -> None:
        shown = self._shown
        self._list.blockSignals(True)
        self._list.clearSpans()
        self._rows = []
        for apdu in shown.apdus:
            self._rows.append(apdu)
            self._rows += [each for each in shown.decisions if each.index == apdu.index]
        self._list.setRowCount(len(self._rows))
        for line, content in enumerate(self._rows):
            if isinstance(content, ApduLine):
                self._say_exchange(line, content)
            else:
                self._say_decision(line, content)
        self._list.resizeRowsToContents()

    def _say_exchange(self, line: int, apdu: ApduLine) -> None:
        texts = (str(apdu.index + 1), apdu.name, apdu.sw or "-", _time(apdu.duration_us))
        for place, text in enumerate(texts):
            item = QTableWidgetItem(text)
            item.setTextAlignment(_side(place))
            item.setToolTip(f"{apdu.name} · {apdu.meaning} · {_time(apdu.duration_us)} ms")
            if place == SW_PLACE:
                item.setFont(self._look.font(TEXT_CAPTION_PX, mono=True))
            if apdu.sw != SW_OK:
                item.setForeground(QColor(self._look.theme.amber))
            self._list.setItem(line, place, item)

    def _say_decision(self, line: int, decision: Decision) -> None:
        mark = QTableWidgetItem(MARKS.get(decision.text.kind, PLAIN_MARK))
        mark.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        text = QTableWidgetItem(tell(decision.text))
        text.setToolTip(text.text())
        plain = QColor(self._look.theme.text_dim)
        kind = decision.text.kind
        mark.setForeground(plain if kind == "neutral" else self._look.kind(kind))
        text.setForeground(plain)
        self._list.setItem(line, 0, mark)
        self._list.setItem(line, NAME_PLACE, text)
        self._list.setSpan(line, NAME_PLACE, 1, len(EXCHANGE_PX) - NAME_PLACE)

    def _chosen(self, line: int) -> None:
        if not 0 <= line < len(self._rows):
            self.exchange_chosen.emit(-1)
            return
        content = self._rows[line]
        self.exchange_chosen.emit(content.index)
        if isinstance(content, Decision):
            self.decision_chosen.emit(content)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._list.resizeRowsToContents()

    # -- files --------------------------------------------------------------------------------

    def _open_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, tr("bench.open.long"), "", tr("bench.files.trace")
        )
        if path:
            self._lab.open_trace(path)

    def _export(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, tr("bench.export.long"), "tap.pcapng", tr("bench.files.export")
        )
        if path:
            self._lab.export_trace(path)


def _side(place: int) -> Qt.AlignmentFlag:
    """Numbers and times end on one line, names and codes begin on one."""
    right = place in {0, TIME_PLACE}
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _time(duration_us: int) -> str:
    return f"{duration_us / 1000:.1f}"
