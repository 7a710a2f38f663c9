"""The window around a real world: states arrive, calls leave, everything ends cleanly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from lab.cli import main

pytest.importorskip("PySide6")

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel

from lab.app import Running, open_window
from lab.design.motion import Motion
from lab.pos.after_sale_state import SaleStep
from lab.pos.state import PosPhase
from lab.settings import Settings
from lab.wallet.state import PhoneScreen

pytestmark = pytest.mark.window
LIMIT_MS = 20_000


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[Running]:
    settings = Settings(data_dir=tmp_path / "lab", seed=7, profile="instant", pace=0.0)
    running = open_window(settings, Motion(scale=0.0))
    qtbot.addWidget(running.window)
    running.window.show()
    yield running
    running.io.run(running.world.engine.stop(wait=True), 10)
    running.stop()


def test_a_person_starts_taps_and_sees_the_payment(qtbot: QtBot, window: Running) -> None:
    """Over 0.25 s: an engine starts and a whole tap runs behind the window."""
    faults: list[str] = []
    window.faults.happened.connect(faults.append)
    world = window.world
    qtbot.waitUntil(lambda: world.wallet.state.screen is PhoneScreen.FIRST_START, timeout=LIMIT_MS)
    window.window._wallet.start_with_demo_cards()
    qtbot.waitUntil(lambda: len(world.wallet.state.cards) == 3, timeout=LIMIT_MS)
    qtbot.waitUntil(lambda: not world.wallet.state.busy, timeout=LIMIT_MS)
    for digit in ("9", "00"):
        window.window._pos.key(digit)
    qtbot.waitUntil(lambda: world.pos.state.amount_text == "$9.00", timeout=LIMIT_MS)
    window.window._lab.space()
    qtbot.waitUntil(lambda: world.pos.state.phase is PosPhase.APPROVED, timeout=LIMIT_MS)
    qtbot.waitUntil(lambda: bool(world.console.state.payments), timeout=LIMIT_MS)
    window.window._lab.show_payment(world.pos.state.payment_id)
    qtbot.waitUntil(lambda: world.console.state.payment is not None, timeout=LIMIT_MS)
    window.window._lab.set_fault("visa.slow", True, {"ms": 5.0})
    qtbot.waitUntil(lambda: bool(world.console.state.deviations), timeout=LIMIT_MS)
    window.window._lab.back_to_normal()
    qtbot.waitUntil(lambda: not world.console.state.deviations, timeout=LIMIT_MS)
    window.window._lab.jump(-5.0)  # refused: a sentence, not a crash
    qtbot.waitUntil(lambda: world.console.state.toast is not None, timeout=LIMIT_MS)
    assert faults == []


@pytest.mark.inv(188, 189)
def test_a_cashier_gives_a_part_back_with_mouse_and_keyboard(qtbot: QtBot, window: Running) -> None:
    """Over 0.25 s: an engine starts, and a tap, a capture and a refund run behind the window."""
    world, after = window.world, window.world.after_sale

    def press(name: str) -> None:
        window.window.drain.drain_now()
        button = window.window.findChild(QAbstractButton, name)
        assert button is not None, name
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    qtbot.waitUntil(lambda: world.wallet.state.screen is PhoneScreen.FIRST_START, timeout=LIMIT_MS)
    window.window._wallet.start_with_demo_cards()
    qtbot.waitUntil(lambda: len(world.wallet.state.cards) == 3, timeout=LIMIT_MS)
    qtbot.waitUntil(lambda: not world.wallet.state.busy, timeout=LIMIT_MS)
    qtbot.keyClicks(window.window, "1240")
    qtbot.waitUntil(lambda: world.pos.state.amount_text == "$12.40", timeout=LIMIT_MS)
    qtbot.keyClick(window.window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: world.pos.state.phase is PosPhase.APPROVED, timeout=LIMIT_MS)
    press("tabRecent")
    press("closeDay")
    qtbot.waitUntil(lambda: after.state.step is SaleStep.DONE, timeout=LIMIT_MS)
    press(f"more_{world.pos.state.recent[0].payment_id}")
    qtbot.waitUntil(lambda: after.state.orders == ("refund",), timeout=LIMIT_MS)
    press("sale_refund")
    qtbot.waitUntil(lambda: after.state.step is SaleStep.AMOUNT, timeout=LIMIT_MS)
    qtbot.keyClicks(window.window, "240")
    qtbot.waitUntil(lambda: after.state.display_text == "$2.40", timeout=LIMIT_MS)
    qtbot.keyClick(window.window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: after.state.step is SaleStep.DONE, timeout=LIMIT_MS)
    window.window.drain.drain_now()
    receipt = window.window.findChild(QLabel, "receiptText")
    qtbot.waitUntil(lambda: "Refund no." in receipt.text(), timeout=LIMIT_MS)
    qtbot.keyClick(window.window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: after.state.step is SaleStep.CLOSED, timeout=LIMIT_MS)


def test_a_folder_that_cannot_be_used_is_said_before_a_window_opens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert main(["--data-dir", str(blocked / "lab")]) == 3
    assert "--data-dir" in capsys.readouterr().err
