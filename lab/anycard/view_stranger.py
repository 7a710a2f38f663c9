"""A stranger's card on the screen: over the till as a sheet, in the bench as a banner.

Says first what did not happen: not charged, nothing stored. Then phone or plastic with the
evidence, what the card told, and how far reading came. "Read on" asks for consent in words before
anything is sent.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget
from typing_extensions import override

from lab.anycard.account import Account
from lab.anycard.commands import AnyCardCommands
from lab.anycard.state import StrangerState
from lab.anycard.view_face import CardOutline
from lab.design.blocks import Button, Label, Shape, clear_layout, column, row, rule, scroll
from lab.design.look import MEDIUM, SEMIBOLD, Look
from lab.design.tokens import SPACE_L, SPACE_M, SPACE_S, SPACE_XS, TEXT_CAPTION_PX, TEXT_LEAD_PX
from lab.words import Message, tell, tr


class Said(QWidget):
    """A shape and a sentence."""

    def __init__(self, look: Look, name: str, *, weight: int = MEDIUM, size_px: int = 13) -> None:
        super().__init__()
        box = row(look, self)
        self._shape = Shape(look, 12)
        self._text = Label(look, name, size_px=size_px, weight=weight).wrapping()
        box.addWidget(self._shape, 0, Qt.AlignmentFlag.AlignTop)
        box.addWidget(self._text, 1)

    def say(self, what: Message) -> None:
        """Show it, with its kind's shape."""
        self._shape.show_kind(what.kind)
        self._text.say(tell(what))


class StrangerSheet(QFrame):
    """Covers the till while a stranger's card is told of."""

    def __init__(self, look: Look, commands: AnyCardCommands, till: QWidget) -> None:
        super().__init__(till)
        self.setObjectName("strangerSheet")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("surface", "panel")
        self.setProperty("alarm", "waiting")
        self._look, self._till = look, till
        self._shown: Account | None = None
        box = column(look, self, SPACE_M)
        box.setContentsMargins(*(look.px(SPACE_L),) * 4)
        self._title = Said(look, "strangerTitle", weight=SEMIBOLD, size_px=TEXT_LEAD_PX)
        self._promise = Said(look, "strangerPromise")
        self._face = CardOutline(look)
        box.addWidget(self._title)
        box.addWidget(self._promise)
        box.addWidget(self._face)
        self._told = QWidget()
        self._lines = column(look, self._told, SPACE_XS)
        box.addWidget(scroll(self._told, "strangerTold"), 1)
        self._stopped = Label(look, "strangerStopped", size_px=TEXT_CAPTION_PX,
                              tone="dim").wrapping()  # fmt: skip
        box.addWidget(self._stopped)
        box.addWidget(rule(look))
        self._build_foot(look, commands, box)
        till.installEventFilter(self)
        self.hide()

    def _build_foot(self, look: Look, commands: AnyCardCommands, box: QVBoxLayout) -> None:
        self._question = Label(look, "strangerQuestion", weight=SEMIBOLD).wrapping()
        self._note = Label(look, "strangerNote", size_px=TEXT_CAPTION_PX).wrapping()
        self._agree = Button(look, "strangerAgree", tr("anycard.agreed"), weight=MEDIUM)
        self._agree.clicked.connect(commands.read_on)
        self._more = Button(look, "strangerReadOn", tr("anycard.read_on"))
        self._more.clicked.connect(commands.ask_consent)
        self._done = Button(look, "strangerDone", tr("anycard.done"), kind="primary")
        self._done.clicked.connect(commands.card_done)
        for widget in (self._question, self._note, self._agree):
            box.addWidget(widget)
        keys = row(look)
        keys.addWidget(self._more, 1)
        keys.addWidget(self._done, 1)
        box.addLayout(keys)

    def show_state(self, state: StrangerState) -> None:
        """Cover the till with the account, or uncover it."""
        account = state.account
        if account is None:
            self.hide()
            self._shown = None
            return
        if account != self._shown:
            self._shown = account
            self._title.say(account.title)
            self._promise.say(account.promise)
            self._stopped.say(tell(account.stopped))
            self._face.show_account(account)
            self._fill(account)
        for behind in (self._face, self._stopped):
            behind.setVisible(not state.asking)  # the question has the room
        self._question.setVisible(state.asking)
        self._question.say(tr("anycard.consent.question"))
        self._agree.setVisible(state.asking)
        note, tone = _note(state)
        self._note.setVisible(bool(note))
        self._note.say(note, tone)
        self._more.setVisible(account.may_read_on and not state.asking and not state.waiting)
        if self.isHidden():
            self._cover()
            self.show()
            self.raise_()

    def _fill(self, account: Account) -> None:
        look = self._look
        clear_layout(self._lines)
        medium = Said(look, "strangerMedium")
        medium.say(account.medium)
        self._lines.addWidget(medium)
        for evidence in account.evidence:
            self._lines.addWidget(self._caption("strangerEvidence", tell(evidence)))
        before = ""
        for name, value in account.facts:
            if name.key != before:  # several applications stand under one caption
                self._lines.addSpacing(look.px(SPACE_XS))
                self._lines.addWidget(self._caption("strangerFact", tell(name)))
            before = name.key
            said = Label(look, "strangerValue", size_px=TEXT_CAPTION_PX, mono=True).wrapping()
            said.say(value)
            said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._lines.addWidget(said)
        self._lines.addStretch(1)

    def _caption(self, name: str, text: str) -> Label:
        label = Label(self._look, name, size_px=TEXT_CAPTION_PX, tone="dim").wrapping()
        label.say(text)
        return label

    def _cover(self) -> None:
        self.setGeometry(self._till.rect())

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self._till:
            self._cover()
        return False


class StrangerBanner(QFrame):
    """The same in the bench, on a line; asked for consent, it takes the room that it needs."""

    def __init__(self, look: Look, commands: AnyCardCommands) -> None:
        super().__init__()
        self.setObjectName("strangerBanner")
        self.setProperty("surface", "panel")
        self.setProperty("alarm", "waiting")
        box = column(look, self, SPACE_S)
        box.setContentsMargins(*(look.px(SPACE_M), look.px(SPACE_S)) * 2)
        line = row(look, None, SPACE_M)
        self._shape = Shape(look, 12)
        self._title = Label(look, "bannerTitle", weight=SEMIBOLD)
        self._promise = Label(look, "bannerPromise", weight=MEDIUM, tone="good")
        self._about = Label(look, "bannerAbout", size_px=TEXT_CAPTION_PX, tone="dim").eliding()
        self._more = Button(look, "bannerReadOn", tr("anycard.read_on"), kind="link")
        self._more.clicked.connect(commands.ask_consent)
        self._agree = Button(look, "bannerAgree", tr("anycard.agreed"))
        self._agree.clicked.connect(commands.read_on)
        done = Button(look, "bannerDone", tr("anycard.done"), kind="quiet")
        done.clicked.connect(commands.card_done)
        line.addWidget(self._shape)
        line.addWidget(self._title)
        line.addWidget(self._promise)
        line.addWidget(self._about, 1)
        for button in (self._more, self._agree, done):
            line.addWidget(button)
        box.addLayout(line)
        self._note = Label(look, "bannerNote", size_px=TEXT_CAPTION_PX).wrapping()
        box.addWidget(self._note)
        self.hide()

    def show_state(self, state: StrangerState) -> None:
        """Say it, or take no room."""
        account = state.account
        self.setVisible(account is not None)
        if account is None:
            return
        self._shape.show_kind(account.title.kind)
        self._title.say(tell(account.title))
        self._promise.say(tell(account.promise))
        told = [tell(account.medium), *(value for _, value in account.facts)]
        self._about.say(" · ".join(told))
        self._more.setVisible(account.may_read_on and not state.asking and not state.waiting)
        self._agree.setVisible(state.asking)
        note, tone = _note(state)
        self._note.setVisible(bool(note))
        self._note.say(note, tone)


def _note(state: StrangerState) -> tuple[str, str]:
    """What stands below: the text of consent, what to do now, or why it did not work."""
    if state.asking:
        return tr("anycard.consent.text"), "text"
    if state.waiting:
        return tr("anycard.consent.again"), "waiting"
    if state.problem is not None:
        return tell(state.problem), state.problem.kind
    return "", "text"
