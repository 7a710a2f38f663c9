"""A reader's chip in the top bar: how it is, what it is for, and a menu to choose that.

Opens its menu by click, Space or Return; everything that the menu offers is on the bench, too.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QStyle, QStyleOptionButton
from typing_extensions import override

from lab.bench.reader_words import ROLES, reader_kind, reader_label, reader_state, role_word
from lab.console.state import ReaderView
from lab.design.blocks import Button
from lab.design.icons import draw_shape, icon_pixmap
from lab.design.look import MEDIUM, Look
from lab.design.tokens import TEXT_CAPTION_PX
from lab.window.commands import LabCommands
from lab.words import tr

NAME_PX_MAX, CHIP_PX_MIN = 170, 96


class ReaderChip(Button):
    """One reader. `show_wanted` is called with its URL to see it on the bench."""

    def __init__(
        self,
        look: Look,
        reader: ReaderView,
        lab: LabCommands,
        show_wanted: Callable[[str], None],
    ) -> None:
        role = f" · {role_word(reader.role)}" if reader.role else ""
        super().__init__(look, f"chip_{reader.url}", kind="chip", size_px=TEXT_CAPTION_PX,
                         weight=MEDIUM)  # fmt: skip
        name = self.fontMetrics().elidedText(
            reader_label(reader), Qt.TextElideMode.ElideRight, look.px(NAME_PX_MAX)
        )
        self._look = look
        self._kind = reader_kind(reader)
        self.setText(name + role)
        state = reader_state(reader)
        self.setToolTip(f"{reader.name}\n{reader.url}\n{state}")
        self.setAccessibleName(f"{reader.name}{role}. {state}")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.menu_of_roles = self._menu(reader, lab)
        show = QAction(tr("reader.chip.show"), self.menu_of_roles)
        show.triggered.connect(lambda: show_wanted(reader.url))
        self.menu_of_roles.addSeparator()
        self.menu_of_roles.addAction(show)
        self.clicked.connect(self._open)

    def _menu(self, reader: ReaderView, lab: LabCommands) -> QMenu:
        menu = QMenu(self)
        menu.setObjectName(f"roles_{reader.url}")
        head = menu.addAction(tr("reader.chip.role", name=reader_label(reader)))
        head.setEnabled(False)
        group = QActionGroup(menu)
        for role in ROLES:
            action = QAction(role_word(role), menu)
            action.setCheckable(True)
            action.setChecked(role == reader.role)
            action.setEnabled(role == "" or role in reader.roles)
            action.triggered.connect(lambda _on, role=role: lab.set_reader_role(reader.url, role))
            group.addAction(action)
            menu.addAction(action)
        return menu

    def _open(self) -> None:
        self.menu_of_roles.popup(self.mapToGlobal(self.rect().bottomLeft()))

    @override
    def sizeHint(self) -> QSize:
        words = self.fontMetrics().size(0, self.text())
        return QSize(words.width() + self._look.px(48), words.height() + self._look.px(10))

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(self._look.px(CHIP_PX_MIN), self.sizeHint().height())

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground and focus ring by the style; mark, words and arrow by hand."""
        look, theme = self._look, self._look.theme
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = ""
        painter = QPainter(self)
        self.style().drawControl(QStyle.ControlElement.CE_PushButton, option, painter, self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side, left = look.px(10), look.px(10)
        mark = QRectF(left, (self.height() - side) / 2, side, side)
        draw_shape(painter, mark, self._kind, look.kind(self._kind))
        painter.setPen(theme.text)
        painter.setFont(self.font())
        room = self.rect().adjusted(left + side + look.px(6), 0, -look.px(20), 0)
        words = self.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideMiddle, room.width()
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
        arrow = look.px(12)
        painter.drawPixmap(
            self.width() - arrow - look.px(7),
            (self.height() - arrow) // 2,
            icon_pixmap("chevron-down", theme.text_dim, arrow),
        )
