"""The till's sales: the chosen sale is drawn whole, and its buttons ask for what they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtWidgets import QAbstractButton, QLabel

from lab.design.look import Look
from lab.pos.after_sale_state import AfterSaleState, SaleStep
from lab.pos.state import PosPhase, RecentSale
from lab.pos.view import PosView
from lab.words import Message, message
from tests.lab.window.conftest import clipped, settle
from tests.lab.window.example_commands import Asked
from tests.lab.window.example_states import pos_states

SALE = AfterSaleState(
    step=SaleStep.CHOSEN,
    payment_id="pay_1",
    title_text="$1,212.40",
    state="approved",
    orders=("capture", "void"),
    display_text="$1,212.40",
    headline=Message("sale.chosen"),
)
STATES = {
    "chosen": SALE,
    "captured": AfterSaleState(
        SaleStep.CHOSEN, "pay_1", "$1,212.40", "$240.00", "part_refunded", ("refund",),
        "$1,212.40", Message("sale.chosen"),
    ),
    "amount": AfterSaleState(
        SaleStep.AMOUNT, "pay_1", "$1,212.40", "", "captured", ("refund",), "$2.40",
        Message("sale.refund"), message("sale.refund.most", most="$1,212.40"), "refund",
    ),
    "too much": AfterSaleState(
        SaleStep.AMOUNT, "pay_1", "$1,212.40", "", "captured", ("refund",), "$9,999.99",
        Message("sale.refund"), message("sale.refund.too_much", "bad", most="$1,212.40"),
    ),
    "working": AfterSaleState(
        SaleStep.WORKING, "pay_1", "$12.40", "", "captured", (), "$2.40",
        Message("sale.working", "waiting"),
    ),
    "done": AfterSaleState(
        SaleStep.DONE, "pay_1", "$12.40", "$2.40", "part_refunded", ("refund",), "$2.40",
        message("sale.done.refund", "good", amount="$2.40"), Message("sale.done.refund.late"),
    ),
    "refused": AfterSaleState(
        SaleStep.FAILED, "pay_1", "$12.40", "", "approved", ("capture", "void"), "$12.40",
        Message("sale.failed", "bad"), Message("sale.why.engine_down"),
    ),
    "open": AfterSaleState(
        SaleStep.OPEN, "pay_1", "$12.40", "", "captured", (), "$2.40",
        Message("sale.open", "waiting"), message("sale.why.trouble", code="storage_unavailable"),
        "repeat",
    ),
    "day": AfterSaleState(
        SaleStep.DONE, display_text="$1,234.00, €99.00",
        headline=Message("sale.done.day", "good"),
        detail=message("sale.day.count", count=12, totals="$1,234.00, €99.00"),
    ),
}  # fmt: skip


@pytest.fixture
def till(on_screen: Callable[..., Any], look: Look, asked: Asked) -> PosView:
    return on_screen(PosView(look, asked), 244, 620)


def button(till: PosView, name: str) -> QAbstractButton:
    found = till.findChild(QAbstractButton, name)
    assert found is not None, name
    return found


@pytest.mark.parametrize("size", [(244, 515), (244, 620), (326, 930)])
@pytest.mark.parametrize("name", STATES)
def test_every_step_is_drawn_without_cut_text(
    till: PosView, name: str, size: tuple[int, int]
) -> None:
    till.resize(*size)
    till.show_state(pos_states()["approved"])
    button(till, "tabRecent").click()
    till.show_after_sale(STATES[name])
    settle()
    assert clipped(till) == []
    assert till.size().toTuple() == size


def test_a_line_of_the_list_leads_to_its_sale(till: PosView, asked: Asked) -> None:
    sale = RecentSale("pay_7", "14:02", "$12.40", "captured")
    state = pos_states()["approved"]
    till.show_state(type(state)(phase=PosPhase.IDLE, recent=(sale,)))
    button(till, "more_pay_7").click()
    button(till, "closeDay").click()
    assert asked.calls == [("choose_sale", "pay_7"), ("close_day",)]


@pytest.mark.parametrize(
    ("state", "name", "call"),
    [
        ("chosen", "sale_capture", ("order", "capture")),
        ("chosen", "sale_void", ("order", "void")),
        ("chosen", "saleBack", ("choose_sale", "")),
        ("chosen", "salePrint", ("select_receipt", "pay_1")),
        ("captured", "sale_refund", ("ask_refund",)),
        ("amount", "charge", ("charge",)),
        ("open", "charge", ("charge",)),
        ("done", "cancel", ("clear",)),
    ],
)
def test_its_buttons_ask_for_what_they_say(
    till: PosView, asked: Asked, state: str, name: str, call: tuple[str, ...]
) -> None:
    till.show_after_sale(STATES[state])
    button(till, name).click()
    assert asked.calls == [call]


@pytest.mark.parametrize(
    ("state", "text", "works"),
    [("chosen", "Charge", False), ("amount", "Refund", True), ("too much", "Charge", False),
     ("open", "Ask again", True), ("done", "Charge", False)],
)  # fmt: skip
def test_the_green_key_says_what_it_would_do(
    till: PosView,
    state: str,
    text: str,
    works: bool,  # noqa: FBT001 - a test's parameter
) -> None:
    till.show_after_sale(STATES[state])
    assert (button(till, "charge").text(), button(till, "charge").isEnabled()) == (text, works)


def test_only_what_makes_sense_is_offered(till: PosView) -> None:
    till.show_after_sale(SALE)
    assert not button(till, "sale_void").isHidden()
    assert button(till, "sale_refund").isHidden()
    till.show_after_sale(STATES["open"])
    assert button(till, "sale_void").isHidden()


def test_a_sale_under_way_has_the_display(till: PosView) -> None:
    till.show_after_sale(STATES["done"])
    headline = till.findChild(QLabel, "tillHeadline")
    assert headline.text() == "$2.40 goes back"
    till.show_state(pos_states()["present"])
    assert headline.text() == "Present card or phone"
    assert button(till, "cancel").text() == "Cancel"
