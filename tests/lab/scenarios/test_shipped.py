"""Each shipped scenario passes, fails when it is falsified, is invalid without its fault.

A live one starts engine processes and kills them, which takes seconds and is what it shows. That it
can fail and be invalid is shown in the simulated world, where the same checks judge it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.resources import scenario_files
from lab.scenarios.loader import load_file
from lab.scenarios.model import Accepted, ApplyFaults, PlannedFault, Scenario, Want
from lab.scenarios.playing import play_once
from lab.scenarios.result import Verdict

SHIPPED = {path.stem: path for path in scenario_files()}
SHIPPED_AT_LEAST = 8
FAR_AWAY_S = 10_000_000.0

each_shipped = pytest.mark.parametrize("path", SHIPPED.values(), ids=SHIPPED)


def falsified(want: Want) -> Want:
    """The same subject, with something that it is not."""
    accepted = want.accepted
    if accepted.words:
        return replace(want, accepted=Accepted(words=("something else",)))
    if accepted.at_most is not None:
        return replace(want, accepted=Accepted(at_least=accepted.at_most + 1))
    assert accepted.at_least is not None
    return replace(want, accepted=Accepted(at_most=accepted.at_least - 1))


def impossible(fault: PlannedFault) -> PlannedFault:
    """The same fault, due when nobody is there any more."""
    body = {key: value for key, value in fault.body.items() if key != "to_s"}
    return replace(fault, body=body | {"from_s": FAR_AWAY_S})


def without_chances(scenario: Scenario) -> Scenario:
    return replace(
        scenario,
        faults=tuple(map(impossible, scenario.faults)),
        steps=tuple(
            replace(step, faults=tuple(map(impossible, step.faults)))
            if isinstance(step, ApplyFaults)
            else step
            for step in scenario.steps
        ),
    )


def test_there_are_at_least_eight_and_each_breaks_something() -> None:
    assert len(SHIPPED) >= SHIPPED_AT_LEAST
    assert all(load_file(path).all_faults for path in SHIPPED.values())


@each_shipped
def test_it_passes(path: Path) -> None:
    result = play_once(load_file(path))
    assert result.verdict is Verdict.PASSED, result.why
    assert all(fault.fired for fault in result.faults)


@each_shipped
def test_every_expectation_of_it_can_fail(path: Path) -> None:
    scenario = load_file(path)
    turned = tuple(
        replace(each, wants=tuple(map(falsified, each.wants))) for each in scenario.expectations
    )
    result = play_once(replace(scenario, expectations=turned), world="simulated")
    assert result.verdict is Verdict.FAILED
    ours = [check for check in result.checks if check.name != "invariants of the stores"]
    assert len(ours) == sum(len(each.wants) for each in scenario.expectations)
    assert [check for check in ours if check.ok] == []


@each_shipped
def test_it_is_invalid_when_its_fault_cannot_happen(path: Path) -> None:
    result = play_once(without_chances(load_file(path)), world="simulated")
    assert result.verdict is Verdict.INVALID
    assert {fault.name for fault in result.silent_faults} == {
        fault.name for fault in result.scenario.all_faults
    }
    assert "never fired" in result.why


def test_the_same_seed_tells_the_same_story_and_another_seed_another() -> None:
    scenario = load_file(SHIPPED["lost-answer"])
    first, again, other = (play_once(scenario, seed=seed) for seed in (11, 11, 12))
    assert first.event_log_sha256 == again.event_log_sha256
    assert first.to_json() == again.to_json()
    assert first.event_log_sha256 != other.event_log_sha256


def test_what_is_shipped_as_simulated_says_so_and_one_kills_a_real_engine() -> None:
    worlds = {name: load_file(path).world for name, path in SHIPPED.items()}
    assert worlds.pop("engine-killed") == "live"
    assert set(worlds.values()) == {"simulated"}


def test_the_engine_can_be_killed_in_the_simulated_world_as_well() -> None:
    result = play_once(load_file(SHIPPED["engine-killed"]), world="simulated")
    assert result.verdict is Verdict.PASSED, result.why
