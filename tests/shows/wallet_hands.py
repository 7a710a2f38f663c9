"""A person's hands at the window: every touch is a click or a key, every wait is for a state."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from lab.app import Running, open_window
from lab.design.motion import Motion
from lab.engine_shapes import CardRecord
from lab.pos.state import PosPhase
from lab.settings import Settings
from lab.wallet.state import PhoneScreen, WalletState
from lab.watch.flow import WatchFlow

LIMIT_MS = 20_000
W = TypeVar("W", bound=QWidget)


@dataclass
class WalletHands:
    """Hands at one window."""

    running: Running
    qtbot: QtBot

    @property
    def phone(self) -> WalletState:
        """What the phone shows."""
        return self.running.world.wallet.state

    @property
    def watch(self) -> WatchFlow:
        """The watch, which has to be there."""
        flow = self.running.world.watch.flow
        assert flow is not None
        return flow

    def card(self, network: str) -> CardRecord:
        """The phone's card of a network."""
        return next(card for card in self.running.world.wallet.cards if card.network == network)

    def until(self, reached: Callable[[], Any]) -> None:
        """Wait for a state, and draw it."""
        self.qtbot.waitUntil(lambda: bool(reached()), timeout=LIMIT_MS)
        self.running.window.drain.drain_now()

    def at(self, screen: PhoneScreen) -> None:
        """Wait for one of the phone's screens."""
        self.until(lambda: self.phone.screen is screen)

    def find(self, kind: type[W], name: str) -> W:
        """The widget of that name, as soon as it is seen."""
        self.until(lambda: self._seen(kind, name))
        return self._seen(kind, name)[0]

    def _seen(self, kind: type[W], name: str) -> list[W]:
        self.running.window.drain.drain_now()
        return [each for each in self.running.window.findChildren(kind, name) if each.isVisible()]

    def press(self, *names: str) -> None:
        """Click buttons that are seen, one after the other, each as soon as it can be used."""
        for name in names:
            button = self.find(QAbstractButton, name)
            self.until(button.isEnabled)
            button.click()

    def offered(self, name: str, words: str) -> None:
        """Wait until a button that is seen says so: the same button can mean its opposite."""
        self.until(lambda: [each.text() for each in self._seen(QAbstractButton, name)] == [words])

    def said(self, name: str) -> str:
        """The text of a label that is seen."""
        return self.find(QLabel, name).text()

    def fill_in(self, number: str, code: str, *, key_by_key: bool = False) -> None:
        """The add-card form, pasted or typed; `code` decides the colour."""
        self.press("addCard")
        self.at(PhoneScreen.ADD_CARD)
        for name, text in (("addNumber", number), ("addExpiry", "1230"), ("addCvv", code)):
            field = self.find(QLineEdit, name)
            for part in text if key_by_key else (text,):
                before = self.phone.add  # the flow's grouping comes back between two keys
                self.qtbot.keyClicks(field, part) if key_by_key else field.insert(part)
                self.until(lambda before=before: self.phone.add is not before)
        self.until(lambda: self.phone.add.terms_text and not self.phone.add.asking)
        self.press("addTerms")
        self.until(lambda: self.phone.add.can_submit)
        self.press("addSubmit")

    def type_code(self, code: str) -> None:
        """A bank's code, key by key, and sent."""
        field = self.find(QLineEdit, "verifyCode")
        self.qtbot.keyClicks(field, code)
        self.until(lambda: self.phone.verify.code_text == code)
        self.press("verifySubmit")

    def open_card(self, card_id: str) -> None:
        """Bring a card forward."""
        self.press(f"card_{card_id}")
        self.at(PhoneScreen.CARD_DETAIL)

    def charge(self, amount: str) -> PosPhase:
        """Type an amount and tap with what is in the hand; how it ended."""
        pos = self.running.world.pos
        self.press(*(f"key{digit}" for digit in amount))
        self.until(lambda: pos.state.phase is PosPhase.AMOUNT and pos.state.can_charge)
        self.press("tapWithoutReader")
        self.until(lambda: pos.state.phase in {PosPhase.APPROVED, PosPhase.DECLINED})
        return pos.state.phase

    def put_away(self) -> None:
        """Back to the cards, from the tick or from wherever the phone is."""
        if self.phone.screen is PhoneScreen.READ:
            self.press("holdClose")
        self.at(PhoneScreen.STACK)

    def faults(self, *faults: dict[str, object]) -> None:
        """What somebody else at the laboratory breaks."""
        self.running.io.run(self.running.world.client.put_faults(faults), 10)


@contextmanager
def opened(qtbot: QtBot, folder: Path) -> Iterator[WalletHands]:
    """A window on a fresh folder, large enough for phone and watch, at its first start."""
    settings = Settings(data_dir=folder, seed=7, profile="instant", pace=0.0)
    made = open_window(settings, Motion(scale=0.0))
    qtbot.addWidget(made.window)
    made.window.resize(1600, 1000)
    made.window.show()
    hands = WalletHands(made, qtbot)
    hands.at(PhoneScreen.FIRST_START)
    yield hands
    made.io.run(made.world.engine.stop(wait=True), 10)
    made.stop()
