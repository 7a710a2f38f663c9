"""The main window: shows the latest states, turns keys into commands, shares the room.

Knows no rule of payment. States come in through `drain` from any thread; everything that a person
does leaves as a call of one of the three command protocols.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QEasingCurve, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QHBoxLayout,
    QLayout,
    QLineEdit,
    QStackedWidget,
    QWidget,
)
from typing_extensions import override

from lab.bench.view import BenchView
from lab.console.state import BenchState, ConsoleState
from lab.console.view import ConsoleView
from lab.console.view_payment import PaymentView
from lab.design.blocks import Button, Label, column, row
from lab.design.look import MEDIUM, Look, load_fonts
from lab.design.motion import TAP_DISTANCE_PX, TAP_MS, Motion
from lab.design.stylesheet import stylesheet
from lab.design.tokens import PRESENTER_SCALE, SPACE_M, THEMES
from lab.money.state import MoneyState
from lab.money.view import MoneyView
from lab.pos.after_sale_state import AfterSaleState
from lab.pos.state import PosState
from lab.pos.view import PosView
from lab.scenarios.desk import RecordingState
from lab.wallet.state import PhoneScreen, WalletState
from lab.wallet.view import PhoneView
from lab.watch.state import WatchScreen, WatchState
from lab.window.any_card import AnyCardParts
from lab.window.commands import LabCommands, PosCommands, WalletCommands
from lab.window.drain import Drain
from lab.window.help_sheet import HelpSheet
from lab.window.layout import RAIL_PX, share
from lab.window.person import PersonColumn
from lab.window.strip import EngineLine, LookingLine, Strip
from lab.window.time_bar import TimeBar
from lab.window.top_bar import PLACES, TopBar
from lab.words import tell, tr

WINDOW_MIN_PX = (900, 600)
PLAIN_MODIFIERS = Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier
ENTER_KEYS = {Qt.Key.Key_Return, Qt.Key.Key_Enter}


class MainWindow(QWidget):
    """The window.

    Args:
        wallet, pos, lab: where everything that a person does goes to.
        scale: multiplies every size (`--scale`).
        theme: "dark", "light" or "high-contrast".
        presenter: half again as large, for a room.
        motion: how fast things move; 0 for pictures and tests.
    """

    def __init__(
        self,
        wallet: WalletCommands,
        pos: PosCommands,
        lab: LabCommands,
        *,
        scale: float = 1.0,
        theme: str = "dark",
        presenter: bool = False,
        motion: Motion | None = None,
    ) -> None:
        super().__init__()
        if QApplication.style().name() != "fusion":
            QApplication.setStyle("Fusion")  # the stylesheet is written for it
        load_fonts()
        whole = scale * (PRESENTER_SCALE if presenter else 1.0)
        self._look = look = Look(THEMES[theme], whole, motion or Motion())
        self._wallet, self._pos, self._lab = wallet, pos, lab
        self._place = "console"
        self._fold = "phone"
        self._wallet_state: WalletState | None = None
        self._watch_state = WatchState()
        self._console_state: ConsoleState | None = None
        self._bench_state: BenchState | None = None
        self._help: HelpSheet | None = None
        self.setObjectName("tapLabWindow")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(tr("window.name"))
        self.setFont(look.font())
        self.setStyleSheet(stylesheet(look))
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._build()
        self._add_shortcuts()
        self.drain = Drain(
            {
                WalletState: self.show_wallet,
                WatchState: self.show_watch,
                PosState: self.show_pos,
                AfterSaleState: self._till.show_after_sale,
                ConsoleState: self.show_console,
                BenchState: self.show_bench,
                MoneyState: self._money.show_state,
                RecordingState: self.show_recording,
                **self.any_card.shown_by_type(),
            },
            self,
        )
        self.go_to("console")
        self.resize(look.px(1280), look.px(720))

    def _build(self) -> None:
        look, lab = self._look, self._lab
        box = column(look, self, 0)
        box.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)  # smaller rearranges
        self.setMinimumSize(*WINDOW_MIN_PX)
        self._top = TopBar(look, lab)
        self._top.place_wanted.connect(self.go_to)
        self._top.help_wanted.connect(self.show_help)
        self._top.reader_wanted.connect(self.show_reader)
        self._engine = EngineLine(look)
        self._strip = Strip(look, lab)
        self._looking = LookingLine(look, lab)
        for bar in (self._top, self._engine, self._strip, self._looking):
            box.addWidget(bar)
        box.addLayout(self._table(), 1)
        self._time = TimeBar(look, lab, self.open_payment)
        box.addWidget(self._time)
        self.any_card = AnyCardParts(look, lab, self, self._till, self._bench)
        self._top.preflight_wanted.connect(self.any_card.show_preflight)
        self._toast = Label(look, "toast", weight=MEDIUM)
        self._toast.setParent(self)
        self._toast.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._toast.setStyleSheet(
            f"background: {look.theme.raised}; border: 1px solid {look.theme.line_strong};"
            f" border-radius: {look.px(8)}px; padding: {look.px(8)}px {look.px(12)}px;"
        )
        self._toast.hide()

    def _table(self) -> QHBoxLayout:
        look = self._look
        table = row(look, None, SPACE_M)
        table.setContentsMargins(look.px(SPACE_M), look.px(8), look.px(SPACE_M), look.px(8))
        self._phone = PhoneView(look, self._wallet, self._lab, self._opened_on_phone)
        self._person = PersonColumn(look, self._phone, self._lab)
        self._till = PosView(look, self._pos)
        self._phone_rail = self._rail("phone", "smartphone")
        self._till_rail = self._rail("till", "calculator")
        self._console = ConsoleView(look, self._lab, self.open_payment)
        self._payment = PaymentView(look, self._lab)
        self._bench = BenchView(look, self._lab)
        self._places = QStackedWidget()
        self._places.setObjectName("places")
        self._money = MoneyView(look, self._lab, self.open_payment)
        for place in (self._console, self._payment, self._bench, self._money):
            self._places.addWidget(place)
        for widget in (self._phone_rail, self._person, self._till_rail, self._till):
            table.addWidget(widget)
        table.addWidget(self._places, 1)
        return table

    def _rail(self, name: str, icon_name: str) -> Button:
        rail = Button(self._look, f"rail_{name}", kind="plain", icon_name=icon_name).named(
            tr(f"window.unfold.{name}")
        )
        rail.setFixedWidth(self._look.px(RAIL_PX))
        rail.setSizePolicy(rail.sizePolicy().horizontalPolicy(), self.sizePolicy().verticalPolicy())
        other = "till" if name == "phone" else "phone"
        rail.clicked.connect(lambda: self.fold(other))
        return rail

    def _add_shortcuts(self) -> None:
        for index, place in enumerate(PLACES):
            shortcut = QShortcut(QKeySequence(f"Ctrl+{index + 1}"), self)
            shortcut.activated.connect(lambda place=place: self.go_to(place))
        normal = QShortcut(QKeySequence("Ctrl+0"), self)
        normal.activated.connect(self._lab.back_to_normal)
        record = QShortcut(QKeySequence("Ctrl+R"), self)
        record.activated.connect(self._lab.record)

    @property
    def place(self) -> str:
        """The insight place that is shown."""
        return self._place

    def go_to(self, place: str) -> None:
        """Show an insight place: "console", "payment", "bench" or "money"."""
        self._place = place
        self._places.setCurrentIndex(PLACES.index(place))
        self._top.show_place(place)
        self._show_insight()

    def open_payment(self, payment_id: str) -> None:
        """Ask for a payment and go where it will be shown."""
        if payment_id:
            self._lab.show_payment(payment_id)
            self.go_to("payment")

    def _opened_on_phone(self, payment_id: str) -> None:
        self._wallet.open_payment(payment_id)
        self.go_to("payment")

    def show_help(self) -> None:
        """Show the keys, over the window and without stopping it."""
        if self._help is None:
            self._help = HelpSheet(self._look, self)
            self._help.preflight_wanted.connect(self.any_card.show_preflight)
        self._help.open()

    def fold(self, name: str) -> None:
        """Fold "phone" or "till" to a rail when the window is too narrow for both."""
        self._fold = name
        self._share()

    def show_wallet(self, state: WalletState) -> None:
        """Draw the phone; it moves to the till when its card has just been read."""
        before, self._wallet_state = self._wallet_state, state
        self._phone.show_state(state)
        fresh = before is not None and before.screen is not PhoneScreen.READ
        if fresh and state.screen is PhoneScreen.READ:
            self._reach_out()

    def show_watch(self, state: WatchState) -> None:
        """Draw the watch; the arm reaches out when its card has just been read."""
        before, self._watch_state = self._watch_state, state
        self._person.show_watch(state)
        if before.screen is not WatchScreen.READ and state.screen is WatchScreen.READ:
            self._reach_out()

    def _reach_out(self) -> None:
        """The person's side moves to the till and back."""
        home, reach = self._person.x(), self._look.px(TAP_DISTANCE_PX)

        def step(part: float) -> None:
            self._person.move(home + round(reach * math.sin(math.pi * part)), self._person.y())

        self._person.raise_()
        self._look.motion.run(self, TAP_MS, step, easing=QEasingCurve.Type.Linear)

    def show_pos(self, state: PosState) -> None:
        """Draw the till."""
        self._till.show_state(state)

    def show_console(self, state: ConsoleState) -> None:
        """Draw bars and strip, and the place that is shown; hidden places wait."""
        self._console_state = state
        self._top.show_state(state)
        self._engine.show_state(state)
        self._strip.show_deviations(state.deviations)
        self._looking.show_moment(state.looking_at_us)
        self._time.show_state(state)
        self._show_insight()
        self._toast.setVisible(state.toast is not None)
        if state.toast is not None:
            kind = state.toast.kind
            self._toast.say(tell(state.toast), kind if kind != "neutral" else "text")
            self._place_toast()

    def show_bench(self, state: BenchState) -> None:
        """Draw reader chips and, where it is shown, the bench."""
        self._bench_state = state
        self._top.show_readers(state.readers)
        self._show_insight()

    def show_reader(self, url: str) -> None:
        """Show a reader on the bench."""
        self.go_to("bench")
        self._bench.show_readers(url)

    def show_recording(self, state: RecordingState) -> None:
        """Draw the record key."""
        self._time.show_recording(state)

    def _show_insight(self) -> None:
        console, bench = self._console_state, self._bench_state
        if self._place == "bench" and bench is not None:
            self._bench.show_state(bench)
        elif self._place == "payment" and console is not None:
            self._payment.show_detail(console.payment)
        elif self._place == "console" and console is not None:
            self._console.show_state(console)

    def _place_toast(self) -> None:
        self._toast.adjustSize()
        bottom = self._time.y() - self._look.px(SPACE_M) - self._toast.height()
        middle = self._places.x() + (self._places.width() - self._toast.width()) // 2
        self._toast.move(max(0, middle), bottom)
        self._toast.raise_()

    def _share(self) -> None:
        shares = share(self.width(), self.height(), self._look.scale, self._fold)
        self._person.setVisible(shares.folded != "phone")
        self._phone_rail.setVisible(shares.folded == "phone")
        self._till.setVisible(shares.folded != "till")
        self._till_rail.setVisible(shares.folded == "till")
        if shares.folded != "phone":
            self._person.setFixedWidth(shares.phone_px)
        if shares.folded != "till":
            self._till.setFixedWidth(shares.till_px)
        self._top.setFixedHeight(shares.top_px)
        self._strip.setFixedHeight(shares.strip_px)
        self._time.setFixedHeight(shares.time_px)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share()
        if self._toast.isVisible():
            self._place_toast()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        super().mousePressEvent(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that no focused widget wanted: the till's, and Space for a tap."""
        key, typing = Qt.Key(event.key()), _is_typing()
        plain = not event.modifiers() & ~PLAIN_MODIFIERS
        if key is Qt.Key.Key_Escape:
            self._escape(typing=typing)
        elif typing or not plain or (event.isAutoRepeat() and key is not Qt.Key.Key_Backspace):
            event.ignore()
        elif event.text().isdecimal() and event.text().isascii():
            self._pos.key(event.text())
        elif key in ENTER_KEYS:
            self._pos.charge()
        elif key is Qt.Key.Key_Backspace:
            self._pos.backspace()
        elif key is Qt.Key.Key_Delete:
            self._pos.clear()
        elif key is Qt.Key.Key_Space:
            self._lab.space()
        elif key is Qt.Key.Key_Question or event.text() == "?":
            self.show_help()
        elif key is Qt.Key.Key_F and self._place == "console":
            self._console.toggle_freeze()
        else:
            event.ignore()

    def _escape(self, *, typing: bool) -> None:
        """Leave, in this order: a field, the look back, a place, the sale."""
        state = self._console_state
        if typing:
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        elif state is not None and state.looking_at_us is not None:
            self._lab.look_back(None)
        elif self._place != "console":
            self.go_to("console")
        else:
            self._till.cancel_or_clear()


def _is_typing() -> bool:
    """Whether a field that takes text has the keyboard."""
    return isinstance(QApplication.focusWidget(), QLineEdit | QAbstractSpinBox)
