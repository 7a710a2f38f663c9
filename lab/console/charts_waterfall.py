"""The last tap's waterfall: where its milliseconds went, against the budget."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget
from typing_extensions import override

from lab.console.state import Hop
from lab.design.blocks import Label, tight
from lab.design.look import Look
from lab.design.tokens import SPACE_S, TEXT_CAPTION_PX
from lab.words import tr

BAR_PX = 20
HOP_SPACE_PX = 2
ROWS_MAX = 12


class WaterfallBar(QWidget):
    """The parts of a tap laid end to end, and the line where the budget ends."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.setObjectName("waterfallBar")
        self._look = look
        self._hops: tuple[Hop, ...] = ()
        self._total_us = 0
        self._budget_us = 0
        self.setFixedHeight(look.px(BAR_PX + 18))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_hops(self, hops: tuple[Hop, ...], total_us: int, budget_us: int) -> None:
        """Draw the parts; `budget_us` 0 draws no budget."""
        self._hops, self._total_us, self._budget_us = hops, total_us, budget_us
        self.setAccessibleName(
            ", ".join(f"{hop_name(hop)} {milliseconds(hop.duration_us)}" for hop in hops)
        )
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(self._look.px(240), self._look.px(BAR_PX + 18))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        height = self._look.px(BAR_PX)
        whole = max(self._total_us, self._budget_us, sum(hop.duration_us for hop in self._hops), 1)
        room = self.width() - 1
        painter.fillRect(0, 0, self.width(), height, QColor(theme.raised))
        left = 0.0
        for index, hop in enumerate(self._hops):
            width = room * hop.duration_us / whole
            painter.fillRect(
                QRectF(left, 0, max(1.0, width - 1), height),
                QColor(theme.hops[index % len(theme.hops)]),
            )
            left += width
        if not self._budget_us:
            return
        at = room * self._budget_us / whole
        over = self._total_us > self._budget_us
        colour = QColor(theme.red if over else theme.text_dim)
        painter.setPen(QPen(colour, 2))
        painter.drawLine(round(at), 0, round(at), height + 4)
        painter.setFont(self._look.font(TEXT_CAPTION_PX, tabular=True))
        text = tr("console.budget", ms=round(self._budget_us / 1000))
        width_px = painter.fontMetrics().horizontalAdvance(text)
        start = min(self.width() - width_px, max(0, round(at) - width_px))
        painter.drawText(start, height + self._look.px(14), text)


class HopTable(QWidget):
    """The waterfall's parts by name, with their milliseconds."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.setObjectName("hopTable")
        self._grid = QGridLayout(self)
        tight(self._grid)
        self._grid.setVerticalSpacing(look.px(HOP_SPACE_PX))
        self._grid.setHorizontalSpacing(look.px(SPACE_S))
        self._grid.setContentsMargins(0, 0, look.px(SPACE_S), 0)  # beside a scroll bar
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[QWidget, Label, Label]] = []
        for index in range(ROWS_MAX):
            swatch = QWidget()
            swatch.setFixedSize(look.px(10), look.px(10))
            colour = look.theme.hops[index % len(look.theme.hops)]
            swatch.setStyleSheet(f"background: {colour}; border-radius: 2px;")
            name = Label(look, f"hop{index}Name").eliding()
            value = Label(look, f"hop{index}Value", tabular=True)
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for place, widget in enumerate((swatch, name, value)):
                self._grid.addWidget(widget, index, place)
            self._rows.append((swatch, name, value))
        self._grid.setRowStretch(ROWS_MAX, 1)

    def show_hops(self, hops: tuple[Hop, ...]) -> None:
        """Name the parts; those beyond the twelfth are summed up in the last line."""
        shown = hops
        if len(hops) > ROWS_MAX:
            rest = sum(hop.duration_us for hop in hops[ROWS_MAX - 1 :])
            shown = (*hops[: ROWS_MAX - 1], Hop("hop.rest", rest))
        for index, widgets in enumerate(self._rows):
            for widget in widgets:
                widget.setVisible(index < len(shown))
            if index < len(shown):
                widgets[1].say(hop_name(shown[index]))
                widgets[2].say(milliseconds(shown[index].duration_us))


def hop_name(hop: Hop) -> str:
    """A part's name."""
    return tr(hop.key)


def milliseconds(duration_us: int) -> str:
    """A duration: whole milliseconds, one decimal below ten."""
    value = duration_us / 1000
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
