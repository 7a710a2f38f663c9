"""The till draws every phase whole; its keys ask; its lights run when a card was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QVariantAnimation
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel

from lab.design.look import Look
from lab.design.motion import Motion
from lab.design.tokens import THEMES, Theme, contrast_ratio
from lab.pos.state import PosPhase
from lab.pos.view import KINDS, PosView
from lab.pos.view_lights import LightBar
from lab.pos.view_receipt import _lines
from tests.lab.window.conftest import clipped, settle
from tests.lab.window.example_commands import Asked
from tests.lab.window.example_states import RECEIPT, pos_states

STATES = pos_states()


@pytest.fixture
def till(on_screen: Callable[..., Any], look: Look, asked: Asked) -> PosView:
    return on_screen(PosView(look, asked), 244, 620)


@pytest.mark.parametrize("size", [(244, 515), (244, 620), (326, 930)])
@pytest.mark.parametrize("name", STATES)
def test_every_phase_is_drawn_without_cut_text(
    till: PosView, name: str, size: tuple[int, int]
) -> None:
    till.resize(*size)
    till.show_state(STATES[name])
    settle()
    assert clipped(till) == []
    assert till.size().toTuple() == size


@pytest.mark.parametrize("key", [*"0123456789", "00"])
def test_a_key_hands_on_its_digits(till: PosView, asked: Asked, key: Any) -> None:
    till.findChild(QAbstractButton, f"key{key}").click()
    assert asked.calls == [("key", key)]


def test_cancel_empties_an_amount_and_stops_a_sale(till: PosView, asked: Asked) -> None:
    cancel = till.findChild(QAbstractButton, "cancel")
    till.show_state(STATES["amount"])
    assert cancel.text() == "Clear"
    cancel.click()
    till.show_state(STATES["present"])
    assert cancel.text() == "Cancel"
    cancel.click()
    assert asked.calls == [("clear",), ("cancel",)]


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_the_icon_of_a_key_stands_out_as_its_text_does(
    on_screen: Callable[..., Any], asked: Asked, theme: Theme
) -> None:
    till = on_screen(PosView(Look(theme, motion=Motion(0)), asked), 244, 620)
    cancel = till.findChild(QAbstractButton, "cancel")
    for state, ground in (("amount", theme.till_key), ("present", theme.red_fill)):
        till.show_state(STATES[state])
        drawn = cancel.icon().pixmap(cancel.iconSize()).toImage()
        ink = max(
            (drawn.pixelColor(x, y) for x in range(drawn.width()) for y in range(drawn.height())),
            key=lambda colour: colour.alpha(),
        )
        assert contrast_ratio(ink.name(), ground) >= 4.5, state


def test_charge_works_only_when_the_flow_says_so(till: PosView, asked: Asked) -> None:
    charge = till.findChild(QAbstractButton, "charge")
    till.show_state(STATES["idle"])
    charge.click()
    till.show_state(STATES["amount"])
    charge.click()
    assert asked.calls == [("charge",)]


def test_an_answer_that_is_not_known_is_amber_and_not_red() -> None:
    assert KINDS[PosPhase.NOT_COMPLETED] == "waiting"
    assert KINDS[PosPhase.DECLINED] == "bad"
    assert KINDS[PosPhase.APPROVED] == "good"


def test_the_lights_caption_says_what_the_lights_and_the_tone_say(till: PosView) -> None:
    till.show_state(STATES["authorizing"])
    assert till.findChild(QLabel, "lightsCaption").text() == "Card read: remove it · tone"


def test_lights_follow_one_another_when_a_card_was_read(
    on_screen: Callable[..., Any], look: Look, asked: Asked
) -> None:
    slow = Look(look.theme, motion=Motion(1.0))
    till = on_screen(PosView(slow, asked), 244, 620)
    till.show_state(STATES["present"])
    lights = till.findChild(LightBar)
    assert not lights.is_running
    till.show_state(STATES["approved"])  # "authorizing" was too short to be drawn
    assert lights.is_running
    running = lights.findChildren(QVariantAnimation)
    assert [one.duration() for one in running] == [400]
    running[0].setCurrentTime(400)
    assert not lights.is_running


def test_a_low_till_shows_its_papers_in_the_keypads_place(till: PosView) -> None:
    till.resize(244, 515)
    till.show_state(STATES["approved"])
    keypad = till.findChild(QAbstractButton, "key5")
    assert keypad.isVisible()
    till.findChild(QAbstractButton, "tabReceipt").click()
    assert not keypad.isVisible()
    assert till.findChild(QLabel, "receiptText").isVisible()
    till.resize(300, 900)
    settle()
    assert keypad.isVisible()
    assert till.findChild(QLabel, "receiptText").isVisible()


def test_the_receipt_says_that_it_is_worth_nothing(till: PosView) -> None:
    till.show_state(STATES["approved"])
    assert till.findChild(QLabel, "receiptHead").text() == "LAB RECEIPT · NO VALUE"


@pytest.mark.parametrize("columns", [16, 20, 28, 40])
def test_receipt_lines_keep_every_word_and_never_overflow_when_they_can_fit(columns: int) -> None:
    made = _lines(RECEIPT.lines, columns)
    whole = "".join(made).replace(" ", "")
    assert all(part.replace(" ", "") in whole for pair in RECEIPT.lines for part in pair)
    widest = max(len(part) for pair in RECEIPT.lines for part in pair)
    assert max(map(len, made)) <= max(columns, widest)


def test_a_last_payment_leads_to_its_receipt(till: PosView, asked: Asked) -> None:
    till.resize(300, 900)
    till.show_state(STATES["approved"])
    till.findChild(QAbstractButton, "recent_pay_2").click()
    assert asked.calls == [("select_receipt", "pay_2")]


def test_a_currency_is_chosen_only_before_a_sale(till: PosView, asked: Asked) -> None:
    choice = till.findChild(type(till._display._currency), "currency")
    till.show_state(STATES["idle"])
    choice.textActivated.emit("EUR")
    assert asked.calls == [("set_currency", "EUR")]
    till.show_state(STATES["present"])
    assert not choice.isEnabled()


def test_the_offline_page_says_the_risk_and_what_was_lost(till: PosView, asked: Asked) -> None:
    till.resize(326, 930)
    till.findChild(QAbstractButton, "tabOffline").click()
    till.show_state(STATES["stored"])
    settle()
    assert till.findChild(QLabel, "offlineRisk").text() == "3 taps, $41.20 at the shop's risk"
    assert till.findChild(QLabel, "tillMerchant").text() == "At risk: $41.20"
    said = [label.text() for label in till.findChildren(QLabel, "offlineLine")]
    assert said == ["Declined: insufficient funds", *["At the shop's risk"] * 3]
    till.findChild(QAbstractButton, "offlineSeen").click()
    mode = till.findChild(QComboBox, "offlineMode")
    assert mode.currentData() == "now"
    mode.activated.emit(1)
    single = till.findChild(QComboBox, "offline_single")
    assert single.currentData() == 50
    single.setCurrentIndex(single.findData(100))
    single.activated.emit(single.currentIndex())
    assert asked.calls == [
        ("offline_seen",),
        ("offline_mode", "when_down"),
        ("offline_limits", 100, 200, 10, 24),
    ]


def test_what_no_longer_waits_leaves_the_page(till: PosView) -> None:
    till.resize(326, 930)
    till.findChild(QAbstractButton, "tabOffline").click()

    def lines() -> list[str]:
        settle()
        found = till.findChildren(QLabel, "offlineAmount")
        return [label.text() for label in found if label.isVisible()]

    till.show_state(STATES["stored"])
    assert len(lines()) == 4
    till.show_state(STATES["idle"])
    assert lines() == []


def test_a_limit_that_is_not_on_offer_is_shown_all_the_same(till: PosView) -> None:
    offline = replace(STATES["stored"].offline, limits=(33, 200, 10, 24))
    till.show_state(replace(STATES["stored"], offline=offline))
    assert till.findChild(QComboBox, "offline_single").currentData() == 33
