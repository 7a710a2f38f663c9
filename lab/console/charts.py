"""The main chart: how long authorizations take, and what was done to them meanwhile.

One view box holds everything, so that lanes and flags line up with the curves: above the data the
hatched flags of faults, below it the lanes of time-outs and breaker. Curves are made once and are
one pixel wide (an antialiased wider line costs a fifth of a second a frame); ranges are set by
hand. Below 20 samples a bucket has no percentiles, and its payments are dots.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyqtgraph as pg  # type: ignore[import-untyped, unused-ignore]
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from lab.console.state import LatencyBucket, LatencySeries
from lab.design.look import MEDIUM, Look
from lab.design.names import TAKEN
from lab.design.tokens import TEXT_CAPTION_PX
from lab.words import tr

SAMPLES_MIN = 20  # fewer say nothing about a percentile
TICKS_MS = (30, 100, 300, 1000, 3000)
FLOOR, CEILING = math.log10(30), math.log10(3000)
DATA_PX_MIN = 40
EDGE_LABEL_PX = 40  # how far a label may stand out at an end of its axis
FLAG_PX, LANE_PX = 33, 46  # kept above and below the data
NOW_MARGIN_PX = 18  # right of now, where no end labels stand
LEADER_PX = 12  # from the end of a curve to its label
FEWER_TICKS_BELOW_PX = 90
TIME_STEPS = ((10, 30), (30, 120), (120, 600), (600, math.inf))
PERCENTILES = ("p50", "p95", "p99")


@dataclass(frozen=True, slots=True)
class Heights:
    """Where flags and lanes lie on the log axis, so that each keeps its pixels."""

    flag_top: float
    flag_bottom: float
    timeouts: float
    breaker: float
    top: float
    bottom: float
    data_px: float

    @classmethod
    def within(cls, height_px: float, scale: float) -> Heights:
        """Share a view of `height_px`: flags above, lanes below, the rest data."""
        data_px = max(DATA_PX_MIN, height_px - (FLAG_PX + LANE_PX) * scale)
        unit = (CEILING - FLOOR) / data_px * scale
        return cls(
            flag_top=CEILING + 14 * unit,
            flag_bottom=CEILING + 5 * unit,
            timeouts=FLOOR - 19 * unit,
            breaker=FLOOR - 36 * unit,
            top=CEILING + FLAG_PX * unit,
            bottom=FLOOR - LANE_PX * unit,
            data_px=data_px,
        )


def spread(values: list[float], gap: float, top: float) -> list[float]:
    """Places for labels near `values` with at least `gap` between, none above `top`."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    placed = list(values)
    for below, index in pairwise(order):
        placed[index] = max(placed[index], placed[below] + gap)
    limit = top
    for index in reversed(order):
        placed[index] = min(placed[index], limit)
        limit = placed[index] - gap
    return placed


class _Annotations(pg.GraphicsObject):  # type: ignore[misc, unused-ignore]
    """Flags, lanes and end labels, painted in pixels over the chart's coordinates."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._series: LatencySeries | None = None
        self._font: QFont = look.font(TEXT_CAPTION_PX, MEDIUM, tabular=True)
        self._ends: list[tuple[str, float, str]] = []
        self._heights = Heights.within(200, look.scale)

    def show_series(self, series: LatencySeries, ends: list[tuple[str, float, str]]) -> None:
        """Draw flags and lanes of `series` and the labels `(text, log ms, colour)`."""
        self.prepareGeometryChange()
        self._series, self._ends = series, ends
        self.update()

    def take_heights(self, heights: Heights) -> None:
        """Draw flags and lanes at other heights."""
        self.prepareGeometryChange()
        self._heights = heights
        self.update()

    def label_width(self) -> float:
        """Pixels that the widest end label takes."""
        return QFontMetricsF(self._font).horizontalAdvance("p99 3000")

    @override
    def boundingRect(self) -> QRectF:
        window_s = self._series.window_s if self._series is not None else 1
        low, high = self._heights.bottom, self._heights.top
        return QRectF(-window_s, low, window_s * 1.5, high - low)

    @override
    def paint(self, painter: QPainter, option: object, widget: QWidget | None = None) -> None:
        if self._series is None:
            return
        transform = painter.worldTransform()
        painter.resetTransform()
        painter.setFont(self._font)

        def box(left_s: float, right_s: float, low: float, high: float) -> QRectF:
            return transform.mapRect(QRectF(left_s, low, right_s - left_s, high - low))

        self._paint_faults(painter, self._series, box)
        self._paint_lanes(painter, self._series, box)
        gap = abs(box(0, 1, 0, 1).height())
        self._paint_ends(painter, transform.map, painter.fontMetrics().height() / max(gap, 1.0))

    def _paint_faults(
        self, painter: QPainter, series: LatencySeries, box: Callable[..., QRectF]
    ) -> None:
        theme, heights = self._look.theme, self._heights
        violet, wash = QColor(theme.violet), QColor(theme.violet)
        wash.setAlphaF(0.10)
        taken_from = math.inf  # the newest flag is named first: it is what people ask about
        for fault in reversed(series.faults):
            left = max(-series.window_s, (fault.from_us - series.now_us) / 1e6)
            right = 0.0 if fault.to_us is None else min(0.0, (fault.to_us - series.now_us) / 1e6)
            if right <= left:
                continue
            painter.fillRect(box(left, right, FLOOR, heights.flag_bottom), wash)
            flag = box(left, right, heights.flag_bottom, heights.flag_top)
            painter.fillRect(flag, QBrush(violet, Qt.BrushStyle.BDiagPattern))
            painter.setPen(QPen(violet, 1))
            painter.drawRect(flag)
            width = painter.fontMetrics().horizontalAdvance(fault.text)
            edge = box(-series.window_s, 0, FLOOR, CEILING)
            start = max(edge.left(), min(flag.left(), edge.right() - width))
            if start + width <= taken_from:
                painter.drawText(QPointF(start, flag.top() - 4), fault.text)
                taken_from = start - 8

    def _paint_lanes(
        self, painter: QPainter, series: LatencySeries, box: Callable[..., QRectF]
    ) -> None:
        theme = self._look.theme
        colours = {"closed": theme.green, "open": theme.red, "half_open": theme.amber}
        bucket_s = series.bucket_us / 1e6
        for bucket in series.buckets:
            left = max(-series.window_s, (bucket.at_us - series.now_us) / 1e6)
            right = min(0.0, left + bucket_s)
            if right <= left:
                continue
            lane = box(left, right, self._heights.breaker, self._heights.breaker)
            thick = {"open": 8.0, "half_open": 5.0}.get(bucket.breaker, 2.0)
            lane.setTop(lane.center().y() - thick / 2)
            lane.setHeight(thick)
            lane.setWidth(lane.width() + 1)
            painter.fillRect(lane, QColor(colours.get(bucket.breaker, theme.line_strong)))
            if bucket.timeouts:
                tick = box(left, right, self._heights.timeouts, self._heights.timeouts)
                centre = tick.center()
                painter.fillRect(QRectF(centre.x() - 1, centre.y() - 5, 2, 10), QColor(theme.red))

    def _paint_ends(
        self, painter: QPainter, place: Callable[[QPointF], QPointF], gap: float
    ) -> None:
        heights = spread([value for _, value, _ in self._ends], gap, CEILING)
        rise = painter.fontMetrics().ascent() / 2 - 1
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for (text, value, colour), height in zip(self._ends, heights, strict=True):
            curve, at = place(QPointF(0.0, value)), place(QPointF(0.0, height))
            painter.setPen(QPen(QColor(colour), 1))
            painter.drawLine(curve + QPointF(2, 0), at + QPointF(LEADER_PX - 2, 0))
            painter.setPen(QColor(self._look.theme.text))  # a data colour is too pale for text
            painter.drawText(QPointF(at.x() + LEADER_PX, at.y() + rise), text)


class LatencyPlot(pg.PlotWidget):  # type: ignore[misc, unused-ignore]
    """Percentiles over the last minutes, with everything that explains them."""

    def __init__(
        self, look: Look, open_payment: Callable[[str], None], read_out: Callable[[str], None]
    ) -> None:
        super().__init__(background=look.theme.panel)
        self.setObjectName("latencyPlot")
        self.setAccessibleName(tr("console.latency.title"))
        self._look = look
        self._read_out = read_out
        self._series: LatencySeries | None = None
        self._labelled = False
        self.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        item = self.getPlotItem()
        item.hideButtons()
        item.setMenuEnabled(False)
        item.setMouseEnabled(False, False)
        item.getViewBox().setDefaultPadding(0)
        item.setClipToView(False)
        self._set_axes()
        self._annotations = _Annotations(look)
        self.addItem(self._annotations, ignoreBounds=True)
        self._curves = [
            item.plot(pen=pg.mkPen(colour, width=1), antialias=True, connect="finite")
            for colour in look.theme.ramp
        ]
        self._dots = pg.ScatterPlotItem(size=look.px(8), pen=None, antialias=True)
        self._dots.sigClicked.connect(
            lambda _item, hit, _event: open_payment(str(hit[0].data())) if len(hit) else None
        )
        self.addItem(self._dots, ignoreBounds=True)
        self._cross = pg.InfiniteLine(angle=90, pen=pg.mkPen(look.theme.line_strong, width=1))
        self._cross.hide()
        self.addItem(self._cross, ignoreBounds=True)
        self.scene().sigMouseMoved.connect(self._point_at)

    def _set_axes(self) -> None:
        theme, look = self._look.theme, self._look
        left, bottom = self.getAxis("left"), self.getAxis("bottom")
        left.setWidth(look.px(72))
        bottom.setHeight(look.px(22))
        for axis in (left, bottom):
            axis.setTickFont(look.font(TEXT_CAPTION_PX, tabular=True))
            axis.setTextPen(theme.text_dim)
            axis.setPen(pg.mkPen(None))
            axis.setTickPen(pg.mkPen(None))
            axis.setStyle(tickLength=0, tickAlpha=0, hideOverlappingLabels=EDGE_LABEL_PX)
        self._grid = [
            pg.InfiniteLine(math.log10(value), angle=0, pen=pg.mkPen(theme.line, width=1))
            for value in TICKS_MS
        ]
        for line in self._grid:
            self.addItem(line, ignoreBounds=True)

    def _label_part(self) -> float:
        """The room right of now, for end labels where there are any, as a share of the data's."""
        label_px = float(self._look.px(NOW_MARGIN_PX))
        if self._labelled:
            label_px = LEADER_PX + self._annotations.label_width()
        width_px = float(self.getPlotItem().getViewBox().width())
        return label_px / max(1.0, width_px - label_px)

    def _take_heights(self) -> None:
        """Set the vertical range and its names for the height there is."""
        height_px = self.getPlotItem().getViewBox().height()
        heights = Heights.within(height_px, self._look.scale)
        few = heights.data_px < FEWER_TICKS_BELOW_PX * self._look.scale
        values = TICKS_MS[1:4:2] if few else TICKS_MS
        ticks = [(math.log10(value), f"{value}") for value in values]
        names = [
            (heights.timeouts, tr("console.lane.timeouts")),
            (heights.breaker, tr("console.lane.breaker")),
            ((heights.flag_top + heights.top) / 2, tr("console.latency.unit")),
        ]
        self.getAxis("left").setTicks([ticks + names])
        self.getPlotItem().getViewBox().setYRange(heights.bottom, heights.top, padding=0)
        self._annotations.take_heights(heights)

    @override
    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_curves"):  # the first resize comes while the base class is built
            self._set_range(self._series.window_s if self._series is not None else 120)

    def show_series(self, series: LatencySeries) -> None:
        """Draw `series`: move the curves, dots, flags and lanes to their new places."""
        if series is self._series:
            return
        before, self._series = self._series, series
        full = [bucket for bucket in series.buckets if bucket.n >= SAMPLES_MIN]
        ends: list[tuple[str, float, str]] = []
        for index, name in enumerate(PERCENTILES):
            xs, ys = self._curve(series, name)
            self._curves[index].setData(xs, ys)
            last = next((_value(bucket, name) for bucket in reversed(full)), None)
            if last is not None:
                ends.append((f"{name} {last:.0f}", _height(last), self._look.theme.ramp[index]))
        labelled, self._labelled = self._labelled, bool(ends)
        if before is None or before.window_s != series.window_s or labelled != self._labelled:
            self._set_range(series.window_s)
        self._show_dots(series)
        self._annotations.show_series(series, ends)

    def _set_range(self, window_s: int) -> None:
        view = self.getPlotItem().getViewBox()
        part = self._label_part()
        view.setXRange(-window_s * 1.002, window_s * part, padding=0)
        for line in self._grid:
            line.setSpan(0, 1.002 / (1.002 + part))  # the grid ends now, the labels stand beside it
        self._take_heights()
        self.getAxis("bottom").setTicks([time_ticks(window_s)])

    def _curve(
        self, series: LatencySeries, name: str
    ) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]:
        middle = series.bucket_us / 2 - series.now_us
        xs = np.array([(bucket.at_us + middle) / 1e6 for bucket in series.buckets])
        ys = np.array(
            [
                _height(value)
                if bucket.n >= SAMPLES_MIN and (value := _value(bucket, name)) is not None
                else math.nan
                for bucket in series.buckets
            ]
        )
        return xs, ys

    def _show_dots(self, series: LatencySeries) -> None:
        full = {b.at_us // series.bucket_us for b in series.buckets if b.n >= SAMPLES_MIN}
        theme = self._look.theme
        looks = {
            **dict.fromkeys(TAKEN, ("o", theme.green)),
            "declined": ("s", theme.red),
        }
        spots = []
        for point in series.points:
            if point.at_us // series.bucket_us in full:
                continue
            symbol, colour = looks.get(point.outcome, ("t1", theme.amber))
            spots.append(
                {
                    "pos": ((point.at_us - series.now_us) / 1e6, _height(point.ms)),
                    "data": point.payment_id,
                    "symbol": symbol,
                    "brush": colour,
                }
            )
        self._dots.setData(spots)

    def _point_at(self, where: QPointF) -> None:
        series, view = self._series, self.getPlotItem().getViewBox()
        at = view.mapSceneToView(where)
        inside = view.sceneBoundingRect().contains(where)
        if series is None or not inside or not -series.window_s <= at.x() <= 0:
            self._cross.hide()
            self._read_out("")
            return
        self._cross.setPos(at.x())
        self._cross.show()
        bucket = next(
            (
                one
                for one in series.buckets
                if one.at_us <= series.now_us + at.x() * 1e6 < one.at_us + series.bucket_us
            ),
            None,
        )
        self._read_out(describe(bucket, at.x()))


def time_ticks(window_s: int) -> list[tuple[float, str]]:
    """Marks of the time axis, seconds before now, with their names."""
    step_s = next(step for step, upto in TIME_STEPS if window_s <= upto)
    ticks: list[tuple[float, str]] = [(0.0, tr("console.now"))]
    for ago_s in range(step_s, window_s + 1, step_s):
        if ago_s % 60:
            name = tr("console.seconds_ago", seconds=ago_s)
        else:
            name = tr("console.minutes_ago", minutes=ago_s // 60)
        ticks.append((-float(ago_s), name))
    return ticks


def describe(bucket: LatencyBucket | None, at_s: float) -> str:
    """What the cross-hair says about a bucket."""
    if bucket is None or bucket.n == 0:
        return tr("console.cross.nothing", seconds=f"{-at_s:.0f}")
    numbers = " · ".join(
        f"{name} {value:.0f}" for name in PERCENTILES if (value := _value(bucket, name)) is not None
    )
    return tr("console.cross", seconds=f"{-at_s:.0f}", numbers=numbers, n=bucket.n)


def _value(bucket: LatencyBucket, name: str) -> float | None:
    match name:
        case "p50":
            return bucket.p50_ms
        case "p95":
            return bucket.p95_ms
        case _:
            return bucket.p99_ms


def _height(value_ms: float) -> float:
    """A latency on the chart's log axis; what is off the axis stays at its edge."""
    return min(CEILING, max(FLOOR, math.log10(max(value_ms, 1e-3))))
