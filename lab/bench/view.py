"""The bench: which readers there are, what was said to the card, and what the bytes mean.

Bytes arrive here masked. A line of the tree and its bytes light up together, whichever is
touched.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import (
    QFrame,
    QHeaderView,
    QPlainTextEdit,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QTextEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)
from typing_extensions import override

from lab.console.state import ApduLine, BenchState, DecodedNode, ReaderView
from lab.console.view_payment import breakable
from lab.design.blocks import EmptyState, Label, Panel, Shape, clear_layout, column, row
from lab.design.look import MEDIUM, Look
from lab.design.tokens import SPACE_M, SPACE_S, SPACE_XS, TEXT_CAPTION_PX
from lab.words import tr

BYTE_CHARS = 3  # two digits and a space
SW_OK = "9000"
EXCHANGE_PX = (22, 0, 46, 78)  # number, name, status word, time; 0 takes what is left
SW_PLACE, TIME_PLACE = 2, 3
CONVERSATION_PX = 350
NAME_PART, VALUE_PART = 0.46, 0.34  # of the tree's width, at most


class ReaderLine(QFrame):
    """One reader: what it is called, what it does here, what lies on it, why it cannot."""

    def __init__(self, look: Look, reader: ReaderView) -> None:
        super().__init__()
        self.setObjectName(f"reader_{reader.url}")
        self.setProperty("surface", "raised")
        box = row(look, self)
        box.setContentsMargins(*(look.px(SPACE_M), look.px(6)) * 2)
        mark = Shape(look, 10)
        mark.show_kind("good" if reader.usable else "bad")
        box.addWidget(mark)
        texts = column(look, None, 0)
        name = Label(look, "readerName", weight=MEDIUM).eliding()
        name.say(f"{reader.name} · {reader.role}" if reader.role else reader.name)
        second = Label(look, "readerAbout", size_px=TEXT_CAPTION_PX, tone="dim").eliding()
        card = reader.card or tr("bench.reader.no_card")
        second.say(f"{reader.url} · {reader.driver} · {card}" if reader.usable else reader.why)
        texts.addWidget(name)
        texts.addWidget(second)
        box.addLayout(texts, 1)


class BenchView(QWidget):
    """The bench place."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.setObjectName("benchPlace")
        self._look = look
        self._state: BenchState | None = None
        self._nodes: tuple[DecodedNode, ...] = ()
        self._items: list[QTreeWidgetItem] = []
        self._lighting = False
        box = column(look, self, SPACE_S)
        self._readers = Panel(look, "benchReaders", tr("bench.readers"))
        self._reader_rows = column(look, None, SPACE_XS)
        self._readers.body.addLayout(self._reader_rows)
        box.addWidget(self._readers)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setObjectName("benchSplit")
        split.setChildrenCollapsible(False)
        split.addWidget(self._conversation(look))
        split.addWidget(self._bytes(look))
        split.setSizes([look.px(410), look.px(560)])
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 4)
        box.addWidget(split, 1)

    def _conversation(self, look: Look) -> Panel:
        panel = Panel(look, "conversation", tr("bench.conversation"))
        self._title = Label(
            look, "conversationTitle", size_px=TEXT_CAPTION_PX, tone="dim"
        ).eliding()
        panel.head.addWidget(self._title, 1)
        self._list = self._exchanges(look)
        panel.setMinimumWidth(look.px(CONVERSATION_PX))
        self._empty = EmptyState(look, "benchEmpty", tr("bench.empty"))
        panel.body.addWidget(self._empty, 1)
        panel.body.addWidget(self._list, 1)
        return panel

    def _exchanges(self, look: Look) -> QTableWidget:
        """Number, name, status word and time of each exchange; only the name gives way."""
        table = QTableWidget(0, len(EXCHANGE_PX))
        table.setObjectName("apduList")
        table.setAccessibleName(tr("bench.conversation"))
        table.setFont(look.font(TEXT_CAPTION_PX, tabular=True))
        table.setWordWrap(False)
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setShowGrid(False)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(look.px(24))
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
        table.currentCellChanged.connect(lambda line, *_: self._choose(line))
        return table

    def _bytes(self, look: Look) -> Panel:
        panel = Panel(look, "decoded", tr("bench.decoded"))
        self._meaning = Label(look, "apduMeaning", weight=MEDIUM).eliding()
        panel.body.addWidget(self._meaning)
        self._caption(panel, "bench.asked")
        self._command = Label(look, "apduCommand", size_px=TEXT_CAPTION_PX, mono=True).wrapping()
        self._command.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        panel.body.addWidget(self._command)
        self._caption(panel, "bench.answered")
        self._hex = QPlainTextEdit()
        self._hex.setObjectName("apduHex")
        self._hex.setAccessibleName(tr("bench.hex"))
        self._hex.setReadOnly(True)
        self._hex.setFont(look.font(TEXT_CAPTION_PX, mono=True))
        self._hex.document().setDocumentMargin(0)
        self._hex.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._hex.cursorPositionChanged.connect(self._light_tree)
        panel.body.addWidget(self._hex)
        self._tree = QTreeWidget()
        self._tree.setObjectName("decodedTree")
        self._tree.setAccessibleName(tr("bench.decoded"))
        self._tree.setFont(look.font(TEXT_CAPTION_PX))
        self._tree.header().setFont(look.font(TEXT_CAPTION_PX))
        self._tree.setHeaderLabels([tr("bench.tag"), tr("bench.value"), tr("bench.meaning")])
        self._tree.header().setStretchLastSection(True)
        self._tree.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._tree.setIndentation(look.px(10))
        self._tree.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._tree.currentItemChanged.connect(self._light_bytes)
        panel.body.addWidget(self._tree, 1)
        return panel

    def _caption(self, panel: Panel, key: str) -> None:
        caption = Label(self._look, key.replace(".", "_"), size_px=TEXT_CAPTION_PX, tone="dim")
        caption.say(tr(key))
        panel.body.addWidget(caption)

    def _fit_hex(self) -> None:
        """Give the bytes the lines that they take, up to a third of the place."""
        line_px = self._hex.fontMetrics().lineSpacing()
        one_px = max(1, self._hex.fontMetrics().horizontalAdvance("0" * BYTE_CHARS))
        columns = max(1, self._hex.viewport().width() // one_px)
        lines = -(-len(self._hex.toPlainText()[::BYTE_CHARS]) // columns)
        most = max(2, self.height() // 3 // line_px)
        needed, never = Qt.ScrollBarPolicy.ScrollBarAsNeeded, Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self._hex.setVerticalScrollBarPolicy(needed if lines > most else never)
        self._hex.setFixedHeight(min(max(1, lines), most) * line_px + self._look.px(6))

    def _share_columns(self) -> None:
        """Name, value and meaning by what stands in them; the name gives way last."""
        width = self._tree.viewport().width()
        for place, part in ((0, NAME_PART), (1, VALUE_PART)):
            wanted = self._tree.sizeHintForColumn(place) + self._look.px(8)
            self._tree.setColumnWidth(place, min(wanted, round(width * part)))

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_hex()
        self._share_columns()

    def show_state(self, state: BenchState) -> None:
        """Draw `state`; the exchange looked at stays, as long as the conversation does."""
        before, self._state = self._state, state
        if before is None or before.readers != state.readers:
            self._show_readers(state.readers)
        if before is not None and before.tap_id == state.tap_id and before.apdus == state.apdus:
            return
        same_tap = before is not None and before.tap_id == state.tap_id
        chosen = self._list.currentRow() if same_tap else 0
        self._title.say(state.title)
        self._empty.setVisible(not state.apdus)
        self._list.setVisible(bool(state.apdus))
        self._list.blockSignals(True)
        self._list.setRowCount(len(state.apdus))
        for line, apdu in enumerate(state.apdus):
            self._say_exchange(line, apdu)
        line = min(max(0, chosen), len(state.apdus) - 1)
        self._list.setCurrentCell(line, 0)
        self._list.blockSignals(False)
        self._choose(line)

    def _show_readers(self, readers: tuple[ReaderView, ...]) -> None:
        clear_layout(self._reader_rows)
        for reader in readers:
            self._reader_rows.addWidget(ReaderLine(self._look, reader))
        if not readers:
            none = Label(self._look, "noReaders", tone="dim")
            none.say(tr("bench.no_readers"))
            self._reader_rows.addWidget(none)

    def _say_exchange(self, line: int, apdu: ApduLine) -> None:
        texts = (str(apdu.index + 1), apdu.name, apdu.sw or "-", _time(apdu.duration_us))
        for place, text in enumerate(texts):
            item = QTableWidgetItem(text)
            item.setTextAlignment(_side(place))
            item.setToolTip(f"{apdu.name} · {apdu.meaning}")
            if place == SW_PLACE:
                item.setFont(self._look.font(TEXT_CAPTION_PX, mono=True))
            if apdu.sw != SW_OK:
                item.setForeground(QColor(self._look.theme.amber))
            self._list.setItem(line, place, item)

    def _choose(self, line: int) -> None:
        state = self._state
        if state is None or not 0 <= line < len(state.apdus):
            self._command.say("")
            self._meaning.say("")
            self._hex.setPlainText("")
            self._fill_tree(())
            return
        apdu = state.apdus[line]
        self._command.say(f"{pairs(apdu.command_hex)}")
        status = f"{apdu.name} → {apdu.sw or tr('bench.no_answer')}"
        self._meaning.say(f"{status} · {apdu.meaning}" if apdu.meaning else status)
        self._hex.setPlainText(pairs(apdu.response_hex))
        self._fit_hex()
        self._fill_tree(state.decoded.get(apdu.index, ()))

    def _fill_tree(self, nodes: tuple[DecodedNode, ...]) -> None:
        self._lighting = True
        self._tree.clear()
        self._nodes, self._items = nodes, []
        parents: list[QTreeWidgetItem] = []
        for node in nodes:
            item = QTreeWidgetItem(
                [f"{node.tag}  {node.name}", breakable(node.value), _meaning(node)]
            )
            for place in range(3):
                item.setToolTip(place, item.text(place))
            del parents[node.depth :]
            if parents:
                parents[-1].addChild(item)
            else:
                self._tree.addTopLevelItem(item)
            parents.append(item)
            self._items.append(item)
        self._tree.expandAll()
        self._share_columns()
        self._lighting = False

    def _light_bytes(self, item: QTreeWidgetItem | None) -> None:
        if item is None or item not in self._items:
            self._hex.setExtraSelections([])
            return
        node = self._nodes[self._items.index(item)]
        mark = QTextEdit.ExtraSelection()
        shade = QTextCharFormat()
        shade.setBackground(QColor(self._look.theme.code_mark))
        cursor = QTextCursor(self._hex.document())
        start = node.offset * BYTE_CHARS
        end = max(start, (node.offset + node.length) * BYTE_CHARS - 1)
        last = max(0, self._hex.document().characterCount() - 1)
        cursor.setPosition(min(start, last))
        cursor.setPosition(min(end, last), QTextCursor.MoveMode.KeepAnchor)
        mark.cursor, mark.format = cursor, shade  # type: ignore[attr-defined, unused-ignore]
        self._hex.setExtraSelections([mark])

    def _light_tree(self) -> None:
        if self._lighting:
            return
        at = self._hex.textCursor().position() // BYTE_CHARS
        inside = [
            (node.length, index)
            for index, node in enumerate(self._nodes)
            if node.offset <= at < node.offset + node.length
        ]
        if inside:
            self._tree.setCurrentItem(self._items[min(inside)[1]])


def _meaning(node: DecodedNode) -> str:
    """What a value means, unless that only repeats the value."""
    plain = node.meaning.replace(" ", "").casefold()
    return "" if plain == node.value.replace(" ", "").casefold() else node.meaning


def _side(place: int) -> Qt.AlignmentFlag:
    """Numbers and times end on one line, names and codes begin on one."""
    right = place in {0, TIME_PLACE}
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _time(duration_us: int) -> str:
    return f"{duration_us / 1000:.1f} ms"


def pairs(text: str) -> str:
    """Hexadecimal in pairs: one byte, one space."""
    plain = text.replace(" ", "")
    return " ".join(plain[index : index + 2] for index in range(0, len(plain), 2))
