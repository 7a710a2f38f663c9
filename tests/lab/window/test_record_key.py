"""The record key on the time bar: what it says, and that button and shortcut do the same."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from lab.design.look import Look
from lab.scenarios.desk import RecordingState
from lab.window.main_window import MainWindow
from lab.window.time_bar import TimeBar
from tests.lab.window.example_commands import Asked


def key_of(view: QWidget) -> QPushButton:
    key = view.findChild(QPushButton, "record")
    assert key is not None
    return key


def test_it_says_whether_it_records_and_how_much(
    look: Look, asked: Asked, on_screen: Callable[..., QWidget]
) -> None:
    bar = on_screen(TimeBar(look, asked, lambda _payment: None), 900, 40)
    key = key_of(bar)
    assert key.text() == "Record"
    bar.show_recording(RecordingState(on=True, steps=12))
    assert key.text() == "Stop · 12"
    assert "12 steps so far" in key.accessibleName()
    bar.show_recording(RecordingState())
    assert key.text() == "Record"


def test_the_key_asks_for_it(
    look: Look, asked: Asked, on_screen: Callable[..., QWidget], qtbot: QtBot
) -> None:
    bar = on_screen(TimeBar(look, asked, lambda _payment: None), 900, 40)
    qtbot.mouseClick(key_of(bar), Qt.MouseButton.LeftButton)
    assert asked.calls == [("record",)]


def test_ctrl_r_asks_for_it_and_the_state_reaches_the_key(
    asked: Asked, on_screen: Callable[..., QWidget], qtbot: QtBot
) -> None:
    window = MainWindow(asked, asked, asked)
    on_screen(window, 1280, 720)
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert ("record",) in asked.calls
    window.show_recording(RecordingState(on=True, steps=3))
    assert key_of(window).text() == "Stop · 3"
