"""The watch's face: one small page for each of its screens.

Draws `WatchState` and calls `WatchCommands`; decides nothing about payments.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QStackedWidget, QWidget
from typing_extensions import override

from lab.design.blocks import Button, Label, Shape, column, row, tight
from lab.design.icons import icon_pixmap
from lab.design.look import MEDIUM, SEMIBOLD, Look
from lab.design.tokens import SPACE_XS, TEXT_BODY_PX, TEXT_CAPTION_PX, TEXT_LEAD_PX
from lab.wallet.card_art import art_pixmap, card_height
from lab.wallet.state import CardView
from lab.wallet.view_drawings import ReadTick
from lab.watch.commands import WatchCommands
from lab.watch.state import WatchScreen, WatchState
from lab.watch.wrist import CODE_DIGITS
from lab.words import tell, tr

ICON_PX = 26
KEY_PX = 24
ART_PART = 0.86
DOT, NO_DOT = "●", "○"


class SmallCard(QWidget):
    """A card's drawing, as wide as the face lets it be; what is written on it stands below."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.setObjectName("watchCard")
        self._look = look
        self._card: CardView | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(look.px(34))

    def show_card(self, card: CardView) -> None:
        """Draw `card`."""
        if card != self._card:
            self._card = card
            self.setAccessibleName(tr("watch.face.card", label=card.label, last4=card.last4))
            self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(self._look.px(120), self._look.px(76))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        if self._card is None:
            return
        width = round(self.width() * ART_PART)
        if card_height(width) > self.height():
            width = round(self.height() * width / card_height(width))
        quiet = not self._card.can_pay
        pixmap = art_pixmap(self._card.art, max(1, width), self.devicePixelRatioF(), quiet=quiet)
        left, top = (self.width() - width) // 2, (self.height() - card_height(width)) // 2
        QPainter(self).drawPixmap(left, top, pixmap)


class WordsPage(QWidget):
    """An icon or a shape, a word, and a line: not worn, no card, lost, and the bank's message."""

    def __init__(self, look: Look, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._look = look
        box = column(look, self, SPACE_XS)
        box.addStretch(1)
        self._mark = QLabel()
        self._shape = Shape(look, 14)
        box.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignHCenter)
        box.addWidget(self._shape, 0, Qt.AlignmentFlag.AlignHCenter)
        self._title = Label(
            look, f"{name}Title", size_px=TEXT_LEAD_PX, weight=SEMIBOLD, tone="phone"
        ).wrapping()
        box.addWidget(self._title.centred())
        self._text = Label(
            look, f"{name}Text", size_px=TEXT_CAPTION_PX, tone="phone-dim"
        ).wrapping()
        box.addWidget(self._text.wrapping().centred())
        box.addStretch(1)

    def say(self, title: str, text: str, *, icon_name: str = "", kind: str = "") -> None:
        """Show a word and a line under an icon, or a message under its shape."""
        theme = self._look.theme
        self._mark.setVisible(bool(icon_name))
        self._shape.setVisible(bool(kind) and not icon_name)
        if icon_name:
            colour = theme.red if kind == "bad" else theme.phone_text_dim
            self._mark.setPixmap(icon_pixmap(icon_name, colour, self._look.px(ICON_PX)))
        if kind:
            self._shape.show_kind(kind)
        self._title.setVisible(bool(title))
        self._title.say(title)
        self._text.setVisible(bool(text))
        self._text.say(text)


class CodePage(QWidget):
    """The passcode: dots and keys."""

    def __init__(self, look: Look, commands: WatchCommands) -> None:
        super().__init__()
        self.setObjectName("watchCode")
        box = column(look, self, SPACE_XS)
        title = Label(look, "watchCodeTitle", size_px=TEXT_CAPTION_PX, tone="phone-dim")
        title.centred().say(tr("watch.face.passcode"))
        box.addWidget(title)
        self._dots = Label(look, "watchCodeDots", size_px=TEXT_CAPTION_PX, tone="phone")
        box.addWidget(self._dots.centred())
        grid = QGridLayout()
        tight(grid, look.px(3))
        for index, text in enumerate("123456789 0"):
            if text != " ":
                key = self._key(look, f"watchKey{text}", text)
                key.clicked.connect(_typer(commands, text))
                grid.addWidget(key, index // 3, index % 3)
        erase = self._key(look, "watchErase", "", "delete").named(tr("watch.face.erase"))
        erase.clicked.connect(commands.watch_erase)
        grid.addWidget(erase, 3, 2)
        box.addLayout(grid, 1)

    def _key(self, look: Look, name: str, text: str, icon_name: str = "") -> Button:
        key = Button(look, name, text, kind="phone-key", icon_name=icon_name, size_px=TEXT_BODY_PX)
        key.setProperty("edge", "watch")
        key.setMinimumHeight(look.px(KEY_PX))
        key.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        return key

    def show_length(self, length: int) -> None:
        """So many digits are typed."""
        self._dots.say(" ".join(DOT if at < length else NO_DOT for at in range(CODE_DIGITS)))


class CardPage(QWidget):
    """A card in front, or ready to be held to a reader."""

    def __init__(self, look: Look, commands: WatchCommands) -> None:
        super().__init__()
        self.setObjectName("watchCards")
        box = column(look, self, SPACE_XS)
        head = row(look)
        self._clock = Label(
            look, "watchClock", size_px=TEXT_CAPTION_PX, weight=SEMIBOLD, tone="phone", tabular=True
        )
        head.addStretch(1)
        head.addWidget(self._clock)
        head.addStretch(1)
        box.addLayout(head)
        self._art = SmallCard(look)
        box.addWidget(self._art, 1)
        self._line = Label(
            look, "watchLine", size_px=TEXT_BODY_PX, weight=MEDIUM, tone="phone"
        ).eliding()
        box.addWidget(self._line.centred())
        self._second = Label(
            look, "watchSecond", size_px=TEXT_CAPTION_PX, tone="phone-dim", tabular=True
        ).eliding()
        box.addWidget(self._second.centred())
        self._next = Button(
            look, "watchNext", tr("watch.face.next"), kind="phone-link", size_px=TEXT_CAPTION_PX
        )
        self._next.setMinimumHeight(look.px(22))
        self._next.clicked.connect(commands.watch_next)
        box.addWidget(self._next)

    def show_state(self, state: WatchState) -> None:
        """Draw `state`, with a card in it."""
        card = state.front
        if card is None:
            return
        self._clock.say(state.clock_text)
        self._art.show_card(card)
        self._next.setVisible(len(state.cards) > 1)
        if state.screen is WatchScreen.READY:
            self._line.say(tr("watch.face.hold"), "phone")
            left = tr("watch.face.left", seconds=state.armed_left_s)
            parts = [state.amount_text] if state.amount_text else []
            self._second.say(" · ".join([*parts, left]), "phone-dim")
            return
        self._line.say(card.label, "phone")
        if card.status == "suspended":
            self._second.say(tr("watch.face.stopped"), "waiting")
        elif not card.is_here:
            self._second.say(tr("watch.face.coming"), "waiting")
        else:
            self._second.say(f"•••• {card.last4}", "phone-dim")


class ReadPage(QWidget):
    """The tick of a card read."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.setObjectName("watchRead")
        box = column(look, self, SPACE_XS)
        self._tick = ReadTick(look)
        box.addStretch(1)
        box.addWidget(self._tick, 3)
        title = Label(look, "watchReadTitle", size_px=TEXT_LEAD_PX, weight=SEMIBOLD, tone="phone")
        title.wrapping().centred().say(tr("watch.face.read"))
        box.addWidget(title)
        text = Label(look, "watchReadText", size_px=TEXT_CAPTION_PX, tone="phone-dim").wrapping()
        text.centred().say(tr("watch.face.wait"))
        box.addWidget(text)
        box.addStretch(1)

    def begin(self) -> None:
        """The page comes up."""
        self._tick.begin()


class WatchFace(QStackedWidget):
    """Every page of the watch."""

    def __init__(self, look: Look, commands: WatchCommands, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("watchFace")
        self._words = WordsPage(look, "watchWords")
        self._code = CodePage(look, commands)
        self._cards = CardPage(look, commands)
        self._read = ReadPage(look)
        for page in (self._words, self._code, self._cards, self._read):
            self.addWidget(page)
        self._was: WatchScreen | None = None

    def show_state(self, state: WatchState) -> None:
        """Draw `state`."""
        fresh, self._was = state.screen is not self._was, state.screen
        lost = state.screen is WatchScreen.LOST
        if state.told is not None and state.is_worn and not lost:
            self._words.say(tell(state.told), "", kind=state.told.kind)
            self.setCurrentWidget(self._words)
            return
        match state.screen:
            case WatchScreen.OFF:
                self._words.say(tr("watch.face.off"), state.clock_text, icon_name="watch")
            case WatchScreen.EMPTY:
                words = tr("watch.face.empty"), tr("watch.face.add")
                self._words.say(*words, icon_name="plus")
            case WatchScreen.LOST:
                words = tr("watch.face.lost"), tr("watch.face.lost_text")
                self._words.say(*words, icon_name="watch", kind="bad")
            case WatchScreen.LOCKED:
                self._code.show_length(state.code_length)
            case WatchScreen.CARDS | WatchScreen.READY:
                self._cards.show_state(state)
            case WatchScreen.READ:
                if fresh:
                    self._read.begin()
        self.setCurrentWidget(self._page(state.screen))

    def _page(self, screen: WatchScreen) -> QWidget:
        match screen:
            case WatchScreen.LOCKED:
                return self._code
            case WatchScreen.CARDS | WatchScreen.READY:
                return self._cards
            case WatchScreen.READ:
                return self._read
            case _:
                return self._words


def _typer(commands: WatchCommands, text: str) -> Callable[[], None]:
    return lambda: commands.watch_digit(text)
