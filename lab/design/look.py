"""The look that every view is given: theme, scale, motion, and fonts made from them.

A view asks `Look` for pixels, fonts and colours and so works unchanged at presenter size, in the
light theme and without motion. Inter and JetBrains Mono come from the bundle, never from the
system, so that pictures are the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QByteArray
from PySide6.QtGui import QColor, QFont, QFontDatabase

from lab.design.motion import Motion
from lab.design.tokens import DARK, TEXT_BODY_PX, Theme, kind_colour
from lab.resources import FONT_FILES, font_bytes

TEXT_FAMILY = "Inter"
CODE_FAMILY = "JetBrains Mono"
REGULAR, MEDIUM, SEMIBOLD, BOLD = 400, 500, 600, 700


@dataclass(frozen=True, slots=True)
class Look:
    """Theme, size and motion of one window.

    Attributes:
        scale: multiplies every size; 1.5 is the presenter's.
    """

    theme: Theme = DARK
    scale: float = 1.0
    motion: Motion = field(default_factory=Motion)

    def px(self, nominal_px: float) -> int:
        """`nominal_px` at this scale, at least 1."""
        return max(1, round(nominal_px * self.scale))

    def font(
        self,
        size_px: int = TEXT_BODY_PX,
        weight: int = REGULAR,
        *,
        mono: bool = False,
        tabular: bool = False,
    ) -> QFont:
        """A font of the bundle; `tabular` gives every digit the same width."""
        font = QFont(CODE_FAMILY if mono else TEXT_FAMILY)
        font.setPixelSize(self.px(size_px))
        font.setWeight(QFont.Weight(min(weight, MEDIUM) if mono else weight))
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        if tabular:
            font.setFeature(QFont.Tag("tnum"), 1)
        return font

    def kind(self, kind: str) -> QColor:
        """The colour that says what a `Message.kind` says."""
        return QColor(kind_colour(self.theme, kind))


_loaded: list[int] = []


def load_fonts() -> None:
    """Register the bundled fonts with Qt, once a process.

    Raises:
        RuntimeError: Qt cannot read one of them: the window would be drawn in another font.
    """
    if _loaded:
        return
    for name in FONT_FILES:
        font_id = QFontDatabase.addApplicationFontFromData(QByteArray(font_bytes(name)))
        if font_id < 0:
            raise RuntimeError(f"Qt could not load the bundled font {name}")
        _loaded.append(font_id)
