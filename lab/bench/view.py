"""The bench: which readers there are, what was said to the card, and what the bytes mean.

Bytes arrive here masked. One conversation is looked at, exchange by exchange, or two stand side by
side.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QSplitter, QStackedWidget, QWidget

from lab.anycard.view_raw import RawPanel
from lab.anycard.view_stranger import StrangerBanner
from lab.bench.reader_words import reader_kind, reader_label, reader_state, role_word
from lab.bench.state import Conversation, Decision
from lab.bench.view_comparison import ComparisonPanel
from lab.bench.view_conversation import ConversationPanel
from lab.bench.view_decoded import DecodedPanel
from lab.bench.view_readers import ReadersPage
from lab.console.state import BenchState, ReaderView
from lab.design.blocks import Button, Label, Panel, Shape, clear_layout, column, row
from lab.design.look import MEDIUM, Look
from lab.design.tokens import SPACE_M, SPACE_S, SPACE_XS, TEXT_CAPTION_PX
from lab.window.commands import LabCommands
from lab.words import tr

ONE, TWO, READERS = 0, 1, 2  # pages
LINES_MAX = 3


class ReaderLine(QFrame):
    """One reader: what it is called, what it does here, what lies on it, why it cannot."""

    def __init__(self, look: Look, reader: ReaderView) -> None:
        super().__init__()
        self.setObjectName(f"reader_{reader.url}")
        self.setProperty("surface", "raised")
        box = row(look, self)
        box.setContentsMargins(*(look.px(SPACE_M), look.px(6)) * 2)
        mark = Shape(look, 10)
        mark.show_kind(reader_kind(reader))
        box.addWidget(mark)
        name = Label(look, "readerName", weight=MEDIUM)
        label = reader_label(reader)
        name.say(f"{label} · {role_word(reader.role)}" if reader.role else label)
        second = Label(look, "readerAbout", size_px=TEXT_CAPTION_PX, tone="dim").eliding()
        card = reader.card or tr("bench.reader.no_card")
        whole = f"{reader.url} · {reader.driver} · {card}"
        second.say(whole if reader.usable else reader_state(reader))
        box.addWidget(name)
        box.addWidget(second, 1)


class BenchView(QWidget):
    """The bench place."""

    def __init__(self, look: Look, lab: LabCommands) -> None:
        super().__init__()
        self.setObjectName("benchPlace")
        self._look = look
        self._state: BenchState | None = None
        self._shown = Conversation()
        self._at_readers = False
        box = column(look, self, SPACE_S)
        self._readers = Panel(look, "benchReaders", tr("bench.readers"))
        self._reader_rows = column(look, None, SPACE_XS)
        self._readers.body.addLayout(self._reader_rows)
        self._readers.head.addStretch(1)
        more = Button(look, "openReaders", tr("reader.page.open"), kind="link")
        more.clicked.connect(self._open_readers)
        self._readers.head.addWidget(more)
        box.addWidget(self._readers)
        self.stranger = StrangerBanner(look, lab)
        box.addWidget(self.stranger)
        self._talk = ConversationPanel(look, lab)
        self._decoded = DecodedPanel(look)
        self._comparison = ComparisonPanel(look, lab)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setObjectName("benchSplit")
        split.setChildrenCollapsible(False)
        split.addWidget(self._talk)
        split.addWidget(self._decoded)
        split.setSizes([look.px(380), look.px(590)])
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 3)
        self._pages = QStackedWidget()
        self._pages.setObjectName("benchPages")
        self._pages.addWidget(split)
        self._pages.addWidget(self._comparison)
        self._page = ReadersPage(look, lab)
        self._page.left.connect(self._show_conversation)
        self._pages.addWidget(self._page)
        box.addWidget(self._pages, 1)
        self.raw = RawPanel(look, lab)
        box.addWidget(self.raw)
        self._talk.exchange_chosen.connect(self._show_exchange)
        self._talk.decision_chosen.connect(self._show_reason)
        self._decoded.found_elsewhere.connect(self._talk.go_to)

    def show_state(self, state: BenchState) -> None:
        """Draw `state`."""
        before, self._state = self._state, state
        if before is None or before.readers != state.readers:
            self._show_readers(state.readers)
        self._shown = state.shown
        self._talk.show_state(state)
        if state.comparison is not None:
            self._comparison.show_comparison(state.comparison)
        self._page.show_state(state)
        if state.comparison is not None and (before is None or before.comparison is None):
            self._at_readers = False  # somebody wants to see two conversations
        self._turn()

    def show_readers(self, url: str = "") -> None:
        """Turn to the readers, and to one of them in full."""
        self._at_readers = True
        if url:
            self._page.choose(url)
        self._turn()

    def _open_readers(self) -> None:
        self.show_readers()

    def _show_conversation(self) -> None:
        self._at_readers = False
        self._turn()

    def _turn(self) -> None:
        compared = self._state is not None and self._state.comparison is not None
        self._pages.setCurrentIndex(READERS if self._at_readers else TWO if compared else ONE)
        self._readers.setVisible(not self._at_readers)
        self.raw.setVisible(not self._at_readers)

    def _show_exchange(self, index: int) -> None:
        self._decoded.show_exchange(self._shown, index)

    def _show_reason(self, decision: Decision) -> None:
        self._decoded.show_object(decision.side, decision.tag)

    def _show_readers(self, readers: tuple[ReaderView, ...]) -> None:
        clear_layout(self._reader_rows)
        for reader in sorted(readers, key=lambda reader: not reader.role)[:LINES_MAX]:
            self._reader_rows.addWidget(ReaderLine(self._look, reader))
        if not readers:
            none = Label(self._look, "noReaders", tone="dim")
            none.say(tr("bench.no_readers"))
            self._reader_rows.addWidget(none)
