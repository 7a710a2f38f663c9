"""A card that is nobody's art: the outline of what was read, with what little it told on it.

Drawn, never copied from an issuer: a dashed edge says that it is not this lab's. Network names
stand in plain type.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from hardware.api import Sort
from lab.anycard.account import Account
from lab.design.look import MEDIUM, SEMIBOLD, Look
from lab.design.tokens import RADIUS_M, SPACE_M, TEXT_BODY_PX, TEXT_CAPTION_PX, TEXT_LEAD_PX
from lab.words import tr

RATIO = 53.98 / 85.60  # ISO/IEC 7810, ID-1
HEIGHT_PX = 128


class CardOutline(QWidget):
    """The outline of a card that was read."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.setObjectName("strangerFace")
        self._look = look
        self._network = self._number = self._corner = ""
        self._is_card = True
        self.setFixedHeight(look.px(HEIGHT_PX))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_account(self, account: Account) -> None:
        """Draw what `account` tells."""
        facts = {name.key: value for name, value in reversed(account.facts)}  # the first counts
        application = facts.get("anycard.fact.application", "")
        self._is_card = account.sort is not Sort.OTHER
        self._network = application.partition(" A0")[0] if self._is_card else ""
        self._number = facts.get("anycard.fact.number", "") or tr(
            "anycard.face.unread" if self._is_card else "anycard.face.tag"
        )
        self._corner = tr(f"anycard.face.{account.sort}")
        self.setAccessibleName(f"{self._corner}. {self._network}. {self._number}")
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        look, theme, painter = self._look, self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = min(float(self.width()) - 2, (self.height() - 2) / RATIO)
        frame = QRectF((self.width() - width) / 2, 1.0, width, self.height() - 2.0)
        ground = QLinearGradient(QPointF(frame.topLeft()), QPointF(frame.bottomRight()))
        ground.setColorAt(0, QColor(theme.hover))
        ground.setColorAt(1, QColor(theme.raised))
        painter.setBrush(ground)
        painter.setPen(QPen(QColor(theme.line_strong), 1.5, Qt.PenStyle.DashLine))
        radius = look.px(RADIUS_M)
        painter.drawRoundedRect(frame, radius, radius)
        inside = frame.adjusted(*(look.px(SPACE_M),) * 2, *(-look.px(SPACE_M),) * 2)
        self._write(
            painter, inside, self._corner, TEXT_CAPTION_PX, MEDIUM, Qt.AlignmentFlag.AlignTop
        )
        middle = Qt.AlignmentFlag.AlignVCenter
        self._write(painter, inside, self._number, TEXT_BODY_PX, MEDIUM, middle, mono=True)
        low = Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight
        self._write(painter, inside, self._network, TEXT_LEAD_PX, SEMIBOLD, low)

    def _write(
        self,
        painter: QPainter,
        frame: QRectF,
        text: str,
        size_px: int,
        weight: int,
        where: Qt.AlignmentFlag,
        *,
        mono: bool = False,
    ) -> None:
        painter.setPen(QColor(self._look.theme.text))
        painter.setFont(self._look.font(size_px, weight, mono=mono))
        shown = painter.fontMetrics().elidedText(
            text, Qt.TextElideMode.ElideRight, int(frame.width())
        )
        painter.drawText(frame, where, shown)
