"""Bytes to look at and to touch: hexadecimal in pairs, where an object's parts light up.

Tag, length and value have a shade each. Pointer, click and arrow keys say which byte is meant; what
stands there is for the bench to know.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit
from typing_extensions import override

from lab.bench.state import DecodedNode
from lab.design.look import MEDIUM, Look
from lab.design.tokens import TEXT_CAPTION_PX

BYTE_CHARS = 3  # two digits and a space
MARGIN_PX = 6


class HexView(QPlainTextEdit):
    """The bytes of one command or answer.

    Signals:
        byte_chosen: a byte was clicked, or the keyboard went there.
        byte_under_pointer: the pointer rests on one; -1 when it left.
    """

    byte_chosen = Signal(int)
    byte_under_pointer = Signal(int)

    def __init__(self, look: Look, name: str, accessible_name: str) -> None:
        super().__init__()
        self._look = look
        self._filling = False
        self.setObjectName(name)
        self.setAccessibleName(accessible_name)
        self.setReadOnly(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setFont(look.font(TEXT_CAPTION_PX, mono=True))
        self.document().setDocumentMargin(0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setTabChangesFocus(True)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.cursorPositionChanged.connect(self._chosen)

    def show_bytes(self, text: str) -> None:
        """Show hexadecimal; nothing is lit."""
        self._filling = True
        self.setPlainText(pairs(text))
        self.setExtraSelections([])
        self._filling = False

    def light(self, node: DecodedNode | None) -> None:
        """Light up an object: tag, length and value; None lights nothing."""
        if node is None:
            self.setExtraSelections([])
            return
        theme = self._look.theme
        value_at = node.offset + node.header_length
        tag_length = min(len(node.tag) // 2, node.header_length) if node.header_length else 0
        parts = (
            (node.offset, node.offset + tag_length, theme.blue_quiet, MEDIUM),
            (node.offset + tag_length, value_at, theme.hover, MEDIUM),
            (value_at, node.offset + node.length, theme.code_mark, 0),
        )
        self.setExtraSelections([self._mark(*part) for part in parts if part[0] < part[1]])
        self._bring_into_sight(node.offset)

    def lit_bytes(self) -> str:
        """The bytes that are lit, in pairs."""
        parts = [
            mark.cursor.selectedText().strip()  # type: ignore[attr-defined, unused-ignore]
            for mark in self.extraSelections()
        ]
        return " ".join(parts)

    def _mark(self, first: int, end: int, colour: str, weight: int) -> QTextEdit.ExtraSelection:
        mark = QTextEdit.ExtraSelection()
        shade = QTextCharFormat()
        shade.setBackground(QColor(colour))
        if weight:
            shade.setFontWeight(QFont.Weight(weight))
        cursor = QTextCursor(self.document())
        last = max(0, self.document().characterCount() - 1)
        cursor.setPosition(min(first * BYTE_CHARS, last))
        end_at = max(first * BYTE_CHARS, end * BYTE_CHARS - 1)
        cursor.setPosition(min(end_at, last), QTextCursor.MoveMode.KeepAnchor)
        mark.cursor, mark.format = cursor, shade  # type: ignore[attr-defined, unused-ignore]
        return mark

    def _bring_into_sight(self, offset: int) -> None:
        """Scroll to a byte without moving the keyboard's place."""
        cursor = QTextCursor(self.document())
        cursor.setPosition(min(offset * BYTE_CHARS, max(0, self.document().characterCount() - 1)))
        place = self.cursorRect(cursor)
        if not self.viewport().rect().contains(place.center()):
            lines = place.top() // max(1, self.fontMetrics().lineSpacing())
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + lines)

    def fit(self, lines_max: int) -> None:
        """Take the lines that the bytes need, up to `lines_max`."""
        line_px = self.fontMetrics().lineSpacing()
        one_px = max(1, self.fontMetrics().horizontalAdvance("0" * BYTE_CHARS))
        columns = max(1, self.viewport().width() // one_px)
        lines = -(-len(self.toPlainText()[::BYTE_CHARS]) // columns)
        needed = Qt.ScrollBarPolicy.ScrollBarAsNeeded
        never = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(needed if lines > lines_max else never)
        shown = min(max(1, lines), max(1, lines_max))
        self.setFixedHeight(shown * line_px + self._look.px(MARGIN_PX))

    def _chosen(self) -> None:
        if not self._filling and self.toPlainText():
            self.byte_chosen.emit(self.textCursor().position() // BYTE_CHARS)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() == Qt.MouseButton.NoButton and self.toPlainText():
            cursor = self.cursorForPosition(event.position().toPoint())
            self.byte_under_pointer.emit(cursor.position() // BYTE_CHARS)
        super().mouseMoveEvent(event)

    @override
    def leaveEvent(self, event: QEvent) -> None:
        self.byte_under_pointer.emit(-1)
        super().leaveEvent(event)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.fontMetrics().lineSpacing())


def pairs(text: str) -> str:
    """Hexadecimal in pairs: one byte, one space."""
    plain = text.replace(" ", "")
    return " ".join(plain[index : index + 2] for index in range(0, len(plain), 2))
