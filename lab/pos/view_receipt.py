"""The till's paper and its list of last payments.

The receipt says on its first line that it is worth nothing. Lines are set in a fixed-width type,
left and right parts on one line where they fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QFrame, QWidget
from typing_extensions import override

from lab.design.blocks import Button, EmptyState, Label, clear_layout, column, row, scroll
from lab.design.look import MEDIUM, Look
from lab.design.motion import RECEIPT_MS
from lab.design.names import STATE_TONES, state_word
from lab.design.tokens import SPACE_M, TEXT_CAPTION_PX
from lab.pos.state import Receipt, RecentSale
from lab.window.commands import PosCommands
from lab.words import tr

TOOTH_PX = 6
RULER = 32
COLUMNS_MIN = 16


class Paper(QFrame):
    """A receipt on paper with a torn edge; a new one is fed from the top."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.setObjectName("receipt")
        self._look = look
        self._receipt: Receipt | None = None
        box = column(look, self)
        self._pad = pad = look.px(SPACE_M)
        box.setContentsMargins(pad, pad, pad, look.px(SPACE_M + TOOTH_PX))
        self._head = Label(
            look, "receiptHead", size_px=TEXT_CAPTION_PX, weight=MEDIUM, tone="paper", mono=True
        ).wrapping()
        self._head.centred().say(tr("till.receipt.head"))
        box.addWidget(self._head)
        self._text = Label(look, "receiptText", size_px=TEXT_CAPTION_PX, tone="paper", mono=True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setMinimumWidth(1)
        box.addWidget(self._text)
        box.addStretch(1)

    def show_receipt(self, receipt: Receipt | None) -> None:
        """Print another receipt."""
        if receipt == self._receipt:
            return
        fresh = receipt is not None and (
            self._receipt is None or receipt.payment_id != self._receipt.payment_id
        )
        self._receipt = receipt
        self._set_lines()
        if fresh and self.isVisible():
            whole = max(self.sizeHint().height(), self.height())
            self._look.motion.run(self, RECEIPT_MS, self._feeder(whole), done=self._rest)

    def _feeder(self, whole_px: int) -> Callable[[float], None]:
        return lambda part: self.setMaximumHeight(max(TOOTH_PX * 2, round(whole_px * part)))

    def _rest(self) -> None:
        self.setMaximumHeight(16_777_215)  # Qt's own "no limit"

    def _set_lines(self) -> None:
        if self._receipt is None:
            return
        room = self.width() - 2 * self._pad
        ruler = QFontMetricsF(self._text.font()).horizontalAdvance("0" * RULER) / RULER
        columns = max(COLUMNS_MIN, int(room / max(1.0, ruler)))
        self._text.say("\n".join(_lines(self._receipt.lines, columns)))

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._set_lines()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._look.theme.paper))
        tooth = self._look.px(TOOTH_PX)
        width, bottom = self.width(), self.height()
        edge = [QPointF(0, 0), QPointF(width, 0), QPointF(width, bottom - tooth)]
        teeth = max(1, width // (tooth * 2))
        step = width / (teeth * 2)
        for index in range(teeth * 2):
            left = width - (index + 1) * step
            edge.append(QPointF(left, bottom if index % 2 == 0 else bottom - tooth))
        painter.drawPolygon(QPolygonF(edge))


def _lines(pairs: Iterable[tuple[str, str]], columns: int) -> list[str]:
    """Pairs as lines `columns` wide; what does not fit on one line takes two."""
    made: list[str] = []
    for left, right in pairs:
        if len(left) + len(right) + 1 <= columns or not right:
            made.append(f"{left}{right.rjust(columns - len(left))}" if right else left)
        else:
            made.extend((left, right.rjust(columns)))
    return made


class ReceiptPage(QWidget):
    """The paper, or the sentence that says that there is none yet."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.setObjectName("receiptPage")
        box = column(look, self)
        self._empty = EmptyState(look, "receiptEmpty", tr("till.receipt.empty"))
        box.addWidget(self._empty, 1)
        holder = QWidget()
        inside = column(look, holder)
        self._paper = Paper(look)
        inside.addWidget(self._paper)
        inside.addStretch(1)
        self._area = scroll(holder, "receiptScroll")
        box.addWidget(self._area, 1)

    def show_receipt(self, receipt: Receipt | None) -> None:
        """Draw `receipt`."""
        self._empty.setVisible(receipt is None)
        self._area.setVisible(receipt is not None)
        self._paper.show_receipt(receipt)


class RecentPage(QWidget):
    """The last payments; each leads to its receipt."""

    def __init__(self, look: Look, commands: PosCommands) -> None:
        super().__init__()
        self.setObjectName("recentPage")
        self._look = look
        self._commands = commands
        self._recent: tuple[RecentSale, ...] | None = None
        box = column(look, self)
        self._empty = EmptyState(look, "recentEmpty", tr("till.recent.empty"))
        box.addWidget(self._empty, 1)
        holder = QWidget()
        inside = column(look, holder, 1)
        self._rows = column(look, None, 1)
        inside.addLayout(self._rows)
        inside.addStretch(1)
        self._area = scroll(holder, "recentScroll")
        box.addWidget(self._area, 1)

    def show_recent(self, recent: tuple[RecentSale, ...]) -> None:
        """Draw the list."""
        self._empty.setVisible(not recent)
        self._area.setVisible(bool(recent))
        if recent == self._recent:
            return
        self._recent = recent
        clear_layout(self._rows)
        for sale in recent:
            self._rows.addWidget(self._line(sale))

    def _line(self, sale: RecentSale) -> QWidget:
        look, line = self._look, QWidget()
        box = row(look, line)
        texts = column(look, None, 0)
        amount = Label(look, "recentAmount", weight=MEDIUM, tabular=True).eliding()
        amount.say(sale.amount_text)
        second = row(look, None, 4)
        when = Label(look, "recentWhen", size_px=TEXT_CAPTION_PX, tone="dim", tabular=True)
        when.say(sale.time_text)
        state = Label(look, "recentState", size_px=TEXT_CAPTION_PX).eliding()
        state.say(state_word(sale.state), STATE_TONES.get(sale.state, "dim"))
        second.addWidget(when)
        second.addWidget(state, 1)
        texts.addWidget(amount)
        texts.addLayout(second)
        box.addLayout(texts, 1)
        show = Button(look, f"recent_{sale.payment_id}", kind="quiet", icon_name="receipt").named(
            tr("till.recent.open", amount=sale.amount_text)
        )
        show.clicked.connect(lambda: self._commands.select_receipt(sale.payment_id))
        box.addWidget(show)
        more = Button(look, f"more_{sale.payment_id}", tr("till.sale.more"), kind="quiet")
        more.named(tr("till.sale.open", amount=sale.amount_text))
        more.clicked.connect(lambda: self._commands.choose_sale(sale.payment_id))
        box.addWidget(more)
        return line
