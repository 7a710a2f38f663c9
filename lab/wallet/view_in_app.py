"""The sheet of a shop that asks in an app: what it is for, with which card, and one button.

The button says what happens next, and what is happening. Below it stands what the shop may tell of
the payment token once it has opened it. Draws `WalletState.in_app`.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget
from typing_extensions import override

from lab.design.blocks import Button, Label, clear_layout, column, row, scroll
from lab.design.look import BOLD, MEDIUM, SEMIBOLD, Look
from lab.design.tokens import SPACE_M, SPACE_S, SPACE_XS, TEXT_CAPTION_PX, TEXT_LEAD_PX
from lab.wallet.card_art import art_pixmap
from lab.wallet.state import CardView, InAppSheet, WalletState
from lab.wallet.view_cards import CardSlot
from lab.wallet.view_drawings import ReadTick, ScanRing
from lab.wallet.view_pay import chosen_card, fit_card
from lab.window.commands import WalletCommands
from lab.words import tell, tr

THUMBNAIL_PX, OTHER_PX = 32, 38
LINES_SHOWN_MAX, LINE_PX = 4, 20
SHEET_ROOM_PX = 400
_CHOOSING = frozenset({"offer", "refused"})
_BUTTON = {
    "scanning": "phone.in_app.scanning",
    "paying": "phone.in_app.paying",
    "done": "phone.in_app.done",
    "not_sent": "phone.in_app.again",
    "pending": "phone.in_app.wait",
}


class InAppPage(QWidget):
    """One shop's sheet."""

    def __init__(self, look: Look, commands: WalletCommands) -> None:
        super().__init__()
        self.setObjectName("inAppPage")
        self._look = look
        self._commands = commands
        self._offered: tuple[CardView, ...] | None = None
        self._listed: tuple[tuple[str, str], ...] | None = None
        self._step = ""
        box = column(look, self, SPACE_M)
        self._slot = CardSlot(look, "inAppCard")
        box.addStretch(1)
        box.addWidget(self._slot)
        box.addStretch(1)
        box.addWidget(self._panel())

    def _panel(self) -> QFrame:
        look = self._look
        panel = QFrame()
        panel.setObjectName("inAppSheet")
        panel.setProperty("surface", "phone-sheet")
        box = column(look, panel, SPACE_S)
        box.setContentsMargins(*(look.px(SPACE_M),) * 4)
        self._title = Label(
            look, "inAppMerchant", size_px=TEXT_LEAD_PX, weight=SEMIBOLD, tone="phone"
        ).eliding()
        box.addWidget(self._title)
        box.addWidget(self._line_list())
        box.addLayout(self._total_line())
        self._others = column(look, None, SPACE_XS)
        self._others_area = QWidget()
        held = column(look, self._others_area, 0)
        held.addLayout(self._others)
        box.addWidget(self._others_area)
        self._ring = ScanRing(look)
        self._tick = ReadTick(look)
        box.addWidget(self._ring)
        box.addWidget(self._tick)
        self._notice = Label(look, "inAppNotice", tone="waiting").wrapping()
        self._notice.centred()
        box.addWidget(self._notice)
        self._token = Label(
            look, "inAppToken", size_px=TEXT_CAPTION_PX, tone="phone-dim"
        ).wrapping()
        self._token.centred()
        box.addWidget(self._token)
        box.addLayout(self._buttons())
        return panel

    def _line_list(self) -> QWidget:
        holder = QWidget()
        held = column(self._look, holder, 0)
        self._lines = column(self._look, None, SPACE_XS)
        held.addLayout(self._lines)
        self._lines_scroll = scroll(holder, "inAppLines")
        return self._lines_scroll

    def _total_line(self) -> QHBoxLayout:
        line = row(self._look)
        name = Label(self._look, "inAppTotalName", weight=SEMIBOLD, tone="phone")
        name.say(tr("phone.in_app.total"))
        self._total = Label(
            self._look,
            "inAppTotal",
            size_px=TEXT_LEAD_PX,
            weight=BOLD,
            tone="phone",
            tabular=True,
        )
        line.addWidget(name)
        line.addStretch(1)
        line.addWidget(self._total)
        return line

    def _buttons(self) -> QVBoxLayout:
        look, commands = self._look, self._commands
        box = column(look, None, SPACE_S)
        self._pay = Button(look, "inAppPay", "", kind="primary", weight=MEDIUM)
        self._pay.clicked.connect(lambda: commands.scan_face("success"))
        box.addWidget(self._pay)
        others = row(look)
        self._stranger = Button(look, "inAppFail", tr("phone.scan.fail"), kind="phone-link")
        self._stranger.clicked.connect(lambda: commands.scan_face("fail"))
        self._cancel = Button(look, "inAppCancel", tr("phone.cancel"), kind="phone-link")
        self._cancel.clicked.connect(commands.close)
        others.addWidget(self._stranger, 1)
        others.addWidget(self._cancel, 1)
        box.addLayout(others)
        return box

    def show_state(self, state: WalletState) -> None:
        """Draw `state`."""
        sheet, card = state.in_app, chosen_card(state)
        self._slot.show_card(card)
        self._title.say(tr("phone.in_app.title", merchant=sheet.merchant))
        self._list(sheet.lines)
        self._total.say(sheet.total_text)
        choosing = sheet.step in _CHOOSING
        others = tuple(
            other
            for other in state.cards
            if choosing and _may_pay(other, sheet) and (card is None or other.id != card.id)
        )
        self._others_area.setVisible(bool(others))
        self._offer(others)
        self._ring.setVisible(sheet.step in {"scanning", "paying"})
        self._ring.show_scan(state.scan)
        self._tick.setVisible(sheet.step == "done")
        if sheet.step == "done" != self._step:
            self._tick.begin()
        self._step = sheet.step
        notice = state.notice or sheet.notice
        self._notice.setVisible(notice is not None and sheet.step != "done")
        if notice is not None:
            self._notice.say(tell(notice), notice.kind)
        self._token.setVisible(bool(sheet.token_text))
        self._token.say(tr("phone.in_app.token", merchant=sheet.merchant, token=sheet.token_text))
        key = _BUTTON.get(sheet.step, "phone.in_app.pay")
        self._pay.say(tr(key, amount=sheet.total_text))
        payable = card is not None and _may_pay(card, sheet)
        self._pay.setEnabled((choosing and payable) or sheet.step == "not_sent")
        self._stranger.setVisible(choosing)
        self._cancel.setEnabled(sheet.step not in {"scanning", "paying"})
        self._cancel.say(tr("phone.done" if sheet.step in {"done", "pending"} else "phone.cancel"))

    def _list(self, lines: tuple[tuple[str, str], ...]) -> None:
        if lines == self._listed:
            return
        self._listed = lines
        clear_layout(self._lines)
        for number, (label, amount) in enumerate(lines):
            holder = QWidget()
            line = row(self._look)
            held = column(self._look, holder, 0)
            held.addLayout(line)
            name = Label(self._look, f"inAppLine{number}", tone="phone-dim").eliding()
            name.say(label)
            price = Label(self._look, f"inAppPrice{number}", tone="phone-dim", tabular=True)
            price.say(amount)
            line.addWidget(name, 1)
            line.addWidget(price)
            self._lines.addWidget(holder)
        self._lines_scroll.setVisible(bool(lines))
        shown = min(len(lines), LINES_SHOWN_MAX)
        self._lines_scroll.setFixedHeight(max(1, self._look.px(shown * LINE_PX)))

    def _offer(self, cards: tuple[CardView, ...]) -> None:
        if cards == self._offered:
            return
        self._offered = cards
        clear_layout(self._others)
        look = self._look
        for card in cards:
            text = f"  {card.label}  •••• {card.last4}"
            button = Button(look, f"inAppChoose_{card.id}", text, kind="phone-choice")
            art = art_pixmap(card.art, look.px(THUMBNAIL_PX), self.devicePixelRatioF())
            button.setIcon(QIcon(art))
            button.setIconSize(QSize(look.px(THUMBNAIL_PX), look.px(20)))
            button.setFixedHeight(look.px(OTHER_PX))
            button.clicked.connect(self._chooser(card.id))
            self._others.addWidget(button)

    def _chooser(self, card_id: str) -> Callable[[], None]:
        return lambda: self._commands.choose(card_id)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        fit_card(self, self._slot, self._look.px(SHEET_ROOM_PX))

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        fit_card(self, self._slot, self._look.px(SHEET_ROOM_PX))


def _may_pay(card: CardView, sheet: InAppSheet) -> bool:
    return card.status == "active" and card.network.lower() in sheet.networks
