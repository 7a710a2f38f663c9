"""The phone's mailbox: messages of the cards' banks and mails of shops, newest first.

Draws `WalletState` and calls `WalletCommands`; decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QWidget

from lab.design.blocks import (
    Button,
    EmptyState,
    Label,
    Shape,
    clear_layout,
    column,
    row,
    scroll,
)
from lab.design.look import MEDIUM, Look
from lab.design.tokens import SPACE_M, SPACE_S, SPACE_XS, TEXT_CAPTION_PX
from lab.wallet.state import LetterView, WalletState
from lab.wallet.view_add import back_row, page_title
from lab.wallet.view_cards import notice_tone
from lab.window.commands import WalletCommands
from lab.words import tell, tr


class LettersPage(QWidget):
    """Everything that was written to the person."""

    def __init__(
        self, look: Look, commands: WalletCommands, open_payment: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.setObjectName("lettersPage")
        self._look = look
        self._open_payment = open_payment
        self._shown: tuple[LetterView, ...] | None = None
        box = column(look, self, SPACE_M)
        box.addLayout(back_row(look, "lettersBack", commands))
        box.addWidget(page_title(look, "lettersTitle", tr("phone.letters")))
        self._notice = Label(look, "lettersNotice", tone="waiting").wrapping()
        box.addWidget(self._notice)
        holder = QWidget()
        inside = column(look, holder, SPACE_S)
        inside.setContentsMargins(0, 0, 0, 0)
        self._rows = column(look, None, SPACE_S)
        inside.addLayout(self._rows)
        self._empty = EmptyState(look, "lettersEmpty", tr("phone.letters.none"))
        self._empty.sentence.say(tr("phone.letters.none"), "phone-dim")
        inside.addWidget(self._empty)
        inside.addStretch(1)
        box.addWidget(scroll(holder, "lettersScroll"), 1)

    def show_state(self, state: WalletState) -> None:
        """Draw `state`."""
        self._notice.setVisible(state.notice is not None)
        if state.notice is not None:
            self._notice.say(tell(state.notice), notice_tone(state.notice))
        if self._shown == state.letters:
            return
        self._shown = state.letters
        clear_layout(self._rows)
        self._empty.setVisible(not state.letters)
        for letter in state.letters:
            self._rows.addWidget(LetterLine(self._look, letter, self._open_payment))


class LetterLine(QFrame):
    """One message: who wrote, when, what; and the way to its payment."""

    def __init__(self, look: Look, letter: LetterView, open_payment: Callable[[str], None]) -> None:
        super().__init__()
        self.setObjectName(f"letter_{letter.id}")
        self.setProperty("surface", "phone-raised")
        box = column(look, self, SPACE_XS)
        box.setContentsMargins(*(look.px(SPACE_M), look.px(SPACE_S)) * 2)
        head = row(look, None, SPACE_S)
        mark = Shape(look, 10)
        mark.show_kind(letter.says.kind)
        head.addWidget(mark)
        sender = Label(look, "letterSender", weight=MEDIUM, tone="phone").eliding()
        sender.say(tell(letter.sender))
        head.addWidget(sender, 1)
        when = Label(look, "letterWhen", size_px=TEXT_CAPTION_PX, tone="phone-dim", tabular=True)
        when.say(letter.at_text)
        head.addWidget(when)
        box.addLayout(head)
        words = Label(look, "letterText", tone="phone").wrapping()
        words.say(tell(letter.says))
        box.addWidget(words)
        if letter.payment_id:
            show = Button(look, "letterPayment", tr("phone.letters.payment"), kind="phone-link")
            show.setProperty("edge", "text")
            show.clicked.connect(lambda: open_payment(letter.payment_id))
            box.addWidget(show)
