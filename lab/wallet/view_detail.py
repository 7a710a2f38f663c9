"""One card of the phone: its two numbers, what can be done with it, what it paid.

Draws `WalletState` and calls `WalletCommands`; decides nothing about payments.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QWidget

from lab.design.blocks import Button, Label, column, row, scroll
from lab.design.choices import Switch
from lab.design.look import MEDIUM, Look
from lab.design.names import STATE_TONES, state_word
from lab.design.tokens import SPACE_M, SPACE_XS, TEXT_CAPTION_PX
from lab.wallet.state import CardView, HistoryRow, WalletState
from lab.wallet.view_cards import CardSlot
from lab.wallet.view_history import HistoryPart
from lab.window.commands import WalletCommands
from lab.words import tr


class DetailPage(QWidget):
    """One card: its two numbers, what can be done with it, what it paid."""

    def __init__(
        self, look: Look, commands: WalletCommands, open_payment: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.setObjectName("detailPage")
        self._open_payment = open_payment
        self._look = look
        self._commands = commands
        self._card_id = ""
        self._is_suspended = False
        self._is_sure = False
        box = column(look, self, SPACE_M)
        head = row(look)
        back = Button(look, "detailBack", tr("phone.back"), kind="phone", icon_name="chevron-left")
        back.clicked.connect(commands.close)
        head.addWidget(back)
        head.addStretch(1)
        box.addLayout(head)
        self._slot = CardSlot(look, "detailCard")
        box.addWidget(self._slot)
        box.addWidget(scroll(self._lower_part(), "detailScroll"), 1)

    def _lower_part(self) -> QWidget:
        look = self._look
        holder = QWidget()
        box = column(look, holder, SPACE_M)
        box.setContentsMargins(0, look.px(SPACE_XS), 0, 0)
        self._numbers = Label(look, "detailNumbers", tone="phone-dim").wrapping()
        box.addWidget(self._numbers)
        self._held = Label(look, "detailHeld", weight=MEDIUM, tone="waiting").wrapping()
        box.addWidget(self._held)
        commands = self._commands
        self._default = self._button("detailDefault", "phone.make_default", commands.set_default)
        self._remove = self._button("detailRemove", "phone.remove", self._remove_if_sure)
        self._stop = self._button("detailSuspend", "phone.suspend", self._stop_or_go)
        self._refresh = self._button("detailRefresh", "phone.refresh", commands.refresh_token)
        for left, right in ((self._default, self._stop), (self._refresh, self._remove)):
            actions = row(look)
            actions.addWidget(left, 1)
            actions.addWidget(right, 1)
            box.addLayout(actions)
        self._watch = self._button("detailWatch", "phone.watch.add", commands.add_to_watch)
        box.addWidget(self._watch)
        self._express = Switch(look, "detailExpress", tr("phone.express"))
        self._express.clicked.connect(
            lambda chosen: self._commands.set_express(self._card_id, bool(chosen))
        )
        box.addWidget(self._express)
        self._history = HistoryPart(
            look, lambda entry: HistoryLine(look, self._open_payment, entry)
        )
        box.addWidget(self._history)
        box.addStretch(1)
        return holder

    def _button(self, name: str, words: str, asks: Callable[[str], None]) -> Button:
        button = Button(self._look, name, tr(words), kind="phone")
        button.clicked.connect(lambda: asks(self._card_id))
        return button

    def _remove_if_sure(self, card_id: str) -> None:
        """The first press asks, the second does: nothing brings the card back."""
        if self._is_sure:
            self._commands.remove(card_id)
            return
        self._is_sure = True
        self._remove.say(tr("phone.remove.sure"))

    def _stop_or_go(self, card_id: str) -> None:
        if self._is_suspended:
            self._commands.reactivate(card_id)
        else:
            self._commands.suspend(card_id)

    def begin(self) -> None:
        """The page is opened: nobody has pressed anything yet."""
        self._is_sure = False
        self._history.begin()

    def show_state(self, state: WalletState) -> None:
        """Draw `state`."""
        card = next((card for card in state.cards if card.id == state.selected_id), None)
        self._slot.show_card(card)
        if card is None:
            return
        if card.id != self._card_id or state.notice is not None:
            self._is_sure = False
        self._card_id = card.id
        lines = [
            tr("phone.card_number", last4=card.last4),
            tr("phone.device_number", last4=card.token_last4)
            if card.token_last4
            else tr("phone.device_number.none"),
        ]
        if card.status == "rejected":
            lines.append(tr("phone.rejected"))
        elif card.status == "pending":
            lines.append(tr("phone.verify.text"))
        if card.is_spent:
            lines.append(tr("wallet.needs_refresh"))
        elif state.notice is not None:
            lines.append(tr(state.notice.key, **dict(state.notice.values)))
        self._numbers.say("\n".join(lines))
        self._show_actions(card, can_ask=not state.offline and not state.busy)
        self._express.setChecked(card.is_express)
        payable = card.status == "active" and card.is_here and not card.is_spent
        self._express.setEnabled(card.is_express or payable)
        self._history.show_rows(state.history)

    def _show_actions(self, card: CardView, *, can_ask: bool) -> None:
        self._is_suspended = card.status == "suspended"
        held = [tr(f"phone.held.{by}") for by in card.suspended_by]
        held += [tr(f"phone.waits.{card.waiting_for}")] if card.waiting_for else []
        self._held.setVisible(bool(held))
        self._held.say("\n".join(held))
        usable = card.status == "active" and can_ask
        self._default.setEnabled(usable and not card.is_default)
        self._default.say(tr("phone.is_default" if card.is_default else "phone.make_default"))
        self._refresh.setEnabled(usable and not card.waiting_for)
        self._stop.setEnabled(can_ask and card.status in {"active", "suspended"})
        self._stop.say(tr("phone.reactivate" if self._is_suspended else "phone.suspend"))
        self._watch.setVisible(bool(card.watch))
        self._watch.setEnabled(usable and card.watch == "offered")
        self._watch.say(tr(f"phone.watch.{'add' if card.watch == 'offered' else 'there'}"))
        self._remove.setEnabled(can_ask)
        self._remove.say(tr("phone.remove.sure" if self._is_sure else "phone.remove"))


class HistoryLine(QFrame):
    """One payment of a card's history, and the way to the payment."""

    def __init__(self, look: Look, open_payment: Callable[[str], None], entry: HistoryRow) -> None:
        super().__init__()
        self.setObjectName(f"history_{entry.payment_id}")
        self.setProperty("surface", "phone-raised")
        box = row(look, self)
        box.setContentsMargins(*(look.px(SPACE_M), look.px(6)) * 2)
        left = column(look, None, 0)
        merchant = Label(look, "historyMerchant", weight=MEDIUM, tone="phone").eliding()
        merchant.say(entry.merchant)
        when = Label(look, "historyWhen", size_px=TEXT_CAPTION_PX, tone="phone-dim").eliding()
        when.say(entry.at_text)
        left.addWidget(merchant)
        left.addWidget(when)
        box.addLayout(left, 1)
        right = column(look, None, 0)
        amount = Label(look, "historyAmount", tone="phone", tabular=True)
        amount.setAlignment(Qt.AlignmentFlag.AlignRight)
        amount.say(entry.amount_text)
        state = Label(look, "historyState", size_px=TEXT_CAPTION_PX)
        state.setAlignment(Qt.AlignmentFlag.AlignRight)
        if entry.back_text:
            state.say(tr("phone.history.back", back=entry.back_text), "phone")
        else:
            state.say(state_word(entry.state), STATE_TONES.get(entry.state, "phone-dim"))
        right.addWidget(amount)
        right.addWidget(state)
        box.addLayout(right)
        link = Button(look, "historyOpen", kind="phone", icon_name="arrow-up-right").named(
            tr("phone.history.open", amount=entry.amount_text)
        )
        link.clicked.connect(lambda: open_payment(entry.payment_id))
        box.addWidget(link)
