"""What a person sets: a box to tick, a switch, a list to choose from.

Drawn here where the platform's style would draw its own. Knows nothing of payments.
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QStyle, QStyleOptionButton
from typing_extensions import override

from lab.design.icons import icon_pixmap
from lab.design.look import Look
from lab.design.tokens import TEXT_CAPTION_PX

SWITCH_PX = 32


class Tick(QCheckBox):
    """A check box whose tick is drawn, not taken from the platform's style."""

    def __init__(self, look: Look, name: str, text: str, tone: str = "text") -> None:
        super().__init__(text)
        self._look = look
        self.setObjectName(name)
        self.setAccessibleName(text)
        self.setProperty("tone", tone)
        self.setFont(look.font())
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.isChecked():
            return
        option = QStyleOptionButton()
        self.initStyleOption(option)
        box = self.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self)
        side = min(box.width(), box.height()) - 2
        ink = self._look.theme.on_fill
        QPainter(self).drawPixmap(box.left() + 1, box.top() + 1, icon_pixmap("check", ink, side))


class Switch(QCheckBox):
    """A switch: a track with a knob, left is off and right is on, so that form says it too."""

    def __init__(self, look: Look, name: str, text: str) -> None:
        super().__init__(text)
        self._look = look
        self.setObjectName(name)
        self.setAccessibleName(text)
        self.setFont(look.font())
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    @override
    def sizeHint(self) -> QSize:
        text = self.fontMetrics().size(0, self.text())
        return QSize(
            text.width() + self._look.px(SWITCH_PX + 8) + 4,
            max(text.height(), self._look.px(SWITCH_PX // 2)) + 6,
        )

    @override
    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @override
    def hitButton(self, pos: QPoint) -> bool:
        return self.rect().contains(pos)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        wide = self._look.px(SWITCH_PX)
        high = wide * 0.56
        track = QRectF(2, (self.height() - high) / 2, wide, high)
        on = self.isChecked()
        painter.setPen(QPen(QColor(theme.blue if on else theme.line_strong), 1))
        painter.setBrush(QColor(theme.blue_fill if on else theme.raised))
        painter.drawRoundedRect(track, high / 2, high / 2)
        knob = high / 2 - 3
        left = track.right() - high / 2 if on else track.left() + high / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.on_fill if on else theme.text_dim))
        painter.drawEllipse(QPointF(left, track.center().y()), knob, knob)
        painter.setPen(QColor(theme.text if on else theme.text_dim))
        words = self.rect().adjusted(round(track.right()) + self._look.px(8), 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self.text())
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.blue), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 6, 6)


class Choice(QComboBox):
    """A list to choose from. Typed digits pass it by: they belong to the till."""

    def __init__(self, look: Look, name: str, accessible_name: str) -> None:
        super().__init__()
        self._look = look
        self.setObjectName(name)
        self.setAccessibleName(accessible_name)
        self.setToolTip(accessible_name)
        self.setFont(look.font(TEXT_CAPTION_PX))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text().isdigit():
            event.ignore()
        else:
            super().keyPressEvent(event)

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.isEnabled():
            return
        side = self._look.px(14)
        arrow = icon_pixmap("chevron-down", self._look.theme.text_dim, side)
        left, top = self.width() - side - self._look.px(5), (self.height() - side) // 2
        QPainter(self).drawPixmap(left, top, arrow)
