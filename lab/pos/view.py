"""The till on the counter: lights, display, keypad, Cancel and Charge, receipt, last payments.

Draws `PosState` and calls `PosCommands`. When the till is low, receipt and list take the keypad's
place as a sheet, so that nothing shrinks below what a finger hits.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QSizePolicy,
    QStackedWidget,
    QWidget,
)
from typing_extensions import override

from lab.design.blocks import Button, Label, column, row, tight
from lab.design.choices import Choice
from lab.design.look import BOLD, MEDIUM, SEMIBOLD, Look
from lab.design.tokens import (
    RADIUS_L,
    RADIUS_M,
    SPACE_L,
    SPACE_M,
    SPACE_S,
    SPACE_XS,
    TEXT_AMOUNT_PX,
    TEXT_CAPTION_PX,
    TEXT_LEAD_PX,
    TEXT_TITLE_PX,
)
from lab.pos.after_sale_state import AfterSaleState, SaleStep
from lab.pos.state import Light, PosPhase, PosState
from lab.pos.view_lights import LightBar
from lab.pos.view_offline import OfflinePage, merchant_line
from lab.pos.view_receipt import ReceiptPage
from lab.pos.view_sale import SalesPage
from lab.window.commands import PosCommands
from lab.words import tell, tr

SHEET_BELOW_PX = 660  # below this height receipt and list take the keypad's place
SQUEEZE_BELOW_PX = 480
CURRENCY_PX = 62  # three letters and an arrow
KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "00", "0")
TAB_ICONS = {"Keypad": "calculator", "Offline": "wifi-off"}  # four words are too wide
SALE_UNDER_WAY = {PosPhase.PRESENT, PosPhase.READING, PosPhase.AUTHORIZING}
BEFORE_READ = {PosPhase.PRESENT, PosPhase.READING}
AFTER_READ = {
    PosPhase.AUTHORIZING,
    PosPhase.APPROVED,
    PosPhase.STORED,
    PosPhase.DECLINED,
    PosPhase.NOT_COMPLETED,
}
KINDS = {
    PosPhase.APPROVED: "good",
    PosPhase.DECLINED: "bad",
    PosPhase.FAILED: "bad",
    PosPhase.AUTHORIZING: "waiting",
    PosPhase.STORED: "waiting",
    PosPhase.NOT_COMPLETED: "waiting",
    PosPhase.TRY_AGAIN: "waiting",
    PosPhase.OTHER_CARD: "waiting",
    PosPhase.SEE_PHONE: "waiting",
    PosPhase.ONE_CARD: "waiting",
    PosPhase.TIMED_OUT: "waiting",
}


class Display(QFrame):
    """What customer and cashier read."""

    def __init__(self, look: Look, commands: PosCommands) -> None:
        super().__init__()
        self.setObjectName("display")
        self._look = look
        self._commands = commands
        self._currencies: tuple[str, ...] = ()
        box = column(look, self, 2)
        box.setContentsMargins(*(look.px(SPACE_M), look.px(SPACE_S)) * 2)
        box.addLayout(self._head())
        self._amount = Label(
            look,
            "tillAmount",
            size_px=TEXT_AMOUNT_PX,
            weight=BOLD,
            tone="display",
            tabular=True,
        ).centred()
        self._amount.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        box.addWidget(self._amount)
        self._headline = Label(
            look, "tillHeadline", size_px=TEXT_LEAD_PX, weight=SEMIBOLD, tone="display"
        ).wrapping()
        self._headline.centred()
        box.addWidget(self._headline)
        self._detail = Label(
            look, "tillDetail", size_px=TEXT_CAPTION_PX, tone="display-dim"
        ).wrapping()
        self._detail.centred()
        box.addWidget(self._detail)
        box.addStretch(1)
        self.setMinimumHeight(look.px(132))

    def _head(self) -> QHBoxLayout:
        look = self._look
        head = row(look)
        self._merchant = Label(
            look, "tillMerchant", size_px=TEXT_CAPTION_PX, tone="display-dim"
        ).eliding()
        head.addWidget(self._merchant, 1)
        self._currency = Choice(look, "currency", tr("till.currency"))
        self._currency.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._currency.setFixedWidth(look.px(CURRENCY_PX))
        self._currency.textActivated.connect(self._commands.set_currency)
        head.addWidget(self._currency)
        return head

    def show_state(self, state: PosState) -> None:
        """Draw `state`."""
        self._merchant.say(merchant_line(state))
        self._merchant.setToolTip(tr("till.terminal", terminal=state.terminal_id))
        if state.currencies != self._currencies:
            self._currencies = state.currencies
            self._currency.clear()
            self._currency.addItems(list(state.currencies))
        self._currency.setCurrentText(state.currency)
        self._currency.setEnabled(state.phase in {PosPhase.IDLE, PosPhase.AMOUNT})
        detail = tell(state.detail) if state.detail is not None else state.reader_text
        amount = state.amount_text or tr("till.no_amount")
        self._say(amount, tell(state.headline), KINDS.get(state.phase, ""), detail)

    def show_sale(self, state: AfterSaleState) -> None:
        """Draw what is asked or told about a sale that was made."""
        kind = state.headline.kind if state.headline.kind != "neutral" else ""
        detail = tell(state.detail) if state.detail is not None else ""
        self._say(state.display_text, tell(state.headline), kind, detail)
        self._currency.setEnabled(False)

    def _say(self, amount: str, headline: str, kind: str, detail: str) -> None:
        self._amount.setFont(self._fitting(amount))
        self._amount.say(amount)
        self._headline.say(headline, f"display-{kind}" if kind else "display")
        self._detail.say(detail)
        self._detail.setVisible(bool(detail))

    def _fitting(self, text: str) -> QFont:
        """The largest of the type sizes in which the amount fits the display."""
        room = self.width() - 2 * self._look.px(SPACE_M)
        for size_px in (TEXT_AMOUNT_PX, TEXT_TITLE_PX, TEXT_LEAD_PX):
            font = self._look.font(size_px, BOLD, tabular=True)
            if QFontMetrics(font).horizontalAdvance(text) <= room:
                return font
        return self._look.font(TEXT_CAPTION_PX, BOLD, tabular=True)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.line), 1))
        painter.setBrush(QColor(theme.display))
        radius = self._look.px(RADIUS_M)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)


class Keypad(QWidget):
    """Digits, backspace, Cancel and Charge."""

    def __init__(self, look: Look, commands: PosCommands) -> None:
        super().__init__()
        self.setObjectName("keypad")
        self._look = look
        self._grid = grid = QGridLayout(self)
        tight(grid, look.px(SPACE_S))
        for index, text in enumerate(KEYS):
            key = self._key(look, f"key{text}", text)
            key.clicked.connect(self._presser(commands, text))
            grid.addWidget(key, index // 3, index % 3)
        back = self._key(look, "keyBackspace", "").named(tr("till.backspace"))
        back.show_icon("delete", look.theme.text, TEXT_TITLE_PX)
        back.clicked.connect(commands.backspace)
        grid.addWidget(back, 3, 2)
        for line in range(4):
            grid.setRowStretch(line, 1)
        for place in range(3):
            grid.setColumnStretch(place, 1)

    def _key(self, look: Look, name: str, text: str) -> Button:
        key = Button(look, name, text, kind="key", size_px=TEXT_TITLE_PX, weight=MEDIUM)
        key.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        key.setMinimumSize(1, look.px(34))
        key.setMaximumHeight(look.px(64))
        return key

    def squeeze(self, *, low: bool) -> None:
        """Lower keys with less between them, or the usual ones."""
        self._grid.setSpacing(self._look.px(SPACE_XS if low else SPACE_S))
        for key in self.findChildren(Button):
            key.setMinimumHeight(self._look.px(26 if low else 34))

    def _presser(self, commands: PosCommands, text: str) -> Callable[[], None]:
        return lambda: commands.key(text)


class PosView(QWidget):
    """The till."""

    def __init__(self, look: Look, commands: PosCommands) -> None:
        super().__init__()
        self.setObjectName("till")
        self.setAccessibleName(tr("till.name"))
        self._look = look
        self._commands = commands
        self._state = PosState()
        self._after = AfterSaleState()
        self._phase = PosPhase.IDLE
        self._all_on = False
        self._sheet: bool | None = None
        self._box = box = column(look, self, SPACE_S)
        pad = look.px(SPACE_L)
        box.setContentsMargins(pad, look.px(14), pad, look.px(SPACE_M))
        self._lights = LightBar(look)
        self._caption = Label(look, "lightsCaption", size_px=TEXT_CAPTION_PX, tone="dim").wrapping()
        self._caption.centred()
        self._display = Display(look, commands)
        self._middle = QStackedWidget()
        self._middle.setObjectName("tillMiddle")
        self._keypad = Keypad(look, commands)
        self._middle.addWidget(self._keypad)
        self._middle.setMinimumHeight(look.px(160))
        self._papers = QStackedWidget()
        self._papers.setObjectName("tillPapers")
        self._receipt = ReceiptPage(look)
        self._sales = SalesPage(look, commands)
        self._papers.addWidget(self._receipt)
        self._papers.addWidget(self._sales)
        self._offline = OfflinePage(look, commands)
        self._papers.addWidget(self._offline)
        box.addWidget(self._lights)
        box.addWidget(self._caption)
        box.addWidget(self._display)
        box.addWidget(self._middle, 5)
        box.addLayout(self._big_keys())
        box.addLayout(self._tabs())
        self._lower = column(look)
        box.addLayout(self._lower, 4)

    def _big_keys(self) -> QHBoxLayout:
        look, keys = self._look, row(self._look)
        self._cancel = Button(
            look, "cancel", tr("till.cancel"), kind="cancel", icon_name="x", weight=SEMIBOLD
        )
        self._cancel.clicked.connect(self.cancel_or_clear)
        self._charge = Button(look, "charge", tr("till.charge"), kind="charge", weight=SEMIBOLD)
        self._charge.show_icon("check", look.theme.on_fill, 16)
        self._charge.clicked.connect(self._commands.charge)
        for key, stretch in ((self._cancel, 1), (self._charge, 1)):
            key.setMinimumSize(1, look.px(42))
            keys.addWidget(key, stretch)
        return keys

    def _tabs(self) -> QHBoxLayout:
        look, tabs = self._look, row(self._look, None, 0)
        self._tab_group = QButtonGroup(self)
        self._tab_buttons: list[Button] = []
        for index, page in enumerate(("Keypad", "Receipt", "Recent", "Offline")):
            name, key = f"tab{page}", f"till.tab.{page.lower()}"
            icon = TAB_ICONS.get(page, "")
            words = "" if icon else tr(key)
            tab = Button(
                look, name, words, kind="tab", icon_name=icon, size_px=TEXT_CAPTION_PX
            ).named(tr(key))
            tab.setCheckable(True)
            self._tab_group.addButton(tab, index)
            self._tab_buttons.append(tab)
            tabs.addWidget(tab)
        tabs.addStretch(1)
        self._tab_group.idClicked.connect(self._show_tab)
        self._tab_buttons[1].setChecked(True)
        return tabs

    def _show_tab(self, index: int) -> None:
        if index > 0:
            self._papers.setCurrentIndex(index - 1)
        if self._sheet:
            self._middle.setCurrentIndex(0 if index == 0 else 1)

    def _arrange(self, *, sheet: bool) -> None:
        """Put receipt and list below the keypad, or in its place."""
        if sheet == self._sheet:
            return
        self._sheet = sheet
        self._tab_buttons[0].setVisible(sheet)
        if sheet:
            self._lower.removeWidget(self._papers)
            self._middle.addWidget(self._papers)
            self._tab_buttons[0].setChecked(True)
            self._middle.setCurrentIndex(0)
        else:
            self._middle.removeWidget(self._papers)
            self._lower.addWidget(self._papers)
            self._papers.show()
            if self._tab_buttons[0].isChecked():
                self._tab_buttons[1].setChecked(True)
                self._papers.setCurrentIndex(0)

    def cancel_or_clear(self) -> None:
        """Cancel the sale, or empty the amount when there is no sale to cancel."""
        if self._phase in SALE_UNDER_WAY:
            self._commands.cancel()
        else:
            self._commands.clear()

    def show_state(self, state: PosState) -> None:
        """Draw `state`; run the lights when a card has just been read."""
        caption = tell(state.lights_caption)
        all_on = all(light is Light.ON for light in state.lights)
        was_read = self._phase in BEFORE_READ and state.phase in AFTER_READ
        self._lights.show_lights(state.lights, caption)
        self._caption.say(f"{caption} · {tr('till.tone.' + state.tone)}" if state.tone else caption)
        if was_read or (all_on and not self._all_on):
            self._lights.run_read()
        self._state, self._phase, self._all_on = state, state.phase, all_on
        self._receipt.show_receipt(state.receipt)
        self._sales.show_recent(state.recent)
        self._offline.show_state(state.offline)
        self._show_display_and_keys()

    def show_after_sale(self, state: AfterSaleState) -> None:
        """Draw a chosen sale; where keypad or receipt is what matters next, show that."""
        before, self._after = self._after.step, state
        self._sales.show_sale(state)
        if state.step is not before:
            if state.step is SaleStep.AMOUNT and self._sheet:
                self._turn_to(0)
            elif state.step is SaleStep.DONE and state.payment_id and not self._sheet:
                self._turn_to(1)
        self._show_display_and_keys()

    def _turn_to(self, index: int) -> None:
        self._tab_buttons[index].setChecked(True)
        self._show_tab(index)

    def _show_display_and_keys(self) -> None:
        """A sale under way has display and keys; else the chosen sale, if there is one."""
        state, after = self._state, self._after
        under_way = state.phase in SALE_UNDER_WAY
        if under_way or after.step is SaleStep.CLOSED:
            self._display.show_state(state)
            self._charge.say(tr("till.charge"))
            self._charge.setEnabled(state.can_charge)
            self._cancel.say(tr("till.cancel" if under_way else "till.clear"))
            self._cancel.setEnabled(state.can_cancel)
        else:
            self._display.show_sale(after)
            self._charge.say(_confirming(after))
            self._charge.setEnabled(bool(after.confirm))
            typing = after.step is SaleStep.AMOUNT
            self._cancel.say(tr("till.clear" if typing else "till.sale.close"))
            self._cancel.setEnabled(after.step is not SaleStep.WORKING)
        self._cancel.become("cancel" if under_way else "key")
        theme = self._look.theme
        self._cancel.show_icon("x", theme.on_fill if under_way else theme.text, 16)

    def _squeeze(self, *, low: bool) -> None:
        """Take less height for display and keys when there is very little."""
        look = self._look
        self._display.setMinimumHeight(look.px(104 if low else 132))
        self._middle.setMinimumHeight(look.px(116 if low else 160))
        self._keypad.squeeze(low=low)
        for key in (self._cancel, self._charge):
            key.setMinimumHeight(look.px(34 if low else 42))
        self._box.setSpacing(look.px(SPACE_XS if low else SPACE_S))

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._squeeze(low=self.height() < self._look.px(SQUEEZE_BELOW_PX))
        self._arrange(sheet=self.height() < self._look.px(SHEET_BELOW_PX))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.line_strong), 1))
        painter.setBrush(QColor(theme.till_body))
        radius = self._look.px(RADIUS_L)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)


def _confirming(state: AfterSaleState) -> str:
    """What stands on the green key."""
    match state.confirm:
        case "refund":
            return tr("till.sale.refund")
        case "repeat":
            return tr("till.sale.repeat")
        case _:
            return tr("till.charge")
