"""The till's offline page: when taps are kept, within which limits, what waits, what was lost.

Draws `OfflineState` and calls `OfflineCommands`.
"""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from lab.design.blocks import Button, Label, clear_layout, column, row, rule, scroll
from lab.design.choices import Choice
from lab.design.look import MEDIUM, Look
from lab.design.names import STATE_TONES, state_word
from lab.design.tokens import SPACE_S, SPACE_XS, TEXT_CAPTION_PX
from lab.pos.offline_commands import OfflineCommands
from lab.pos.state import OfflineState, PosState, RecentSale
from lab.words import tell, tr

MODES = ("never", "when_down", "now")
OFFERED = ((10, 25, 50, 100, 200), (50, 100, 200, 500, 1000), (3, 5, 10, 25, 50), (1, 8, 24, 72))
NAMES = ("single", "total", "count", "hours")
LIMIT_PX = 72


class OfflinePage(QWidget):
    """What the till does without its bank."""

    def __init__(self, look: Look, commands: OfflineCommands) -> None:
        super().__init__()
        self.setObjectName("offlinePage")
        self._look = look
        self._commands = commands
        self._state: OfflineState | None = None
        holder = QWidget()
        box = column(look, holder, SPACE_S)
        self._mode = Choice(look, "offlineMode", tr("till.offline.mode"))
        for mode in MODES:
            self._mode.addItem(tr(f"till.offline.mode.{mode}"), mode)
        self._mode.activated.connect(self._choose)
        box.addWidget(self._mode)
        self._risk = Label(look, "offlineRisk", weight=MEDIUM).wrapping()
        box.addWidget(self._risk)
        self._progress = Label(
            look, "offlineProgress", size_px=TEXT_CAPTION_PX, tone="dim"
        ).wrapping()
        box.addWidget(self._progress)
        self._lost = column(look, None, SPACE_XS)
        box.addLayout(self._lost)
        self._waiting = column(look, None, SPACE_XS)
        box.addLayout(self._waiting)
        box.addWidget(rule(look))
        self._limits = [self._limit(box, index) for index in range(len(NAMES))]
        box.addStretch(1)
        whole = column(look, self)
        whole.addWidget(scroll(holder, "offlineScroll"), 1)

    def _limit(self, box: QVBoxLayout, index: int) -> Choice:
        line = row(self._look)
        name = tr(f"till.offline.limit.{NAMES[index]}")
        label = Label(
            self._look, f"offlineLimit_{NAMES[index]}", size_px=TEXT_CAPTION_PX, tone="dim"
        ).eliding()
        label.say(name)
        line.addWidget(label, 1)
        choice = Choice(self._look, f"offline_{NAMES[index]}", name)
        choice.setFixedWidth(self._look.px(LIMIT_PX))
        choice.activated.connect(self._limited)
        line.addWidget(choice)
        box.addLayout(line)
        return choice

    def _choose(self, index: int) -> None:
        self._commands.offline_mode(MODES[index])

    def _limited(self, _index: int) -> None:
        single, total, count, hours = (int(choice.currentData()) for choice in self._limits)
        self._commands.offline_limits(single, total, count, hours)

    def show_state(self, state: OfflineState) -> None:
        """Draw `state`."""
        if state == self._state:
            return
        self._state = state
        self._mode.setCurrentIndex(MODES.index(state.mode))
        risk = tell(state.risk) if state.risk is not None else tr("till.offline.none")
        self._risk.say(risk, "waiting" if state.risk is not None else "dim")
        progress = _progress(state)
        self._progress.say(progress)
        self._progress.setVisible(bool(progress))
        self._show_limits(state.limits)
        clear_layout(self._lost)
        for sale, reason in zip(state.lost, state.lost_reasons, strict=True):
            self._lost.addWidget(self._line(sale, reason))
        if state.lost:
            seen = Button(self._look, "offlineSeen", tr("till.offline.seen"), kind="quiet")
            seen.clicked.connect(self._commands.offline_seen)
            self._lost.addWidget(seen)
        clear_layout(self._waiting)
        for sale in state.waiting:
            self._waiting.addWidget(self._line(sale, ""))

    def _show_limits(self, limits: tuple[int, int, int, int]) -> None:
        for choice, offered, value in zip(self._limits, OFFERED, limits, strict=True):
            numbers = sorted({*offered, value})
            if [choice.itemData(at) for at in range(choice.count())] != numbers:
                choice.clear()
                for number in numbers:
                    choice.addItem(f"{number:,}", number)
            choice.setCurrentIndex(numbers.index(value))

    def _line(self, sale: RecentSale, reason: str) -> QWidget:
        look, line = self._look, QWidget()
        texts = column(look, line, 0)
        amount = Label(look, "offlineAmount", weight=MEDIUM, tabular=True).eliding()
        amount.say(f"{sale.amount_text}  {sale.time_text}")
        texts.addWidget(amount)
        state = Label(look, "offlineLine", size_px=TEXT_CAPTION_PX).wrapping()
        word = state_word(sale.state)
        said = tr("till.offline.lost", state=word, reason=reason) if reason else word
        state.say(said, STATE_TONES.get(sale.state, "dim"))
        texts.addWidget(state)
        return line


def _progress(state: OfflineState) -> str:
    """What happens to it now."""
    if state.waiting:
        if state.mode == "now":
            return tr("till.offline.waits")
        key = "till.offline.uploading" if state.sending else "till.offline.again"
        return tr(key, count=len(state.waiting))
    return tr("till.offline.uploaded", count=state.uploaded) if state.uploaded else ""


def merchant_line(state: PosState) -> str:
    """The shop's name, unless there is something at its risk."""
    if state.offline.risk is not None:
        return tr("till.offline.at_risk", amount=dict(state.offline.risk.values)["amount"])
    return tr("till.offline.badge") if state.offline.mode == "now" else state.merchant
