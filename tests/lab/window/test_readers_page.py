"""Readers in the window: the chip's menu, the page of roles and history, and the doctor."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPushButton

from lab.bench.state import ReaderEvent, ReaderFinding
from lab.bench.view_readers import ReaderCard, ReadersPage
from lab.console.state import BenchState, ReaderView
from lab.design.blocks import Label
from lab.design.choices import Switch
from lab.design.look import Look
from lab.design.tokens import THEMES
from lab.window.main_window import MainWindow
from lab.window.reader_chip import ReaderChip
from lab.words import Message
from tests.lab.window.conftest import clipped, settle
from tests.lab.window.example_commands import Asked
from tests.lab.window.example_states import NOW_US

SIM = ReaderView("sim:", "Emulated reader", "emulated", "till", "", usable=True, why="",
                 capabilities=("apdu", "faults"), roles=("till",))  # fmt: skip
BOARD = ReaderView("pn532:/dev/ttyUSB0", "PN532 at /dev/ttyUSB0", "nfcpy", "phone", "", usable=True,
                   why="", capabilities=("apdu", "frames", "emulate"), named=True,
                   roles=("till", "phone", "bench"), quirks=("switches", "modem"),
                   history=(ReaderEvent(NOW_US, Message("reader.event.phone_in_field", "good")),
                            ReaderEvent(NOW_US, Message("reader.event.up", "good"))),
                   )  # fmt: skip
AWAY = ReaderView("pcsc:ACS ACR122U PICC Interface 00 00", "ACS ACR122U PICC Interface 00 00",
                  "pcsc", "bench", "", usable=False, why="", there=False, label="ACS ACR122U",
                  model="ACS ACR122U", capabilities=("apdu", "lights", "buzzer"),
                  roles=("till", "bench"))  # fmt: skip
REMEDY = "sudo apt-get install -y pcscd && sudo systemctl restart pcscd"
FINDINGS = (ReaderFinding("pcscd", "problem", "the smart card service does not run", REMEDY),)
STATE = BenchState(readers=(SIM, BOARD, AWAY), findings=FINDINGS)


@pytest.fixture
def page(look: Look, asked: Asked, on_screen: Callable) -> ReadersPage:
    made = ReadersPage(look, asked)
    made.show_state(STATE)
    return on_screen(made, 1000, 800)


def words(page: ReadersPage, name: str) -> str:
    """What the label says that is there now; those of before are deleted when Qt comes to it."""
    settle()
    [found] = [label for label in page.findChildren(Label, name) if not label.isHidden()]
    return found.whole_text


def test_every_word_has_room_in_every_size(look: Look, asked: Asked, on_screen: Callable) -> None:
    for width, height in ((1000, 800), (708, 560)):
        for reader in STATE.readers:
            page = ReadersPage(look, asked)
            page.show_state(STATE)
            page.choose(reader.url)
            on_screen(page, width, height)
            settle()
            assert clipped(page) == []


def test_a_role_is_asked_for_and_shown_only_once_it_is_so(page: ReadersPage, asked: Asked) -> None:
    page.choose(BOARD.url)
    till = page.findChild(QPushButton, "role_till")
    phone = page.findChild(QPushButton, "role_phone")
    QTest.mouseClick(till, Qt.MouseButton.LeftButton)
    assert ("set_reader_role", BOARD.url, "till") in asked.calls
    assert phone.isChecked()
    moved = dataclasses.replace(BOARD, role="till")
    page.show_state(dataclasses.replace(STATE, readers=(SIM, moved, AWAY)))
    assert till.isChecked()


def test_a_role_that_a_reader_cannot_play_is_out_of_reach_and_says_why(page: ReadersPage) -> None:
    page.choose(AWAY.url)
    phone = page.findChild(QPushButton, "role_phone")
    assert not phone.isEnabled()
    assert "PN532" in phone.toolTip()
    assert "comes back" in words(page, "fact_state")


def test_no_lights_is_something_a_reader_lacks_and_no_fault(page: ReadersPage) -> None:
    page.choose(BOARD.url)
    assert words(page, "fact_can").endswith("No lights of its own")
    assert words(page, "fact_state") == "Ready"
    page.choose(AWAY.url)
    assert words(page, "fact_can") == "Reads cards · Lights · Buzzer"


def test_history_is_newest_first_with_times(page: ReadersPage) -> None:
    page.choose(BOARD.url)
    told = [label.whole_text for label in page.findChildren(Label, "eventText")]
    assert told == ["The wallet's card is in its field", "Plugged in"]
    assert all(len(label.whole_text) == 8 for label in page.findChildren(Label, "eventTime"))
    page.choose(AWAY.url)
    assert "lay a card on it" in words(page, "noHistory")


def test_cards_are_chosen_by_keyboard_too(page: ReadersPage) -> None:
    card = page.findChild(ReaderCard, f"readerCard_{AWAY.url}")
    card.setFocus()
    QTest.keyClick(card, Qt.Key.Key_Return)
    assert words(page, "readerDetailTitle") == AWAY.name


def test_the_doctor_is_asked_once_it_is_seen_and_its_remedy_can_be_pasted(
    page: ReadersPage, asked: Asked
) -> None:
    assert asked.calls.count(("examine_readers",)) == 1
    QTest.mouseClick(page.findChild(QPushButton, "copyRemedy"), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == REMEDY
    page.show_state(dataclasses.replace(STATE, findings=None))
    assert "Looking" in words(page, "doctorLooks")
    page.show_state(dataclasses.replace(STATE, findings=()))
    assert "Nothing stands" in words(page, "doctorWell")


def test_a_reader_is_added_by_its_address_forgotten_and_silenced(
    page: ReadersPage, asked: Asked
) -> None:
    field = page.findChild(QLineEdit, "readerAddress")
    QTest.keyClicks(field, " pn532:/dev/ttyAMA0 ")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert ("add_reader", "pn532:/dev/ttyAMA0") in asked.calls
    assert field.text() == ""
    page.choose(BOARD.url)
    QTest.mouseClick(page.findChild(QPushButton, "forgetReader"), Qt.MouseButton.LeftButton)
    assert ("forget_reader", BOARD.url) in asked.calls
    page.findChild(Switch, "silentReaders").click()
    assert ("silence_readers", True) in asked.calls
    page.choose(SIM.url)
    assert page.findChild(QPushButton, "forgetReader").isHidden()


def test_alone_the_emulated_reader_says_what_to_do(page: ReadersPage) -> None:
    assert page.findChild(Label, "onlyEmulated").isHidden()
    page.show_state(BenchState(readers=(SIM,)))
    assert not page.findChild(Label, "onlyEmulated").isHidden()


def test_a_chips_menu_offers_what_its_reader_can_be(window: MainWindow, asked: Asked) -> None:
    window.show_bench(STATE)
    chip = window.findChild(ReaderChip, f"chip_{BOARD.url}")
    assert chip.text().endswith("· Phone")
    actions = {action.text(): action for action in chip.menu_of_roles.actions() if action.text()}
    assert actions["Phone"].isChecked()
    actions["Till"].trigger()
    assert ("set_reader_role", BOARD.url, "till") in asked.calls
    away = window.findChild(ReaderChip, f"chip_{AWAY.url}")
    offered = {action.text(): action.isEnabled() for action in away.menu_of_roles.actions()}
    assert (offered["Till"], offered["Phone"], offered["Bench"]) == (True, False, True)
    assert "Not plugged in" in away.toolTip()


def test_a_chips_menu_leads_to_its_reader_on_the_bench(window: MainWindow) -> None:
    window.show_bench(STATE)
    chip = window.findChild(ReaderChip, f"chip_{AWAY.url}")
    chip.menu_of_roles.actions()[-1].trigger()
    assert window.place == "bench"
    page = window.findChild(ReadersPage, "readersPage")
    assert page.isVisible()
    assert words(page, "readerDetailTitle") == AWAY.name
    QTest.mouseClick(page.findChild(QPushButton, "backToConversation"), Qt.MouseButton.LeftButton)
    assert not page.isVisible()


def test_a_menu_stays_open_while_cards_come_and_go(window: MainWindow) -> None:
    window.show_bench(STATE)
    chip = window.findChild(ReaderChip, f"chip_{BOARD.url}")
    with_card = dataclasses.replace(BOARD, card="3B80800101", history=())
    window.show_bench(dataclasses.replace(STATE, readers=(SIM, with_card, AWAY)))
    assert window.findChild(ReaderChip, f"chip_{BOARD.url}") is chip


def test_a_short_bar_shows_fewer_chips_and_says_how_many_more(window: MainWindow) -> None:
    window.show_bench(STATE)
    shown = {}
    for width in (1600, 1400, 1280):
        window.resize(width, 720)
        settle()
        chips = window.findChildren(ReaderChip)
        shown[width] = len([chip for chip in chips if chip.isVisible()])
        assert [text for text in clipped(window) if "chip_" in text] == []
    assert shown == {1600: 3, 1400: 2, 1280: 1}


@pytest.mark.parametrize("theme", THEMES)
def test_the_chosen_reader_differs_from_the_others_in_every_theme(
    theme: str, asked: Asked, on_screen: Callable
) -> None:
    page = ReadersPage(Look(THEMES[theme]), asked)
    page.show_state(STATE)
    on_screen(page, 1000, 800)
    chosen = [card.property("surface") for card in page.findChildren(ReaderCard)]
    assert sorted(chosen) == ["chosen", "raised", "raised"]
