"""The money place: draws the section that is open, asks for what is pressed, leads to payments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QPlainTextEdit

from lab.design.look import Look
from lab.money import audit, disputes, ledger, merchants, settlement, webhooks
from lab.money.state import Act, Column, Detail, Figure, MoneyState, Page, Row, Section
from lab.money.view import MoneyView
from lab.words import message, tr
from tests.lab.window.conftest import clipped, settle
from tests.lab.window.example_commands import Asked

SIZES = [(706, 490), (926, 880)]
LEDGER = MoneyState(
    page=Page(
        figures=(Figure("money.account.customer-card", "$12.40", "good", "USD"),),
        columns=(Column("time", 80), Column("sentence"), Column("debit", 90, is_amount=True)),
        rows=(
            Row("led_1", ("09:41:07", "The bank promises", "$12.40"), payment_id="pay_1"),
            Row("led_2", ("09:41:08", "The day's fee", "$0.66"), kind="waiting", marked=1),
        ),
        total=message("money.zero", "good", sums="USD 13.06"),
    )
)
DISPUTES = MoneyState(
    section=Section.DISPUTES,
    page=replace(LEDGER.page, acts=(Act("dispute", ours=True),), row_acts=(Act("win"),)),
    chosen="led_1",
    detail=Detail("led_1", "dp_1", (("Reason", "fraudulent"), ("Amount", "$12.40"))),
)
WEBHOOKS = replace(
    DISPUTES, section=Section.WEBHOOKS, detail=Detail("led_1", "evt_1", text='{"id": "evt_1"}')
)
EMPTY = MoneyState(section=Section.AUDIT, page=Page(empty="money.audit.empty"))


@pytest.fixture
def opened() -> list[str]:
    return []


@pytest.fixture
def money(on_screen: Callable[..., Any], look: Look, asked: Asked, opened: list[str]) -> MoneyView:
    return on_screen(MoneyView(look, asked, opened.append), 926, 880)


def press(money: MoneyView, name: str) -> None:
    money.findChild(QAbstractButton, name).click()


def click_row(money: MoneyView, qtbot: Any, place: int) -> None:
    table = money.table
    where = table.visualRect(table.model().index(place, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=where)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", [LEDGER, DISPUTES, WEBHOOKS, EMPTY])
def test_each_shape_is_drawn_without_cut_text(
    money: MoneyView, state: MoneyState, size: tuple[int, int]
) -> None:
    money.resize(*size)
    money.show_state(state)
    settle()
    assert clipped(money) == []
    tab = money.findChild(QAbstractButton, f"moneyTab_{state.section.value}")
    assert tab.isChecked()


def test_a_page_shows_its_figures_rows_and_sum(money: MoneyView) -> None:
    money.show_state(LEDGER)
    settle()
    model = money.table.model()
    assert money.findChild(QLabel, "figureValue").text() == "$12.40"
    assert [model.index(at, 2).data() for at in range(model.rowCount())] == ["$12.40", "$0.66"]
    assert "USD 13.06" in money.findChild(QLabel, "moneyTotal").text()
    money.show_state(EMPTY)
    settle()
    assert money.findChild(QLabel, "moneyEmptySentence").text() == tr("money.audit.empty")
    assert not money.table.isVisible()
    assert not money.findChild(QLabel, "moneyTotal").isVisible()


def test_a_row_leads_to_its_payment_or_is_shown_in_full(
    money: MoneyView, qtbot: Any, asked: Asked, opened: list[str]
) -> None:
    money.show_state(LEDGER)
    settle()
    asked.calls.clear()
    click_row(money, qtbot, 0)
    click_row(money, qtbot, 1)  # no payment's own: shown here
    assert (opened, asked.calls) == (["pay_1"], [("choose_money", "led_2")])
    money.show_state(DISPUTES)
    settle()
    click_row(money, qtbot, 0)  # something can be done with it: shown here, too
    assert asked.calls[1:] == [("choose_money", "led_1")]
    press(money, "moneyShowPayment")
    assert opened == ["pay_1", "pay_1"]


def test_what_is_pressed_is_asked_for(money: MoneyView, asked: Asked) -> None:
    money.show_state(DISPUTES)
    settle()
    assert asked.calls == [("look_at_money", True)]
    for name in ("moneyAct_dispute", "moneyAct_win", "moneyDetailClose", "moneyTab_audit"):
        press(money, name)
    money.hide()
    assert asked.calls[1:] == [
        ("act_on_money", "dispute"),
        ("act_on_money", "win"),
        ("choose_money", ""),
        ("show_money", "audit"),
        ("look_at_money", False),
    ]


def test_a_delivery_is_shown_byte_for_byte_and_cannot_be_edited(money: MoneyView) -> None:
    money.show_state(WEBHOOKS)
    settle()
    shown = money.findChild(QPlainTextEdit, "moneyBytes")
    assert (shown.toPlainText(), shown.isReadOnly()) == ('{"id": "evt_1"}', True)


@pytest.mark.parametrize("source", [settlement, webhooks, disputes, merchants, ledger, audit])
def test_a_small_window_shows_whole_columns_and_none_behind_a_scroll_bar(
    on_screen: Callable[..., Any], look: Look, asked: Asked, source: Any
) -> None:
    row = Row("row_1", ("",) * len(source.COLUMNS))
    state = MoneyState(page=Page(columns=source.COLUMNS, rows=(row,)))
    for width, whole in ((706, False), (1200, True)):
        money = on_screen(MoneyView(look, asked, lambda _payment_id: None), width, 490)
        money.show_state(state)
        settle()
        hidden = [each for place, each in enumerate(source.COLUMNS)
                  if money.table.isColumnHidden(place)]  # fmt: skip
        assert money.table.horizontalScrollBar().maximum() == 0
        assert all(each.when_wide for each in hidden)
        assert hidden == [] or not whole


def test_a_small_window_cuts_nothing_that_can_be_done(
    on_screen: Callable[..., Any], look: Look, asked: Asked
) -> None:
    money = on_screen(MoneyView(look, asked, lambda _payment_id: None), 706, 490)
    acts = replace(DISPUTES.page, row_acts=(Act("win"), Act("lose"), Act("accept")))
    money.show_state(replace(DISPUTES, page=acts))
    settle()
    assert clipped(money) == []
    assert money.width() == 706
    for act in money.findChildren(QAbstractButton):
        assert not act.isVisible() or act.width() >= act.sizeHint().width(), act.objectName()
