"""The bench: which readers there are, what was said to the card, and what the bytes mean.

Bytes arrive here masked. A line of the tree and its bytes light up together, whichever is
touched.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import (
    QFrame,
    QHeaderView,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QSplitter,
    QTextEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from lab.console.state import ApduLine, BenchState, DecodedNode, ReaderView
from lab.console.view_payment import breakable
from lab.design.blocks import EmptyState, Label, Panel, Shape, clear_layout, column, row
from lab.design.look import MEDIUM, Look
from lab.design.tokens import SPACE_M, SPACE_S, SPACE_XS, TEXT_CAPTION_PX
from lab.words import tr

BYTE_CHARS = 3  # two digits and a space
SW_OK = "9000"


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
        split.setSizes([look.px(300), look.px(560)])
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 3)
        box.addWidget(split, 1)

    def _conversation(self, look: Look) -> Panel:
        panel = Panel(look, "conversation", tr("bench.conversation"))
        self._title = Label(
            look, "conversationTitle", size_px=TEXT_CAPTION_PX, tone="dim"
        ).eliding()
        panel.head.addWidget(self._title, 1)
        self._list = QListWidget()
        self._list.setObjectName("apduList")
        self._list.setAccessibleName(tr("bench.conversation"))
        self._list.setFont(look.font())
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._list.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._list.currentRowChanged.connect(self._choose)
        self._empty = EmptyState(look, "benchEmpty", tr("bench.empty"))
        panel.body.addWidget(self._empty, 1)
        panel.body.addWidget(self._list, 1)
        return panel

    def _bytes(self, look: Look) -> Panel:
        panel = Panel(look, "decoded", tr("bench.decoded"))
        self._command = Label(look, "apduCommand", size_px=TEXT_CAPTION_PX, mono=True).wrapping()
        self._command.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        panel.body.addWidget(self._command)
        self._hex = QPlainTextEdit()
        self._hex.setObjectName("apduHex")
        self._hex.setAccessibleName(tr("bench.hex"))
        self._hex.setReadOnly(True)
        self._hex.setFont(look.font(TEXT_CAPTION_PX, mono=True))
        self._hex.setMaximumHeight(look.px(118))
        self._hex.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._hex.cursorPositionChanged.connect(self._light_tree)
        panel.body.addWidget(self._hex)
        self._tree = QTreeWidget()
        self._tree.setObjectName("decodedTree")
        self._tree.setAccessibleName(tr("bench.decoded"))
        self._tree.setFont(look.font(TEXT_CAPTION_PX))
        self._tree.header().setFont(look.font(TEXT_CAPTION_PX))
        self._tree.setHeaderLabels([tr("bench.tag"), tr("bench.value"), tr("bench.meaning")])
        self._tree.header().setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self._tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self._tree.setColumnWidth(1, look.px(130))
        self._tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._tree.setIndentation(look.px(14))
        self._tree.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._tree.currentItemChanged.connect(self._light_bytes)
        panel.body.addWidget(self._tree, 1)
        return panel

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
        self._list.clear()
        for apdu in state.apdus:
            self._list.addItem(self._item(apdu))
        self._list.blockSignals(False)
        self._list.setCurrentRow(min(max(0, chosen), len(state.apdus) - 1))
        self._choose(self._list.currentRow())

    def _show_readers(self, readers: tuple[ReaderView, ...]) -> None:
        clear_layout(self._reader_rows)
        for reader in readers:
            self._reader_rows.addWidget(ReaderLine(self._look, reader))
        if not readers:
            none = Label(self._look, "noReaders", tone="dim")
            none.say(tr("bench.no_readers"))
            self._reader_rows.addWidget(none)

    def _item(self, apdu: ApduLine) -> QListWidgetItem:
        text = f"{apdu.index + 1}  {apdu.name}   {apdu.sw}   {apdu.duration_us / 1000:.1f} ms"
        item = QListWidgetItem(text)
        item.setToolTip(apdu.meaning)
        if apdu.sw != SW_OK:
            item.setForeground(QColor(self._look.theme.amber))
        return item

    def _choose(self, line: int) -> None:
        state = self._state
        if state is None or not 0 <= line < len(state.apdus):
            self._command.say("")
            self._hex.setPlainText("")
            self._fill_tree(())
            return
        apdu = state.apdus[line]
        self._command.say(f"→ {pairs(apdu.command_hex)}\n{apdu.meaning}")
        self._hex.setPlainText(pairs(apdu.response_hex))
        self._fill_tree(state.decoded.get(apdu.index, ()))

    def _fill_tree(self, nodes: tuple[DecodedNode, ...]) -> None:
        self._lighting = True
        self._tree.clear()
        self._nodes, self._items = nodes, []
        parents: list[QTreeWidgetItem] = []
        for node in nodes:
            item = QTreeWidgetItem(
                [f"{node.tag}  {node.name}", breakable(node.value), node.meaning]
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


def pairs(text: str) -> str:
    """Hexadecimal in pairs: one byte, one space."""
    plain = text.replace(" ", "")
    return " ".join(plain[index : index + 2] for index in range(0, len(plain), 2))
