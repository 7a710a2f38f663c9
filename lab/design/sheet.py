"""A sheet over the whole window: one surface in the middle, what lies behind it dimmed.

Part of the window, not a window of its own, so that it follows onto a projector and is on every
picture of it. Nothing behind it stops. Escape closes it, and keys do not fall through to the till.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget
from typing_extensions import override

from lab.design.blocks import Button, Label, column, row
from lab.design.look import SEMIBOLD, Look
from lab.design.tokens import SPACE_M, SPACE_XL, TEXT_LEAD_PX
from lab.words import tr

DIMMED_ALPHA = 150


class Sheet(QWidget):
    """Title, what the sheet is about, and keys below.

    Attributes:
        body: what it is about goes here.
        foot: keys left of Close go here.
    """

    def __init__(self, look: Look, name: str, title: str, width_px: int, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._window = window
        self._scrim = QColor(look.theme.window)
        self._scrim.setAlpha(DIMMED_ALPHA)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(*(look.px(SPACE_M),) * 4)
        self._surface = QFrame()
        self._surface.setObjectName(f"{name}Surface")
        self._surface.setProperty("surface", "panel")
        self._surface.setMaximumWidth(look.px(width_px))
        line = row(look)
        line.addStretch(1)
        line.addWidget(self._surface, 100)
        line.addStretch(1)
        outer.addStretch(1)
        outer.addLayout(line)
        outer.addStretch(1)
        box = column(look, self._surface, SPACE_M)
        box.setContentsMargins(*(look.px(SPACE_XL),) * 4)
        head = Label(look, f"{name}Title", size_px=TEXT_LEAD_PX, weight=SEMIBOLD)
        head.say(title)
        box.addWidget(head)
        self.body = column(look, None, SPACE_M)
        box.addLayout(self.body)
        self.foot = row(look)
        self.foot.addStretch(1)
        close = Button(look, f"{name}Close", tr("help.close"), kind="primary")
        close.clicked.connect(self.shut)
        ending = row(look)
        ending.addLayout(self.foot, 1)
        ending.addWidget(close)
        box.addLayout(ending)
        window.installEventFilter(self)
        self.hide()

    def open_over(self) -> None:
        """Show it over the window."""
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def shut(self) -> None:
        """Take it away and give the keyboard back."""
        self.hide()
        self._window.setFocus(Qt.FocusReason.PopupFocusReason)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self._window:
            self.setGeometry(self._window.rect())
        return False

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.shut()
        event.accept()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self._surface.geometry().contains(event.position().toPoint()):
            self.shut()
        event.accept()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._scrim)
