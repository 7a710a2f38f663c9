"""The phone's own drawings: the scan ring, the phone held to a reader, the tick of a card read.

None imitates a maker's or a network's sign. Each moves once when its state begins and then rests.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent, QPen, QPolygonF, QRadialGradient
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from lab.design.look import Look
from lab.design.motion import SCAN_MS, SHEET_MS

FULL_TURN = 360 * 16  # QPainter counts sixteenths of a degree


class _Drawing(QWidget):
    """A square drawing that runs through its movement once, then stands still."""

    def __init__(self, look: Look, name: str, side_px: int, least_px: int) -> None:
        super().__init__()
        self.setObjectName(name)
        self._look = look
        self._part = 1.0
        self._side = look.px(side_px)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(look.px(least_px))
        self.setMaximumHeight(self._side)

    @override
    def sizeHint(self) -> QSize:
        return QSize(self._side, self._side)

    def _run(self, nominal_ms: int) -> None:
        self._part = 0.0
        self._look.motion.run(self, nominal_ms, self._step)

    def _step(self, part: float) -> None:
        self._part = part
        self.update()

    def _square(self) -> QRectF:
        side = min(self.width(), self.height()) - 4
        return QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)


class ScanRing(_Drawing):
    """A ring: an arc sweeps round while the face is scanned, and the result stays in it."""

    def __init__(self, look: Look) -> None:
        super().__init__(look, "scanRing", 112, 64)
        self._scan = "idle"

    def show_scan(self, scan: str) -> None:
        """Draw "idle", "scanning", "success" or "failed"."""
        if scan == self._scan:
            return
        self._scan = scan
        if scan == "scanning":
            self._run(SCAN_MS)
        else:
            self._part = 1.0
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = self._square().adjusted(4, 4, -4, -4)
        width = self._look.px(5)
        track = QPen(QColor(theme.light_off), width)
        painter.setPen(track)
        painter.drawEllipse(box)
        colours = {"success": theme.green, "failed": theme.red}
        pen = QPen(QColor(colours.get(self._scan, theme.blue)), width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        if self._scan != "idle":
            painter.drawArc(box, 90 * 16, -round(FULL_TURN * self._part))
        centre, reach = box.center(), box.width() * 0.18
        if self._scan == "success":
            _tick(painter, centre, reach)
        elif self._scan == "failed":
            painter.drawLine(centre + QPointF(-reach, -reach), centre + QPointF(reach, reach))
            painter.drawLine(centre + QPointF(-reach, reach), centre + QPointF(reach, -reach))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(pen.color())
            painter.drawEllipse(centre, reach * 0.45, reach * 0.45)


class HoldPicture(_Drawing):
    """A phone over a reader whose field lights up, once."""

    def __init__(self, look: Look) -> None:
        super().__init__(look, "holdPicture", 220, 88)

    def begin(self) -> None:
        """Play the movement once."""
        self._run(SCAN_MS)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = self._square()
        middle, unit = box.center().x(), box.height() / 220
        top = box.top() + 6 * unit
        reader = QRectF(middle - 66 * unit, box.bottom() - 26 * unit, 132 * unit, 16 * unit)
        self._glow(painter, QPointF(middle, reader.top()), 74 * unit)
        painter.setBrush(QColor(theme.phone_raised))
        painter.setPen(QPen(QColor(theme.phone_text), 2.6 * unit))
        phone = QRectF(middle - 39 * unit, top, 78 * unit, 132 * unit)
        painter.drawRoundedRect(phone, 15 * unit, 15 * unit)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.blue))
        card = QRectF(phone.left() + 12 * unit, top + 20 * unit, 54 * unit, 34 * unit)
        painter.drawRoundedRect(card, 5 * unit, 5 * unit)
        painter.setBrush(QColor(theme.phone_text_dim))
        painter.drawRoundedRect(reader, 8 * unit, 8 * unit)

    def _glow(self, painter: QPainter, centre: QPointF, reach: float) -> None:
        """The field over the reader: it fades in once and stays."""
        bright, gone = QColor(self._look.theme.blue), QColor(self._look.theme.blue)
        bright.setAlphaF(0.55 * self._part)
        gone.setAlphaF(0.0)
        fade = QRadialGradient(centre, reach * (0.6 + 0.4 * self._part))
        fade.setColorAt(0.0, bright)
        fade.setColorAt(1.0, gone)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QBrush(fade))
        painter.drawPie(
            QRectF(centre.x() - reach, centre.y() - reach, 2 * reach, 2 * reach), 0, FULL_TURN // 2
        )


class ReadTick(_Drawing):
    """A tick on blue: the card was read. Green would say "approved", which nobody knows yet."""

    def __init__(self, look: Look) -> None:
        super().__init__(look, "readTick", 120, 56)

    def begin(self) -> None:
        """Play the movement once."""
        self._run(SHEET_MS)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = self._square().adjusted(4, 4, -4, -4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.blue_fill))
        radius = box.width() / 2 * (0.7 + 0.3 * self._part)
        painter.drawEllipse(box.center(), radius, radius)
        pen = QPen(QColor(theme.on_fill), self._look.px(6))
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        _tick(painter, box.center(), box.width() * 0.2, self._part)


def _tick(painter: QPainter, centre: QPointF, reach: float, part: float = 1.0) -> None:
    corners = [
        centre + QPointF(-reach, 0),
        centre + QPointF(-reach * 0.25, reach * 0.75),
        centre + QPointF(reach, -reach * 0.7),
    ]
    first = math.dist(corners[0].toTuple(), corners[1].toTuple())
    second = math.dist(corners[1].toTuple(), corners[2].toTuple())
    drawn = (first + second) * part
    points = [corners[0], _between(corners[0], corners[1], min(1.0, drawn / first))]
    if drawn > first:
        points.append(_between(corners[1], corners[2], (drawn - first) / second))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF(points))


def _between(start: QPointF, end: QPointF, part: float) -> QPointF:
    return start + (end - start) * part
