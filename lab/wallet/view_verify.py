"""Verifying a card: the ways to get a code, one box a digit for the code, and how it ended.

Draws `WalletState` and calls `WalletCommands`; it never keeps a code.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QSizePolicy, QWidget
from typing_extensions import override

from lab.design.blocks import Button, Label, Shape, clear_layout, column, row, scroll
from lab.design.look import MEDIUM, SEMIBOLD, Look
from lab.design.tokens import (
    SPACE_M,
    SPACE_S,
    SPACE_XS,
    TEXT_CAPTION_PX,
    TEXT_TITLE_PX,
)
from lab.wallet.state import MethodView, VerifyForm, WalletState
from lab.wallet.view_add import back_row, page_title
from lab.wallet.view_cards import CardSlot
from lab.window.commands import WalletCommands
from lab.words import tell, tr

BOX_HEIGHT_PX = 44
BOX_WIDTH_MAX_PX = 48
BOX_GAP_PX = 4
MIDDLE_GAP_PX = 12
BOX_RADIUS_PX = 8
NO_BREAK_SPACE = "\u00a0"
LOW_PX = 560
"""Below this height of the page the card shows only the edge with its name."""


class CodeBoxes(QLineEdit):
    """A line edit that draws each digit in a box of its own, in two groups."""

    def __init__(self, look: Look, name: str) -> None:
        super().__init__()
        self._look = look
        self._digits = 6
        self._wrong = False
        self.setObjectName(name)
        self.setFrame(False)
        self.setFont(look.font(TEXT_TITLE_PX, SEMIBOLD, tabular=True))
        self.setFixedHeight(look.px(BOX_HEIGHT_PX))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
        self.setAccessibleName(tr("phone.verify.code"))

    def show_code(self, text: str, digits: int, *, wrong: bool) -> None:
        """Show so many boxes with the digits typed so far."""
        if digits != self._digits or wrong != self._wrong:
            self._digits, self._wrong = digits, wrong
            self.update()
        self.setMaxLength(digits)
        if self.text() != text:
            self.setText(text)

    def boxes(self) -> list[QRectF]:
        """Where each digit stands."""
        gap, middle = self._look.px(BOX_GAP_PX), self._look.px(MIDDLE_GAP_PX)
        spare = self.width() - gap * (self._digits - 2) - middle
        width = min(spare / self._digits, self._look.px(BOX_WIDTH_MAX_PX))
        whole = width * self._digits + gap * (self._digits - 2) + middle
        left, found = (self.width() - whole) / 2, []
        for index in range(self._digits):
            found.append(QRectF(left, 0, width, self.height()).adjusted(1, 1, -1, -1))
            left += width + (middle if index == self._digits // 2 - 1 else gap)
        return found

    @override
    def sizeHint(self) -> QSize:
        return QSize(self._look.px(BOX_WIDTH_MAX_PX) * 6, self._look.px(BOX_HEIGHT_PX))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self.font())
        radius, text = self._look.px(BOX_RADIUS_PX), self.text()
        for index, box in enumerate(self.boxes()):
            is_next = self.hasFocus() and index == min(len(text), self._digits - 1)
            edge = theme.red if self._wrong else (theme.blue if is_next else theme.phone_edge)
            painter.setPen(QPen(QColor(edge), 2 if is_next else 1))
            painter.setBrush(QColor(theme.phone_raised))
            painter.drawRoundedRect(box, radius, radius)
            if index < len(text):
                painter.setPen(QColor(theme.phone_text))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text[index])


class VerifyPage(QWidget):
    """A card that its bank wants to check first."""

    def __init__(self, look: Look, commands: WalletCommands) -> None:
        super().__init__()
        self.setObjectName("verifyPage")
        self._look = look
        self._commands = commands
        self._card_id = ""
        self._methods: tuple[MethodView, ...] | None = None
        box = column(look, self, SPACE_M)
        box.addLayout(back_row(look, "verifyBack", commands))
        self._slot = CardSlot(look, "verifyCard")
        box.addWidget(self._slot)
        holder = QWidget()
        inside = column(look, holder, SPACE_S)
        self._shape = Shape(look, 20)
        inside.addWidget(self._shape)
        self._title = page_title(look, "verifyTitle", tr("phone.verify.title"))
        inside.addWidget(self._title)
        self._text = Label(look, "verifyText", tone="phone-dim").wrapping()
        inside.addWidget(self._text)
        self._problem = Label(look, "verifyProblem", weight=MEDIUM, tone="bad").wrapping()
        self._choice = self._choice_part()
        self._code = CodeBoxes(look, "verifyCode")
        self._code.textEdited.connect(commands.type_code)
        self._code.returnPressed.connect(self._submit_if_ready)
        self._entry = self._entry_part()
        for widget in (self._code, self._problem, self._entry, self._choice):
            inside.addWidget(widget)
        inside.addStretch(1)
        box.addWidget(scroll(holder, "verifyScroll"), 1)
        self._submit = Button(
            look, "verifySubmit", tr("phone.verify.submit"), kind="primary", weight=MEDIUM
        )
        self._submit.clicked.connect(commands.submit_code)
        box.addWidget(self._submit)
        self._done = Button(look, "verifyDone", tr("phone.done"), kind="primary", weight=MEDIUM)
        self._done.clicked.connect(commands.close)
        box.addWidget(self._done)

    def _choice_part(self) -> QWidget:
        look, part = self._look, QWidget()
        box = column(look, part, SPACE_S)
        self._where = Label(look, "verifyWhere", weight=SEMIBOLD, tone="phone").wrapping()
        box.addWidget(self._where)
        self._rows = column(look, None, SPACE_XS)
        box.addLayout(self._rows)
        remove = Button(look, "verifyRemove", tr("phone.verify.remove"), kind="phone-link")
        remove.clicked.connect(lambda: self._commands.remove(self._card_id))
        box.addWidget(remove, 0, Qt.AlignmentFlag.AlignHCenter)
        return part

    def _entry_part(self) -> QWidget:
        look, part = self._look, QWidget()
        box = column(look, part, SPACE_S)
        self._valid = Label(
            look, "verifyValid", size_px=TEXT_CAPTION_PX, tone="phone-dim", tabular=True
        ).wrapping()
        box.addWidget(self._valid)
        self._resend = Button(look, "verifyResend", kind="phone")
        self._resend.clicked.connect(self._commands.resend_code)
        self._other = Button(look, "verifyOther", tr("phone.verify.other"), kind="phone")
        self._other.clicked.connect(self._commands.other_method)
        ways = column(look, None, SPACE_XS)
        ways.addWidget(self._resend)
        ways.addWidget(self._other)
        box.addLayout(ways)
        return part

    def _submit_if_ready(self) -> None:
        if self._submit.isEnabled():
            self._commands.submit_code()

    def begin(self) -> None:
        """The page comes up."""
        self._methods = None

    def show_state(self, state: WalletState) -> None:
        """Draw `state`."""
        form = state.verify
        self._card_id = state.selected_id
        card = next((card for card in state.cards if card.id == state.selected_id), None)
        self._slot.show_card(card)
        ended = form.step in {"done", "failed"}
        self._shape.setVisible(ended)
        self._shape.show_kind("good" if form.step == "done" else "bad")
        self._title.say(
            tr(f"phone.verify.{form.step}.title") if ended else tr("phone.verify.title")
        )
        self._text.say(_sentence(form))
        self._problem.setVisible(form.problem is not None)
        if form.problem is not None:
            self._problem.say(tell(form.problem), form.problem.kind)
        self._choice.setVisible(form.step == "choose")
        self._entry.setVisible(form.step == "code")
        self._code.setVisible(form.step == "code")
        self._submit.setVisible(form.step == "code")
        self._done.setVisible(ended)
        self._show_entry(form)
        self._show_choice(form)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._slot.peek(on=self.height() < self._look.px(LOW_PX))

    def _show_entry(self, form: VerifyForm) -> None:
        came_up = form.step == "code" and not self._code.isEnabled()
        self._code.setEnabled(form.step == "code" and not form.busy)
        wrong = form.problem is not None and form.problem.kind == "bad"
        self._code.show_code(form.code_text, form.code_digits, wrong=wrong)
        if came_up:
            self._code.setFocus()
        minutes, seconds = divmod(form.expires_in_s, 60)
        self._valid.say(
            tr("phone.verify.valid_for", minutes=minutes, seconds=f"{seconds:02d}")
            if form.expires_in_s
            else tr("phone.verify.expired")
        )
        self._resend.setVisible(form.sends_left > 0)
        self._resend.setEnabled(form.can_resend)
        self._resend.say(
            tr("phone.verify.resend_in", seconds=form.resend_in_s)
            if form.resend_in_s
            else tr("phone.verify.resend")
        )
        self._other.setEnabled(not form.busy)
        self._submit.setEnabled(form.can_submit)
        self._submit.say(tr("phone.verify.loading" if form.busy else "phone.verify.submit"))

    def _show_choice(self, form: VerifyForm) -> None:
        loading = form.busy or not form.methods
        self._where.say(tr("phone.verify.loading" if loading else "phone.verify.choose"))
        if form.methods != self._methods:
            self._methods = form.methods
            clear_layout(self._rows)
            for method in form.methods:
                self._rows.addWidget(MethodRow(self._look, method, self._chooser(method.method)))
        for index in range(self._rows.count()):
            item = self._rows.itemAt(index)
            line = item.widget() if item is not None else None
            if isinstance(line, MethodRow):
                line.show_busy(busy=form.busy)

    def _chooser(self, method: str) -> Callable[[], None]:
        return lambda: self._commands.choose_method(method)


class MethodRow(QFrame):
    """One way to get a code: what it is, where it goes, and the button that asks for it."""

    def __init__(self, look: Look, method: MethodView, choose: Callable[[], None]) -> None:
        super().__init__()
        self._spent = method.state == "spent"
        name = tr(f"phone.verify.{method.method}")
        box = row(look, self)
        self._button = Button(look, f"method_{method.method}", kind="phone-key")
        # One below the other: beside each other two long words would not fit on a phone.
        inside = column(look, self._button, 0)
        inside.setContentsMargins(look.px(SPACE_M), look.px(6), look.px(SPACE_M), look.px(6))
        title = Label(look, "methodName", weight=MEDIUM, tone="phone")
        title.say(name)
        inside.addWidget(title)
        where = Label(look, "methodWhere", size_px=TEXT_CAPTION_PX, tone="phone-dim", tabular=True)
        where.say(_where(method))
        inside.addWidget(where)
        for label in (title, where):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._button.named(f"{name}, {_where(method)}")
        self._button.setMinimumHeight(look.px(52))
        self._button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._button.clicked.connect(choose)
        box.addWidget(self._button)

    def show_busy(self, *, busy: bool) -> None:
        """Take no choice while the bank is asked; a way that is used up takes none ever."""
        self._button.setEnabled(not busy and not self._spent)


def _where(method: MethodView) -> str:
    if method.state == "spent":
        return tr("phone.verify.spent")
    if method.state == "sent":
        return tr("phone.verify.sent")
    return method.destination or tr("phone.verify.in_app")


def _sentence(form: VerifyForm) -> str:
    match form.step:
        case "code":
            return tr(
                f"phone.verify.sent_{form.method}",
                digits=form.code_digits,
                destination=form.destination.replace(" ", NO_BREAK_SPACE),
            )
        case "done" | "failed":
            return tr(f"phone.verify.{form.step}.text")
        case _:
            return tr("phone.verify.text")
