"""The phone on the table: body, status line, one page for each screen, the bank's message.

A plain rounded slab: no maker's outline is imitated. Draws `WalletState`; every touch is a call
of `WalletCommands`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QWidget
from typing_extensions import override

from lab.design.blocks import Button, Label, column, row
from lab.design.icons import icon_pixmap
from lab.design.look import SEMIBOLD, Look
from lab.design.motion import SHEET_MS
from lab.design.tokens import SPACE_L, SPACE_S, TEXT_CAPTION_PX
from lab.wallet.state import PhoneScreen, WalletState
from lab.wallet.view_account import SignedOutPage
from lab.wallet.view_add import AddPage
from lab.wallet.view_banner import Banner
from lab.wallet.view_cards import StackPage, StartPage
from lab.wallet.view_detail import DetailPage
from lab.wallet.view_devices import DevicesPage, LostPage
from lab.wallet.view_in_app import InAppPage
from lab.wallet.view_letters import LettersPage
from lab.wallet.view_pay import HoldPage, PasscodePage, PayPage
from lab.wallet.view_verify import VerifyPage
from lab.window.commands import LabCommands, WalletCommands
from lab.words import tr

BEZEL_PX = 7
CORNER_PX = 30
SIDE_BUTTON_PX = 5
Draw = Callable[[WalletState], None]
Begin = Callable[[], None]


def _nothing() -> None:
    """A page that needs no beginning."""


class PhoneView(QWidget):
    """The phone. `open_payment` is called for a payment that a person wants to see."""

    def __init__(
        self,
        look: Look,
        commands: WalletCommands,
        lab: LabCommands,
        open_payment: Callable[[str], None],
    ) -> None:
        super().__init__()
        self.setObjectName("phone")
        self.setAccessibleName(tr("phone.name"))
        self._look = look
        self._commands = commands
        self._screen: PhoneScreen | None = None
        self._body = QWidget(self)
        self._body.setObjectName("phoneScreen")
        box = column(look, self._body, SPACE_S)
        pad = look.px(14)
        box.setContentsMargins(pad, look.px(10), pad, look.px(SPACE_L))
        box.addLayout(self._status_line())
        self._under_banner = QWidget()  # keeps the page clear of the bank's message
        self._under_banner.setFixedHeight(0)
        self._under_banner.hide()
        box.addWidget(self._under_banner)
        self._pages = QStackedWidget()
        self._pages.setObjectName("phonePages")
        box.addWidget(self._pages, 1)
        self._tap = Button(look, "tapWithoutReader", tr("phone.tap_without"), kind="phone")
        self._tap.clicked.connect(lab.space)
        box.addWidget(self._tap)
        self._side = Button(look, "sideButton", kind="plain").named(tr("phone.side_button"))
        self._side.setParent(self)
        self._side.clicked.connect(commands.double_press)
        self._open_payment = open_payment
        self._banner = Banner(look, commands, open_payment, self._body)
        self._make_pages()

    def _make_pages(self) -> None:
        look, commands = self._look, self._commands
        self._start = StartPage(look, commands)
        self._stack = StackPage(look, commands)
        self._detail = DetailPage(look, commands, self._open_payment)
        self._add = AddPage(look, commands)
        self._verify = VerifyPage(look, commands)
        self._pay = PayPage(look, commands)
        self._passcode = PasscodePage(look, commands)
        self._hold = HoldPage(look, commands)
        self._in_app = InAppPage(look, commands)
        self._devices = DevicesPage(look, commands)
        self._lost = LostPage(look, commands)
        self._letters = LettersPage(look, commands, self._open_payment)
        self._signed_out = SignedOutPage(look, commands)
        for page in (
            self._start,
            self._stack,
            self._detail,
            self._add,
            self._verify,
            self._pay,
            self._passcode,
            self._hold,
            self._in_app,
            self._devices,
            self._lost,
            self._letters,
            self._signed_out,
        ):
            self._pages.addWidget(page)

        read, hold = partial(self._hold.show_state, read=True), self._hold.begin
        armed, scan = partial(self._hold.show_state, read=False), self._pay.show_state
        start, screen = self._start.show_state, PhoneScreen
        self._screens: dict[PhoneScreen, tuple[QWidget, Draw, Begin]] = {
            screen.STARTING: (self._start, partial(start, starting=True), _nothing),
            screen.FIRST_START: (self._start, partial(start, starting=False), _nothing),
            screen.STACK: (self._stack, self._stack.show_state, _nothing),
            screen.CARD_DETAIL: (self._detail, self._detail.show_state, self._detail.begin),
            screen.ADD_CARD: (self._add, self._add.show_state, _nothing),
            screen.VERIFY: (self._verify, self._verify.show_state, self._verify.begin),
            screen.PAY_SHEET: (self._pay, partial(scan, sheet=True), _nothing),
            screen.FACE_SCAN: (self._pay, partial(scan, sheet=False), _nothing),
            screen.PASSCODE: (self._passcode, self._passcode.show_state, self._passcode.begin),
            screen.HOLD_NEAR: (self._hold, armed, partial(hold, read=False)),
            screen.READ: (self._hold, read, partial(hold, read=True)),
            screen.IN_APP: (self._in_app, self._in_app.show_state, _nothing),
            screen.DEVICES: (self._devices, self._devices.show_state, _nothing),
            screen.LETTERS: (self._letters, self._letters.show_state, _nothing),
            screen.LOST: (self._lost, self._lost.show_state, _nothing),
            screen.SIGNED_OUT: (self._signed_out, self._signed_out.show_state, _nothing),
        }

    def _status_line(self) -> QHBoxLayout:
        look = self._look
        line = row(look)
        line.setContentsMargins(look.px(4), 0, look.px(4), 0)
        self._clock = Label(look, "phoneClock", weight=SEMIBOLD, tone="phone", tabular=True)
        line.addWidget(self._clock)
        line.addStretch(1)
        self._offline_icon = QLabel()
        self._offline_icon.setPixmap(icon_pixmap("wifi-off", look.theme.amber, look.px(14)))
        self._offline_icon.setAccessibleName(tr("phone.offline"))
        line.addWidget(self._offline_icon)
        self._where = Label(look, "phoneWhere", size_px=TEXT_CAPTION_PX, tone="phone-dim")
        line.addWidget(self._where)
        return line

    def show_state(self, state: WalletState) -> None:
        """Draw `state`."""
        self._clock.say(state.clock_text)
        self._offline_icon.setVisible(state.offline)
        self._where.say(
            tr("phone.offline" if state.offline else "phone.where"),
            "waiting" if state.offline else "phone-dim",
        )
        fresh = state.screen is not self._screen
        self._screen = state.screen
        page, draw, begin = self._screens[state.screen]
        if fresh:
            begin()
        draw(state)
        self._tap.setVisible(
            state.screen in {PhoneScreen.STACK, PhoneScreen.READ, PhoneScreen.PAY_SHEET}
        )
        if self._pages.currentWidget() is not page:
            self._pages.setCurrentWidget(page)
            if state.screen is PhoneScreen.PAY_SHEET:
                self._look.motion.run(self, SHEET_MS, self._slide)
        self._banner.show_message(
            state.banner, state.banner_payment_id, offers_other=state.other_card is not None
        )
        self._make_room()

    def _make_room(self) -> None:
        """Move the page down under the bank's message, and back up when it has gone."""
        shown = not self._banner.isHidden()
        self._under_banner.setFixedHeight(self._banner.height() if shown else 0)
        self._under_banner.setVisible(shown)

    def _slide(self, part: float) -> None:
        self._pay.move(0, round((1.0 - part) * self._pages.height()))

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        look = self._look
        side, bezel = look.px(SIDE_BUTTON_PX), look.px(BEZEL_PX)
        self._body.setGeometry(self.rect().adjusted(bezel, bezel, -bezel - side, -bezel))
        top, length = self.height() // 4, look.px(64)
        self._side.setGeometry(self.width() - side, top, side, length)
        self._banner.place()
        self._make_room()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side, bezel = self._look.px(SIDE_BUTTON_PX), self._look.px(BEZEL_PX)
        corner = self._look.px(CORNER_PX)
        body = QRectF(self.rect()).adjusted(0.75, 0.75, -side - 0.75, -0.75)
        painter.setPen(QPen(QColor(theme.phone_edge), 1.5))
        painter.setBrush(QColor(theme.phone_body))
        painter.drawRoundedRect(body, corner, corner)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.phone_screen))
        screen = body.adjusted(bezel, bezel, -bezel, -bezel)
        painter.drawRoundedRect(screen, corner - bezel, corner - bezel)
