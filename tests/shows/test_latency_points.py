"""A dot of the latency chart says how its payment ended, also when the list has forgotten it."""

from __future__ import annotations

import pytest

from lab.console.rows import series
from tests.shows.laboratory import Laboratory

POINT = {"at_us": 1, "ms": 50.0, "payment_id": "pay_1"}


@pytest.mark.parametrize(
    ("link", "code", "states", "outcome"),
    [
        ("answered", "00", {}, "approved"),
        ("answered", "51", {}, "declined"),
        ("answered", None, {}, "unknown"),
        ("answered", "00", {"pay_1": "reversed"}, "reversed"),
        ("late", "00", {}, "unknown"),
        ("late", "00", {"pay_1": "approved"}, "approved"),
        ("timeout", None, {"pay_1": "unknown"}, "unknown"),
    ],
)
def test_what_a_dot_says(link: str, code: str | None, states: dict[str, str], outcome: str) -> None:
    point = {**POINT, "outcome": link, "response_code": code}
    visa = {"n": 1, "buckets": [], "points": [point]}
    body = {"now_us": 2, "bucket_us": 2, "networks": {"visa": visa}}
    [dot] = series(body, "visa", 120, (), states).points
    assert dot.outcome == outcome


def test_the_engine_tells_what_each_answer_was(own_lab: Laboratory) -> None:
    for number, order in enumerate(own_lab.orders([1240, 1251])):
        own_lab.pay(order, f"till-{number}")
    body = own_lab.send("GET", "/lab/metrics/latency").json()
    points = body["networks"]["visa"]["points"]
    assert [point["response_code"] for point in points] == ["00", "51"]
