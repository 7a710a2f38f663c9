"""The phone's card pages: the stack, and one card with its history.

Draws `WalletState` and calls `WalletCommands`; decides nothing about payments.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QSizePolicy, QWidget
from typing_extensions import override

from lab.design.blocks import Button, EmptyState, Label, clear_layout, column, row, scroll
from lab.design.look import BOLD, MEDIUM, SEMIBOLD, Look
from lab.design.motion import CARD_FORWARD_MS
from lab.design.tokens import SPACE_M, SPACE_XS, TEXT_CAPTION_PX, TEXT_LEAD_PX, TEXT_TITLE_PX
from lab.wallet.card_art import (
    LABEL_PX,
    LABEL_TOP_PART,
    SHADOW_PX,
    card_height,
    face_pixmap,
    shadow_pixmap,
)
from lab.wallet.state import CardView, HistoryRow, WalletState
from lab.window.commands import WalletCommands
from lab.words import tr

STATE_TONES = {"approved": "good", "captured": "good", "declined": "bad", "unknown": "waiting"}


class CardFace(QAbstractButton):
    """A card lying on the phone's screen, with room for its shadow around it."""

    def __init__(
        self, look: Look, card: CardView, parent: QWidget | None = None, *, shadow: bool = True
    ) -> None:
        super().__init__(parent)
        self._look = look
        self._shadow = shadow
        self.card = card
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.show_card(card)

    def show_card(self, card: CardView) -> None:
        """Draw another card, or the same one with other marks."""
        self.card = card
        self.setObjectName(f"card_{card.id}")
        self.setAccessibleName(
            tr("phone.card.name", label=card.label, network=card.network, last4=card.last4)
            + (f", {tr('phone.mark.default')}" if card.is_default else "")
            + (f", {card.status}" if card.status != "active" else "")
        )
        self.update()

    @override
    def sizeHint(self) -> QSize:
        width = self.width()
        return QSize(width, card_height(width - 2 * SHADOW_PX) + 2 * SHADOW_PX)

    @override
    def hitButton(self, pos: QPoint) -> bool:
        margin = SHADOW_PX
        return self.rect().adjusted(margin, margin, -margin, -margin).contains(pos)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        width, ratio = self.width() - 2 * SHADOW_PX, self.devicePixelRatioF()
        if self._shadow:
            painter.drawPixmap(0, 0, shadow_pixmap(width, ratio))
        painter.drawPixmap(SHADOW_PX, SHADOW_PX, face_pixmap(self._look, self.card, width, ratio))
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(self._look.theme.blue), 2))
            edge = SHADOW_PX - 3
            painter.drawRoundedRect(self.rect().adjusted(edge, edge, -edge, -edge), 12, 12)


class CardSlot(QWidget):
    """A place for one card as wide as the page, used on every page that shows a single card."""

    def __init__(self, look: Look, name: str) -> None:
        super().__init__()
        self._look = look
        self.setObjectName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._face: CardFace | None = None

    def show_card(self, card: CardView | None) -> None:
        """Show `card`, or leave the place empty."""
        if card is None:
            if self._face is not None:
                self._face.hide()
            return
        if self._face is None:
            self._face = CardFace(self._look, card, self, shadow=False)
            self._face.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            self._face.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self._place()
        elif self._face.card != card:
            self._face.show_card(card)
        self._face.show()

    def _place(self) -> None:
        height = card_height(self.width())
        self.setFixedHeight(max(1, height))
        if self._face is not None:
            outset = SHADOW_PX
            self._face.setGeometry(-outset, -outset, self.width() + 2 * outset, height + 2 * outset)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()


class CardStack(QWidget):
    """All cards as a pile: each shows its top strip, the front one its whole face."""

    def __init__(self, look: Look, commands: WalletCommands) -> None:
        super().__init__()
        self._look = look
        self._commands = commands
        self._faces: dict[str, CardFace] = {}
        self._order: tuple[str, ...] = ()
        self._front = ""
        self.setObjectName("cardStack")

    def show_cards(self, cards: tuple[CardView, ...], front_id: str) -> None:
        """Pile up `cards` with `front_id` in front; a new front card comes forward."""
        known = {card.id for card in cards}
        for gone in [card_id for card_id in self._faces if card_id not in known]:
            self._faces.pop(gone).deleteLater()
        for card in cards:
            face = self._faces.get(card.id)
            if face is None:
                face = CardFace(self._look, card, self)
                face.clicked.connect(self._opener(card.id))
                face.show()
                self._faces[card.id] = face
            elif face.card != card:
                face.show_card(card)
        order = (
            *(card.id for card in cards if card.id != front_id),
            *(card.id for card in cards if card.id == front_id),
        )
        moved = bool(self._order) and order != self._order and set(order) == set(self._order)
        self._order, self._front = order, front_id
        self._place(animated=moved and self.isVisible())

    def _opener(self, card_id: str) -> Callable[[], None]:
        return lambda: self._commands.open_card(card_id)

    def _strip(self) -> int:
        """How much of a card behind another is seen: its label, with air below."""
        return round(self.width() * LABEL_TOP_PART) + self._look.px(LABEL_PX + 9)

    def _targets(self) -> dict[str, QRect]:
        outset, strip, width = SHADOW_PX, self._strip(), self.width()
        height = card_height(width) + 2 * outset
        return {
            card_id: QRect(-outset, index * strip - outset, width + 2 * outset, height)
            for index, card_id in enumerate(self._order)
        }

    def _place(self, *, animated: bool) -> None:
        targets = self._targets()
        for card_id in self._order:
            self._faces[card_id].raise_()
        strips = self._strip() * max(0, len(self._order) - 1)
        self.setFixedHeight(strips + card_height(max(1, self.width())) + 2)
        if not animated:
            for card_id, target in targets.items():
                self._faces[card_id].setGeometry(target)
            return
        starts = {card_id: self._faces[card_id].geometry() for card_id in targets}

        def step(part: float) -> None:
            for card_id, target in targets.items():
                if card_id in self._faces:
                    start = starts[card_id]
                    top = start.top() + (target.top() - start.top()) * part
                    self._faces[card_id].setGeometry(
                        target.left(), round(top), target.width(), target.height()
                    )

        self._look.motion.run(self, CARD_FORWARD_MS, step)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place(animated=False)


class StackPage(QWidget):
    """The wallet's first page: title, add button, the pile, and what can be done next."""

    def __init__(self, look: Look, commands: WalletCommands) -> None:
        super().__init__()
        self.setObjectName("stackPage")
        box = column(look, self, SPACE_M)
        head = row(look)
        title = Label(look, "walletTitle", size_px=TEXT_TITLE_PX, weight=BOLD, tone="phone")
        title.say(tr("phone.title"))
        head.addWidget(title)
        head.addStretch(1)
        self._add = Button(look, "addCard", kind="phone", icon_name="plus").named(tr("phone.add"))
        self._add.clicked.connect(commands.begin_add)
        head.addWidget(self._add)
        box.addLayout(head)
        self._notice = Label(look, "stackNotice", tone="waiting").wrapping()
        box.addWidget(self._notice)
        self._stack = CardStack(look, commands)
        holder = QWidget()
        inside = column(look, holder)
        inside.setContentsMargins(0, look.px(2), 0, look.px(SHADOW_PX))
        inside.addWidget(self._stack)
        inside.addStretch(1)
        box.addWidget(scroll(holder, "stackScroll"), 1)
        self._pay = Button(
            look, "doublePress", tr("phone.double_press"), kind="phone", weight=MEDIUM
        )
        self._pay.clicked.connect(commands.double_press)
        box.addWidget(self._pay)

    def show_state(self, state: WalletState) -> None:
        """Draw `state`."""
        front = state.selected_id or next(
            (card.id for card in state.cards if card.is_default),
            state.cards[-1].id if state.cards else "",
        )
        self._stack.show_cards(state.cards, front)
        self._notice.setVisible(state.notice is not None)
        if state.notice is not None:
            self._notice.say(tr(state.notice.key, **dict(state.notice.values)))
        self._pay.setEnabled(not state.busy and bool(state.cards))
        self._add.setEnabled(not state.offline)


class StartPage(QWidget):
    """No card yet: the engine is starting, or a first card can be added."""

    def __init__(self, look: Look, commands: WalletCommands) -> None:
        super().__init__()
        self.setObjectName("startPage")
        box = column(look, self, SPACE_M)
        box.addStretch(2)
        self._title = Label(
            look, "startTitle", size_px=TEXT_TITLE_PX, weight=BOLD, tone="phone"
        ).wrapping()
        self._text = Label(look, "startText", tone="phone-dim").wrapping()
        box.addWidget(self._title)
        box.addWidget(self._text)
        box.addSpacing(look.px(SPACE_M))
        self._demo = Button(
            look, "startDemo", tr("phone.start.demo"), kind="primary", weight=MEDIUM
        )
        self._demo.clicked.connect(commands.start_with_demo_cards)
        self._add = Button(look, "startAdd", tr("phone.add"), kind="phone", weight=MEDIUM)
        self._add.clicked.connect(commands.begin_add)
        box.addWidget(self._demo)
        box.addWidget(self._add)
        box.addStretch(3)

    def show_state(self, state: WalletState, *, starting: bool) -> None:
        """Draw `state`; `starting` while the engine is not there."""
        self._title.say(tr("phone.starting.title" if starting else "phone.first.title"))
        notice = state.notice
        text = tr("phone.starting.text" if starting else "phone.first.text")
        self._text.say(tr(notice.key, **dict(notice.values)) if notice is not None else text)
        for button in (self._demo, self._add):
            button.setVisible(not starting)
            button.setEnabled(not state.busy)
        self._demo.say(tr("phone.start.busy" if state.busy else "phone.start.demo"))


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
        self._history: tuple[HistoryRow, ...] | None = None
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
        actions = row(look)
        self._default = Button(look, "detailDefault", tr("phone.make_default"), kind="phone")
        self._default.clicked.connect(lambda: self._commands.set_default(self._card_id))
        self._remove = Button(look, "detailRemove", tr("phone.remove"), kind="phone")
        self._remove.clicked.connect(lambda: self._commands.remove(self._card_id))
        actions.addWidget(self._default)
        actions.addWidget(self._remove)
        box.addLayout(actions)
        title = Label(
            look, "detailHistoryTitle", size_px=TEXT_LEAD_PX, weight=SEMIBOLD, tone="phone"
        )
        title.say(tr("phone.history"))
        box.addWidget(title)
        self._rows = column(look, None, 1)
        box.addLayout(self._rows)
        self._empty = EmptyState(look, "historyEmpty", tr("phone.history.empty"))
        self._empty.sentence.say(tr("phone.history.empty"), "phone-dim")
        box.addWidget(self._empty)
        box.addStretch(1)
        return holder

    def show_state(self, state: WalletState) -> None:
        """Draw `state`."""
        card = next((card for card in state.cards if card.id == state.selected_id), None)
        self._slot.show_card(card)
        if card is None:
            return
        self._card_id = card.id
        lines = [
            tr("phone.card_number", last4=card.last4),
            tr("phone.device_number", last4=card.token_last4)
            if card.token_last4
            else tr("phone.device_number.none"),
        ]
        if not card.payable:
            lines.append(tr("phone.not_payable", network=card.network))
        if state.notice is not None:
            lines.append(tr(state.notice.key, **dict(state.notice.values)))
        self._numbers.say("\n".join(lines))
        usable = card.status == "active" and not card.is_default and not state.busy
        self._default.setEnabled(usable)
        self._default.say(tr("phone.is_default" if card.is_default else "phone.make_default"))
        self._remove.setEnabled(not state.offline and not state.busy)
        self._show_history(state.history)

    def _show_history(self, history: tuple[HistoryRow, ...]) -> None:
        if history == self._history:
            return
        self._history = history
        clear_layout(self._rows)
        self._empty.setVisible(not history)
        for entry in history:
            self._rows.addWidget(HistoryLine(self._look, self._open_payment, entry))


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
        state.say(state_word(entry.state), STATE_TONES.get(entry.state, "phone-dim"))
        right.addWidget(amount)
        right.addWidget(state)
        box.addLayout(right)
        link = Button(look, "historyOpen", kind="phone", icon_name="arrow-up-right").named(
            tr("phone.history.open", amount=entry.amount_text)
        )
        link.clicked.connect(lambda: open_payment(entry.payment_id))
        box.addWidget(link)


def state_word(state: str) -> str:
    """A payment's state in words."""
    return tr("state." + state) if state in KNOWN_STATES else state.replace("_", " ")


KNOWN_STATES = frozenset(
    {
        "approved",
        "authorized",
        "authorizing",
        "captured",
        "created",
        "declined",
        "failed",
        "refunded",
        "reversed",
        "reversing",
        "unknown",
        "voided",
    }
)
