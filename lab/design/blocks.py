"""The small widgets that every view is built from: labels, buttons, panels, shapes, rules.

Each has an object name (tests and scripts find it by that) and an accessible name (a screen
reader says it). Buttons take focus by Tab only, so that a click never steals the keyboard from
the till. Knows nothing of payments.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from lab.design.icons import draw_shape, icon
from lab.design.look import REGULAR, SEMIBOLD, Look
from lab.design.tokens import SPACE_M, SPACE_S, TEXT_BODY_PX, TEXT_LEAD_PX

SCROLL_PX_MIN = 40


def set_property(widget: QWidget, name: str, value: str) -> None:
    """Set a dynamic property that the stylesheet selects by, and restyle when it changed."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


class Label(QLabel):
    """A line or paragraph of text; `elide` shortens it with "…" and keeps the whole as a tip."""

    def __init__(
        self,
        look: Look,
        name: str,
        *,
        size_px: int = TEXT_BODY_PX,
        weight: int = REGULAR,
        tone: str = "text",
        mono: bool = False,
        tabular: bool = False,
    ) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setFont(look.font(size_px, weight, mono=mono, tabular=tabular))
        self.setProperty("tone", tone)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._whole = ""
        self._elides = False

    def wrapping(self) -> Label:
        """Let the text take several lines."""
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        return self

    def eliding(self, width_px: int = 0) -> Label:
        """Shorten the text to the width there is, or to a fixed one."""
        self._elides = True
        if width_px:
            self.setFixedWidth(width_px)
            self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        else:
            self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        return self

    def centred(self) -> Label:
        """Centre the text."""
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        return self

    def say(self, text: str, tone: str = "") -> None:
        """Show `text`, in another tone when one is given."""
        if tone:
            set_property(self, "tone", tone)
        if text == self._whole:
            return
        self._whole = text
        self.setAccessibleName(text)
        if self._elides:
            self._elide()
        else:
            self.setText(text)

    @property
    def whole_text(self) -> str:
        """The text before it was shortened."""
        return self._whole

    @property
    def elides(self) -> bool:
        """Whether the text may be shortened."""
        return self._elides

    def _elide(self) -> None:
        shown = self.fontMetrics().elidedText(
            self._whole, Qt.TextElideMode.ElideRight, max(0, self.width())
        )
        self.setText(shown)
        self.setToolTip(self._whole if shown != self._whole else "")

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._elides:
            self._elide()

    @override
    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(0, hint.height()) if self._elides else hint


class Button(QPushButton):
    """A button of one of the stylesheet's kinds, reached by Tab, click or screen reader."""

    def __init__(
        self,
        look: Look,
        name: str,
        text: str = "",
        *,
        kind: str = "plain",
        icon_name: str = "",
        size_px: int = TEXT_BODY_PX,
        weight: int = REGULAR,
    ) -> None:
        super().__init__(text)
        self._look = look
        self._icon: tuple[str, int] | None = None
        self.setObjectName(name)
        self.setProperty("kind", kind)
        self.setFont(look.font(size_px, weight))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAutoDefault(False)
        if kind in {"primary", "phone", "phone-key", "phone-link"}:
            self.setMinimumHeight(look.px(34))
        if text:
            self.setAccessibleName(text)
        if icon_name:
            self.show_icon(icon_name, _ink(look, kind), size_px + 3)

    def say(self, text: str) -> None:
        """Show `text`."""
        if text != self.text():
            self.setText(text)
            self.setAccessibleName(text)

    def become(self, kind: str) -> None:
        """Look like another of the stylesheet's kinds from now on, its icon too."""
        if kind != self.property("kind"):
            self.setProperty("kind", kind)
            if self._icon is not None:
                self.show_icon(self._icon[0], _ink(self._look, kind), self._icon[1])
            self.style().unpolish(self)
            self.style().polish(self)

    def named(self, accessible_name: str) -> Button:
        """Say what an icon-only button does: to the screen reader and as a tip."""
        self.setAccessibleName(accessible_name)
        self.setToolTip(accessible_name)
        return self

    def show_icon(self, icon_name: str, colour: str, size_px: int) -> None:
        """Draw a bundled icon before the text."""
        self._icon = (icon_name, size_px)
        side = self._look.px(size_px)
        self.setIcon(icon(icon_name, colour, side, disabled=self._look.theme.text_dim))
        self.setIconSize(QSize(side, side))


def _ink(look: Look, kind: str) -> str:
    theme = look.theme
    match kind:
        case "primary" | "charge" | "cancel":
            return theme.on_fill
        case "quiet" | "tab":
            return theme.text_dim
        case "link" | "phone" | "phone-link":
            return theme.blue
        case "phone-key" | "phone-choice":
            return theme.phone_text
        case "ours":
            return theme.violet
        case _:
            return theme.text


class Shape(QWidget):
    """The status shape of a `Message.kind`: form and colour together."""

    def __init__(self, look: Look, size_px: int = 12) -> None:
        super().__init__()
        self._look = look
        self._kind = "neutral"
        self._colour = QColor(look.theme.text_dim)
        side = look.px(size_px)
        self.setFixedSize(side, side)

    def show_kind(self, kind: str) -> None:
        """Draw the shape of `kind`."""
        if kind == self._kind:
            return
        self._kind = kind
        neutral = QColor(self._look.theme.text_dim)
        self._colour = neutral if kind == "neutral" else self._look.kind(kind)
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        draw_shape(painter, QRectF(self.rect()), self._kind, self._colour)


class Panel(QFrame):
    """A titled surface: head line with room for controls on its right, body below."""

    def __init__(self, look: Look, name: str, title: str = "") -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("surface", "panel")
        self.setAccessibleName(title or name)
        outer = QVBoxLayout(self)
        pad = look.px(SPACE_M)
        outer.setContentsMargins(pad, look.px(10), pad, look.px(10))
        outer.setSpacing(look.px(SPACE_S))
        self.head = QHBoxLayout()
        self.head.setSpacing(look.px(SPACE_S))
        self.title = Label(look, f"{name}Title", size_px=TEXT_LEAD_PX, weight=SEMIBOLD)
        self.title.say(title)
        if title:
            self.head.addWidget(self.title)
            outer.addLayout(self.head)
        self.body = QVBoxLayout()
        self.body.setSpacing(look.px(SPACE_S))
        outer.addLayout(self.body, 1)


class EmptyState(QWidget):
    """One sentence and at most one action, for a place that has nothing to show yet."""

    def __init__(self, look: Look, name: str, sentence: str, action: Button | None = None) -> None:
        super().__init__()
        self.setObjectName(name)
        box = QVBoxLayout(self)
        box.setContentsMargins(*(look.px(SPACE_M),) * 4)
        box.addStretch(1)
        self.sentence = Label(look, f"{name}Sentence", tone="dim").wrapping().centred()
        self.sentence.say(sentence)
        box.addWidget(self.sentence)
        if action is not None:
            row = QHBoxLayout()
            row.addStretch(1)
            row.addWidget(action)
            row.addStretch(1)
            box.addLayout(row)
        box.addStretch(1)


def rule(look: Look) -> QFrame:
    """A thin horizontal line."""
    line = QFrame()
    line.setProperty("surface", "line")
    line.setFixedHeight(look.px(1))
    return line


def scroll(widget: QWidget, name: str) -> QScrollArea:
    """`widget` in a vertical scroll area without a frame."""
    area = QScrollArea()
    area.setObjectName(name)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setMinimumHeight(SCROLL_PX_MIN)
    area.setWidget(widget)
    return area


def tight(layout: QLayout, spacing_px: int = 0, margin_px: int = 0) -> None:
    """Set a layout's margins and spacing, in device-independent pixels."""
    layout.setContentsMargins(margin_px, margin_px, margin_px, margin_px)
    layout.setSpacing(spacing_px)


def column(look: Look, parent: QWidget | None = None, spacing_px: int = SPACE_S) -> QVBoxLayout:
    """A vertical layout without margins."""
    made = QVBoxLayout(parent) if parent is not None else QVBoxLayout()
    tight(made, look.px(spacing_px))
    return made


def row(look: Look, parent: QWidget | None = None, spacing_px: int = SPACE_S) -> QHBoxLayout:
    """A horizontal layout without margins."""
    made = QHBoxLayout(parent) if parent is not None else QHBoxLayout()
    tight(made, look.px(spacing_px))
    return made


def clear_layout(layout: QBoxLayout) -> None:
    """Take every widget out of `layout` and delete it when Qt comes to it."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
