"""What is not normal is computed in one place, and the film remembers when it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.api import read_faults
from lab.console import presets
from lab.console.film import Film
from lab.deviations import deviations
from lab.engine_shapes import LabState
from lab.words import tell, tr

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


@pytest.mark.parametrize("preset", presets.PRESETS.values(), ids=lambda preset: preset.id)
def test_a_preset_is_an_entry_of_the_plan_and_is_found_again(preset: presets.Preset) -> None:
    fault = presets.fault_of(preset.id, {})
    (read,) = read_faults([fault])  # the engine takes it
    shown = read.to_json()
    assert presets.preset_of(shown) == preset
    row = next(row for row in presets.rows(preset.network, (shown,)) if row.id == preset.id)
    assert row.on
    assert row.parameters == preset.parameters
    assert row.group == preset.group
    assert tr(row.title)


def test_every_groups_presets_are_few_enough_to_see_at_once() -> None:
    groups = [row.group for row in presets.rows("visa", ())]
    assert [groups.count(name) for name in ("network", "card", "lines")] == [6, 6, 6]


def test_no_number_of_a_command_means_whichever_comes() -> None:
    assert "at_apdu" not in presets.fault_of("card.pulled", {"at_apdu": 0.0})
    assert presets.fault_of("card.pulled", {"at_apdu": 3.0})["at_apdu"] == 3
    rows = presets.rows("visa", ({"link": "card", "effect": "pull", "fired": 1},))
    assert next(row for row in rows if row.id == "card.pulled").parameters == (("at_apdu", 0),)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"link": "card", "effect": "pull", "at_apdu": 2},
         "Our fault: Card pulled away too early, command 2"),
        ({"link": "pos.engine", "effect": "lost_response"}, "Our fault: Till's answer lost"),
        ({"link": "card", "effect": "slow", "ms": 400}, "Our fault: Card answers slowly, 400 ms"),
        ({"link": "card", "effect": "wrong_status", "at_apdu": 3},
         "We broke card: wrong status, command 3"),
        ({"link": "database", "effect": "latency", "ms": 9}, "We broke database: latency, 9 ms"),
    ],
)  # fmt: skip
def test_a_fault_of_our_own_links_is_named_in_the_strip(
    fault: dict[str, object], said: str
) -> None:
    (deviation,) = deviations(replace(NORMAL, faults=(fault,)), quiet_traffic=False)
    assert tell(deviation.text) == said


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
