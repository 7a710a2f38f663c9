"""The bank's message, dropped from the top edge of the phone's screen.

Says what the bank decided, opens the payment, and after a refusal offers another card.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QWidget
from typing_extensions import override

from lab.design.blocks import Button, Label, Shape, column, row
from lab.design.look import MEDIUM, Look
from lab.design.motion import BANNER_MS
from lab.design.tokens import SPACE_M, TEXT_CAPTION_PX
from lab.window.commands import WalletCommands
from lab.words import Message, tell, tr

LINK_PX = 26


class Banner(QFrame):
    """The bank's message, dropped from the top edge of the screen."""

    def __init__(
        self,
        look: Look,
        commands: WalletCommands,
        open_payment: Callable[[str], None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("bankMessage")
        self._look = look
        self._payment_id = ""
        self._message: Message | None = None
        self._body = parent
        self._box = box = row(look, self)
        box.setContentsMargins(look.px(SPACE_M), look.px(9), look.px(6), look.px(9))
        self._shape = Shape(look, 12)
        box.addWidget(self._shape, 0, Qt.AlignmentFlag.AlignTop)
        texts = column(look, None, 1)
        sender = Label(look, "bankMessageFrom", size_px=TEXT_CAPTION_PX, tone="phone-dim").eliding()
        sender.say(tr("phone.banner.from"))
        self._text = Label(look, "bankMessageText", weight=MEDIUM, tone="phone").wrapping()
        texts.addWidget(sender)
        texts.addWidget(self._text)
        self._other = Button(look, "bankMessageOther", tr("phone.banner.other"), kind="phone-link")
        self._other.clicked.connect(commands.choose_other)
        self._open = Button(look, "bankMessageOpen", tr("phone.banner.open"), kind="phone-link")
        self._open.clicked.connect(lambda: open_payment(self._payment_id))
        for button in (self._open, self._other):
            button.setMinimumHeight(look.px(LINK_PX))
            button.setProperty("edge", "text")
            texts.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        box.addLayout(texts, 1)
        away = Button(look, "bankMessageDismiss", kind="phone", icon_name="x").named(
            tr("phone.banner.dismiss")
        )
        away.clicked.connect(commands.dismiss_banner)
        box.addWidget(away, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_message(self, message: Message | None, payment_id: str, *, offers_other: bool) -> None:
        """Drop a message, change it, or take it away; a refusal offers another card."""
        self._payment_id = payment_id
        self._open.setVisible(bool(payment_id))
        refused = message is not None and message.kind == "bad" and bool(payment_id)
        self._other.setVisible(refused and offers_other)
        if message == self._message:
            return
        fresh = self._message is None
        self._message = message
        if message is None:
            self.hide()
            return
        self._shape.show_kind(message.kind)
        self._text.say(tell(message))
        self.show()
        self.place()
        self.raise_()
        if fresh:
            self._look.motion.run(self, BANNER_MS, self._drop)

    def place(self) -> None:
        """Take the width of the screen and the height of the text."""
        inset = self._look.px(8)
        width = self._body.width() - 2 * inset
        self.setFixedWidth(max(1, width))
        self._box.activate()  # a text that has just changed asks for another height
        self.setFixedHeight(max(1, self._box.heightForWidth(width)))
        self.move(inset, self._rest_top())

    def _rest_top(self) -> int:
        return self._look.px(34)

    def _drop(self, part: float) -> None:
        start = -self.height()
        self.move(self.x(), round(start + (self._rest_top() - start) * part))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.phone_edge), 1))
        painter.setBrush(QColor(theme.phone_raised))
        radius = self._look.px(14)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
