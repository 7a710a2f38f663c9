"""One exchange under the eye: its bytes above, what they mean below, lit up both ways.

Touch a line and its bytes light up; touch a byte and its line is chosen. F3 finds a tag, a name or
bytes; Ctrl+C copies what is lit, Ctrl+Shift+C the tree as text.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QButtonGroup,
    QHBoxLayout,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
)
from typing_extensions import override

from lab.bench.state import COMMAND, RESPONSE, ApduLine, Conversation, DecodedNode
from lab.bench.tree_text import matches, meaning_of, tree_text
from lab.bench.view_hex import HexView
from lab.console.view_payment import breakable
from lab.design.blocks import Button, Label, Panel, column, row
from lab.design.look import MEDIUM, Look
from lab.design.tokens import TEXT_CAPTION_PX
from lab.words import tr

SIDES = (COMMAND, RESPONSE)
NAME_PART = 0.5  # of the tree's width, at most
FIND_PX_MIN = 90


class DecodedPanel(Panel):
    """The bytes and the tree of one exchange.

    Signals:
        found_elsewhere: the next hit stands in another exchange, with that index.
    """

    found_elsewhere = Signal(int)

    def __init__(self, look: Look) -> None:
        super().__init__(look, "decoded", tr("bench.decoded"))
        self._look = look
        self._conversation = Conversation()
        self._apdu: ApduLine | None = None
        self._side = RESPONSE
        self._nodes: tuple[DecodedNode, ...] = ()
        self._items: list[QTreeWidgetItem] = []
        self._filling = False
        self._build_head()
        self._meaning = Label(look, "apduMeaning", weight=MEDIUM).eliding()
        self.body.addWidget(self._meaning)
        self._tabs: dict[str, Button] = {}
        self._hex: dict[str, HexView] = {}
        group = QButtonGroup(self)
        for side, name in zip(SIDES, ("asked", "answered"), strict=True):
            group.addButton(self._build_side(side, name))
        self._build_tree()
        self._build_keys()
        self._show_side(RESPONSE)

    # -- building -----------------------------------------------------------------------------

    def _build_head(self) -> None:
        look = self._look
        self._find = QLineEdit()
        self._find.setObjectName("benchFind")
        self._find.setPlaceholderText(tr("bench.find"))
        self._find.setAccessibleName(tr("bench.find"))
        self._find.setToolTip(tr("bench.find"))
        self._find.setFont(look.font(TEXT_CAPTION_PX))
        self._find.setMinimumWidth(look.px(FIND_PX_MIN))
        self._find.returnPressed.connect(self.find_next)
        self._hits = Label(look, "benchHits", size_px=TEXT_CAPTION_PX, tone="dim", tabular=True)
        copy = Button(look, "benchCopy", tr("bench.copy"), kind="quiet", icon_name="copy",
                      size_px=TEXT_CAPTION_PX)  # fmt: skip
        copy.setToolTip(tr("bench.copy.long"))
        copy.clicked.connect(self.copy_bytes)
        tree = Button(look, "benchCopyTree", tr("bench.copy.tree"), kind="quiet",
                      size_px=TEXT_CAPTION_PX)  # fmt: skip
        tree.setToolTip(tr("bench.copy.tree.long"))
        tree.clicked.connect(self.copy_tree)
        self.head.addWidget(self._find, 1)
        self.head.addWidget(self._hits)
        self.head.addWidget(copy)
        self.head.addWidget(tree)

    def _build_side(self, side: str, name: str) -> Button:
        look = self._look
        tab = Button(look, f"side_{name}", kind="tab", size_px=TEXT_CAPTION_PX)
        tab.setCheckable(True)
        tab.clicked.connect(lambda: self._show_side(side))
        line = row(look)
        line.addWidget(tab)
        line.addStretch(1)
        if side == COMMAND:
            self._build_legend(line)
        shown = HexView(look, f"hex_{name}", tr(f"bench.hex.{name}"))
        shown.byte_chosen.connect(lambda at: self._choose_byte(side, at))
        shown.byte_under_pointer.connect(lambda at: self._point_at_byte(side, at))
        box = column(look, None, 2)
        box.addLayout(line)
        box.addWidget(shown)
        self.body.addLayout(box)
        self._tabs[side], self._hex[side] = tab, shown
        return tab

    def _build_legend(self, line: QHBoxLayout) -> None:
        """Which shade is what; the words stand on the shades."""
        theme = self._look.theme
        shades = (theme.blue_quiet, theme.hover, theme.code_mark)
        for word, shade in zip(tr("bench.legend").split("|"), shades, strict=True):
            key = Label(self._look, "hexKey", size_px=TEXT_CAPTION_PX)
            key.setStyleSheet(f"background: {shade}; color: {theme.text}; padding: 0 4px;")
            key.say(word)
            line.addWidget(key, 0, Qt.AlignmentFlag.AlignVCenter)

    def _build_tree(self) -> None:
        look = self._look
        self._tree = QTreeWidget()
        self._tree.setObjectName("decodedTree")
        self._tree.setAccessibleName(tr("bench.decoded"))
        self._tree.setFont(look.font(TEXT_CAPTION_PX))
        self._tree.header().setFont(look.font(TEXT_CAPTION_PX))
        self._tree.setHeaderLabels([tr("bench.tag"), tr("bench.value")])
        self._tree.header().setStretchLastSection(True)
        self._tree.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._tree.setIndentation(look.px(12))
        self._tree.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._tree.setMouseTracking(True)
        self._tree.currentItemChanged.connect(lambda item, _: self._light(item))
        self._tree.itemEntered.connect(lambda item, _: self._light(item))
        self._tree.viewportEntered.connect(lambda: self._light(self._tree.currentItem()))
        self.body.addWidget(self._tree, 1)

    def _build_keys(self) -> None:
        keys = (("F3", self.find_next), ("Shift+F3", self.find_before), ("Ctrl+F", self.go_find))
        for key, call in keys:
            QShortcut(
                QKeySequence(key), self, context=Qt.ShortcutContext.WindowShortcut
            ).activated.connect(call)
        for key, call in (("Ctrl+C", self.copy_bytes), ("Ctrl+Shift+C", self.copy_tree)):
            shortcut = QShortcut(QKeySequence(key), self._tree)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(call)

    # -- showing ------------------------------------------------------------------------------

    def show_exchange(self, conversation: Conversation, index: int) -> None:
        """Show one exchange; out of range shows none."""
        self._conversation = conversation
        there = 0 <= index < len(conversation.apdus)
        self._apdu = apdu = conversation.apdus[index] if there else None
        self._meaning.say("" if apdu is None else self._said(apdu))
        texts = ("", "") if apdu is None else (apdu.command_hex, apdu.response_hex)
        for side, key, text in zip(SIDES, ("bench.asked", "bench.answered"), texts, strict=True):
            self._tabs[side].say(tr(key, count=len(text) // 2))
            self._hex[side].show_bytes(text)
        self._fit()
        self._show_side(self._side)

    def show_object(self, side: str, tag: str) -> None:
        """Choose an object of the exchange shown, by its tag."""
        self._show_side(side)
        for place, node in enumerate(self._nodes):
            if tag and node.tag == tag:
                self._tree.setCurrentItem(self._items[place])
                return

    def _said(self, apdu: ApduLine) -> str:
        status = f"{apdu.name} → {apdu.sw or tr('bench.no_answer')}"
        return f"{status} · {apdu.meaning}" if apdu.sw else status

    def _show_side(self, side: str) -> None:
        self._side = side
        self._tabs[side].setChecked(True)
        index = -1 if self._apdu is None else self._apdu.index
        self._fill(self._conversation.nodes(index, side))

    def _fill(self, nodes: tuple[DecodedNode, ...]) -> None:
        self._filling = True
        self._tree.clear()
        for shown in self._hex.values():
            shown.light(None)
        self._nodes, self._items = nodes, []
        parents: list[QTreeWidgetItem] = []
        theme = self._look.theme
        for node in nodes:
            item = self._item(node)
            del parents[node.depth :]
            if parents:
                parents[-1].addChild(item)
            else:
                self._tree.addTopLevelItem(item)
            parents.append(item)
            self._items.append(item)
            item.setFirstColumnSpanned(node.kind == "bit")
            if node.kind == "fault":
                item.setForeground(0, QColor(theme.red))
        self._tree.expandAll()
        self._share_columns()
        self._filling = False

    def _item(self, node: DecodedNode) -> QTreeWidgetItem:
        theme = self._look.theme
        if node.kind == "bit":
            item = QTreeWidgetItem([f"{node.name} · {node.meaning}"])
            item.setForeground(0, QColor(theme.text_dim))
            item.setToolTip(0, f"{node.name} · {node.meaning} · {node.about}")
            return item
        value, meaning = breakable(node.value), meaning_of(node)
        if not node.whole:
            value = ""  # the objects inside say it
        item = QTreeWidgetItem(
            [f"{node.tag}  {node.name}".strip(), " · ".join(x for x in (value, meaning) if x)]
        )
        for place in range(2):
            item.setToolTip(place, f"{item.text(place)}\n{node.about}".strip())
        return item

    def _share_columns(self) -> None:
        """The object's name as wide as it needs, up to half; its value takes the rest."""
        measure, indent = self._tree.fontMetrics(), self._tree.indentation()
        wanted = (
            measure.horizontalAdvance(item.text(0)) + indent * (node.depth + 1)
            for node, item in zip(self._nodes, self._items, strict=True)
            if node.kind != "bit"
        )
        most = round(self._tree.viewport().width() * NAME_PART)
        self._tree.setColumnWidth(0, min(max(wanted, default=0) + self._look.px(12), most))

    def _fit(self) -> None:
        most = max(2, self.height() // 7 // max(1, self._hex[RESPONSE].fontMetrics().lineSpacing()))
        for shown in self._hex.values():
            shown.fit(most)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
        self._share_columns()

    # -- lighting -----------------------------------------------------------------------------

    def _light(self, item: QTreeWidgetItem | None) -> None:
        if self._filling:
            return
        node = self._nodes[self._items.index(item)] if item in self._items else None
        self._hex[self._side].light(node)

    def _at(self, side: str, byte: int) -> int:
        """Which object of a side stands at a byte: the innermost; -1 if none does."""
        index = -1 if self._apdu is None else self._apdu.index
        inside = [
            (node.length, place)
            for place, node in enumerate(self._conversation.nodes(index, side))
            if node.kind != "bit" and node.offset <= byte < node.offset + node.length
        ]
        return min(inside)[1] if inside else -1

    def _choose_byte(self, side: str, byte: int) -> None:
        place = self._at(side, byte)
        if place < 0 or self._filling:
            return
        if side != self._side:
            self._show_side(side)
        self._tree.setCurrentItem(self._items[place])
        self._tree.scrollToItem(self._items[place], QAbstractItemView.ScrollHint.EnsureVisible)

    def _point_at_byte(self, side: str, byte: int) -> None:
        if side != self._side:
            return
        place = self._at(side, byte)
        self._light(self._items[place] if place >= 0 else self._tree.currentItem())

    # -- finding and copying ------------------------------------------------------------------

    def go_find(self) -> None:
        """Put the keyboard into the find field."""
        if self.isVisible():
            self._find.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self._find.selectAll()

    def find_next(self) -> None:
        """Go to the next hit in the whole conversation; with nothing to find, ask what."""
        self._step(1)

    def find_before(self) -> None:
        """Go to the hit before."""
        self._step(-1)

    def _step(self, direction: int) -> None:
        if not self.isVisible():
            return
        if not self._find.text().strip():
            self.go_find()
            return
        hits = matches(self._conversation, self._find.text())
        if not hits:
            self._hits.say(tr("bench.find.none"), "bad")
            return
        here = self._here()
        after = [hit for hit in hits if hit > here] or hits
        before = [hit for hit in hits if hit < here] or hits
        hit = after[0] if direction > 0 else before[-1]
        self._hits.say(tr("bench.find.count", at=hits.index(hit) + 1, count=len(hits)), "dim")
        index, side, place = hit
        if self._apdu is None or index != self._apdu.index:
            self.found_elsewhere.emit(index)
        self._show_side(SIDES[side])
        self._tree.setCurrentItem(self._items[place])

    def _here(self) -> tuple[int, int, int]:
        item = self._tree.currentItem()
        place = self._items.index(item) if item in self._items else -1
        index = -1 if self._apdu is None else self._apdu.index
        return index, SIDES.index(self._side), place

    def copy_bytes(self) -> None:
        """Put the bytes that are lit on the clipboard; if none are, those of the side shown."""
        shown = self._hex[self._side]
        QApplication.clipboard().setText(shown.lit_bytes() or shown.toPlainText())

    def copy_tree(self) -> None:
        """Put the tree on the clipboard as text."""
        QApplication.clipboard().setText(tree_text(self._nodes))
