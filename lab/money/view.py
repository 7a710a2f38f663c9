"""The money place: sections by tabs, figures, a table, one row in full, and what can be done.

Draws `MoneyState` and nothing else; a section's meaning is its source's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QPlainTextEdit,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from lab.console.view_payment import fact_grid
from lab.design.blocks import (
    Button,
    EmptyState,
    Label,
    Panel,
    Shape,
    clear_layout,
    column,
    row,
    rule,
    scroll,
)
from lab.design.look import MEDIUM, SEMIBOLD, Look
from lab.design.tokens import SPACE_L, TEXT_CAPTION_PX, TEXT_LEAD_PX
from lab.money.commands import MoneyCommands
from lab.money.state import Act, Detail, Figure, MoneyState, Section
from lab.money.view_table import RowTable
from lab.words import tell, tr

FIGURES_MAX = 6
DETAIL_PX = 264
FACT_COLUMNS = 2
FIGURE_NOTE_PX = 180


class MoneyView(QWidget):
    """The whole place."""

    def __init__(
        self, look: Look, money: MoneyCommands, open_payment: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.setObjectName("moneyPlace")
        self._look = look
        self._money = money
        self._open_payment = open_payment
        self._state: MoneyState | None = None
        self._is_looked_at = False
        self._panel = panel = Panel(look, "money", tr("place.money"))
        self._tabs = QButtonGroup(self)
        for index, section in enumerate(Section):
            name = f"moneyTab_{section.value}"
            tab = Button(look, name, tr(f"money.section.{section.value}"), kind="tab")
            tab.setCheckable(True)
            self._tabs.addButton(tab, index)
            panel.head.addWidget(tab)
        self._tabs.idClicked.connect(self._turned)
        panel.head.addStretch(1)
        self._acts = row(look)
        self._figures = row(look, None, SPACE_L)
        above = row(look)  # not beside the tabs: there is no room in a small window
        above.addLayout(self._figures, 1)
        above.addLayout(self._acts)
        panel.body.addLayout(above)
        panel.body.addLayout(self._middle(look), 1)
        self._rule = rule(look)
        panel.body.addWidget(self._rule)
        self._foot = row(look)
        self._foot_mark = Shape(look, 12)
        self._total = Label(look, "moneyTotal", weight=MEDIUM, tabular=True).eliding()
        self._foot.addWidget(self._foot_mark)
        self._foot.addWidget(self._total, 1)
        panel.body.addLayout(self._foot)
        column(look, self).addWidget(panel)

    def _middle(self, look: Look) -> QVBoxLayout:
        self.table = RowTable(look)
        self.table.setAccessibleName(tr("place.money"))
        self.table.clicked.connect(self._clicked)
        self.table.activated.connect(self._clicked)
        self._empty = EmptyState(look, "moneyEmpty", "")
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.table)
        self._detail = _DetailPanel(look, self._money, self._open_payment)
        self._detail.setFixedHeight(look.px(DETAIL_PX))
        middle = column(look)
        middle.addWidget(self._pages, 1)
        middle.addWidget(self._detail)
        return middle

    def show_state(self, state: MoneyState) -> None:
        """Draw the section that is open."""
        before, self._state = self._state, state
        page = state.page
        self._tabs.button(list(Section).index(state.section)).setChecked(True)
        if before is None or before.page.figures != page.figures:
            self._draw_figures(page.figures)
        if before is None or before.page.acts != page.acts:
            self._draw_acts(page.acts)
        self.table.show_rows(page.columns, page.rows, state.chosen)
        self._empty.sentence.say(tr(page.empty))
        self._pages.setCurrentWidget(self.table if page.rows else self._empty)
        payment_id = next((each.payment_id for each in page.rows if each.id == state.chosen), "")
        self._detail.show_detail(state.detail, page.row_acts, payment_id)
        for part in (self._rule, self._foot_mark, self._total):
            part.setVisible(page.total is not None)
        if page.total is not None:
            self._foot_mark.show_kind(page.total.kind)
            self._total.say(tell(page.total), page.total.kind)

    def _draw_figures(self, figures: tuple[Figure, ...]) -> None:
        clear_layout(self._figures)
        for each in figures[:FIGURES_MAX]:
            self._figures.addWidget(_figure(self._look, each))
        self._figures.addStretch(1)

    def _draw_acts(self, acts: tuple[Act, ...]) -> None:
        clear_layout(self._acts)
        for act in acts:
            self._acts.addWidget(_act_button(self._look, self._money, act))

    def _turned(self, index: int) -> None:
        self._money.show_money(list(Section)[index].value)

    def _clicked(self, index: QModelIndex) -> None:
        chosen = self.table.rows[index.row()]
        if self._state is not None and self._state.page.row_acts == () and chosen.payment_id:
            self._open_payment(chosen.payment_id)
        else:
            self._money.choose_money(chosen.id)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._look_on(looking=True)

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._look_on(looking=False)

    def _look_on(self, *, looking: bool) -> None:
        """Say so once: Qt hides what was never shown, and shows what is shown."""
        if looking != self._is_looked_at:
            self._is_looked_at = looking
            self._money.look_at_money(looking)


def _figure(look: Look, figure: Figure) -> QWidget:
    """A number over what it is."""
    holder = QWidget()
    holder.setObjectName("moneyFigure")
    box = column(look, holder, 2)
    line = row(look)
    if figure.kind != "neutral":
        mark = Shape(look, 10)
        mark.show_kind(figure.kind)
        line.addWidget(mark)
    value = Label(look, "figureValue", size_px=TEXT_LEAD_PX, weight=SEMIBOLD, tabular=True)
    value.say(figure.value)
    line.addWidget(value)
    line.addStretch(1)
    box.addLayout(line)
    words = Label(look, "figureLabel", size_px=TEXT_CAPTION_PX, tone="dim")
    if len(figure.note) > len("USD"):
        words = words.eliding(look.px(FIGURE_NOTE_PX))
    words.say(f"{tr(figure.label)} {figure.note}".strip())
    box.addWidget(words)
    return holder


def _act_button(look: Look, money: MoneyCommands, act: Act) -> Button:
    button = Button(
        look,
        f"moneyAct_{act.name}",
        tr(f"money.act.{act.name}"),
        kind="ours" if act.ours else "plain",
    )
    button.clicked.connect(partial(money.act_on_money, act.name))
    return button


class _DetailPanel(QWidget):
    """The chosen row in full, with what can be done with it."""

    def __init__(
        self, look: Look, money: MoneyCommands, open_payment: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.setObjectName("moneyDetail")
        self._look = look
        self._money = money
        self._open_payment = open_payment
        self._shown: tuple[Detail | None, tuple[Act, ...], str] | None = None
        self._box = column(look, self)
        self.hide()

    def show_detail(self, detail: Detail | None, acts: tuple[Act, ...], payment_id: str) -> None:
        """Draw a row in full; None hides the panel."""
        if (detail, acts, payment_id) == self._shown:
            return
        self._shown = (detail, acts, payment_id)
        self.setVisible(detail is not None)
        if detail is None:
            return
        clear_layout(self._box)
        self._box.addWidget(self._content(detail, acts, payment_id), 1)

    def _content(self, detail: Detail, acts: tuple[Act, ...], payment_id: str) -> QWidget:
        look = self._look
        content = QWidget()
        box = column(look, content)
        box.addWidget(rule(look))
        box.addLayout(self._head(detail, acts, payment_id))
        facts = QWidget()
        pile = column(look, facts)
        columns = 1 if detail.text else FACT_COLUMNS
        pile.addWidget(fact_grid(look, detail.facts, columns=columns))
        pile.addStretch(1)
        beside = row(look, None, SPACE_L)
        beside.addWidget(scroll(facts, "moneyFacts"), 2)
        if detail.text:
            text = QPlainTextEdit(detail.text)
            text.setObjectName("moneyBytes")
            text.setAccessibleName(tr("money.detail.bytes"))
            text.setReadOnly(True)
            text.setFont(look.font(TEXT_CAPTION_PX, mono=True))
            text.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            beside.addWidget(text, 3)
        box.addLayout(beside, 1)
        return content

    def _head(self, detail: Detail, acts: tuple[Act, ...], payment_id: str) -> QHBoxLayout:
        look = self._look
        title = Label(look, "moneyDetailTitle", weight=SEMIBOLD).eliding()
        title.say(detail.title)
        head = row(look)
        head.addWidget(title, 1)
        if payment_id:
            show = Button(look, "moneyShowPayment", tr("money.show_payment"), kind="link")
            show.clicked.connect(lambda: self._open_payment(payment_id))
            head.addWidget(show)
        for act in acts:
            head.addWidget(_act_button(look, self._money, act))
        away = Button(look, "moneyDetailClose", kind="quiet", icon_name="x").named(
            tr("money.detail.close")
        )
        away.clicked.connect(lambda: self._money.choose_money(""))
        head.addWidget(away)
        return head
