"""The bench place: bytes and tree light each other, reasons lead to bytes, two taps compare."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QTableWidget,
    QTreeWidget,
    QWidget,
)

from lab.bench.state import ApduLine, Conversation
from lab.bench.view import BenchView
from lab.bench.view_hex import HexView
from lab.design.look import Look
from lab.words import words
from tests.lab.window.conftest import clipped, settle
from tests.lab.window.example_commands import Asked
from tests.lab.window.example_states import bench_states

BENCH = bench_states()
Shown = Callable[..., Any]


@pytest.fixture
def bench(on_screen: Shown, look: Look, asked: Asked) -> BenchView:
    made = on_screen(BenchView(look, asked), 1000, 800)
    made.show_state(BENCH["conversation"])
    settle()
    return made


def rows_of(bench: BenchView) -> list[str]:
    table = bench.findChild(QTableWidget, "apduList")
    return [table.item(line, 1).text() for line in range(table.rowCount())]


def lit(bench: BenchView, name: str = "hex_answered") -> str:
    return bench.findChild(HexView, name).lit_bytes()


def choose(bench: BenchView, text: str) -> None:
    line = next(k for k, said in enumerate(rows_of(bench)) if text in said)
    bench.findChild(QTableWidget, "apduList").setCurrentCell(line, 0)
    settle()


@pytest.mark.inv(62)
def test_every_exchange_is_followed_by_what_the_kernel_concluded(bench: BenchView) -> None:
    rows = rows_of(bench)
    assert rows[0] == "SELECT 2PAY.SYS.DDF01"
    assert rows.index("GET PROCESSING OPTIONS") < rows.index("The card says: ask the bank (9F27)")
    assert rows[-1] == "So it went online: the bank decides"
    assert bench.findChild(QLabel, "medium").text().startswith("A phone or watch")


def test_numbers_stand_in_columns_and_are_never_shortened(
    on_screen: Shown, look: Look, asked: Asked
) -> None:
    bench = on_screen(BenchView(look, asked), 706, 560)
    shown = BENCH["conversation"].shown
    odd = dataclasses.replace(shown.apdus[2], sw="6A83", meaning="record not found")
    state = dataclasses.replace(
        BENCH["conversation"], shown=dataclasses.replace(shown, apdus=(*shown.apdus[:2], odd))
    )
    bench.show_state(state)
    settle()
    table = bench.findChild(QTableWidget, "apduList")
    assert [table.item(0, place).text() for place in range(4)] == [
        "1", "SELECT 2PAY.SYS.DDF01", "9000", "18.0",
    ]  # fmt: skip
    for place in (0, 2, 3):
        assert table.sizeHintForColumn(place) <= table.columnWidth(place), place
    choose(bench, "GET PROCESSING OPTIONS")
    assert "record not found" in bench.findChild(QLabel, "apduMeaning").whole_text


def test_a_reason_leads_to_the_object_that_made_it(bench: BenchView) -> None:
    choose(bench, "ask the bank")
    assert bench.findChild(QTreeWidget).currentItem().text(0).startswith("9F27")
    assert lit(bench) == "9F 27 01 80"
    choose(bench, "insists on asking")
    assert bench.findChild(QTreeWidget).currentItem().text(0).startswith("9F66")
    assert lit(bench, "hex_asked") == "32 80 40 00"


def test_tag_length_and_value_have_a_shade_each(bench: BenchView, look: Look) -> None:
    choose(bench, "ask the bank")
    marks = bench.findChild(HexView, "hex_answered").extraSelections()
    assert [mark.cursor.selectedText().strip() for mark in marks] == ["9F 27", "01", "80"]
    colours = [mark.format.background().color().name() for mark in marks]
    assert colours == [look.theme.blue_quiet, look.theme.hover, look.theme.code_mark]


def test_a_bits_word_lights_its_one_byte(bench: BenchView) -> None:
    choose(bench, "GET PROCESSING OPTIONS")
    tree = bench.findChild(QTreeWidget)
    (word,) = tree.findItems(
        "key index 01", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive
    )
    tree.setCurrentItem(word)
    assert lit(bench) == "01"
    assert word.text(0) == "key index 01 · byte 2"


def test_a_byte_leads_to_its_line_by_click_and_by_keyboard(bench: BenchView) -> None:
    choose(bench, "GET PROCESSING OPTIONS")
    shown = bench.findChild(HexView, "hex_answered")
    at = shown.toPlainText().index("9F 36")
    cursor = shown.textCursor()
    cursor.setPosition(at)
    place = shown.cursorRect(cursor).center()
    QTest.mouseClick(shown.viewport(), Qt.MouseButton.LeftButton, pos=place)
    tree = bench.findChild(QTreeWidget)
    assert tree.currentItem().text(0).startswith("9F36")
    for _ in range(5 * 3):
        QTest.keyClick(shown, Qt.Key.Key_Right)
    assert tree.currentItem().text(0).startswith("9F10")


def test_the_pointer_lights_without_choosing(bench: BenchView) -> None:
    choose(bench, "ask the bank")
    shown = bench.findChild(HexView, "hex_answered")
    cursor = shown.textCursor()
    cursor.setPosition(shown.toPlainText().index("9F 36"))
    place = QPointF(shown.cursorRect(cursor).center())
    none = Qt.MouseButton.NoButton
    move = QMouseEvent(
        QEvent.Type.MouseMove, place, shown.mapToGlobal(place), none, none,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(shown.viewport(), move)
    assert lit(bench).startswith("9F 36 02")
    assert bench.findChild(QTreeWidget).currentItem().text(0).startswith("9F27")
    QApplication.sendEvent(shown, QEvent(QEvent.Type.Leave))
    assert lit(bench) == "9F 27 01 80"


@pytest.mark.parametrize(
    ("wanted", "line"), [("9f6c", "9F6C"), ("form factor", "9F6E"), ("40 26 11", "5F2A")]
)
def test_f3_finds_a_tag_a_name_or_bytes(bench: BenchView, wanted: str, line: str) -> None:
    bench.window().activateWindow()
    field = bench.findChild(QLineEdit, "benchFind")
    field.setText(wanted)
    QTest.keyClick(field, Qt.Key.Key_Return)
    item = bench.findChild(QTreeWidget).currentItem()
    if wanted == "40 26 11":
        assert bench.findChild(QLabel, "benchHits").text() == "not found"
    else:
        assert item.text(0).startswith(line)
        assert bench.findChild(QLabel, "benchHits").text().startswith("1 of ")


def test_finding_goes_round_over_exchanges_and_back(bench: BenchView) -> None:
    bench.findChild(QLineEdit, "benchFind").setText("4F")
    decoded = bench._decoded
    decoded.find_next()
    first = bench.findChild(QLabel, "benchHits").text()
    decoded.find_next()
    decoded.find_before()
    assert bench.findChild(QLabel, "benchHits").text() == first
    bench.findChild(QLineEdit, "benchFind").setText("no such thing")
    decoded.find_next()
    assert bench.findChild(QLabel, "benchHits").text() == "not found"


def test_bytes_and_tree_are_copied(bench: BenchView) -> None:
    choose(bench, "ask the bank")
    bench.findChild(QAbstractButton, "benchCopy").click()
    assert QApplication.clipboard().text() == "9F 27 01 80"
    bench.findChild(QAbstractButton, "benchCopyTree").click()
    text = QApplication.clipboard().text()
    assert "  9F27 Cryptogram information data | 80 | ARQC" in text
    assert "    - key index 01 (byte 2)" in text


def test_another_tap_is_chosen_and_put_beside(bench: BenchView, asked: Asked) -> None:
    choice = bench.findChild(QComboBox, "benchChoice")
    beside = bench.findChild(QComboBox, "benchBeside")
    assert [choice.itemData(k) for k in range(choice.count())] == ["tap_2", "tap_1"]
    assert [beside.itemData(k) for k in range(beside.count())] == ["", "tap_1"]
    choice.activated.emit(1)
    beside.activated.emit(1)
    assert asked.calls == [("choose_tap", "tap_1"), ("compare_tap", "tap_1")]


def test_two_taps_stand_side_by_side_with_their_differences(bench: BenchView, asked: Asked) -> None:
    bench.show_state(BENCH["two"])
    settle()
    table = bench.findChild(QTableWidget, "comparisonTable")
    assert table.isVisible()
    cells = [
        [item.text() if (item := table.item(line, place)) else "" for place in range(3)]
        for line in range(table.rowCount())
    ]
    assert ["9F2A  Kernel identifier", "03", "02"] in cells
    assert ["SELECT A0000000041010: only in the other", "", ""] in cells
    bench.findChild(QAbstractButton, "comparisonBack").click()
    assert asked.calls == [("compare_tap", "")]
    bench.show_state(BENCH["conversation"])
    assert bench.findChild(QTableWidget, "apduList").isVisible()


def test_a_file_is_framed_as_one(bench: BenchView) -> None:
    bench.show_state(BENCH["file"])
    settle()
    assert "amex.apdu" in bench.findChild(QLabel, "fromFile").text()
    assert bench.findChild(QLabel, "conversationTitle").text() == "From a file"
    bench.show_state(BENCH["conversation"])
    assert not bench.findChild(QLabel, "fromFile").isVisible()


def test_nothing_said_yet_says_what_to_do(bench: BenchView) -> None:
    bench.show_state(BENCH["nothing"])
    settle()
    assert bench.findChild(QWidget, "benchEmpty").isVisible()
    bench._decoded.find_next()
    bench._decoded.copy_bytes()
    assert bench.findChild(QTreeWidget).topLevelItemCount() == 0


@pytest.mark.parametrize("state", ["nothing", "readers", "conversation", "other", "file", "two"])
@pytest.mark.parametrize("size", [(706, 520), (1000, 800)])
@pytest.mark.parametrize("field_words", [False, True])
def test_every_state_fits(
    bench: BenchView, state: str, size: tuple[int, int], *, field_words: bool
) -> None:
    words().field_words = field_words
    try:
        bench.resize(*size)
        bench.show_state(BENCH[state])
        settle()
        assert clipped(bench) == []
    finally:
        words().field_words = False


def test_every_control_has_a_name_and_can_be_reached_by_keyboard(bench: BenchView) -> None:
    for control in bench.findChildren(QWidget):
        if isinstance(control, QAbstractButton | QComboBox | QLineEdit | HexView | QTreeWidget):
            if not control.objectName() or control.objectName().startswith("qt_"):
                continue
            assert control.accessibleName(), control.objectName()
            assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control.objectName()


def test_an_exchange_without_an_answer_shows_the_question(bench: BenchView) -> None:
    torn = ApduLine(0, "SELECT 2PAY.SYS.DDF01", "00A4040000", "", "", "no answer", 5)
    state = dataclasses.replace(
        BENCH["conversation"], shown=Conversation("tap_9", "torn", (torn,)), on_offer=()
    )
    bench.show_state(state)
    assert "no answer" in bench.findChild(QLabel, "apduMeaning").whole_text
    assert bench.findChild(HexView, "hex_answered").toPlainText() == ""
