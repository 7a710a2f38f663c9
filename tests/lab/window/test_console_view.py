"""The console: tiles, chart, faults and payments show what the state says, and ask."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import shiboken6
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QDoubleSpinBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QScrollArea,
    QTableView,
    QTableWidget,
    QWidget,
)
from typing_extensions import override

from lab.console.charts import (
    CEILING,
    FLAG_PX,
    LANE_PX,
    Heights,
    LatencyPlot,
    describe,
    spread,
    time_ticks,
)
from lab.console.charts_waterfall import milliseconds
from lab.console.presets import rows as offered
from lab.console.state import ConsoleState
from lab.console.view import ConsoleView
from lab.console.view_payments import ROWS_MAX, PaymentsPanel, matches
from lab.design.look import Look
from tests.lab.window.conftest import clipped, settle
from tests.lab.window.example_commands import Asked
from tests.lab.window.example_states import console_states, latency, payment_row

SIZES = [(706, 490), (706, 560), (926, 880), (1120, 930)]


@pytest.fixture
def opened() -> list[str]:
    return []


@pytest.fixture
def console(
    on_screen: Callable[..., Any], look: Look, asked: Asked, opened: list[str]
) -> ConsoleView:
    return on_screen(ConsoleView(look, asked, opened.append), 926, 880)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", console_states())
def test_the_console_is_drawn_without_cut_text(
    console: ConsoleView, name: str, size: tuple[int, int]
) -> None:
    console.resize(*size)
    console.show_state(console_states()[name])
    settle()
    assert clipped(console) == []
    assert console.size().toTuple() == size
    assert not console.grab().isNull()


def test_a_tile_says_passing_blocked_or_testing_before_the_breakers_word(
    console: ConsoleView,
) -> None:
    console.show_state(console_states()["busy"])
    words = {
        name: (
            console.findChild(QLabel, "tileWord").parent()
            and console.tiles._tiles[name]._word.text()
        )
        for name in ("Visa", "Mastercard", "Amex")
    }
    assert words == {"Visa": "Blocked", "Mastercard": "Testing", "Amex": "Passing"}
    assert console.tiles._tiles["Visa"]._second.whole_text.startswith("open · probe in 11 s")


def test_a_network_is_shown_and_its_breaker_forced(console: ConsoleView, asked: Asked) -> None:
    console.show_state(console_states()["busy"])
    console.findChild(QAbstractButton, "showNetwork_Amex").click()
    console.tiles._tiles["Visa"]._menu.actions()[2].trigger()
    assert asked.calls == [("show_network", "Amex"), ("force_breaker", "Visa", "auto")]


def test_an_empty_chart_says_what_to_do(console: ConsoleView, asked: Asked) -> None:
    console.show_state(console_states()["idle"])
    console.findChild(QAbstractButton, "startQuietTraffic").click()
    assert asked.calls == [("quiet_traffic", True)]


def test_curves_are_made_once_and_moved(console: ConsoleView) -> None:
    console.show_state(console_states()["normal"])
    plot = console.findChild(LatencyPlot)
    before = [id(curve) for curve in plot._curves], len(plot.getPlotItem().items)
    for _ in range(5):
        console.latency.show_series(latency())
    assert ([id(curve) for curve in plot._curves], len(plot.getPlotItem().items)) == before


def test_few_samples_are_dots_and_many_are_percentiles(console: ConsoleView) -> None:
    console.show_state(console_states()["few"])
    plot = console.findChild(LatencyPlot)
    assert len(plot._dots.points()) == 180
    assert not any((curve.yData == curve.yData).any() for curve in plot._curves)
    many = latency()
    console.latency.show_series(many)
    assert len(plot._dots.points()) < 30
    assert (plot._curves[0].yData == plot._curves[0].yData).sum() > 40


def test_a_dot_leads_to_its_payment(console: ConsoleView, opened: list[str]) -> None:
    console.show_state(console_states()["few"])
    plot = console.findChild(LatencyPlot)
    plot._dots.sigClicked.emit(plot._dots, [plot._dots.points()[0]], None)
    assert opened == ["p00"]


def test_a_frozen_chart_holds_still_and_catches_up(console: ConsoleView) -> None:
    console.show_state(console_states()["normal"])
    shown = console.latency._series
    console.toggle_freeze()
    later = dataclasses.replace(latency(), now_us=shown.now_us + 1_000_000)
    console.latency.show_series(later)
    assert console.latency._series is shown
    console.toggle_freeze()
    assert console.latency._series is later


def test_the_chart_has_a_table(console: ConsoleView) -> None:
    console.show_state(console_states()["normal"])
    console.findChild(QAbstractButton, "latencyTable").click()
    table = console.findChild(QTableWidget, "latencyNumbers")
    assert table.isVisible()
    assert table.rowCount() == 60
    assert table.item(59, 2).text().endswith(" ms")


def test_the_cross_hair_reads_out_a_bucket() -> None:
    bucket = latency().buckets[5]
    assert describe(bucket, -110.0).startswith("110 s ago · p50 1")
    assert "no payments" in describe(None, -3.0)


@given(st.lists(st.floats(1.5, 3.4), min_size=1, max_size=3), st.floats(0.02, 0.3))
@settings(max_examples=60)
def test_end_labels_never_overlap_nor_leave_the_chart(values: list[float], gap: float) -> None:
    placed = spread(values, gap, CEILING)
    ordered = sorted(placed)
    assert max(placed) <= CEILING
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(ordered))


@pytest.mark.parametrize("height", [100, 150, 300, 600])
def test_lanes_and_flags_keep_their_pixels(height: int) -> None:
    made = Heights.within(height, 1.0)
    unit = (made.top - made.bottom) / (made.data_px + FLAG_PX + LANE_PX)
    assert (made.timeouts - made.breaker) / unit >= 15
    assert (made.top - made.flag_top) / unit >= 15


@pytest.mark.parametrize(("window_s", "first"), [(30, "10 s"), (120, "30 s"), (600, "2 min")])
def test_the_time_axis_ends_now_and_names_round_moments(window_s: int, first: str) -> None:
    names = [name for _, name in time_ticks(window_s)]
    assert names[0] == "now"
    assert names[1][1:] == first
    assert 4 <= len(names) <= 6


def test_the_chart_looks_as_far_back_as_one_asks(console: ConsoleView, asked: Asked) -> None:
    console.show_state(console_states()["normal"])
    assert console.findChild(QAbstractButton, "window120").isChecked()
    console.findChild(QAbstractButton, "window600").click()
    assert asked.calls == [("set_window", 600)]
    console.latency.show_series(latency(window_s=600))
    assert console.findChild(QAbstractButton, "window600").isChecked()


def test_nothing_is_hidden_where_there_is_height(console: ConsoleView) -> None:
    console.resize(926, 880)
    console.show_state(console_states()["normal"])
    settle()
    for name in ("hopScroll", "faultScroll"):
        area = console.findChild(QScrollArea, name)
        assert area.verticalScrollBar().maximum() == 0, name
    table = console.findChild(QTableView, "paymentTable")
    assert table.viewport().height() // table.rowHeight(0) >= 6


def test_a_fault_is_broken_with_its_numbers_mended_and_tried(
    console: ConsoleView, asked: Asked
) -> None:
    console.show_state(console_states()["busy"])
    console.findChild(QDoubleSpinBox, "visa.lost_probability").setValue(0.5)
    console.findChild(QAbstractButton, "toggle_visa.lost").click()
    console.findChild(QAbstractButton, "toggle_visa.slow").click()
    console.findChild(QAbstractButton, "try_visa.mute").click()
    console.findChild(QAbstractButton, "resetFaults").click()
    assert asked.calls == [
        ("set_fault", "visa.lost", True, {"probability": 0.5}),
        ("set_fault", "visa.slow", False, {"ms": 250.0, "probability": 0.4}),
        ("try_it", "visa.mute"),
        ("reset_faults",),
    ]


def test_a_running_faults_numbers_are_applied_when_edited(
    console: ConsoleView, asked: Asked
) -> None:
    console.show_state(console_states()["busy"])
    editor = console.findChild(QDoubleSpinBox, "visa.slow_ms")
    editor.setValue(900)
    editor.editingFinished.emit()
    assert asked.calls == [("set_fault", "visa.slow", True, {"ms": 900.0, "probability": 0.4})]


def test_faults_are_offered_in_groups_that_say_what_is_on(
    console: ConsoleView, asked: Asked
) -> None:
    console.show_state(console_states()["busy"])
    settle()
    tabs = [console.findChild(QAbstractButton, f"faultGroup_{name}") for name in
            ("network", "card", "lines")]  # fmt: skip
    assert [tab.text() for tab in tabs] == ["Visa · 1", "Reader and card · 1", "Phone and till · 1"]
    for tab, group in zip(tabs, ("network", "card", "lines"), strict=True):
        tab.click()
        settle()
        shown = {line._preset.group for line in console.faults._lines.values() if line.isVisible()}
        assert shown == {group}
        assert clipped(console.faults) == []
        assert console.findChild(QScrollArea, "faultScroll").verticalScrollBar().maximum() == 0
    console.findChild(QAbstractButton, "try_reader.unplugged").click()
    console.findChild(QDoubleSpinBox, "card.nonsense_at_apdu").setValue(0)
    assert console.findChild(QDoubleSpinBox, "card.nonsense_at_apdu").text() == "any APDU"
    console.findChild(QAbstractButton, "toggle_card.nonsense").click()
    assert asked.calls == [
        ("try_it", "reader.unplugged"),
        ("set_fault", "card.nonsense", True, {"at_apdu": 0.0}),
    ]


def test_the_watchs_fault_has_room_in_the_panel_while_it_is_on(console: ConsoleView) -> None:
    cut: dict[str, object] = {"link": "watch.engine", "effect": "timeout"}
    console.show_state(
        dataclasses.replace(console_states()["busy"], faults=offered("visa", (cut,)))
    )
    console.findChild(QAbstractButton, "faultGroup_lines").click()
    settle()
    assert console.faults._lines["watch.offline"].isVisible()
    assert clipped(console.faults) == []
    assert console.findChild(QScrollArea, "faultScroll").verticalScrollBar().maximum() == 0


def test_what_is_on_goes_to_a_file_and_comes_from_one(console: ConsoleView, asked: Asked) -> None:
    console.show_state(console_states()["busy"])
    for button, chosen in (("exportFaults", "on.toml"), ("importFaults", "plan.toml")):
        console.findChild(QAbstractButton, button).click()
        dialog = console.findChild(QFileDialog, "faultFile")
        dialog.fileSelected.emit(chosen)
        shiboken6.delete(dialog)
    assert asked.calls == [("export_faults", "on.toml"), ("import_faults", "plan.toml")]


def test_what_fired_is_counted_on_the_line(console: ConsoleView) -> None:
    console.show_state(console_states()["busy"])
    settle()
    line = console.faults._lines["visa.slow"]
    assert line._fired.text() == "fired 31"
    assert line._fired.isVisible()
    assert line.toolTip() == "visa.auth · latency"
    assert not console.faults._lines["visa.mute"]._fired.isVisible()


def test_rows_are_filtered_copied_and_written(
    console: ConsoleView, tmp_path: Path, opened: list[str]
) -> None:
    console.show_state(console_states()["normal"])
    panel: PaymentsPanel = console.payments
    console.findChild(QLineEdit, "paymentFilter").setText("network:visa state:unknown")
    assert {row.state for row in panel.model.rows} == {"unknown"}
    console.findChild(QAbstractButton, "copyPayments").click()
    lines = QGuiApplication.clipboard().text().strip().splitlines()
    assert len(lines) == len(panel.model.rows) + 1
    target = tmp_path / "payments.csv"
    panel.write_csv(str(target))
    assert target.read_text(encoding="utf-8").splitlines()[1].startswith("pay_2,")
    panel.write_csv(str(tmp_path / "missing" / "payments.csv"))
    assert "not written" in panel.title.text()
    panel._table.clicked.emit(panel.model.index(0, 0))
    assert opened == ["pay_2"]


@pytest.mark.parametrize("wanted", ["visa", "state:approved", "bank:approved 5.40", ""])
def test_a_filter_finds_words_and_fields(wanted: str) -> None:
    assert matches(payment_row(0), wanted)


@pytest.mark.parametrize("wanted", ["nobody", "state:unknown", "visa state:declined"])
def test_a_filter_leaves_out_what_fits_in_part_only(wanted: str) -> None:
    assert not matches(payment_row(0), wanted)


def test_many_payments_are_bounded_and_quick(console: ConsoleView) -> None:
    rows = tuple(payment_row(index) for index in range(2_000))
    for step in range(1_500, 2_000, 10):
        console.payments.show_payments(rows[2_000 - step :])
    console.payments.show_payments(rows)
    assert console.payments.model.rowCount() == ROWS_MAX
    assert (
        console.payments.model.index(ROWS_MAX - 1, 3)
        .data()
        .startswith(("Approved", "Declined", "Not known"))
    )
    shape = console.payments.model.index(0, 3).data(Qt.ItemDataRole.DecorationRole)
    assert not shape.isNull()


def test_a_waterfalls_parts_are_said(console: ConsoleView, opened: list[str]) -> None:
    console.show_state(console_states()["normal"])
    names = [row[1].whole_text for row in console.last_tap._table._rows if row[1].isVisible()]
    assert names[0] == "Card and reader"
    console.findChild(QAbstractButton, "lastTapOpen").click()
    assert opened == ["pay_1"]
    assert milliseconds(9_400) == "9.4 ms"
    assert milliseconds(312_400) == "312 ms"


def test_nothing_known_yet_is_drawn_too(console: ConsoleView) -> None:
    console.show_state(ConsoleState())
    assert console.faults._empty.isVisible()


def test_what_did_not_change_is_not_painted_again(console: ConsoleView) -> None:
    state = console_states()["normal"]
    console.show_state(state)
    settle()
    painted: list[str] = []

    class Watch(QObject):
        @override
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() is QEvent.Type.Paint:
                painted.append(watched.objectName())
            return False

    watch = Watch()
    for widget in console.findChildren(QWidget):
        widget.installEventFilter(watch)
    console.tiles.update()
    settle()
    assert "tiles" in painted
    painted.clear()
    for step in range(1, 5):
        console.show_state(dataclasses.replace(state, now_us=state.now_us + step))
        settle()
    assert painted == []
