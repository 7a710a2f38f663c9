"""The wallet by hand: a window, an engine as a process, and every touch a touch.

Long, because a person walks through it in one go and an engine is started for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip("PySide6")

from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from lab.app import Running, open_window
from lab.design.motion import Motion
from lab.pos.state import PosPhase
from lab.settings import Settings
from lab.wallet.state import PhoneScreen, WalletState

pytestmark = [
    pytest.mark.window,
    pytest.mark.qt_log_ignore("propagateSizeHints", "does not support raise", extend=True),
]
LIMIT_MS = 20_000
NUMBER = "4000056655665556"
Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def running(qtbot: QtBot, tmp_path: Path) -> Iterator[Running]:
    settings = Settings(data_dir=tmp_path / "lab", seed=7, profile="instant", pace=0.0)
    made = open_window(settings, Motion(scale=0.0))
    qtbot.addWidget(made.window)
    made.window.show()
    qtbot.waitUntil(
        lambda: made.world.wallet.state.screen is PhoneScreen.FIRST_START, timeout=LIMIT_MS
    )
    yield made
    made.io.run(made.world.engine.stop(wait=True), 10)
    made.stop()


@pytest.fixture
def until(qtbot: QtBot, running: Running) -> Until:
    def wait(reached: Callable[[], bool]) -> None:
        qtbot.waitUntil(reached, timeout=LIMIT_MS)
        running.window.drain.drain_now()

    return wait


def phone(running: Running) -> WalletState:
    return running.world.wallet.state


def find(running: Running, kind: type, name: str):
    running.window.drain.drain_now()
    found = [each for each in running.window.findChildren(kind, name) if each.isVisible()]
    assert found, name
    return found[0]


def press(running: Running, name: str) -> None:
    button = find(running, QAbstractButton, name)
    assert button.isEnabled(), name
    button.click()


def fill_in(running: Running, qtbot: QtBot, until: Until, code: str) -> None:
    """The form, key by key; `code` decides the colour."""
    until(lambda: bool(phone(running).add.terms_text))
    for name, text in (("addNumber", NUMBER), ("addExpiry", "1230"), ("addCvv", code)):
        field = find(running, QLineEdit, name)
        for digit in text:  # the flow's grouping comes back between two keys
            before = phone(running).add
            qtbot.keyClicks(field, digit)
            until(lambda before=before: phone(running).add is not before)
    if not find(running, QAbstractButton, "addTerms").isChecked():
        press(running, "addTerms")
    until(lambda: phone(running).add.can_submit)
    press(running, "addSubmit")


@pytest.mark.inv(159, 393)
def test_a_person_adds_cards_is_refused_pays_with_another_and_signs_out(
    running: Running, qtbot: QtBot, until: Until
) -> None:
    press(running, "startDemo")
    until(lambda: len(phone(running).cards) == 3 and not phone(running).busy)

    press(running, "addCard")  # red
    until(lambda: phone(running).screen is PhoneScreen.ADD_CARD)
    fill_in(running, qtbot, until, "620")
    until(lambda: bool(phone(running).add.errors))
    assert "bank does not want" in find(running, QLabel, "addNumberError").text()
    press(running, "addBack")
    until(lambda: phone(running).screen is PhoneScreen.STACK)

    press(running, "addCard")  # yellow, and thought better of
    until(lambda: phone(running).screen is PhoneScreen.ADD_CARD)
    fill_in(running, qtbot, until, "610")
    until(lambda: bool(phone(running).verify.methods))
    press(running, "method_sms")
    until(lambda: phone(running).verify.step == "code" and phone(running).banner is not None)
    press(running, "verifyOther")
    until(lambda: phone(running).verify.step == "choose")
    press(running, "verifyRemove")
    until(lambda: len(phone(running).cards) == 3)

    for digit in "1251":  # the bank says no to this amount
        press(running, f"key{digit}")
    until(lambda: running.world.pos.state.can_charge)
    press(running, "tapWithoutReader")
    until(lambda: running.world.pos.state.phase is PosPhase.DECLINED)
    until(lambda: phone(running).banner is not None)
    assert "No money moved" in find(running, QLabel, "bankMessageText").text()
    tried = phone(running).selected_id
    press(running, "bankMessageOther")
    until(lambda: phone(running).screen is PhoneScreen.PAY_SHEET)
    assert phone(running).selected_id != tried
    press(running, "scanSuccess")
    until(lambda: phone(running).screen is PhoneScreen.HOLD_NEAR)
    press(running, "holdClose")
    until(lambda: phone(running).screen is PhoneScreen.STACK)

    press(running, "openDevices")
    until(lambda: phone(running).screen is PhoneScreen.DEVICES)
    press(running, "signOut")
    until(lambda: phone(running).screen is PhoneScreen.SIGNED_OUT)
    assert find(running, QWidget, "signedOutPage").isVisible()
    press(running, "signIn")
    until(lambda: phone(running).screen is PhoneScreen.STACK and len(phone(running).cards) == 3)
