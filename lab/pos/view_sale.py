"""The till's sales: the list with the end of the day below it, and the sale that was chosen.

Draws `PosState.recent` and `AfterSaleState` and calls `PosCommands`; the amount of a refund is
typed on the till's own keypad, so there is none here.
"""

from __future__ import annotations

from PySide6.QtWidgets import QStackedWidget, QWidget

from lab.design.blocks import Button, Label, Shape, column, row, scroll
from lab.design.look import MEDIUM, SEMIBOLD, Look
from lab.design.names import STATE_TONES, state_word
from lab.design.tokens import SPACE_S, TEXT_CAPTION_PX
from lab.pos.after_sale_state import AfterSaleState, SaleStep
from lab.pos.state import RecentSale
from lab.pos.view_receipt import RecentPage
from lab.window.commands import PosCommands
from lab.words import tr

ORDERS = (
    ("refund", "till.sale.refund"),
    ("capture", "till.sale.capture"),
    ("void", "till.sale.void"),
)


class SalesPage(QWidget):
    """List or chosen sale."""

    def __init__(self, look: Look, commands: PosCommands) -> None:
        super().__init__()
        self.setObjectName("salesPage")
        self._pages = QStackedWidget()
        self._pages.setObjectName("salesStack")
        listed = QWidget()
        box = column(look, listed, SPACE_S)
        self._recent = RecentPage(look, commands)
        box.addWidget(self._recent, 1)
        self._day = Button(look, "closeDay", tr("till.day.close"), kind="key")
        self._day.clicked.connect(commands.close_day)
        box.addWidget(self._day)
        self._sale = SalePage(look, commands)
        self._pages.addWidget(listed)
        self._pages.addWidget(self._sale)
        column(look, self).addWidget(self._pages)

    def show_recent(self, recent: tuple[RecentSale, ...]) -> None:
        """Draw the list."""
        self._recent.show_recent(recent)
        self._day.setVisible(bool(recent))

    def show_sale(self, state: AfterSaleState) -> None:
        """Draw the chosen sale, or go back to the list."""
        self._sale.show_sale(state)
        self._day.setEnabled(state.step is not SaleStep.WORKING)
        self._pages.setCurrentIndex(1 if state.payment_id else 0)


class SalePage(QWidget):
    """One sale, and what can be done with it."""

    def __init__(self, look: Look, commands: PosCommands) -> None:
        super().__init__()
        self.setObjectName("salePage")
        self._commands = commands
        self._payment_id = ""
        inside = QWidget()
        box = column(look, inside, SPACE_S)
        head = row(look)
        self._back = Button(look, "saleBack", kind="quiet", icon_name="chevron-left").named(
            tr("till.sale.back")
        )
        self._back.clicked.connect(lambda: commands.choose_sale(""))
        self._title = Label(look, "saleTitle", weight=SEMIBOLD, tabular=True).eliding()
        head.addWidget(self._back)
        head.addWidget(self._title, 1)
        box.addLayout(head)
        told = row(look, None, 6)
        self._mark = Shape(look, 10)
        self._state = Label(look, "saleState", size_px=TEXT_CAPTION_PX).eliding()
        told.addWidget(self._mark)
        told.addWidget(self._state, 1)
        box.addLayout(told)
        self._money = Label(look, "saleMoney", size_px=TEXT_CAPTION_PX, tone="dim").wrapping()
        box.addWidget(self._money)
        self._orders = {name: self._button(look, name, tr(key)) for name, key in ORDERS}
        for order in self._orders.values():
            box.addWidget(order)
        self._print = Button(
            look, "salePrint", tr("till.sale.receipt"), kind="key", icon_name="receipt"
        )
        self._print.clicked.connect(lambda: commands.select_receipt(self._payment_id))
        box.addWidget(self._print)
        box.addStretch(1)
        self._area = scroll(inside, "saleScroll")
        column(look, self).addWidget(self._area)

    def _button(self, look: Look, name: str, text: str) -> Button:
        kind = "key" if name == "void" else "primary"
        made = Button(look, f"sale_{name}", text, kind=kind, weight=MEDIUM)
        if name == "refund":
            made.clicked.connect(self._commands.ask_refund)
        else:
            made.clicked.connect(lambda: self._commands.order(name))
        return made

    def show_sale(self, state: AfterSaleState) -> None:
        """Draw `state`."""
        self._payment_id = state.payment_id
        self._title.say(tr("till.sale.title", amount=state.title_text))
        tone = STATE_TONES.get(state.state, "dim")
        self._mark.show_kind(tone if tone != "dim" else "neutral")
        self._state.say(state_word(state.state), tone if tone != "neutral" else "text")
        money = tr("till.sale.left", back=state.back_text, taken=state.title_text)
        self._money.say(money if state.back_text else "")
        self._money.setVisible(bool(state.back_text))
        typing = state.step is SaleStep.AMOUNT
        for name, order in self._orders.items():
            order.setVisible(name in state.orders)
            order.setEnabled(not typing)
        self._back.setEnabled(state.step is not SaleStep.WORKING)
