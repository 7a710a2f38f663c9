"""The watch beside the phone: its case on a strap, and what a hand can do with it.

A plain rounded case: no maker's outline is imitated. Draws `WatchState`; every touch is a call of
`WatchCommands` (and, for its line, of the fault board's).
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QVBoxLayout, QWidget
from typing_extensions import override

from lab.design.blocks import Button, Label, column
from lab.design.look import SEMIBOLD, Look
from lab.design.tokens import SPACE_M, SPACE_S, TEXT_CAPTION_PX
from lab.wallet.view_cards import notice_tone
from lab.watch.state import WatchScreen, WatchState
from lab.watch.view_face import WatchFace
from lab.window.commands import LabCommands
from lab.words import tell, tr

CASE_WIDTH_PX, CASE_HEIGHT_PX = 152, 184
LARGE = 1.35
"""How much larger the watch is drawn where it has the column to itself."""
STRAP_PX, STRAP_PART = 18, 0.62
CORNER_PX, BEZEL_PX, INSIDE_PX = 38, 6, 9
CROWN_PX, CROWN_LENGTH_PX = 5, 36
BUTTON_PX = 32
FAULT = "watch.offline"


class WatchCase(QWidget):
    """The case with its strap and its side button; the face lies inside."""

    def __init__(self, look: Look, lab: LabCommands) -> None:
        super().__init__()
        self.setObjectName("watchCase")
        self._look = look
        self.face = WatchFace(look, lab, self)
        self._side = Button(look, "watchSide", kind="plain").named(tr("watch.press"))
        self._side.setParent(self)
        self._side.clicked.connect(lab.watch_press)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.enlarge(by=1.0)

    def enlarge(self, *, by: float) -> None:
        """Draw it this much larger than usual."""
        look = self._look
        width, height = CASE_WIDTH_PX * by, CASE_HEIGHT_PX * by
        size = QSize(look.px(round(width) + 2 * CROWN_PX), look.px(round(height) + 2 * STRAP_PX))
        if size != self.size():
            self.setFixedSize(size)

    def _case(self) -> QRectF:
        look = self._look
        crown, strap = look.px(CROWN_PX), look.px(STRAP_PX)
        return QRectF(self.rect()).adjusted(crown, strap, -crown, -strap)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        look, case = self._look, self._case()
        inside = look.px(BEZEL_PX + INSIDE_PX)
        self.face.setGeometry(case.adjusted(inside, inside, -inside, -inside).toRect())
        length = look.px(CROWN_LENGTH_PX)
        top = round(case.top() + case.height() * 0.3)
        self._side.setGeometry(round(case.right()), top, look.px(CROWN_PX), length)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, look, painter = self._look.theme, self._look, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        case = self._case().adjusted(0.75, 0.75, -0.75, -0.75)
        strap = QRectF(0, 0, case.width() * STRAP_PART, self.height())
        strap.moveCenter(case.center())
        painter.setPen(QPen(QColor(theme.phone_edge), 1))
        painter.setBrush(QColor(theme.phone_raised))
        painter.drawRoundedRect(strap.adjusted(0.5, 0.5, -0.5, -0.5), look.px(6), look.px(6))
        painter.setPen(QPen(QColor(theme.phone_edge), 1.5))
        painter.setBrush(QColor(theme.phone_body))
        corner, bezel = look.px(CORNER_PX), look.px(BEZEL_PX)
        painter.drawRoundedRect(case, corner, corner)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.phone_screen))
        screen = case.adjusted(bezel, bezel, -bezel, -bezel)
        painter.drawRoundedRect(screen, corner - bezel, corner - bezel)


class WatchView(QWidget):
    """The watch and the hand at it."""

    def __init__(self, look: Look, lab: LabCommands) -> None:
        super().__init__()
        self.setObjectName("watch")
        self.setAccessibleName(tr("watch.name"))
        self._look = look
        self._lab = lab
        self._is_worn = self._is_cut = False
        self._box = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(look.px(SPACE_M))
        self._case = WatchCase(look, lab)
        self._box.addWidget(self._case, 0, Qt.AlignmentFlag.AlignCenter)
        self._box.addLayout(self._hand(), 1)
        self._box.addStretch(0)

    def _hand(self) -> QVBoxLayout:
        look, lab = self._look, self._lab
        box = column(look, None, SPACE_S)
        box.addStretch(1)
        self._title = Label(look, "watchTitle", weight=SEMIBOLD).eliding()
        box.addWidget(self._title)
        self._notice = Label(
            look, "watchNotice", size_px=TEXT_CAPTION_PX, tone="waiting"
        ).wrapping()
        box.addWidget(self._notice)
        self._wear = self._button("watchWear", "watch.put_on")
        self._wear.clicked.connect(self._put_on_or_off)
        self._press = self._button("watchPress", "watch.press")
        self._press.clicked.connect(lab.watch_press)
        self._hold = self._button("watchHold", "watch.hold")
        self._hold.clicked.connect(lab.watch_hold)
        self._line = self._button("watchCut", "watch.cut")
        self._line.clicked.connect(lambda: lab.set_fault(FAULT, not self._is_cut, {}))
        for button in (self._wear, self._press, self._hold, self._line):
            box.addWidget(button)
        box.addStretch(1)
        return box

    def _button(self, name: str, words: str) -> Button:
        button = Button(self._look, name, tr(words), kind="plain", size_px=TEXT_CAPTION_PX)
        button.setMinimumHeight(self._look.px(BUTTON_PX))
        return button

    def _put_on_or_off(self) -> None:
        if self._is_worn:
            self._lab.watch_off()
        else:
            self._lab.watch_on()

    def stand(self, *, upright: bool) -> None:
        """Case above the hand, or beside it."""
        ways = QBoxLayout.Direction
        self._box.setDirection(ways.TopToBottom if upright else ways.LeftToRight)
        self._box.setStretch(1, 0 if upright else 1)
        self._box.setStretch(2, 1 if upright else 0)
        self._case.enlarge(by=LARGE if upright else 1.0)

    def show_state(self, state: WatchState) -> None:
        """Draw `state`."""
        self._is_worn, self._is_cut = state.is_worn, state.is_cut
        self._case.face.show_state(state)
        parts = [tr("watch.name")]
        if state.offline:
            parts.append(tr("watch.offline"))
        self._title.say(" · ".join(parts), "waiting" if state.offline else "text")
        self._notice.setVisible(state.notice is not None)
        if state.notice is not None:
            tone = notice_tone(state.notice)
            self._notice.say(tell(state.notice), "dim" if tone == "phone-dim" else tone)
        ready = state.screen is WatchScreen.READY
        self._wear.say(tr("watch.take_off" if state.is_worn else "watch.put_on"))
        self._press.setEnabled(state.screen in {WatchScreen.CARDS, WatchScreen.READY})
        self._hold.setEnabled(state.screen in {WatchScreen.CARDS, WatchScreen.READY})
        self._hold.become("primary" if ready else "plain")
        self._line.say(tr("watch.mend" if state.is_cut else "watch.cut"))
        self._line.become("ours" if state.is_cut else "plain")

    @override
    def sizeHint(self) -> QSize:
        return QSize(self._look.px(280), self._case.height())
