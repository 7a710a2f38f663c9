"""The benchmark's own arithmetic: what it measures is there, what it cannot is said with a remedy.

No figure is judged here: a timed test would judge the machine.
"""

from __future__ import annotations

import importlib.util

import pytest

from backend.api import LabClock
from hardware.api import Address
from lab.bench_suite import against_pyemv, idle, stacks, tear_outs
from lab.bench_suite.figure import figure, missing
from lab.bench_suite.measures import rows_of
from lab.bench_suite.stacks import Stacks
from tests.lab.core.running import Running


def test_a_figure_shows_its_median_and_a_missing_one_its_reason() -> None:
    shown = figure("a", [3.0, 1.00049, 2.0], 5)
    assert shown == {"name": "a", "median": 2.0, "rounds": [3.0, 1.0, 2.0], "target": 5}
    gone = missing("b", None, "no reader: plug one in")
    assert rows_of({"figures": [shown, gone, figure("c", [1.0], None)]}) == (
        "a: 2.0 (target 5)",
        "b: not measured (no reader: plug one in)",
        "c: 1.0",
    )


def test_stacks_that_are_not_there_are_said_and_the_others_measured(lab: Running) -> None:
    """Nothing listens on that port: the card does not get into the reader."""
    nobody = Stacks(vpcd=Address("127.0.0.1", 9))
    found = lab.run(stacks.figures(lab.world, nobody, rounds=2, taps=1))
    by_name = {str(each["name"]): each for each in found}
    assert len(by_name["tap_in_process_ms"]["rounds"]) == 2
    assert by_name["tap_in_process_over_bare"]["median"] > 0
    assert by_name["tap_pcsc_over_bare"]["median"] is None
    assert ":" in str(by_name["tap_pcsc_ms"]["missing"])
    assert "--boards" in str(by_name["tap_pn532_ms"]["missing"])
    assert lab.world.element.armed is None


def test_pyemv_says_the_same_and_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["cryptogram_against_pyemv", "tlv_against_pyemv"]
    found = against_pyemv.figures(LabClock(), rounds=1)
    assert [each["name"] for each in found] == names
    assert all(each["median"] > 0 for each in found)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    absent = against_pyemv.figures(LabClock(), rounds=1)
    assert [each["name"] for each in absent] == names
    assert all("pip install pyemv" in str(each["missing"]) for each in absent)


def test_every_place_is_torn_and_nothing_is_wrong_after_it(lab: Running) -> None:
    """Over 0.25 s: some hundred pairs of taps."""
    tried, wrong = lab.run(tear_outs.figures(lab.world))
    assert tried["median"] >= 3 * 3 * 2 * len(tear_outs.EFFECTS)
    assert wrong["median"] == 0
    assert lab.world.element.armed is None


def test_watching_is_measured_or_said(lab: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "WATCHED_S", 0.01)
    (found,) = lab.run(idle.figures(lab.world.clock, lab.world.real_scheduler, rounds=1))
    assert found["name"] == "idle_monitor_cpu_percent"
    assert found["median"] is not None or found["missing"]
