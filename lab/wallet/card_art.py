"""The faces of the lab's cards: own drawings, text dark-backed enough to read (at least 4.5:1).

No network's mark is drawn or imitated: a network is its name in plain type. A face is rendered
once for its size and device pixel ratio and kept; suspended and pending faces are faces too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QLinearGradient,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QRadialGradient,
)

from lab.design.look import MEDIUM, SEMIBOLD, Look
from lab.design.names import network_name
from lab.wallet.state import CardView
from lab.words import tr

CARD_RATIO = 85.6 / 53.98  # ISO/IEC 7810 ID-1
CORNER_PART = 0.055
SHADOW_PX = 14
PAD_PART = 0.062
LABEL_TOP_PART = 0.045
LABEL_PX = 22
INK = "#ffffff"
BADGE = "#0b0c10"


def card_height(width_px: int) -> int:
    """Height of a card face of this width, pixels."""
    return round(width_px / CARD_RATIO)


def face_pixmap(look: Look, card: CardView, width_px: int, ratio: float) -> QPixmap:
    """A card's face with its text and marks, rendered once and kept.

    Args:
        look: fonts and scale.
        card: what is written on it.
        width_px: width in device-independent pixels.
        ratio: device pixel ratio.
    """
    marks = tuple(_marks(card))
    return _face(
        look, (card.art, card.label, network_name(card.network), card.last4), marks, width_px, ratio
    )


def _marks(card: CardView) -> list[str]:
    marks = []
    if card.status == "suspended":
        marks.append(tr("phone.mark.suspended"))
    elif card.status == "pending":
        marks.append(tr("phone.mark.pending"))
    elif card.status == "rejected":
        marks.append(tr("phone.mark.rejected"))
    elif card.is_default:
        marks.append(tr("phone.mark.default"))
    return marks


@lru_cache(maxsize=64)
def _face(
    look: Look, text: tuple[str, str, str, str], marks: tuple[str, ...], width_px: int, ratio: float
) -> QPixmap:
    art, label, network, last4 = text
    quiet = bool(marks) and marks[0] != tr("phone.mark.default")
    pixmap = QPixmap(art_pixmap(art, width_px, ratio, quiet=quiet))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pad, height = width_px * PAD_PART, card_height(width_px)
    edge = width_px * LABEL_TOP_PART
    painter.setPen(QColor(INK))
    painter.setFont(look.font(15, SEMIBOLD))
    top = QRectF(pad, edge, width_px - 2 * pad, look.px(LABEL_PX))
    painter.drawText(top, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, label)
    bottom = QRectF(pad, height - edge - look.px(20), width_px - 2 * pad, look.px(20))
    painter.setFont(look.font(15, SEMIBOLD))
    painter.drawText(bottom, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, network)
    painter.setFont(look.font(13, MEDIUM, tabular=True))
    number = f"•••• {last4}"
    painter.drawText(bottom, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, number)
    for mark in marks:
        _badge(painter, look, mark, top)
    painter.end()
    return pixmap


def _badge(painter: QPainter, look: Look, text: str, line: QRectF) -> None:
    font = look.font(12, MEDIUM)
    painter.setFont(font)
    width = painter.fontMetrics().horizontalAdvance(text) + look.px(14)
    box = QRectF(line.right() - width, line.top(), width, line.height())
    painter.setPen(Qt.PenStyle.NoPen)
    back = QColor(BADGE)
    back.setAlphaF(0.72)
    painter.setBrush(back)
    painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
    painter.setPen(QColor(INK))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


@lru_cache(maxsize=64)
def art_pixmap(art: str, width_px: int, ratio: float, *, quiet: bool = False) -> QPixmap:
    """The drawing of a card without its text; `quiet` takes the colour out of it."""
    height = card_height(width_px)
    pixmap = QPixmap(round(width_px * ratio), round(height * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    face = QRectF(0, 0, width_px, height)
    corner = width_px * CORNER_PART
    clip = QPainterPath()
    clip.addRoundedRect(face, corner, corner)
    painter.setClipPath(clip)
    match art:
        case "everyday":
            _draw_everyday(painter, face)
        case "everyday-tide":
            _draw_tide(painter, face)
        case "travel":
            _draw_travel(painter, face, SUNSET)
        case "travel-night":
            _draw_travel(painter, face, NIGHT)
        case "reserve":
            _draw_reserve(painter, face)
        case _:
            _draw_plain(painter, face)
    if quiet:
        veil = QColor("#1a1d23")
        veil.setAlphaF(0.74)
        painter.fillRect(face, veil)
    painter.setClipping(False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_white(0.14), 1))
    painter.drawRoundedRect(face.adjusted(0.5, 0.5, -0.5, -0.5), corner, corner)
    painter.end()
    return pixmap


def _white(alpha: float) -> QColor:
    colour = QColor(INK)
    colour.setAlphaF(alpha)
    return colour


def _gradient(face: QRectF, *stops: tuple[float, str]) -> QBrush:
    made = QLinearGradient(face.topLeft(), face.bottomRight())
    for place, colour in stops:
        made.setColorAt(place, QColor(colour))
    return QBrush(made)


def _draw_everyday(painter: QPainter, face: QRectF) -> None:
    """Violet, with arcs that spread from the lower right."""
    painter.fillRect(face, _gradient(face, (0, "#2a2078"), (0.55, "#4a2fc0"), (1, "#6a37c9")))
    centre = QPointF(face.width() * 0.93, face.height() * 1.08)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for ring in range(1, 19):
        radius = face.width() * 0.052 * ring
        painter.setPen(QPen(_white(0.15 - 0.0055 * ring), 1.1))
        painter.drawEllipse(centre, radius, radius)
    glow = QRadialGradient(QPointF(face.width() * 0.15, 0), face.width() * 0.7)
    glow.setColorAt(0, _white(0.10))
    glow.setColorAt(1, _white(0.0))
    painter.fillRect(face, QBrush(glow))


def _draw_tide(painter: QPainter, face: QRectF) -> None:
    """Deep teal, with long waves one under the other."""
    painter.fillRect(face, _gradient(face, (0, "#0a3346"), (0.55, "#0b4b60"), (1, "#0e5866")))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    wide, step = face.width(), face.height() * 0.063
    for wave in range(11):
        y = face.height() * 0.37 + wave * step
        line = QPainterPath(QPointF(0, y))
        line.cubicTo(
            QPointF(wide * 0.26, y - 2.1 * step),
            QPointF(wide * 0.49, y + 2.1 * step),
            QPointF(wide * 0.75, y),
        )
        line.quadTo(QPointF(wide * 0.88, y - step), QPointF(wide, y - 0.6 * step))
        painter.setPen(QPen(_white(0.08 + 0.012 * wave), 1.2))
        painter.drawPath(line)


@dataclass(frozen=True, slots=True)
class _Landscape:
    """Three hills under a round light.

    Attributes:
        sky: from the upper left to the lower right.
        light: of sun or moon, its middle and its edge.
        light_at: how far down it stands, part of the height.
        light_size: its radius, part of the height.
        hills: the far one first.
    """

    sky: tuple[str, str, str]
    light: tuple[str, str]
    light_at: float
    light_size: float
    hills: tuple[str, str, str]


SUNSET = _Landscape(
    ("#4a1546", "#7a2150", "#511743"), ("#ff9a6b", "#ee5a52"), 0.50, 0.27,
    ("#a8325a", "#7d2453", "#4d153f"),
)  # fmt: skip
NIGHT = _Landscape(
    ("#0b1533", "#182a55", "#0d1836"), ("#f4f6fb", "#c9d3ea"), 0.40, 0.13,
    ("#2b3f74", "#1c2c58", "#0e1938"),
)  # fmt: skip
_HILLS = ((0.62, 0.50, 0.66), (0.71, 0.66, 0.58), (0.77, 0.80, 0.70))


def _draw_travel(painter: QPainter, face: QRectF, scene: _Landscape) -> None:
    """A sun or a moon over hills; the text stands on the darkest of them."""
    first, second, third = scene.sky
    painter.fillRect(face, _gradient(face, (0, first), (0.5, second), (1, third)))
    painter.setPen(Qt.PenStyle.NoPen)
    middle_of_light = QPointF(face.width() * 0.66, face.height() * scene.light_at)
    radius = face.height() * scene.light_size
    glow = QRadialGradient(middle_of_light, radius * 1.26)
    glow.setColorAt(0, QColor(scene.light[0]))
    glow.setColorAt(1, QColor(scene.light[1]))
    painter.setBrush(QBrush(glow))
    painter.drawEllipse(middle_of_light, radius, radius)
    for colour, (left, middle, right) in zip(scene.hills, _HILLS, strict=True):
        hill = QPainterPath(QPointF(0, face.height() * left))
        hill.cubicTo(
            QPointF(face.width() * 0.3, face.height() * (middle - 0.12)),
            QPointF(face.width() * 0.62, face.height() * (middle + 0.18)),
            QPointF(face.width(), face.height() * right),
        )
        hill.lineTo(face.bottomRight())
        hill.lineTo(face.bottomLeft())
        painter.setBrush(QColor(colour))
        painter.drawPath(hill)


def _draw_reserve(painter: QPainter, face: QRectF) -> None:
    """Graphite, brushed: fine lines that fold once."""
    painter.fillRect(face, _gradient(face, (0, "#17191e"), (0.6, "#2b3038"), (1, "#1d2026")))
    fold = face.width() * 0.58
    step = face.width() * 0.021
    lines = int(face.width() / step) + 24
    for index in range(-24, lines):
        offset = index * step
        painter.setPen(QPen(_white(0.075), 1))
        painter.drawLine(
            QPointF(offset, face.bottom()), QPointF(offset + face.height() * 0.5, face.top())
        )
        painter.setPen(QPen(_white(0.05), 1))
        painter.drawLine(
            QPointF(fold + offset, face.top()),
            QPointF(fold + offset + face.height() * 0.9, face.bottom()),
        )


def _draw_plain(painter: QPainter, face: QRectF) -> None:
    """Slate, with one lighter band."""
    painter.fillRect(face, _gradient(face, (0, "#26344a"), (1, "#31475f")))
    band = QPainterPath(QPointF(face.width() * 0.55, 0))
    band.lineTo(face.width() * 0.80, 0)
    band.lineTo(face.width() * 0.48, face.height())
    band.lineTo(face.width() * 0.23, face.height())
    band.closeSubpath()
    painter.fillPath(band, _white(0.06))


@lru_cache(maxsize=16)
def shadow_pixmap(width_px: int, ratio: float) -> QPixmap:
    """The soft shadow under a card, wider than the card by `SHADOW_PX` on each side."""
    height = card_height(width_px)
    full_width, full_height = width_px + 2 * SHADOW_PX, height + 2 * SHADOW_PX
    pixmap = QPixmap(round(full_width * ratio), round(full_height * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    shade = QColor("#000000")
    shade.setAlphaF(0.055)
    painter.setBrush(shade)
    corner = width_px * CORNER_PART
    for ring in range(SHADOW_PX):
        box = QRectF(ring, ring, full_width - 2 * ring, full_height - 2 * ring)
        painter.drawRoundedRect(box, corner + SHADOW_PX - ring, corner + SHADOW_PX - ring)
    painter.end()
    return pixmap
