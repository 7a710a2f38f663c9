"""Two sides of the same money: each planted difference is found, named and explained."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.runtime.errors import BadRequest
from backend.settlement.ports import Presentment
from backend.settlement.reconciliation import DifferenceKind, Line, reconcile
from backend.storage.reconciliation_rows import clearing_csv, read_clearing_csv

OURS = [
    Line("visa completion 1", "completion", 10_000, "USD", "2026-03-02"),
    Line("visa completion 2", "completion", 2_500, "USD", "2026-03-02"),
    Line("visa refund 3", "refund", -500, "USD", "2026-03-02"),
]


def test_what_agrees_is_in_order():
    found = reconcile(OURS, OURS[::-1], they="the network")
    assert (found.in_order, found.differences, found.explained) == (3, (), True)
    assert found.ours_minor == {"USD": 12_000}


@pytest.mark.inv(220, 229)
@pytest.mark.parametrize(
    ("kind", "ours", "theirs", "words"),
    [
        (DifferenceKind.MISSING_THERE, OURS, OURS[1:], "that the network does not have"),
        (DifferenceKind.MISSING_HERE, OURS[1:], OURS, "that we know nothing of"),
        (
            DifferenceKind.AMOUNT, OURS, [replace(OURS[0], signed_minor=9_900), *OURS[1:]],
            "we booked 100.00 USD, the network 99.00 USD",
        ),
        (DifferenceKind.DUPLICATE, OURS, [OURS[0], *OURS], "the network booked this completion"),
        (DifferenceKind.DUPLICATE, [OURS[0], *OURS], OURS, "we booked this completion"),
        (
            DifferenceKind.TIMING, OURS, [replace(OURS[0], day="2026-03-03"), *OURS[1:]],
            "we booked it on 2026-03-02, the network on 2026-03-03",
        ),
        (
            DifferenceKind.TIMING, [replace(OURS[0], under_way=True), *OURS[1:]], OURS[1:],
            "has yet to confirm it",
        ),
    ],
)  # fmt: skip
def test_each_planted_difference_is_found_and_explained(kind, ours, theirs, words):
    found = reconcile(ours, theirs, they="the network")
    (difference,) = found.differences
    assert difference.kind is kind
    assert words in difference.sentence
    assert found.explained
    assert not found.to_json()["ok"]


LINES = st.lists(
    st.builds(
        Line,
        st.sampled_from(["a", "b", "c", "d"]),
        st.just("completion"),
        st.integers(-1_000, 1_000),
        st.just("USD"),
        st.sampled_from(["2026-03-02", "2026-03-03"]),
    ),
    max_size=8,
)


@given(ours=LINES, theirs=LINES)
def test_differences_always_make_up_the_whole_gap(ours, theirs):
    found = reconcile(ours, theirs, they="the bank")
    assert found.explained
    assert {each.reference for each in found.differences} <= {
        line.reference for line in ours + theirs
    }


def test_a_clearing_file_comes_back_as_it_was_written():
    lines = [Presentment("visa", "1", "completion", "2", "0302101500", 1_240, "USD", 5)]
    assert read_clearing_csv(clearing_csv(lines)) == lines


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:0],
        lambda text: text.replace("network,", "net,"),
        lambda text: text.replace(",1240,", ",12.40,"),
        lambda text: text.replace(",1240,", ",-1240,"),
        lambda text: text.replace("USD", "XXX"),
        lambda text: text.replace("completion", "sale"),
        lambda text: text + "visa,1\n",
        lambda text: text.replace(",1240,", f",{'9' * 60},"),
    ],
)
def test_a_spoiled_clearing_file_is_refused_with_its_line(spoil):
    lines = [Presentment("visa", "1", "completion", "2", "0302101500", 1_240, "USD", 5)]
    with pytest.raises(BadRequest, match=r"line [123] of the file"):
        read_clearing_csv(spoil(clearing_csv(lines)).replace("\n\n", "\n"))
