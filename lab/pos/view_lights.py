"""The four lights of the till and their caption (EMV Contactless Book A, user interface).

When a card was read the lights come on one after another, 100 ms each; then they show again what
the state says. They mean "read", never "approved", and nothing here blinks for ever: a blinking
light is drawn as a half-lit one beside the word that says so.
"""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from lab.design.look import Look
from lab.design.motion import LIGHT_STEP_MS
from lab.pos.state import OFF4, Light

LIGHTS = 4
Four = tuple[Light, Light, Light, Light]


class LightBar(QWidget):
    """Four lights in a row."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.setObjectName("lights")
        self._look = look
        self._lights: Four = OFF4
        self._running = -1
        self.setFixedHeight(look.px(12))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_lights(self, lights: Four, caption: str) -> None:
        """Show `lights`; `caption` is what they say, for a screen reader."""
        self.setAccessibleName(caption)
        if lights != self._lights:
            self._lights = lights
            self.update()

    def run_read(self) -> None:
        """The card was read: one light after another, then as the state says."""
        self._step(0.0)
        self._look.motion.run(
            self,
            LIGHT_STEP_MS * LIGHTS,
            self._step,
            done=self._rest,
            easing=QEasingCurve.Type.Linear,
        )

    def _step(self, part: float) -> None:
        lit = min(LIGHTS, int(part * LIGHTS) + 1)
        if lit != self._running:
            self._running = lit
            self.update()

    def _rest(self) -> None:
        self._running = -1
        self.update()

    @property
    def is_running(self) -> bool:
        """Whether the lights are following one another just now."""
        return self._running >= 0

    @override
    def sizeHint(self) -> QSize:
        return QSize(self._look.px(160), self._look.px(12))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        gap, height = self._look.px(8), self._look.px(8)
        width = (self.width() - gap * (LIGHTS - 1)) / LIGHTS
        top = (self.height() - height) / 2
        for index in range(LIGHTS):
            light = self._lights[index]
            if self._running >= 0:
                light = Light.ON if index < self._running else Light.OFF
            box = QRectF(index * (width + gap), top, width, height)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.light_off))
            match light:
                case Light.ON:
                    painter.setBrush(QColor(theme.green))
                case Light.ALERT:
                    painter.setBrush(QColor(theme.red))
                case Light.BLINK:
                    painter.setPen(QPen(QColor(theme.green), 1.5))
                    box.adjust(0.75, 0.75, -0.75, -0.75)
                case Light.OFF:
                    pass
            painter.drawRoundedRect(box, height / 2, height / 2)
            if light is Light.BLINK:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(theme.green))
                half = QRectF(box.left(), box.top(), box.width() * 0.3, box.height())
                painter.drawRoundedRect(half, height / 2, height / 2)
