"""The time bar: the film of the session, the lab clock, and what moves it.

Payments are dots, faults hatched spans, marks flags. Dragging looks back: at recorded events,
read-only, while live goes on.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget
from typing_extensions import override

from backend.api import to_datetime
from lab.console.state import ConsoleState, FilmMark
from lab.design.blocks import Button, Label, row
from lab.design.icons import draw_shape
from lab.design.look import MEDIUM, Look
from lab.design.tokens import SPACE_L, SPACE_M, TEXT_CAPTION_PX
from lab.scenarios.desk import RecordingState
from lab.window.commands import LabCommands
from lab.words import tr

FAST_RATE = 10.0
DRAG_FROM_PX = 4
HIT_PX = 7
ICON_PX = 16
STEP_US = 1_000_000
KINDS = {
    "approved": "good",
    "refunded": "good",
    "declined": "bad",
    "unknown": "waiting",
    "payment": "neutral",
}


class Film(QWidget):
    """The session from its beginning to now, left to right."""

    def __init__(self, look: Look, lab: LabCommands, open_payment: Callable[[str], None]) -> None:
        super().__init__()
        self.setObjectName("film")
        self.setAccessibleName(tr("film.name"))
        self._look = look
        self._lab = lab
        self._open_payment = open_payment
        self._state = ConsoleState()
        self._pressed_at: QPointF | None = None
        self._dragging = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(tr("film.tip"))

    @override
    def sizeHint(self) -> QSize:
        return QSize(self._look.px(300), self._look.px(28))

    def show_state(self, state: ConsoleState) -> None:
        """Draw the film of `state`."""
        self._state = state
        self.update()

    def _track(self) -> QRectF:
        inset = self._look.px(8)
        return QRectF(inset, 0, max(1, self.width() - 2 * inset), self.height())

    def _span_us(self) -> tuple[int, int]:
        start = self._state.session_from_us
        return start, max(self._state.now_us, start + STEP_US)

    def place_of(self, at_us: int) -> float:
        """Where a moment lies, pixels from the left."""
        start, end = self._span_us()
        track = self._track()
        part = min(1.0, max(0.0, (at_us - start) / (end - start)))
        return track.left() + track.width() * part

    def moment_at(self, left_px: float) -> int:
        """Which moment lies at `left_px`, lab time in microseconds."""
        start, end = self._span_us()
        track = self._track()
        part = min(1.0, max(0.0, (left_px - track.left()) / track.width()))
        return start + round((end - start) * part)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        track = self._track()
        for fault in self._state.fault_spans:
            left = self.place_of(fault.from_us)
            right = track.right() if fault.to_us is None else self.place_of(fault.to_us)
            half = self._look.px(8)
            box = QRectF(left, middle - half, max(2.0, right - left), 2 * half)
            painter.fillRect(box, QColor(theme.violet_quiet))
            painter.fillRect(box, QBrush(QColor(theme.violet), Qt.BrushStyle.BDiagPattern))
        painter.fillRect(QRectF(track.left(), middle - 1, track.width(), 2), QColor(theme.line))
        for mark in self._state.film:
            self._paint_mark(painter, mark, middle)
        painter.fillRect(QRectF(track.right() - 1, middle - 9, 2, 18), QColor(theme.text))
        looking = self._state.looking_at_us
        if looking is not None:
            at = self.place_of(looking)
            painter.fillRect(QRectF(at - 1, 2, 2, self.height() - 4), QColor(theme.blue))
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.blue), 2))
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 6, 6)

    def _paint_mark(self, painter: QPainter, mark: FilmMark, middle: float) -> None:
        at, theme = self.place_of(mark.at_us), self._look.theme
        side = self._look.px(9)
        if mark.kind in {"flag", "mark"}:
            painter.setPen(QPen(QColor(theme.text), 1.5))
            painter.drawLine(QPointF(at, middle - side), QPointF(at, middle + side))
            painter.fillRect(QRectF(at, middle - side, side, side * 0.7), QColor(theme.blue))
            return
        kind = KINDS.get(mark.kind, "neutral")
        box = QRectF(at - side / 2, middle - side / 2, side, side)
        colour = self._look.kind(kind) if kind != "neutral" else QColor(theme.text_dim)
        draw_shape(painter, box, kind, colour)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed_at, self._dragging = event.position(), False

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed_at is None:
            return
        moved = abs(event.position().x() - self._pressed_at.x())
        if self._dragging or moved >= DRAG_FROM_PX:
            self._dragging = True
            self._lab.look_back(self.moment_at(event.position().x()))

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed_at = self._pressed_at, None
        if pressed is None or self._dragging:
            self._dragging = False
            return
        reach = self._look.px(HIT_PX)
        near = [
            mark
            for mark in self._state.film
            if mark.payment_id and abs(self.place_of(mark.at_us) - pressed.x()) <= reach
        ]
        if near:
            nearest = min(near, key=lambda one: abs(self.place_of(one.at_us) - pressed.x()))
            self._open_payment(nearest.payment_id)
        else:
            self._lab.look_back(self.moment_at(pressed.x()))

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            event.ignore()
            return
        start, end = self._span_us()
        now = self._state.looking_at_us
        at = (end if now is None else now) + step * max(STEP_US, (end - start) // 100)
        self._lab.look_back(None if at >= end else max(start, at))


class TimeBar(QFrame):
    """Film, clock and the keys that move time."""

    def __init__(self, look: Look, lab: LabCommands, open_payment: Callable[[str], None]) -> None:
        super().__init__()
        self.setObjectName("timeBar")
        self.setProperty("surface", "bar")
        self._look = look
        self._lab = lab
        self._rate = 1.0
        box = row(look, self, 6)
        box.setContentsMargins(look.px(SPACE_L), 0, look.px(SPACE_L), 0)
        self._pause = Button(look, "pause", kind="quiet")
        self._pause.clicked.connect(lambda: lab.set_rate(1.0 if self._rate == 0 else 0.0))
        box.addWidget(self._pause)
        self._normal = self._rate_button("rate1", tr("time.normal"), 1.0)
        self._fast = self._rate_button("rate10", tr("time.fast"), FAST_RATE)
        box.addWidget(self._normal)
        box.addWidget(self._fast)
        self._next = Button(
            look, "nextTimer", tr("time.next"), kind="quiet", icon_name="skip-forward"
        )
        self._next.clicked.connect(lab.next_timer)
        box.addWidget(self._next)
        box.addSpacing(look.px(SPACE_M))
        self._clock = Label(look, "labClock", weight=MEDIUM, tabular=True)
        box.addWidget(self._clock)
        self._film = Film(look, lab, open_payment)
        box.addWidget(self._film, 1)
        now = Label(look, "filmNow", size_px=TEXT_CAPTION_PX, tone="dim")
        now.say(tr("console.now"))
        box.addWidget(now)
        self._record = Button(look, "record", kind="quiet")
        self._record.clicked.connect(lab.record)
        box.addWidget(self._record)
        self.show_recording(RecordingState())
        mark = Button(look, "mark", tr("time.mark"), kind="quiet", icon_name="flag")
        mark.clicked.connect(lab.mark)
        box.addWidget(mark)

    def _rate_button(self, name: str, text: str, rate: float) -> Button:
        button = Button(self._look, name, text, kind="quiet")
        button.setCheckable(True)
        button.clicked.connect(lambda: self._lab.set_rate(rate))
        return button

    def show_recording(self, state: RecordingState) -> None:
        """Draw the record key: violet while it records, since that is our doing."""
        theme = self._look.theme
        if state.on:
            self._record.show_icon("square", theme.violet, ICON_PX)
            self._record.say(tr("time.stop", steps=state.steps))
            self._record.named(tr("time.stop.tip", steps=state.steps))
        else:
            self._record.show_icon("circle-dot", theme.text_dim, ICON_PX)
            self._record.say(tr("time.record"))
            self._record.named(tr("time.record.tip"))

    def show_state(self, state: ConsoleState) -> None:
        """Draw `state`."""
        if state.rate != self._rate or self._pause.icon().isNull():
            self._rate = state.rate
            paused = state.rate == 0
            theme = self._look.theme
            self._pause.show_icon("play" if paused else "pause", theme.text, 16)
            self._pause.named(tr("time.resume" if paused else "time.pause"))
        self._normal.setChecked(state.rate == 1.0)
        self._fast.setChecked(state.rate == FAST_RATE)
        self._next.setEnabled(state.next_due_us is not None)
        if state.next_due_us is not None:
            in_s = max(0, state.next_due_us - state.now_us) / 1e6
            self._next.setToolTip(tr("time.next.tip", seconds=f"{in_s:.0f}"))
        text = f"{to_datetime(state.now_us):%H:%M:%S}" if state.now_us else "--:--:--"
        self._clock.say(tr("time.clock_moved" if state.clock_moved else "time.clock", time=text))
        self._film.show_state(state)
