"""The window: keys, places, bars, the room it shares, and that it rests when nothing happens."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QAbstractAnimation, QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from lab.console.view_payment import PaymentView, StepRow
from lab.design.look import Look
from lab.design.motion import Motion
from lab.window.layout import share
from lab.window.main_window import MainWindow
from lab.window.time_bar import Film
from lab.words import words
from tests.lab.window.conftest import clipped, settle
from tests.lab.window.example_commands import Asked
from tests.lab.window.example_states import (
    bench_states,
    console_states,
    pos_states,
    wallet_states,
)

CONSOLE, BENCH = console_states(), bench_states()


def fill(window: MainWindow, console: str = "busy") -> None:
    window.show_bench(BENCH["conversation"])
    window.show_console(CONSOLE[console])
    window.show_wallet(wallet_states()["stack"])
    window.show_pos(pos_states()["amount"])
    settle()


@pytest.mark.parametrize(
    "size", [(1280, 640), (1280, 720), (1600, 1000), (1920, 1080), (1100, 700)]
)
@pytest.mark.parametrize("place", ["console", "payment", "bench", "money"])
def test_every_place_fits_every_size(window: MainWindow, place: str, size: tuple[int, int]) -> None:
    fill(window)
    window.resize(*size)
    window.go_to(place)
    settle()
    assert window.size().toTuple() == size
    assert clipped(window) == []


@pytest.mark.parametrize(
    ("key", "call"),
    [
        (Qt.Key.Key_7, ("key", "7")),
        (Qt.Key.Key_Return, ("charge",)),
        (Qt.Key.Key_Enter, ("charge",)),
        (Qt.Key.Key_Backspace, ("backspace",)),
        (Qt.Key.Key_Delete, ("clear",)),
        (Qt.Key.Key_Escape, ("clear",)),
        (Qt.Key.Key_Space, ("space",)),
    ],
)
def test_keys_belong_to_the_till_and_space_taps(
    window: MainWindow, asked: Asked, key: Any, call: tuple[object, ...]
) -> None:
    fill(window)
    QTest.keyClick(window, key)
    assert asked.calls == [call]


def test_a_field_keeps_its_keys_and_escape_gives_them_back(
    window: MainWindow, asked: Asked
) -> None:
    fill(window)
    field = window.findChild(QLineEdit, "paymentFilter")
    window.activateWindow()
    field.setFocus()
    QTest.keyClicks(field, "visa 12")
    QTest.keyClick(field, Qt.Key.Key_Return)
    QTest.keyClick(field, Qt.Key.Key_Backspace)
    assert (field.text(), asked.calls) == ("visa 1", [])
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert not field.hasFocus()
    QTest.keyClick(window, Qt.Key.Key_5)
    assert asked.calls == [("key", "5")]


def test_a_click_does_not_take_the_keyboard_from_the_till(window: MainWindow, asked: Asked) -> None:
    fill(window)
    QTest.mouseClick(window.findChild(QAbstractButton, "key1"), Qt.MouseButton.LeftButton)
    focused = QApplication.focusWidget() or window
    QTest.keyClick(focused, Qt.Key.Key_2)
    assert asked.calls == [("key", "1"), ("key", "2")]


def test_a_button_reached_by_tab_is_pressed_by_space(window: MainWindow, asked: Asked) -> None:
    fill(window)
    mark = window.findChild(QAbstractButton, "mark")
    mark.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(mark, Qt.Key.Key_Space)
    QTest.keyClick(mark, Qt.Key.Key_3)
    assert asked.calls == [("mark",), ("key", "3")]


def test_escape_leaves_the_look_back_then_the_place_then_the_sale(
    window: MainWindow, asked: Asked
) -> None:
    fill(window, "looking")
    window.go_to("payment")
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert asked.calls == [("look_back", None)]
    window.show_console(CONSOLE["busy"])
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert window.place == "console"
    window.show_pos(pos_states()["present"])
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert asked.calls[-1] == ("cancel",)


def test_f_freezes_the_chart(window: MainWindow) -> None:
    fill(window, "normal")
    QTest.keyClick(window, Qt.Key.Key_F)
    assert window.findChild(QAbstractButton, "freeze").isChecked()


def test_places_are_buttons_with_their_keys(window: MainWindow) -> None:
    for name in ("payment", "bench", "console"):
        window.findChild(QAbstractButton, f"place_{name}").click()
        assert window.place == name


def test_a_payment_opened_anywhere_leads_to_its_place(window: MainWindow, asked: Asked) -> None:
    fill(window)
    window.open_payment("pay_3")
    assert (window.place, asked.calls) == ("payment", [("show_payment", "pay_3")])


@pytest.mark.parametrize("engine", ["starting", "down", "restarting"])
def test_without_the_engine_a_line_says_so_and_the_amount_stays(
    window: MainWindow, engine: str
) -> None:
    fill(window)
    window.show_console(dataclasses.replace(CONSOLE["normal"], engine=engine))
    assert window.findChild(QWidget, "engineLine").isVisible()
    assert engine in window.findChild(QLabel, "engineWord").text().lower()
    assert window.findChild(QLabel, "tillAmount").text() == "$12.40"
    assert window.findChild(QAbstractButton, "key1").isEnabled()


def test_the_strip_names_each_deviation_and_its_way_back(window: MainWindow, asked: Asked) -> None:
    fill(window)
    window.findChild(QAbstractButton, "deviation_visa.slow").click()
    window.findChild(QAbstractButton, "backToNormal").click()
    assert asked.calls == [("remove_deviation", "visa.slow"), ("back_to_normal",)]
    window.show_console(CONSOLE["normal"])
    assert not window.findChild(QWidget, "strip").isVisible()


def test_time_is_paused_sped_up_and_moved_on(window: MainWindow, asked: Asked) -> None:
    fill(window)
    for name in ("pause", "rate10", "nextTimer"):
        window.findChild(QAbstractButton, name).click()
    assert asked.calls == [("set_rate", 0.0), ("set_rate", 10.0), ("next_timer",)]


def test_the_film_is_dragged_to_look_back_and_a_dot_is_opened(
    window: MainWindow, asked: Asked
) -> None:
    fill(window)
    film = window.findChild(Film)
    middle = film.height() // 2
    QTest.mousePress(film, Qt.MouseButton.LeftButton, pos=QPoint(20, middle))
    QTest.mouseMove(film, QPoint(120, middle))
    QTest.mouseRelease(film, Qt.MouseButton.LeftButton, pos=QPoint(120, middle))
    name, at_us = asked.calls[-1]
    assert name == "look_back"
    assert abs(film.place_of(at_us) - 120) < 2
    dot = CONSOLE["busy"].film[3]
    place = QPoint(round(film.place_of(dot.at_us)), middle)
    QTest.mouseClick(film, Qt.MouseButton.LeftButton, pos=place)
    assert asked.calls[-1] == ("show_payment", dot.payment_id)


@pytest.mark.parametrize(
    ("size", "shares"),
    [
        ((1920, 1080), (422, 326, "")),
        ((1280, 720), (282, 244, "")),
        ((1100, 700), (40, 244, "phone")),
    ],
)
def test_the_width_is_shared_as_the_layout_says(
    size: tuple[int, int], shares: tuple[int, int, str]
) -> None:
    made = share(*size, 1.0, "phone")
    assert (made.phone_px, made.till_px, made.folded) == shares


def test_a_narrow_window_folds_one_of_phone_and_till(window: MainWindow) -> None:
    fill(window)
    window.resize(1100, 700)
    settle()
    window.findChild(QAbstractButton, "rail_phone").click()
    assert window.findChild(QWidget, "phone").isVisible()
    assert not window.findChild(QWidget, "till").isVisible()


def test_an_idle_window_runs_no_timer_and_no_animation(window: MainWindow, qtbot: QtBot) -> None:
    fill(window, "normal")
    qtbot.waitUntil(
        lambda: not [timer for timer in window.findChildren(QTimer) if timer.isActive()],
        timeout=1000,
    )
    running = QAbstractAnimation.State.Running
    assert not [one for one in window.findChildren(QAbstractAnimation) if one.state() is running]


def test_void_calls_leave_nones_reference_count_alone(window: MainWindow) -> None:
    """Some builds of the binding lose a reference a call until the interpreter stops."""
    before = sys.getrefcount(None)
    for _ in range(200):
        window.update()
        window.setToolTip("")
    assert abs(sys.getrefcount(None) - before) < 50


def test_the_phone_moves_to_the_till_and_back_when_a_card_is_read(window: MainWindow) -> None:
    window._look = dataclasses.replace(window._look, motion=Motion(1.0))
    fill(window)
    home = window._person.x()
    window.show_wallet(wallet_states()["hold-near"])
    window.show_wallet(wallet_states()["read"])
    animation = window.findChild(
        QAbstractAnimation, options=Qt.FindChildOption.FindDirectChildrenOnly
    )
    animation.setCurrentTime(180)
    assert window._person.x() == home + 24
    animation.setCurrentTime(360)
    assert window._person.x() == home


@pytest.mark.parametrize("theme", ["light", "high-contrast"])
def test_other_themes_and_the_presenters_size_draw_whole(asked: Asked, theme: str) -> None:
    made = MainWindow(asked, asked, asked, theme=theme, presenter=True, motion=Motion(0))
    made.resize(1600, 1000)
    made.show()
    fill(made)
    assert clipped(made) == []
    made.deleteLater()


@pytest.fixture
def long_words() -> Iterator[None]:
    """A pretended language: accents, and a third more letters."""
    catalogue = words()._catalogue
    kept = dict(catalogue)
    accents = str.maketrans(
        "aeiouAEIOU", "\u00e1\u00e9\u00ed\u00f3\u00fa\u00c1\u00c9\u00cd\u00d3\u00da"
    )
    for key, (plain, _) in kept.items():
        if not key.startswith(("example.", "pos.")):
            parts = re.split(r"(\{[^}]*\})", plain)
            told = "".join(part if part[:1] == "{" else part.translate(accents) for part in parts)
            longer = told + "~" * round(len(plain) * 0.35)
            catalogue[key] = (longer, longer)
    yield
    catalogue.update(kept)


@pytest.mark.usefixtures("long_words")
@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_a_third_longer_language_is_not_cut(window: MainWindow, size: tuple[int, int]) -> None:
    window.resize(*size)
    fill(window)
    cut: list[str] = []
    for state in wallet_states().values():
        window.show_wallet(state)
        settle()
        cut += clipped(window)
    for place in ("payment", "bench"):
        window.go_to(place)
        settle()
        cut += clipped(window)
    assert cut == []


def test_a_payments_steps_unfold_their_bytes(
    on_screen: Callable[..., Any], look: Look, asked: Asked
) -> None:
    view = on_screen(PaymentView(look, asked), 700, 700)
    view.show_detail(CONSOLE["normal"].payment)
    steps = view.findChildren(StepRow)
    assert len(steps) == 8
    steps[1].findChild(QAbstractButton, "stepMore").click()
    values = [label.text() for label in steps[1].findChildren(QLabel, "factValue")]
    assert any(value.startswith("6F 2F 84") for value in values)
    assert view.findChild(QLabel, "ledgerSum").text() == "Debits less credits: 0.00 USD"


def test_a_payment_that_goes_on_is_shown_at_once_and_keeps_what_was_unfolded(
    on_screen: Callable[..., Any], look: Look, asked: Asked
) -> None:
    view = on_screen(PaymentView(look, asked), 700, 700)
    whole = CONSOLE["normal"].payment
    assert whole is not None
    view.show_detail(dataclasses.replace(whole, events=whole.events[:3]))
    view.findChildren(StepRow)[1].findChild(QAbstractButton, "stepMore").click()
    view.show_detail(whole)
    steps = view._area.widget().findChildren(StepRow)
    assert len(steps) == 8
    assert all(step.isVisible() for step in steps)
    assert steps[1].findChild(QAbstractButton, "stepMore").isChecked()
    assert not steps[2].findChild(QAbstractButton, "stepMore").isChecked()


def test_the_question_mark_lists_the_keys_without_stopping_the_window(
    window: MainWindow, asked: Asked
) -> None:
    fill(window)
    QTest.keyClick(window, Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier)
    settle()
    sheet = window.findChild(QWidget, "helpSheet")
    assert sheet.isVisible()
    assert clipped(sheet) == []
    sheet.findChild(QAbstractButton, "helpClose").click()
    assert not sheet.isVisible()
    assert asked.calls == []


def test_quiet_traffic_is_a_switch(window: MainWindow, asked: Asked) -> None:
    fill(window, "busy")
    switch = window.findChild(QAbstractButton, "quietTraffic")
    assert switch.isChecked()
    switch.click()
    assert asked.calls == [("quiet_traffic", False)]
