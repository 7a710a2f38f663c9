"""The readers page of the bench: every reader on the table, one of them in full, and the doctor."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QSizePolicy, QWidget
from typing_extensions import override

from lab.bench.reader_words import reader_kind, reader_label, reader_state, role_word
from lab.bench.view_doctor import DoctorPanel
from lab.bench.view_reader import ReaderPanel
from lab.console.state import BenchState, ReaderView
from lab.design.blocks import (
    Button,
    Label,
    Panel,
    Shape,
    clear_layout,
    column,
    row,
    scroll,
    set_property,
)
from lab.design.choices import Switch
from lab.design.look import MEDIUM, Look
from lab.design.tokens import SPACE_M, SPACE_S, SPACE_XS, TEXT_CAPTION_PX
from lab.window.commands import LabCommands
from lab.words import tr

LIST_PX_MIN, LIST_PX_MAX = 264, 336


class ReaderCard(QFrame):
    """One reader in the list: a mark, its name, its role, and how it is."""

    chosen = Signal(str)

    def __init__(self, look: Look, reader: ReaderView) -> None:
        super().__init__()
        self._url = reader.url
        self.setObjectName(f"readerCard_{reader.url}")
        self.setProperty("surface", "raised")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        box = column(look, self, 2)
        box.setContentsMargins(*(look.px(SPACE_M), look.px(SPACE_S)) * 2)
        top = row(look, None, SPACE_S)
        mark = Shape(look, 10)
        mark.show_kind(reader_kind(reader))
        name = Label(look, "readerCardName", weight=MEDIUM).eliding()
        name.say(reader_label(reader))
        role = Label(look, "readerCardRole", size_px=TEXT_CAPTION_PX, weight=MEDIUM, tone="blue")
        role.say(role_word(reader.role) if reader.role else "")
        top.addWidget(mark)
        top.addWidget(name, 1)
        top.addWidget(role)
        state = Label(look, "readerCardState", size_px=TEXT_CAPTION_PX, tone="dim").eliding()
        state.say(reader.card or reader_state(reader))
        box.addLayout(top)
        box.addWidget(state)
        self.setAccessibleName(f"{reader.name}. {role.whole_text} {reader_state(reader)}")

    def mark_chosen(self, *, chosen: bool) -> None:
        """Look like the one that is shown in full."""
        set_property(self, "surface", "chosen" if chosen else "raised")

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.chosen.emit(self._url)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space}:
            self.chosen.emit(self._url)
        else:
            super().keyPressEvent(event)


class ReadersPage(QWidget):
    """The page. `left` says that somebody wants the conversation back."""

    left = Signal()

    def __init__(self, look: Look, lab: LabCommands) -> None:
        super().__init__()
        self.setObjectName("readersPage")
        self._look = look
        self._lab = lab
        self._url = ""
        self._state = BenchState()
        self._cards: dict[str, ReaderCard] = {}
        box = row(look, self, SPACE_S)
        box.addWidget(self._list(), 2)
        right = column(look, None, SPACE_S)
        self._detail = ReaderPanel(look, lab)
        self._doctor = DoctorPanel(look, lab)
        right.addWidget(self._detail, 5)
        right.addWidget(self._doctor, 3)
        box.addLayout(right, 3)

    def _list(self) -> Panel:
        look, lab = self._look, self._lab
        panel = Panel(look, "readerList", tr("reader.list"))
        panel.setMinimumWidth(look.px(LIST_PX_MIN))
        panel.setMaximumWidth(look.px(LIST_PX_MAX))
        panel.head.addStretch(1)
        back = Button(look, "backToConversation", tr("reader.page.back"), kind="quiet",
                      icon_name="chevron-left")  # fmt: skip
        back.clicked.connect(self.left)
        panel.head.addWidget(back)
        holder = QWidget()
        self._rows = column(look, holder, SPACE_XS + 2)
        self._rows.setAlignment(Qt.AlignmentFlag.AlignTop)
        panel.body.addWidget(scroll(holder, "readerCards"), 1)
        self._alone = Label(look, "onlyEmulated", tone="dim").wrapping()
        self._alone.say(tr("reader.only_emulated"))
        panel.body.addWidget(self._alone)
        self._silent = Switch(look, "silentReaders", tr("reader.silent"))
        self._silent.setToolTip(tr("reader.silent.tip"))
        self._silent.clicked.connect(lambda on: lab.silence_readers(bool(on)))
        panel.body.addWidget(self._silent)
        adding = Label(look, "readerAdd", size_px=TEXT_CAPTION_PX, tone="dim")
        adding.say(tr("reader.add"))
        panel.body.addWidget(adding)
        panel.body.addLayout(self._adding())
        return panel

    def _adding(self) -> QHBoxLayout:
        look = self._look
        line = row(look, None, SPACE_XS)
        self._address = QLineEdit()
        self._address.setObjectName("readerAddress")
        self._address.setAccessibleName(tr("reader.add"))
        self._address.setToolTip(tr("reader.add"))
        self._address.setPlaceholderText(tr("reader.add.hint"))
        self._address.setFont(look.font(TEXT_CAPTION_PX, mono=True))
        self._address.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._address.returnPressed.connect(self._add)
        button = Button(look, "addReader", tr("reader.add.button"), icon_name="plus")
        button.clicked.connect(self._add)
        line.addWidget(self._address, 1)
        line.addWidget(button)
        return line

    def choose(self, url: str) -> None:
        """Show a reader in full."""
        self._url = url
        self.show_state(self._state)

    def show_state(self, state: BenchState) -> None:
        """Draw `state`."""
        before, self._state = self._state, state
        urls = [reader.url for reader in state.readers]
        if self._url not in urls:
            with_role = [reader.url for reader in state.readers if reader.role]
            self._url = next(iter([*with_role, *urls]), "")
        if before.readers != state.readers or not self._cards:
            self._fill(state.readers)
        for url, card in self._cards.items():
            card.mark_chosen(chosen=url == self._url)
        shown = next((reader for reader in state.readers if reader.url == self._url), None)
        self._detail.setVisible(shown is not None)
        if shown is not None:
            self._detail.show_reader(shown)
        self._doctor.show_findings(state.findings)
        self._silent.setChecked(state.readers_silent)
        self._alone.setVisible(len(state.readers) <= 1)

    def _fill(self, readers: tuple[ReaderView, ...]) -> None:
        focused = next((url for url, card in self._cards.items() if card.hasFocus()), "")
        clear_layout(self._rows)
        self._cards = {}
        for reader in readers:
            card = ReaderCard(self._look, reader)
            card.chosen.connect(self.choose)
            self._rows.addWidget(card)
            self._cards[reader.url] = card
        if focused in self._cards:
            self._cards[focused].setFocus()

    def _add(self) -> None:
        url = self._address.text().strip()
        if url:
            self._lab.add_reader(url)
            self._address.clear()
            self._url = url
