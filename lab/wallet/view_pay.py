"""Paying with the phone: the pay sheet, the look at it, the passcode, held near, card read.

The tick says that the card was read; what the bank decided comes later, as a message.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLineEdit, QVBoxLayout, QWidget
from typing_extensions import override

from lab.design.blocks import Button, Label, clear_layout, column, row, scroll, tight
from lab.design.look import BOLD, MEDIUM, SEMIBOLD, Look
from lab.design.tokens import (
    SPACE_M,
    SPACE_S,
    SPACE_XS,
    TEXT_AMOUNT_PX,
    TEXT_CAPTION_PX,
    TEXT_LEAD_PX,
    TEXT_TITLE_PX,
)
from lab.wallet.card_art import art_pixmap, card_height
from lab.wallet.state import CardView, WalletState
from lab.wallet.view_cards import CardSlot, notice_tone
from lab.wallet.view_drawings import HoldPicture, ReadTick, ScanRing
from lab.window.commands import WalletCommands
from lab.words import tell, tr

PASSCODE_LENGTH_MIN = 4
PASSCODE_LENGTH_MAX = 6
THUMBNAIL_PX = 32
OTHER_PX, OTHERS_SHOWN_MIN, OTHERS_SHOWN_MAX = 38, 2, 4
SHEET_ROOM_PX = 330  # below this beside it, a card shows only its name
HOLD_ROOM_PX = 300


def chosen_card(state: WalletState) -> CardView | None:
    """The card that would pay: the selected one, else the default."""
    for card in state.cards:
        if card.id == state.selected_id:
            return card
    return next((card for card in state.cards if card.is_default), None)


def fit_card(page: QWidget, slot: CardSlot, room_px: int) -> None:
    """Show the whole card where `room_px` stay free beside it, else its edge with the name."""
    if page.isVisible():  # a hidden page has no size of its own to judge by
        slot.peek(on=page.height() - card_height(page.width()) < room_px)


class PayPage(QWidget):
    """The pay sheet and the face scan: the same page, since one follows from the other."""

    def __init__(self, look: Look, commands: WalletCommands) -> None:
        super().__init__()
        self.setObjectName("payPage")
        self._look = look
        self._commands = commands
        self._offered: tuple[CardView, ...] | None = None
        box = column(look, self, SPACE_M)
        self._slot = CardSlot(look, "payCard")
        box.addStretch(1)
        box.addWidget(self._slot)
        box.addStretch(1)
        box.addWidget(self._sheet_panel())

    def _sheet_panel(self) -> QFrame:
        """What is paid, with what else it could be, and the look that allows it: one group."""
        look = self._look
        panel = QFrame()
        panel.setObjectName("paySheet")
        panel.setProperty("surface", "phone-sheet")
        box = column(look, panel, SPACE_M)
        box.setContentsMargins(*(look.px(SPACE_M),) * 4)
        self._amount = Label(
            look, "payAmount", size_px=TEXT_AMOUNT_PX, weight=BOLD, tone="phone", tabular=True
        ).centred()
        box.addWidget(self._amount)
        self._others_area = QWidget()
        inside = column(look, self._others_area, SPACE_XS)
        self._others_title = Label(
            look, "payOthersTitle", size_px=TEXT_CAPTION_PX, tone="phone-dim"
        )
        self._others_title.say(tr("phone.pay.other_cards"))
        inside.addWidget(self._others_title)
        self._others = column(look, None, SPACE_XS)
        holder = QWidget()
        held = column(look, holder, 0)
        held.addLayout(self._others)
        held.addStretch(1)
        self._others_scroll = scroll(holder, "payOthers")
        inside.addWidget(self._others_scroll)
        box.addWidget(self._others_area)
        self._ring = ScanRing(look)
        box.addWidget(self._ring)
        self._line = Label(
            look, "payLine", size_px=TEXT_LEAD_PX, weight=SEMIBOLD, tone="phone"
        ).wrapping()
        self._line.centred()
        box.addWidget(self._line)
        self._notice = Label(look, "payNotice", tone="waiting").wrapping()
        self._notice.centred()
        box.addWidget(self._notice)
        box.addLayout(self._looks())
        return panel

    def _looks(self) -> QVBoxLayout:
        look, commands = self._look, self._commands
        box = column(look, None, SPACE_S)
        self._look_at = Button(
            look, "scanSuccess", tr("phone.scan.success"), kind="primary", weight=MEDIUM
        )
        self._look_at.clicked.connect(lambda: commands.scan_face("success"))
        box.addWidget(self._look_at)
        others = row(look)
        self._stranger = Button(look, "scanFail", tr("phone.scan.fail"), kind="phone-link")
        self._stranger.clicked.connect(lambda: commands.scan_face("fail"))
        self._cancel = Button(look, "scanCancel", tr("phone.cancel"), kind="phone-link")
        self._cancel.clicked.connect(lambda: commands.scan_face("cancel"))
        others.addWidget(self._stranger, 1)
        others.addWidget(self._cancel, 1)
        box.addLayout(others)
        return box

    def show_state(self, state: WalletState, *, sheet: bool) -> None:
        """Draw `state`; `sheet` while a card can still be chosen."""
        card = chosen_card(state)
        self._slot.show_card(card)
        self._amount.setVisible(bool(state.amount_text))
        self._amount.say(state.amount_text)
        others = tuple(other for other in state.cards if card is None or other.id != card.id)
        self._others_area.setVisible(sheet and bool(others))
        self._ring.setVisible(not sheet)
        if sheet:
            self._offer(others)
        self._ring.show_scan(state.scan)
        sentence = "" if sheet else self._sentence(state)
        self._line.setVisible(bool(sentence))
        self._line.say(sentence)
        told = not sheet and state.scan == "failed"  # the line says so already
        self._notice.setVisible(state.notice is not None and not told)
        if state.notice is not None:
            self._notice.say(tell(state.notice), notice_tone(state.notice))
        waiting = state.scan in {"scanning", "success"}
        for button in (self._look_at, self._stranger):
            button.setEnabled(not waiting and not state.busy)

    def _sentence(self, state: WalletState) -> str:
        if state.scan == "failed":
            return tr("phone.scan.failed", left=state.scans_left)
        return "" if state.scan == "idle" else tr(f"phone.scan.{state.scan}_now")

    def _offer(self, cards: tuple[CardView, ...]) -> None:
        if cards == self._offered:
            return
        self._offered = cards
        clear_layout(self._others)
        for card in cards:
            button = Button(
                self._look,
                f"choose_{card.id}",
                f"  {card.label}  •••• {card.last4}",
                kind="phone-choice",
            )
            button.setEnabled(card.status == "active")
            art = art_pixmap(card.art, self._look.px(THUMBNAIL_PX), self.devicePixelRatioF())
            button.setIcon(QIcon(art))
            button.setIconSize(QSize(self._look.px(THUMBNAIL_PX), self._look.px(20)))
            button.setFixedHeight(self._look.px(OTHER_PX))
            button.clicked.connect(self._chooser(card.id))
            self._others.addWidget(button)
        shown = min(len(cards), OTHERS_SHOWN_MAX)
        height_px = shown * (OTHER_PX + SPACE_XS) - SPACE_XS
        self._others_scroll.setMaximumHeight(max(1, self._look.px(height_px)))
        least = min(len(cards), OTHERS_SHOWN_MIN) * (OTHER_PX + SPACE_XS) - SPACE_XS
        self._others_scroll.setMinimumHeight(max(1, self._look.px(least)))

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


class PasscodePage(QWidget):
    """The passcode, after three looks that failed: a field and a keypad that fills it."""

    def __init__(self, look: Look, commands: WalletCommands) -> None:
        super().__init__()
        self.setObjectName("passcodePage")
        self._commands = commands
        box = column(look, self, SPACE_M)
        box.addStretch(1)
        title = Label(
            look, "passcodeTitle", size_px=TEXT_TITLE_PX, weight=BOLD, tone="phone"
        ).wrapping()
        title.centred().say(tr("phone.passcode.title"))
        box.addWidget(title)
        self._notice = Label(look, "passcodeNotice", tone="waiting").wrapping()
        self._notice.centred()
        box.addWidget(self._notice)
        self._field = QLineEdit()
        self._field.setObjectName("passcode")
        self._field.setAccessibleName(tr("phone.passcode.title"))
        self._field.setEchoMode(QLineEdit.EchoMode.Password)
        self._field.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._field.setMaxLength(PASSCODE_LENGTH_MAX)
        self._field.setProperty("surface", "phone")
        self._field.setFont(look.font(TEXT_TITLE_PX, MEDIUM))
        self._field.textChanged.connect(self._changed)
        self._field.returnPressed.connect(self._enter)
        box.addWidget(self._field)
        box.addLayout(self._keypad(look))
        self._ok = Button(look, "passcodeEnter", tr("phone.passcode.enter"), kind="primary")
        self._ok.clicked.connect(self._enter)
        self._ok.setEnabled(False)
        box.addWidget(self._ok)
        cancel = Button(look, "passcodeCancel", tr("phone.cancel"), kind="phone")
        cancel.clicked.connect(commands.close)
        box.addWidget(cancel)
        box.addStretch(1)

    def _keypad(self, look: Look) -> QGridLayout:
        grid = QGridLayout()
        tight(grid, look.px(SPACE_S))
        for index, text in enumerate("123456789 0"):
            if text == " ":
                continue
            key = Button(look, f"passcodeKey{text}", text, kind="phone-key", size_px=TEXT_LEAD_PX)
            key.setMinimumHeight(look.px(36))
            key.clicked.connect(self._typer(text))
            grid.addWidget(key, index // 3, index % 3)
        back = Button(look, "passcodeBack", kind="phone-key", icon_name="delete").named(
            tr("phone.passcode.back")
        )
        back.clicked.connect(self._field.backspace)
        grid.addWidget(back, 3, 2)
        return grid

    def _typer(self, text: str) -> Callable[[], None]:
        return lambda: self._field.insert(text)

    def _changed(self, text: str) -> None:
        self._ok.setEnabled(len(text) >= PASSCODE_LENGTH_MIN)

    def _enter(self) -> None:
        code = self._field.text()
        if len(code) >= PASSCODE_LENGTH_MIN:
            self._field.clear()
            self._commands.enter_passcode(code)

    def show_state(self, state: WalletState) -> None:
        """Draw `state`."""
        self._notice.say(
            tell(state.notice) if state.notice is not None else tr("phone.passcode.why")
        )

    def begin(self) -> None:
        """The page comes up: start empty."""
        self._field.clear()


class HoldPage(QWidget):
    """Armed: hold the phone to a reader, or read: the tick."""

    def __init__(self, look: Look, commands: WalletCommands) -> None:
        super().__init__()
        self.setObjectName("holdPage")
        self._look = look
        box = column(look, self, SPACE_M)
        self._slot = CardSlot(look, "holdCard")
        box.addWidget(self._slot)
        self._amount = Label(
            look, "holdAmount", size_px=TEXT_AMOUNT_PX, weight=BOLD, tone="phone", tabular=True
        ).centred()
        box.addWidget(self._amount)
        box.addStretch(1)
        self._hold = HoldPicture(look)
        self._tick = ReadTick(look)
        box.addWidget(self._hold)
        box.addWidget(self._tick)
        self._line = Label(
            look, "holdLine", size_px=TEXT_TITLE_PX, weight=SEMIBOLD, tone="phone"
        ).wrapping()
        self._line.centred()
        box.addWidget(self._line)
        self._second = Label(look, "holdSecond", tone="phone-dim", tabular=True).wrapping()
        self._second.centred()
        box.addWidget(self._second)
        self._notice = Label(look, "holdNotice", tone="waiting").wrapping()
        self._notice.centred()
        box.addWidget(self._notice)
        box.addStretch(1)
        self._touch = Button(look, "holdTap", tr("phone.hold.tap"), kind="primary", weight=MEDIUM)
        self._touch.clicked.connect(commands.tap)
        box.addWidget(self._touch)
        self._close = Button(look, "holdClose", tr("phone.cancel"), kind="phone")
        self._close.clicked.connect(commands.close)
        box.addWidget(self._close)

    def begin(self, *, read: bool) -> None:
        """The page comes up, armed or with the tick."""
        (self._tick if read else self._hold).begin()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        fit_card(self, self._slot, self._look.px(HOLD_ROOM_PX))

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        fit_card(self, self._slot, self._look.px(HOLD_ROOM_PX))

    def show_state(self, state: WalletState, *, read: bool) -> None:
        """Draw `state`; `read` once the card was read."""
        self._slot.show_card(chosen_card(state))
        self._hold.setVisible(not read)
        self._tick.setVisible(read)
        self._line.say(tr("phone.read.title" if read else "phone.hold.title"))
        self._second.say(self._details(state, read=read))
        self._amount.setVisible(bool(state.amount_text) and not read)
        self._amount.say(state.amount_text)
        self._notice.setVisible(state.notice is not None and state.banner is None)
        if state.notice is not None:
            self._notice.say(tell(state.notice), notice_tone(state.notice))
        self._touch.setVisible(not read)
        self._touch.setEnabled(not state.busy)
        self._close.say(tr("phone.done" if read else "phone.cancel"))

    def _details(self, state: WalletState, *, read: bool) -> str:
        if read:
            return tr("phone.read.text" if state.banner is None else "phone.read.answered")
        parts = [state.reader_text] if state.reader_text else []
        if state.armed_left_s:
            parts.append(tr("phone.hold.left", seconds=state.armed_left_s))
        return " · ".join(parts)
