"""Motion: how long things move, and one scale over all of them.

Every animation is started by `Motion.run`; with scale 0 the end is reached at once, so tests and
people who asked for less motion see the same states. Nothing here repeats: an animation ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEasingCurve, QObject, QVariantAnimation

CARD_FORWARD_MS = 320
SHEET_MS = 240
SCAN_MS = 700
TAP_MS = 360
LIGHT_STEP_MS = 100
RECEIPT_MS = 400
BANNER_MS = 280
TAP_DISTANCE_PX = 24


@dataclass(frozen=True, slots=True)
class Motion:
    """How fast things move: 1 live, 4 slow, 0.05 tests, 0 not at all."""

    scale: float = 1.0

    def duration_ms(self, nominal_ms: int) -> int:
        """`nominal_ms` under this scale, milliseconds."""
        return round(nominal_ms * self.scale)

    def run(
        self,
        owner: QObject,
        nominal_ms: int,
        step: Callable[[float], None],
        *,
        done: Callable[[], None] | None = None,
        easing: QEasingCurve.Type = QEasingCurve.Type.OutCubic,
    ) -> QVariantAnimation | None:
        """Call `step` with 0 → 1 over `nominal_ms`, then `done`.

        Returns:
            The running animation (a child of `owner` that deletes itself), or None when the
            scale is 0 and everything has already happened.
        """
        duration_ms = self.duration_ms(nominal_ms)
        if duration_ms <= 0:
            step(1.0)
            if done is not None:
                done()
            return None
        animation = QVariantAnimation(owner)
        animation.setDuration(duration_ms)
        animation.setStartValue(0.0)
        animation.setEndValue(1.0)
        animation.setEasingCurve(easing)
        animation.valueChanged.connect(step)
        if done is not None:
            animation.finished.connect(done)
        animation.start(QVariantAnimation.DeletionPolicy.DeleteWhenStopped)
        return animation
