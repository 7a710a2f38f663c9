"""The watch's views: every screen without cut text, every touch a call, and what is in the hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

from lab.design.look import Look
from lab.watch.state import WatchScreen, WatchState
from lab.watch.view import WatchView
from lab.window.main_window import MainWindow
from tests.lab.window.conftest import clipped, settle
from tests.lab.window.example_commands import Asked
from tests.lab.window.example_states import wallet_states
from tests.lab.window.example_watch import watch_states

STATES = watch_states()


@pytest.fixture
def watch(on_screen: Callable[..., Any], look: Look, asked: Asked) -> WatchView:
    return on_screen(WatchView(look, asked), 280, 224)


def press(root: QWidget, name: str) -> None:
    root.findChild(QAbstractButton, name).click()


def shown(root: QWidget) -> set[str]:
    return {label.text() for label in root.findChildren(QLabel) if label.isVisible()}


@pytest.mark.parametrize(("upright", "size"), [(False, (280, 224)), (True, (280, 540))])
@pytest.mark.parametrize("name", STATES)
def test_every_screen_is_drawn_without_cut_text(
    watch: WatchView, name: str, *, upright: bool, size: tuple[int, int]
) -> None:
    watch.stand(upright=upright)
    watch.resize(*size)
    watch.show_state(STATES[name])
    settle()
    assert clipped(watch) == []
    assert not watch.grab().isNull()


def test_every_screen_has_an_example() -> None:
    assert {state.screen for state in STATES.values()} == set(WatchScreen)


@pytest.mark.inv(389)
@pytest.mark.parametrize(
    ("state", "button", "call"),
    [
        ("off", "watchWear", ("watch_on",)),
        ("cards", "watchWear", ("watch_off",)),
        ("locked", "watchKey7", ("watch_digit", "7")),
        ("locked", "watchErase", ("watch_erase",)),
        ("cards", "watchPress", ("watch_press",)),
        ("cards", "watchSide", ("watch_press",)),
        ("cards", "watchNext", ("watch_next",)),
        ("ready", "watchHold", ("watch_hold",)),
        ("cards", "watchCut", ("set_fault", "watch.offline", True, {})),
        ("cut", "watchCut", ("set_fault", "watch.offline", False, {})),
    ],
)
def test_a_touch_asks_for_what_it_says(
    watch: WatchView, asked: Asked, state: str, button: str, call: tuple[object, ...]
) -> None:
    watch.show_state(STATES[state])
    press(watch, button)
    assert asked.calls == [call]


def test_off_the_wrist_and_locked_it_offers_no_payment(watch: WatchView) -> None:
    for name in ("off", "locked", "empty", "lost"):
        watch.show_state(STATES[name])
        for button in ("watchPress", "watchHold"):
            assert not watch.findChild(QAbstractButton, button).isEnabled(), (name, button)


def test_the_read_tick_never_says_approved(watch: WatchView) -> None:
    watch.show_state(STATES["read"])
    said = " ".join(shown(watch))
    assert "Card read" in said
    assert "paid" not in said
    watch.show_state(STATES["told"])
    assert "paid" in " ".join(shown(watch))


def test_every_button_has_a_name_and_takes_focus_by_tab_only(watch: WatchView) -> None:
    for state in STATES.values():
        watch.show_state(state)
    for button in watch.findChildren(QAbstractButton):
        assert button.objectName()
        assert button.accessibleName(), button.objectName()


@pytest.mark.inv(162)
def test_a_lost_watch_says_so_and_nothing_else(watch: WatchView) -> None:
    watch.show_state(STATES["lost"])
    assert "Lost" in shown(watch)
    assert "paid" not in " ".join(shown(watch))


@pytest.mark.parametrize(
    ("height", "in_hand", "seen"),
    [
        (1000, False, {"phone", "watch"}),
        (1000, True, {"phone", "watch"}),
        (720, False, {"phone"}),
        (640, True, {"watch"}),
    ],
)
def test_a_high_window_shows_both_and_a_low_one_what_is_in_the_hand(
    window: MainWindow, height: int, *, in_hand: bool, seen: set[str]
) -> None:
    window.resize(1280, height)
    window.show_wallet(wallet_states()["stack"])
    window.show_watch(replace(STATES["cards"], in_hand=in_hand))
    settle()
    visible = {name for name in ("phone", "watch") if window.findChild(QWidget, name).isVisible()}
    assert visible == seen
    assert clipped(window.findChild(QWidget, "person")) == []


def test_without_a_watch_nothing_of_it_is_seen(window: MainWindow) -> None:
    window.show_wallet(wallet_states()["stack"])
    window.show_watch(WatchState())
    settle()
    assert window.findChild(QWidget, "phone").isVisible()
    assert not window.findChild(QWidget, "watch").isVisible()
    assert not window.findChild(QAbstractButton, "inHand_watch").isVisible()


def test_what_is_in_the_hand_is_asked_for_and_marked_when_it_is_there(
    window: MainWindow, asked: Asked
) -> None:
    window.show_watch(STATES["cards"])
    press(window, "inHand_watch")
    assert asked.calls[-1] == ("take_in_hand", "watch")
    assert window.findChild(QAbstractButton, "inHand_phone").isChecked(), "a tap is under way"
    window.show_watch(replace(STATES["cards"], in_hand=True))
    assert window.findChild(QAbstractButton, "inHand_watch").isChecked()
