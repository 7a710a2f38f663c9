"""Things that pay and strangers' cards by the window's own keys, at a virtual PN532 board.

A window, an engine as a process and nfcpy's driver: as long as that takes.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip("PySide6")

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from lab.app import Running, open_window
from lab.design.motion import Motion
from lab.pos.state import PosPhase
from lab.settings import Settings
from lab.wallet.state import PhoneScreen
from tests import strangers_card
from tests.pn532_bench import Bench, SoftCard
from tests.pn532_chip import Shown

pytestmark = [
    pytest.mark.window,
    pytest.mark.qt_log_ignore("propagateSizeHints", "does not support raise", extend=True),
]
LIMIT_MS = 20_000
STICKER = Shown(bytes.fromhex("4400"), bytes.fromhex("5E112233"), 0x00)
NOT_FOUND = b"\x6a\x82"


@pytest.fixture
def board() -> Iterator[Bench]:
    if importlib.util.find_spec("nfc") is None or not hasattr(os, "openpty"):
        pytest.skip("nfcpy or pseudo-terminals are missing: python3 start.py installs nfcpy")
    made = Bench(1)
    yield made
    made.close()


@pytest.fixture
def running(qtbot: QtBot, tmp_path: Path, board: Bench) -> Iterator[Running]:
    settings = Settings(
        data_dir=tmp_path / "lab", seed=7, profile="instant", pace=0.0,
        reader=f"pn532:{board.path()}",
    )  # fmt: skip
    made = open_window(settings, Motion(scale=0.0))
    qtbot.addWidget(made.window)
    made.window.show()
    qtbot.waitUntil(
        lambda: made.world.wallet.state.screen is PhoneScreen.FIRST_START, timeout=LIMIT_MS
    )
    made.window._wallet.start_with_demo_cards()
    qtbot.waitUntil(
        lambda: len(made.world.wallet.state.cards) == 3 and not made.world.wallet.state.busy,
        timeout=LIMIT_MS,
    )
    yield made
    made.io.run(made.world.engine.stop(wait=True), 10)
    made.stop()


@pytest.fixture
def until(qtbot: QtBot) -> Callable[[Callable[[], bool]], None]:
    return lambda reached: qtbot.waitUntil(reached, timeout=LIMIT_MS)


def part(running: Running, kind: type, name: str):
    found = running.window.findChild(kind, name)
    assert found is not None, name
    return found


def press(running: Running, name: str) -> None:
    button = part(running, QAbstractButton, name)
    assert button.isEnabled()
    button.click()


def test_a_sticker_is_enrolled_by_keys_and_pays(
    running: Running, board: Bench, until: Callable[[Callable[[], bool]], None]
) -> None:
    board.put(SoftCard(lambda _command: NOT_FOUND, STICKER))
    running.window.go_to("bench")
    press(running, "enrolOpen")
    until(lambda: part(running, QAbstractButton, "enrolBegin").isEnabled())
    press(running, "enrolBegin")
    until(lambda: running.window.findChild(QAbstractButton, "enrolForget") is not None)
    assert "from now on" in part(running, QLabel, "enrolSaid").text()
    press(running, "enrolSheetClose")
    QTest.keyClick(running.window, Qt.Key.Key_Space)
    until(lambda: running.world.pos.state.phase is PosPhase.APPROVED)
    until(lambda: running.world.wallet.state.screen is PhoneScreen.READ)
    press(running, "enrolForget")
    until(lambda: running.world.anycard.enrol.state.things == ())


def test_a_strangers_card_covers_the_till_and_typed_commands_reach_it(
    running: Running, board: Bench, until: Callable[[Callable[[], bool]], None]
) -> None:
    card = SoftCard(strangers_card.answer)
    board.put(card)
    QTest.keyClick(running.window, Qt.Key.Key_Space)
    sheet = part(running, QWidget, "strangerSheet")
    until(sheet.isVisible)
    press(running, "strangerReadOn")
    until(part(running, QAbstractButton, "strangerAgree").isVisible)
    assert {command[1] for command in card.commands} == {0xA4}
    press(running, "strangerAgree")
    until(lambda: "counter" in part(running, QLabel, "strangerPromise").text())
    press(running, "strangerDone")
    until(lambda: not sheet.isVisible())

    running.window.go_to("bench")
    field = part(running, QLineEdit, "rawField")
    field.setText("00A4040007A000000003101000")
    QTest.keyClick(field, Qt.Key.Key_Return)
    until(lambda: field.text() == "")
    shown = running.world.console.bench.state.shown
    assert [(apdu.name, apdu.sw) for apdu in shown.apdus] == [("SELECT A0000000031010", "9000")]
    field.setText("80AE8000")
    press(running, "rawSend")
    until(lambda: part(running, QLabel, "rawNotice").text().startswith("This is not a card"))
    assert 0xAE not in {command[1] for command in card.commands}
    QTest.keyClick(field, Qt.Key.Key_Up)
    assert field.text() == "00A4040007A000000003101000"
