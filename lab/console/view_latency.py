"""The panel of the main chart: its window, freeze, table, and what to do when it is empty."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import (
    QButtonGroup,
    QHeaderView,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
)

from lab.console.charts import LatencyPlot
from lab.console.state import LatencyBucket, LatencySeries
from lab.design.blocks import Button, EmptyState, Label, Panel
from lab.design.look import Look
from lab.design.names import network_name
from lab.design.tokens import TEXT_CAPTION_PX
from lab.window.commands import LabCommands
from lab.words import tr

WINDOWS_S = (30, 120, 600)
USUAL_WINDOW_S = 120
COLUMNS = ("ago", "n", "p50", "p95", "p99", "timeouts", "breaker")


class LatencyPanel(Panel):
    """How long authorizations take."""

    def __init__(self, look: Look, lab: LabCommands, open_payment: Callable[[str], None]) -> None:
        super().__init__(look, "latency", tr("console.latency.title"))
        self._lab = lab
        self._frozen = False
        self._waiting: LatencySeries | None = None
        self._about = Label(
            look, "latencyAbout", size_px=TEXT_CAPTION_PX, tone="dim", tabular=True
        ).eliding()
        self.head.addWidget(self._about, 1)
        self._window_s = 0
        self._add_windows(look)
        self.freeze_button = Button(
            look, "freeze", tr("console.freeze"), kind="quiet", icon_name="snowflake"
        )
        self.freeze_button.setCheckable(True)
        self.freeze_button.setToolTip(tr("console.freeze.tip"))
        self.freeze_button.toggled.connect(self._set_frozen)
        self.head.addWidget(self.freeze_button)
        self._table_button = Button(
            look, "latencyTable", tr("console.table"), kind="quiet", icon_name="table-2"
        )
        self._table_button.setCheckable(True)
        self._table_button.toggled.connect(self._choose_page)
        self.head.addWidget(self._table_button)
        self._pages = QStackedWidget()
        self._plot = LatencyPlot(look, open_payment, self._read_out)
        self._plot.setMinimumHeight(look.px(88))
        self._table = QTableWidget(0, len(COLUMNS))
        self._set_up_table(look)
        start = Button(look, "startQuietTraffic", tr("console.quiet.start"), kind="primary")
        start.clicked.connect(lambda: lab.quiet_traffic(True))
        self._empty = EmptyState(look, "latencyEmpty", "", start)
        for page in (self._empty, self._plot, self._table):
            self._pages.addWidget(page)
        self.body.addWidget(self._pages, 1)
        self._series: LatencySeries | None = None
        self._text = ""
        self._say_window(USUAL_WINDOW_S)

    def _add_windows(self, look: Look) -> None:
        self._windows = QButtonGroup(self)
        for seconds in WINDOWS_S:
            button = Button(
                look,
                f"window{seconds}",
                tr(f"console.window.{seconds}"),
                kind="tab",
                size_px=TEXT_CAPTION_PX,
            )
            button.setCheckable(True)
            button.setToolTip(tr("console.window.tip", window=tr(f"console.window.{seconds}.long")))
            self._windows.addButton(button, seconds)
            self.head.addWidget(button)
        self._windows.idClicked.connect(self._ask_window)

    def _ask_window(self, seconds: int) -> None:
        self._lab.set_window(seconds)

    def _say_window(self, seconds: int) -> None:
        """Mark the window that is shown, and name it in the sentence of an empty chart."""
        if seconds == self._window_s:
            return
        self._window_s = seconds
        window = tr("console.minutes", minutes=f"{seconds / 60:g}")
        if seconds in WINDOWS_S:
            self._windows.button(seconds).setChecked(True)
            window = tr(f"console.window.{seconds}.long")
        self._empty.sentence.say(tr("console.latency.empty", window=window))

    def _set_up_table(self, look: Look) -> None:
        table = self._table
        table.setObjectName("latencyNumbers")
        table.setAccessibleName(tr("console.latency.title"))
        table.setFont(look.font(TEXT_CAPTION_PX, tabular=True))
        table.horizontalHeader().setFont(look.font(TEXT_CAPTION_PX))
        table.setHorizontalHeaderLabels([tr(f"console.column.{name}") for name in COLUMNS])
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(look.px(22))
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)

    def _set_frozen(self, on: bool) -> None:  # noqa: FBT001 - a Qt slot
        self._frozen = on
        if not on and self._waiting is not None:
            self.show_series(self._waiting)

    def _choose_page(self) -> None:
        if self._series is None or not (self._series.n or self._series.points):
            self._pages.setCurrentWidget(self._empty)
        elif self._table_button.isChecked():
            self._fill_table(self._series)
            self._pages.setCurrentWidget(self._table)
        else:
            self._pages.setCurrentWidget(self._plot)
            self._plot.show_series(self._series)

    def _read_out(self, text: str) -> None:
        self._about.say(text or self._text)

    def show_series(self, series: LatencySeries | None) -> None:
        """Draw `series`, unless the chart is frozen."""
        self._waiting = series
        if self._frozen or (series is not None and series is self._series):
            return
        self._series = series
        if series is not None:
            self._text = tr(
                "console.latency.about",
                network=network_name(series.network),
                n=series.n,
            )
            self._about.say(self._text)
            self._say_window(series.window_s)
        self._choose_page()

    def _fill_table(self, series: LatencySeries) -> None:
        buckets = [bucket for bucket in reversed(series.buckets) if bucket.n or bucket.timeouts]
        self._table.setRowCount(len(buckets))
        for line, bucket in enumerate(buckets):
            for place, text in enumerate(_cells(bucket, series.now_us)):
                self._table.setItem(line, place, QTableWidgetItem(text))


def _cells(bucket: LatencyBucket, now_us: int) -> tuple[str, ...]:
    ago = f"{(now_us - bucket.at_us) / 1e6:.0f} s"
    values = (bucket.p50_ms, bucket.p95_ms, bucket.p99_ms)
    shown = ("-" if value is None else f"{value:.0f} ms" for value in values)
    breaker = tr(f"console.breaker.{bucket.breaker}")
    return (ago, str(bucket.n), *shown, str(bucket.timeouts), breaker)
