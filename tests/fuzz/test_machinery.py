"""The machinery itself: what is planted is found, and a finding says how to have it again."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from backend.runtime.clock import LabClock
from backend.runtime.entropy import SeededStream
from tests.fuzz.machinery import (
    CASE_BYTES_MAX,
    CASE_LIMIT_US,
    Case,
    Finding,
    Target,
    run,
    run_on_all_cores,
)
from tests.fuzz.targets import TARGETS

PLANTED_AT = 7
KEPT: list[bytes] = []


def _planted(name: str) -> Target:
    return Target(name, __name__, 10, 10, frozenset())


def error_case(folder: Path, held: ExitStack) -> Case:
    """Fails at one number only; which one it is, is drawn from the stream."""
    failing = SeededStream(20_261, f"error.{PLANTED_AT}").bytes(8)

    def case(stream: SeededStream) -> str:
        if stream.bytes(8) == failing:
            raise KeyError("untyped")
        return "good"

    return case


def slow_case(folder: Path, held: ExitStack) -> Case:
    """Takes longer than it may, every time."""
    clock = LabClock()

    def case(stream: SeededStream) -> str:
        end_us = clock.monotonic_us() + CASE_LIMIT_US + 1_000
        while clock.monotonic_us() < end_us:
            pass
        return "late"

    return case


def large_case(folder: Path, held: ExitStack) -> Case:
    """Takes too much at once."""

    def case(stream: SeededStream) -> str:
        return "large" if bytearray(CASE_BYTES_MAX + 1) else ""

    return case


def keeping_case(folder: Path, held: ExitStack) -> Case:
    """Keeps a little of every case."""
    held.callback(KEPT.clear)

    def case(stream: SeededStream) -> str:
        KEPT.append(bytes(1_000_000))
        return "kept"

    return case


def test_an_error_outside_the_tree_is_found_and_can_be_had_again() -> None:
    with pytest.raises(Finding, match="KeyError") as found:
        run(_planted("error"), 0, 10)
    assert f"error --seed 20261 --first {PLANTED_AT}" in str(found.value)
    with pytest.raises(Finding, match="KeyError"):
        run(_planted("error"), PLANTED_AT, 1)
    assert run(_planted("error"), 0, PLANTED_AT).reached == {"good": PLANTED_AT}


@pytest.mark.parametrize(
    ("name", "told"), [("slow", "three times"), ("large", "at once"), ("keeping", "keep")]
)
def test_what_takes_too_much_is_found(name: str, told: str) -> None:
    """Over 0.25 s where it is slow: that is what is planted."""
    with pytest.raises(Finding, match=told):
        run(_planted(name), 0, 3)


def test_parts_on_all_cores_are_the_same_cases() -> None:
    """Over 0.25 s: processes of their own, and what they find comes back whole."""
    (values,) = (target for target in TARGETS if target.name == "values")
    assert run_on_all_cores(values, 40).reached == run(values, 0, 40).reached
    with pytest.raises(Finding, match=f"--first {PLANTED_AT}"):
        run_on_all_cores(_planted("error"), 10)
