"""The phone's cards: a face, a place for one, the pile, and the pages that begin with it.

Draws `WalletState` and calls `WalletCommands`; decides nothing about payments.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget
from typing_extensions import override

from lab.design.blocks import Button, Label, column, row, scroll
from lab.design.look import BOLD, MEDIUM, Look
from lab.design.motion import CARD_FORWARD_MS
from lab.design.names import network_name
from lab.design.tokens import SPACE_M, TEXT_TITLE_PX
from lab.wallet.card_art import (
    CORNER_PART,
    LABEL_PX,
    LABEL_TOP_PART,
    SHADOW_PX,
    card_height,
    face_pixmap,
    shadow_pixmap,
)
from lab.wallet.state import CardView, WalletState
from lab.window.commands import WalletCommands
from lab.words import Message, tell, tr

PEEK_PX = 44  # the line with a card's name


def notice_tone(notice: Message) -> str:
    """The tone of one line under the cards: its colour where it has one, else the phone's grey."""
    return notice.kind if notice.kind in {"good", "bad", "waiting", "ours"} else "phone-dim"


class CardFace(QAbstractButton):
    """A card lying on the phone's screen, with room for its shadow around it."""

    def __init__(self, look: Look, card: CardView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._lies_below_px = 0
        self.card = card
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.show_card(card)

    def show_card(self, card: CardView) -> None:
        """Draw another card, or the same one with other marks."""
        self.card = card
        self.setObjectName(f"card_{card.id}")
        self.setAccessibleName(
            tr(
                "phone.card.name",
                label=card.label,
                network=network_name(card.network),
                last4=card.last4,
            )
            + (f", {tr('phone.mark.default')}" if card.is_default else "")
            + (f", {card.status}" if card.status != "active" else "")
        )
        self.update()

    def lie_on(self, below_px: int) -> None:
        """Cast a shadow on the card that starts `below_px` higher; 0: on nothing."""
        if below_px != self._lies_below_px:
            self._lies_below_px = below_px
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
        if self._lies_below_px:
            below = QRectF(SHADOW_PX, SHADOW_PX, width, card_height(width))
            below.translate(0, -self._lies_below_px)
            beneath = QPainterPath()
            beneath.addRoundedRect(below, width * CORNER_PART, width * CORNER_PART)
            painter.setClipPath(beneath)
            painter.drawPixmap(0, 0, shadow_pixmap(width, ratio))
            painter.setClipping(False)
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
        self._peeks = False

    def peek(self, *, on: bool) -> None:
        """Show only the edge with the card's name, where there is little height."""
        if on != self._peeks:
            self._peeks = on
            self._place()

    def show_card(self, card: CardView | None) -> None:
        """Show `card`, or leave the place empty."""
        if card is None:
            if self._face is not None:
                self._face.hide()
            return
        if self._face is None:
            self._face = CardFace(self._look, card, self)
            self._face.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            self._face.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self._place()
        elif self._face.card != card:
            self._face.show_card(card)
        self._face.show()

    def _place(self) -> None:
        height = card_height(self.width())
        self.setFixedHeight(max(1, self._look.px(PEEK_PX) if self._peeks else height))
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
        self._page_px = 1
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
        self._take_height()
        self._place(animated=moved and self.isVisible())

    def _opener(self, card_id: str) -> Callable[[], None]:
        return lambda: self._commands.open_card(card_id)

    def take_width(self, width_px: int) -> None:
        """Ask for the height of a pile this wide.

        A scroll bar that comes takes width and so height from the cards. The pile's own height does
        not follow that, or the bar would go, the cards grow, and the bar come again for ever.
        """
        if width_px != self._page_px:
            self._page_px = width_px
            self._take_height()

    def _take_height(self) -> None:
        strips = self._strip(self._page_px) * max(0, len(self._order) - 1)
        self.setFixedHeight(strips + card_height(max(1, self._page_px)) + 2)

    def _strip(self, width_px: int) -> int:
        """How much of a card behind another is seen: its label, with air below."""
        return round(width_px * LABEL_TOP_PART) + self._look.px(LABEL_PX + 9)

    def _targets(self) -> dict[str, QRect]:
        outset, strip, width = SHADOW_PX, self._strip(self.width()), self.width()
        height = card_height(width) + 2 * outset
        return {
            card_id: QRect(-outset, index * strip - outset, width + 2 * outset, height)
            for index, card_id in enumerate(self._order)
        }

    def _place(self, *, animated: bool) -> None:
        targets = self._targets()
        for index, card_id in enumerate(self._order):
            self._faces[card_id].raise_()
            self._faces[card_id].lie_on(self._strip(self.width()) if index else 0)
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
        letters = Button(look, "openLetters", kind="phone", icon_name="mail").named(
            tr("phone.letters.open")
        )
        letters.clicked.connect(commands.open_letters)
        head.addWidget(letters)
        self._devices = Button(look, "openDevices", kind="phone", icon_name="smartphone").named(
            tr("phone.devices.open")
        )
        self._devices.clicked.connect(commands.open_devices)
        head.addWidget(self._devices)
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
            self._notice.say(tell(state.notice), notice_tone(state.notice))
        self._pay.setEnabled(not state.busy and bool(state.cards))
        self._add.setEnabled(not state.offline)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._stack.take_width(self.width())


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
