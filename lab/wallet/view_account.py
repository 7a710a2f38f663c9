"""What a phone shows on which nobody is signed in.

Draws `WalletState` and calls `WalletCommands`; decides nothing.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from lab.design.blocks import Button, Label, column
from lab.design.icons import icon_pixmap
from lab.design.look import BOLD, MEDIUM, Look
from lab.design.tokens import SPACE_M, TEXT_TITLE_PX
from lab.wallet.state import WalletState
from lab.window.commands import WalletCommands
from lab.words import tell, tr

ICON_PX = 40


class SignedOutPage(QWidget):
    """No card, no payment, and the way back."""

    def __init__(self, look: Look, commands: WalletCommands) -> None:
        super().__init__()
        self.setObjectName("signedOutPage")
        box = column(look, self, SPACE_M)
        box.addStretch(2)
        mark = QLabel()
        mark.setPixmap(icon_pixmap("smartphone", look.theme.phone_text_dim, look.px(ICON_PX)))
        mark.setAccessibleName(tr("phone.signed_out.title"))
        box.addWidget(mark, 0, Qt.AlignmentFlag.AlignLeft)
        title = Label(look, "signedOutTitle", size_px=TEXT_TITLE_PX, weight=BOLD, tone="phone")
        title.wrapping().say(tr("phone.signed_out.title"))
        box.addWidget(title)
        text = Label(look, "signedOutText", tone="phone-dim").wrapping()
        text.say(tr("phone.signed_out.text"))
        box.addWidget(text)
        self._notice = Label(look, "signedOutNotice", tone="waiting").wrapping()
        box.addWidget(self._notice)
        self._enter = Button(look, "signIn", tr("phone.sign_in"), kind="primary", weight=MEDIUM)
        self._enter.clicked.connect(commands.sign_in)
        box.addWidget(self._enter)
        box.addStretch(3)

    def show_state(self, state: WalletState) -> None:
        """Draw `state`."""
        self._notice.setVisible(state.notice is not None)
        if state.notice is not None:
            self._notice.say(tell(state.notice), state.notice.kind)
        self._enter.setEnabled(not state.busy)
        self._enter.say(tr("phone.sign_in.busy" if state.busy else "phone.sign_in"))
