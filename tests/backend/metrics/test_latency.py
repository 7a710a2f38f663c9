"""Histograms and the latency book."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.metrics.histogram import LONGEST_US, Histogram
from backend.metrics.latency import LatencyBook


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.mono_us = 5_000_000
        self.lab_us = 1_790_000_000_000_000

    def now_us(self) -> int:
        return self.lab_us

    def monotonic_us(self) -> int:
        return self.mono_us

    def wait(self, seconds: float) -> None:
        self.mono_us += int(seconds * 1e6)
        self.lab_us += int(seconds * 1e6)


@given(
    st.lists(st.integers(1, LONGEST_US), min_size=1, max_size=200),
    st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]),
)
@settings(max_examples=60)
def test_a_quantile_is_off_by_less_than_three_in_a_thousand(
    durations: list[int], share: float
) -> None:
    histogram = Histogram()
    for duration in durations:
        histogram.record(duration)
    exact = sorted(durations)[max(1, math.ceil(share * len(durations))) - 1]
    assert histogram.quantile_us(share) == pytest.approx(exact, rel=0.003)


def test_merging_is_counting_together() -> None:
    left, right, both = Histogram(), Histogram(), Histogram()
    for index in range(1, 100):
        (left if index % 2 else right).record(index * 1_000)
        both.record(index * 1_000)
    left.merge(right)
    assert left.count == both.count == 99
    assert [left.quantile_us(q / 10) for q in range(11)] == [
        both.quantile_us(q / 10) for q in range(11)
    ]


def test_what_is_too_short_or_too_long_counts_at_the_edge() -> None:
    histogram = Histogram()
    histogram.record(0)
    histogram.record(10 * LONGEST_US)
    assert histogram.quantile_us(0.5) == pytest.approx(1)
    assert histogram.quantile_us(1) == pytest.approx(LONGEST_US, rel=0.003)


def test_an_empty_histogram_has_no_quantile() -> None:
    assert Histogram().quantile_us(0.5) is None
    assert Histogram().quantile_ms(0.5) is None


def test_the_view_merges_seconds_into_buckets() -> None:
    clock = Hands()
    book = LatencyBook(clock, ["visa", "amex"])
    for second in range(6):
        for _ in range(10):
            book.record("visa", "answer", 10_000 * (second + 1), "answered", payment_id="pay_1")
        clock.wait(1)
    book.record("visa", "answer", 500_000, "timeout", payment_id="pay_2")
    book.record("visa", "answer", 0, "rejected", payment_id="pay_3")
    book.record("visa", "answer", 0, "no_connection", payment_id="pay_4")
    book.note_breaker("visa", "open")
    view = book.view(window_s=120, bucket_s=2)
    visa = view["networks"]["visa"]
    assert visa["n"] == 60
    assert visa["p50_ms"] == pytest.approx(30, rel=0.003)
    assert visa["p99_ms"] == pytest.approx(60, rel=0.003)
    assert (visa["timeouts"], visa["rejected"]) == (1, 1)
    assert visa["error_rate"] == round(2 / 62, 4)
    assert sum(bucket["n"] for bucket in visa["buckets"]) == 60
    assert [bucket["breaker"] for bucket in visa["buckets"]][-1] == "open"
    assert visa["buckets"][0]["breaker"] == "closed"
    times = [bucket["at_us"] for bucket in visa["buckets"]]
    assert {b - a for a, b in itertools.pairwise(times)} == {2_000_000}
    assert view["now_us"] - times[0] == 5_000_000 + 11_000_000 - 4_000_000 - 5_000_000
    # Full buckets are told as percentiles, the thin ones at the ends payment by payment.
    assert [point["payment_id"] for point in visa["points"]] == ["pay_1"] * 20 + ["pay_2", "pay_4"]
    assert view["networks"]["amex"] == {
        "n": 0, "p50_ms": None, "p95_ms": None, "p99_ms": None,
        "error_rate": 0.0, "timeouts": 0, "rejected": 0, "buckets": [], "points": [],
    }  # fmt: skip


def test_the_window_ends_and_points_are_bounded() -> None:
    clock = Hands()
    book = LatencyBook(clock, ["visa"])
    for _ in range(250):
        book.record("visa", "answer", 1_000, "answered", payment_id="pay_1")
    clock.wait(10)
    book.record("visa", "answer", 2_000, "late", payment_id="pay_2")
    assert book.view(window_s=5, bucket_s=1)["networks"]["visa"]["n"] == 1
    view = book.view(window_s=11, bucket_s=1)["networks"]["visa"]
    assert (view["n"], len(view["points"])) == (251, 1)
    for _ in range(100):
        book.record("visa", "answer", 500_000, "timeout", payment_id="pay_3")
    assert len(book.view(window_s=5, bucket_s=1)["networks"]["visa"]["points"]) == 40


def test_a_network_that_got_slow_is_still_seen_after_a_busy_time() -> None:
    """Two hundred quick payments once pushed the slow ones out, and the chart had a hole."""
    clock = Hands()
    book = LatencyBook(clock, ["visa"])
    for second in range(30):
        slow = 10 <= second < 16
        for _ in range(5 if slow else 40):
            book.record("visa", "answer", 250_000 if slow else 40_000, "answered", payment_id="p")
        clock.wait(1)
    points = book.view(window_s=60, bucket_s=1)["networks"]["visa"]["points"]
    assert [point["ms"] for point in points] == [250.0] * 30


def test_other_hops_are_totals() -> None:
    book = LatencyBook(Hands(), ["visa"])
    book.record("visa", "issuer", 40_000, "answered")
    assert book.hop("visa", "issuer").quantile_ms(0.5) == pytest.approx(40, rel=0.003)
    assert book.hop("visa", "echo").count == 0
    assert book.view()["networks"]["visa"]["n"] == 0
