"""What is not normal is computed in one place, and the film remembers when it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.console import presets
from lab.console.film import Film
from lab.deviations import deviations
from lab.engine_shapes import LabState
from lab.words import tell

NORMAL = LabState.from_json(
    {
        "world": "live",
        "seed": 7,
        "now_us": 1_000_000,
        "rate": 1.0,
        "clock_moved": False,
        "next_due_us": None,
        "faults": [],
        "breakers": [{"name": "visa", "state": "closed", "failures": 0, "forced": None}],
        "suspended": [],
        "unprotected_keys": False,
    }
)
SLOW = {"link": "visa.auth", "effect": "latency", "ms": 800, "jitter_ms": 200, "fired": 3}


def test_a_normal_lab_has_no_deviation() -> None:
    assert deviations(NORMAL, quiet_traffic=False) == ()


def test_everything_that_somebody_changed_is_named() -> None:
    changed = LabState.from_json(
        {
            "now_us": 1,
            "clock_moved": True,
            "rate": 10.0,
            "faults": [SLOW],
            "breakers": [{"name": "amex", "state": "open", "forced": "open"}],
            "suspended": [{"card_id": "card_1", "last4": "4444", "network": "mastercard"}],
        }
    )
    found = deviations(changed, quiet_traffic=True)
    assert [deviation.kind for deviation in found] == [
        "fault",
        "breaker",
        "clock",
        "traffic",
        "card",
    ]
    assert [tell(deviation.text) for deviation in found] == [
        "We broke Visa: slow, 800 ms",
        "Amex is held open by hand",
        "The lab clock runs 10 times as fast",
        "Quiet shop traffic (synthetic)",
        "Mastercard ·4444 is suspended",
    ]
    assert len({deviation.id for deviation in found}) == 5


def test_a_breaker_that_opened_by_itself_is_no_deviation() -> None:
    opened = LabState.from_json(
        {"now_us": 1, "breakers": [{"name": "visa", "state": "open", "forced": None}]}
    )
    assert deviations(opened, quiet_traffic=False) == ()


@pytest.mark.parametrize("network", presets.NETWORKS)
@pytest.mark.parametrize("kind", presets.KINDS, ids=lambda kind: kind.name)
def test_a_preset_is_an_entry_of_the_plan_and_is_found_again(
    network: str, kind: presets.PresetKind
) -> None:
    fault_id = f"{network}.{kind.name}"
    fault = presets.fault_of(fault_id, {})
    assert presets.preset_id_of(fault) == fault_id
    row = next(row for row in presets.rows(network, (fault,)) if row.id == fault_id)
    assert row.on
    assert row.parameters == kind.parameters


def test_a_preset_takes_only_its_own_numbers() -> None:
    assert presets.fault_of("visa.slow", {"ms": 900.0})["ms"] == 900
    with pytest.raises(KeyError):
        presets.fault_of("visa.silent", {"ms": 900.0})
    with pytest.raises(KeyError):
        presets.fault_of("discover.slow", {})


def test_the_board_counts_and_the_preset_shows_it() -> None:
    row = presets.rows("visa", (SLOW,))[0]
    assert (row.id, row.on, row.fired) == ("visa.slow", True, 3)
    assert "fired" not in presets.without_fired(SLOW)


def test_a_fault_leaves_its_span_on_the_film() -> None:
    film = Film(0)
    film.faults((SLOW,), 10)
    film.faults((SLOW,), 20)
    assert [(span.from_us, span.to_us) for span in film.spans] == [(10, None)]
    film.faults((), 30)
    film.faults((SLOW,), 40)
    assert [(s.fault_id, s.from_us, s.to_us) for s in film.spans] == [
        ("visa.slow", 10, 30),
        ("visa.slow", 40, None),
    ]
    film.mark(25, "")
    assert [mark.text for mark in film.marks] == ["1"]


def test_a_clock_that_was_only_moved_says_so() -> None:
    moved = replace(NORMAL, clock_moved=True)
    assert [d.text.key for d in deviations(moved, quiet_traffic=False)] == ["deviation.clock"]
