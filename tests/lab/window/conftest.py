"""The window's tests run offscreen, without motion, and fail on any warning that Qt writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

pytest.importorskip("PySide6.QtWidgets")

import shiboken6
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from lab.design.blocks import Label
from lab.design.look import Look, load_fonts
from lab.design.motion import Motion
from lab.design.stylesheet import stylesheet
from lab.window.main_window import MainWindow
from tests.lab.window import example_states
from tests.lab.window.example_commands import Asked

HERE = Path(__file__).parent
NOT_OURS = "propagateSizeHints"  # the offscreen platform says so of every window


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.window)
            item.add_marker(pytest.mark.qt_log_ignore(NOT_OURS, extend=True))


@pytest.fixture(scope="session", autouse=True)
def _application(qapp: QApplication) -> None:
    qapp.setStyle("Fusion")
    load_fonts()
    example_states.allow_example_words()


@pytest.fixture
def look() -> Look:
    return Look(motion=Motion(0))


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def on_screen(look: Look) -> Iterator[Callable[..., QWidget]]:
    """Show a view at a size, as the window would; it is deleted at once after the test."""
    shown: list[QWidget] = []

    def show(view: QWidget, width_px: int, height_px: int) -> QWidget:
        shown.append(view)
        view.setStyleSheet(stylesheet(look))
        view.resize(width_px, height_px)
        view.show()
        settle()
        return view

    yield show
    for view in shown:
        shiboken6.delete(view)


@pytest.fixture
def window(asked: Asked) -> Iterator[MainWindow]:
    made = MainWindow(asked, asked, asked, motion=Motion(0))
    made.resize(1600, 1000)
    made.show()
    settle()
    yield made
    shiboken6.delete(made)


def settle() -> None:
    """Let layouts follow one another until they rest: a change may take a few rounds."""
    for _ in range(5):
        QApplication.processEvents()


def clipped(root: QWidget) -> list[str]:
    """Texts that are cut: labels and buttons smaller than what they say."""
    found = []
    for label in root.findChildren(QLabel):
        if not label.isVisible() or not label.text() or (isinstance(label, Label) and label.elides):
            continue
        if label.wordWrap():
            cut = label.height() < label.heightForWidth(label.width()) - 1
        else:
            wanted = label.sizeHint()
            cut = label.width() < wanted.width() - 1 or label.height() < wanted.height() - 1
        if cut:
            found.append(f"{label.objectName()}: {label.text()!r} {label.size().toTuple()}")
    for button in root.findChildren(QAbstractButton):
        if button.isVisible() and button.text():
            wanted = button.fontMetrics().horizontalAdvance(button.text())
            line = button.fontMetrics().height()
            if button.width() < wanted or button.height() < line:
                found.append(f"{button.objectName()}: {button.text()!r} {button.size().toTuple()}")
    return found
