"""The window's views of any card: stranger's sheet, raw box, things that pay, pre-flight."""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QListView, QWidget

from hardware.api import Activation, PlainTag, Reading, Sort, Stop, judge, reading_of_tag
from hardware.api import ReadApplication as Application
from lab.anycard.account import account_of
from lab.anycard.state import Choosable, EnrolledView, EnrolState, RawState, StrangerState
from lab.design.blocks import Label
from lab.design.motion import Motion
from lab.preflight import checks
from lab.preflight.state import PreflightState, ScreenSize
from lab.preflight.wakefulness import Sleep
from lab.window.main_window import MainWindow
from lab.words import Message
from tests.lab.window.conftest import clipped, settle
from tests.lab.window.example_commands import Asked
from tests.lab.window.test_window import fill

UID = bytes.fromhex("04A1B2C3D4E5F6")
SIZES = [(1280, 640), (1280, 720), (1600, 1000), (1920, 1080)]
SELECT = "00A40400"


def reading(**changes: object) -> Reading:
    tag = reading_of_tag(PlainTag("a tag", uid=UID, sak=0x20, atqa=b"\x04\x00"))
    made = dataclasses.replace(
        tag,
        sort=Sort.PAYMENT_CARD,
        stop=Stop.NO_CONSENT,
        activation=Activation(0x20, b"\x04\x00", bytes.fromhex("0578807002")),
        form_factor=judge({}, b"", UID, random_uid=False),
        applications=(
            Application("A0000000031010", "", 1, 3, selected=True, lab=False),
            Application("A0000000041010", "", 2, 2, selected=True, lab=False),
        ),
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


STRANGERS = {
    "card": StrangerState(account_of(reading())),
    "asking": StrangerState(account_of(reading()), asking=True),
    "waiting": StrangerState(account_of(reading()), waiting=True),
    "problem": StrangerState(
        account_of(reading()), problem=Message("anycard.again.nobody", "waiting")
    ),
    "read on": StrangerState(
        account_of(
            reading(
                stop=Stop.READ_WHOLE,
                cryptograms=1,
                objects={0x57: bytes.fromhex("424242EEEEEE4242D2912201EEEEEEEEEEEEEF")},
            )
        )
    ),
    "tag": StrangerState(
        account_of(reading_of_tag(PlainTag("a tag", uid=UID, sak=0, atqa=b"\x44\x00")))
    ),
}
PREFLIGHT = PreflightState(
    (
        checks.reader_line("ACS ACR122U PICC Interface 00 00", None, ""),
        checks.engine_line(2.0, ""),
        checks.faults_line(()),
        checks.clock_line(()),
        checks.sleep_line(Sleep.POSSIBLE),
        checks.sound_line(),
        checks.screen_line(ScreenSize(1600, 1000, 1.0)),
    )
)
ENROLLED = EnrolState(
    things=(
        EnrolledView(
            "a", "04…E5F6", "Visa ·4242", "pcsc:ACS ACR122U PICC Interface 00 00", once=False
        ),
        EnrolledView("b", "08…C3", "Amex ·0005", "pn532:/dev/ttyUSB0", once=True),
    ),
    cards=(Choosable("c1", "Visa ·4242"), Choosable("c2", "Amex ·0005")),
    possible=True,
    said=Message("enrol.forgotten", "good"),
    reader="ACS ACR122U PICC Interface 00 00",
)


def put(window: MainWindow, *states: object) -> None:
    for state in states:
        window.drain.put(state)
    window.drain.drain_now()
    settle()


def part(window: QWidget, kind: type, name: str):
    found = window.findChild(kind, name)
    assert found is not None, name
    return found


def press(window: QWidget, name: str) -> None:
    part(window, QAbstractButton, name).click()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STRANGERS)
def test_a_strangers_card_fits_over_the_till_and_in_the_bench(
    window: MainWindow, name: str, size: tuple[int, int]
) -> None:
    fill(window)
    window.go_to("bench")
    window.resize(*size)
    put(window, STRANGERS[name])
    sheet, till = part(window, QWidget, "strangerSheet"), part(window, QWidget, "till")
    assert sheet.isVisible()
    assert sheet.geometry() == till.rect()
    assert clipped(window) == []
    assert clipped(sheet) == []


def test_consent_is_asked_before_it_is_given(window: MainWindow, asked: Asked) -> None:
    fill(window)
    put(window, STRANGERS["card"])
    assert not part(window, QWidget, "strangerAgree").isVisible()
    press(window, "strangerReadOn")
    put(window, STRANGERS["asking"])
    assert "spends one cryptogram" in part(window, QLabel, "strangerNote").text()
    assert not part(window, QWidget, "strangerReadOn").isVisible()
    press(window, "strangerAgree")
    press(window, "strangerDone")
    assert asked.calls == [("ask_consent",), ("read_on",), ("card_done",)]
    put(window, StrangerState())
    assert not part(window, QWidget, "strangerSheet").isVisible()
    assert not part(window, QWidget, "strangerBanner").isVisible()


def raw(window: MainWindow) -> QLineEdit:
    fill(window)
    window.go_to("bench")
    field: QLineEdit = part(window, QLineEdit, "rawField")
    field.setFocus()
    settle()
    return field


@pytest.mark.qt_log_ignore("does not support raise", "grabbing the keyboard", extend=True)
def test_a_command_is_decoded_while_it_is_typed_and_sent_by_enter(
    window: MainWindow, asked: Asked
) -> None:
    field = raw(window)
    QTest.keyClicks(field, "00A4")
    assert "at least 4 bytes" in part(window, Label, "rawMeaning").whole_text
    assert not part(window, QAbstractButton, "rawSend").isEnabled()
    QTest.keyClicks(field, "0400")
    assert part(window, Label, "rawMeaning").whole_text.startswith("SELECT")
    QTest.keyClick(field, Qt.Key.Key_Return)
    field.clearFocus()
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert asked.calls == [("send_command", SELECT)] * 2  # and nothing is charged


@pytest.mark.qt_log_ignore("does not support raise", "grabbing the keyboard", extend=True)
def test_common_commands_complete_by_name(window: MainWindow) -> None:
    field = raw(window)
    QTest.keyClicks(field, "challenge")
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, QListView)
    first = popup.visualRect(popup.model().index(0, 0)).center()
    QTest.mouseClick(popup.viewport(), Qt.MouseButton.LeftButton, pos=first)
    assert field.text() == "0084000000"


def test_the_arrows_bring_earlier_commands_back(window: MainWindow) -> None:
    field = raw(window)
    for done, typed in enumerate((SELECT, "0084000000"), 1):
        field.setText(typed)
        put(window, RawState(done=done))
        assert field.text() == ""
    for key, text in (
        (Qt.Key.Key_Up, "0084000000"), (Qt.Key.Key_Up, SELECT), (Qt.Key.Key_Up, SELECT),
        (Qt.Key.Key_Down, "0084000000"), (Qt.Key.Key_Down, ""),
    ):  # fmt: skip
        QTest.keyClick(field, key)
        assert field.text() == text


def test_what_changes_a_card_waits_for_a_second_word(window: MainWindow, asked: Asked) -> None:
    field = raw(window)
    field.setText("80AE8000")
    effect = Message("raw.effect.spends_cryptogram", "waiting")
    put(window, RawState(confirm=effect, pending="80AE8000", lab_card=True))
    assert "counter goes up" in part(window, QLabel, "rawNotice").text()
    assert clipped(window) == []
    press(window, "rawConfirm")
    assert asked.calls == [("confirm_command", "80AE8000")]
    field.setText("80AE80")  # another command takes the question back
    assert asked.calls[-1] == ("cancel_command",)


@pytest.mark.parametrize("size", SIZES)
def test_the_sheets_fit_and_escape_takes_them_away(
    window: MainWindow, asked: Asked, size: tuple[int, int]
) -> None:
    fill(window)
    window.resize(*size)
    put(window, ENROLLED, PREFLIGHT)
    QTest.keyClick(window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier
                   | Qt.KeyboardModifier.ShiftModifier)  # fmt: skip
    settle()
    sheet = part(window, QWidget, "preflightSheet")
    assert sheet.isVisible()
    assert asked.calls == [("preflight", *size, 1.0)]
    assert clipped(sheet) == []
    QTest.keyClick(sheet, Qt.Key.Key_5)  # keys do not fall through to the till
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    assert not sheet.isVisible()
    assert len(asked.calls) == 1
    window.go_to("bench")
    press(window, "enrolOpen")
    settle()
    assert clipped(part(window, QWidget, "enrolSheet")) == []


def test_pre_flights_keys_ask_for_what_they_say(window: MainWindow, asked: Asked) -> None:
    fill(window)
    put(window, PREFLIGHT)
    window.any_card.show_preflight()
    asked.calls.clear()
    press(window, "preflight_reader_key")
    press(window, "preflight_sleep_key")
    assert asked.calls == [("preflight_act", "read_once"), ("preflight_act", "keep_awake")]
    assert part(window, QLabel, "preflightVerdict").text() == "Ready, with 3 to look at."


def test_things_are_enrolled_and_forgotten_by_their_own_keys(
    window: MainWindow, asked: Asked
) -> None:
    fill(window)
    put(window, ENROLLED)
    window.any_card.show_enrolled()
    press(window, "enrolBegin")
    put(window, dataclasses.replace(ENROLLED, listening=True))
    press(window, "enrolBegin")
    forget = window.findChildren(QAbstractButton, "enrolForget")
    assert [button.accessibleName() for button in forget] == ["Forget 04…E5F6", "Forget 08…C3"]
    forget[0].click()
    assert asked.calls == [("enrol_thing", "c1"), ("cancel_enrolling",), ("forget_thing", "a")]
    put(window, EnrolState())
    assert not part(window, QAbstractButton, "enrolBegin").isEnabled()


@pytest.mark.parametrize("theme", ["light", "high-contrast"])
def test_the_presenters_size_draws_them_whole(asked: Asked, theme: str) -> None:
    made = MainWindow(asked, asked, asked, theme=theme, presenter=True, motion=Motion(0))
    made.resize(1920, 1080)
    made.show()
    fill(made)
    made.go_to("bench")
    put(made, STRANGERS["asking"], PREFLIGHT, ENROLLED)
    assert clipped(part(made, QWidget, "strangerSheet")) == []
    made.any_card.show_preflight()
    settle()
    assert clipped(part(made, QWidget, "preflightSheet")) == []
    made.deleteLater()
