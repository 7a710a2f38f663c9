"""Icons: Lucide drawings from the bundle, in any colour and sharp at any pixel ratio.

Also the status shapes (circle, triangle, square, hatched square), which differ in form because
green and red fall together for many eyes.
"""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtSvg import QSvgRenderer

from lab.resources import icon_svg

RENDER_RATIO = 2.0  # rendered at twice the size, so that one cache serves both common screens


@lru_cache(maxsize=256)
def icon_pixmap(name: str, colour: str, size_px: int) -> QPixmap:
    """A bundled icon, `size_px` square, drawn in `colour`.

    Raises:
        FileNotFoundError: no such icon is bundled.
    """
    svg = icon_svg(name).replace("currentColor", colour)
    side = round(size_px * RENDER_RATIO)
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, side, side))
    painter.end()
    pixmap.setDevicePixelRatio(RENDER_RATIO)
    return pixmap


def icon(name: str, colour: str, size_px: int, *, disabled: str = "") -> QIcon:
    """A bundled icon for a button; `disabled` is its colour when the button is."""
    made = QIcon(icon_pixmap(name, colour, size_px))
    if disabled:
        made.addPixmap(icon_pixmap(name, disabled, size_px), QIcon.Mode.Disabled)
    return made


def draw_shape(painter: QPainter, rect: QRectF, kind: str, colour: QColor) -> None:
    """Draw the shape of a `Message.kind` into `rect`.

    Good is a circle, bad a square, waiting a triangle, ours a hatched square, neutral a ring.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    match kind:
        case "good":
            painter.drawEllipse(rect)
        case "bad":
            inset = rect.width() * 0.06
            painter.drawRect(rect.adjusted(inset, inset, -inset, -inset))
        case "waiting":
            painter.drawPolygon(
                QPolygonF(
                    [
                        QPointF(rect.center().x(), rect.top()),
                        QPointF(rect.right(), rect.bottom()),
                        QPointF(rect.left(), rect.bottom()),
                    ]
                )
            )
        case "ours":
            painter.fillRect(rect, QBrush(colour, Qt.BrushStyle.BDiagPattern))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour, 1))
            painter.drawRect(rect.adjusted(0.5, 0.5, -0.5, -0.5))
        case _:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour, 1.5))
            painter.drawEllipse(rect.adjusted(1, 1, -1, -1))
    painter.restore()
