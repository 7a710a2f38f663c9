"""The first seed that goes wrong, and the smallest fault plan with which it still does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from lab.scenarios.hunt import Play, hunt, shrink, with_faults
from lab.scenarios.model import (
    Accepted,
    ApplyFaults,
    Expectation,
    PlannedFault,
    Scenario,
    Tap,
    Want,
)
from lab.scenarios.playing import play_once
from lab.scenarios.result import Check, FaultCount, Result, Verdict

CHECK = "holds that stand"


def fault(name: str, **body: object) -> PlannedFault:
    return PlannedFault(name, {"link": "visa.auth", "effect": "latency", **body})


def plan(*faults: PlannedFault) -> Scenario:
    want = Want("fired.f1", Accepted(at_least=1))
    return Scenario(
        "s",
        steps=(Tap("t", 100, "USD", "visa"),),
        faults=faults,
        expectations=(Expectation((want, Want("holds", Accepted(at_least=1)))),),
    )


def playing(fails: Callable[[dict[str, PlannedFault], int], bool]) -> Play:
    """A laboratory that goes wrong by a rule of the test's."""

    def play(scenario: Scenario, seed: int) -> Result:
        on = {each.name: each for each in scenario.all_faults}
        check = Check(CHECK, "", "", "1", "2", ok=not fails(on, seed))
        counts = tuple(FaultCount(name, "visa.auth", "latency", seed % 2) for name in on)
        return Result(scenario, seed, "simulated", (check,), counts, ())

    return play


def test_the_hunt_stops_at_the_first_seed_that_fails() -> None:
    found = hunt(plan(fault("f1")), range(1, 100), playing(lambda _on, seed: seed == 7))
    assert (found.failing, len(found.results), found.verdict) == (7, 7, Verdict.FAILED)


def test_a_fault_need_not_fire_with_every_seed_but_with_one() -> None:
    never = playing(lambda _on, _seed: False)
    assert hunt(plan(fault("f1")), range(2, 6), never).verdict is Verdict.PASSED
    found = hunt(plan(fault("f1")), range(2, 3), never)
    assert (found.verdict, found.silent) == (Verdict.INVALID, ("f1",))


def test_only_the_faults_that_matter_are_left() -> None:
    play = playing(lambda on, _seed: {"f3", "f11"} <= on.keys())
    scenario = plan(*(fault(f"f{n}", ms=100) for n in range(1, 17)))
    shrunk = shrink(play(scenario, 1), play)
    assert {each.name for each in shrunk.scenario.faults} == {"f3", "f11"}
    assert shrunk.complete
    subjects = [w.subject for each in shrunk.scenario.expectations for w in each.wants]
    assert subjects == ["holds"]


def test_what_fails_anyway_needs_no_fault() -> None:
    play = playing(lambda _on, _seed: True)
    shrunk = shrink(play(plan(fault("f1"), fault("f2")), 1), play)
    assert shrunk.scenario.faults == ()
    assert shrunk.runs == 1


def test_numbers_become_small_and_conditions_go() -> None:
    play = playing(lambda on, _seed: "f1" in on and int(str(on["f1"].body["ms"])) >= 500)
    start = fault("f1", ms=9_000, jitter_ms=50, probability=0.5, when={"nth": 3}, to_s=9.0)
    shrunk = shrink(play(plan(start), 1), play)
    (left,) = shrunk.scenario.faults
    assert left.body.keys() == {"link", "effect", "ms"}
    assert 500 <= int(str(left.body["ms"])) <= 510


def test_another_failure_is_not_the_one_that_was_hunted() -> None:
    def play(scenario: Scenario, seed: int) -> Result:
        on = {each.name for each in scenario.all_faults}
        name = CHECK if "f1" in on else "something else"
        check = Check(name, "", "", "1", "2", ok=False)
        return Result(scenario, seed, "simulated", (check,), (), ())

    shrunk = shrink(play(plan(fault("f1"), fault("f2")), 1), play)
    assert [each.name for each in shrunk.scenario.faults] == ["f1"]


def test_when_the_runs_are_used_up_it_says_so() -> None:
    play = playing(lambda on, _seed: len(on) >= 7)
    scenario = plan(*(fault(f"f{n}", ms=100) for n in range(8)))
    shrunk = shrink(play(scenario, 1), play, runs_max=3)
    assert (shrunk.runs, shrunk.complete) == (3, False)


def test_faults_of_steps_are_left_out_as_well() -> None:
    scenario = replace(plan(), steps=(ApplyFaults("b", (fault("x"), fault("y"))),))
    assert with_faults(scenario, frozenset({"y"})).steps == (ApplyFaults("b", (fault("y"),)),)


def test_only_what_failed_can_be_shrunk() -> None:
    play = playing(lambda _on, _seed: False)
    with pytest.raises(AssertionError):
        shrink(play(plan(), 1), play)


def test_a_real_failure_is_hunted_and_shrunk(scenario_of: Callable[[str], Scenario]) -> None:
    scenario = scenario_of(
        """
[[step]]
name = "t"
do = "tap"
amount = "12.40"
[[fault]]
name = "needless"
link = "visa.auth"
effect = "latency"
ms = 3
[[fault]]
name = "slow"
link = "visa.auth"
effect = "latency"
ms = 700
probability = 0.5
[[expect]]
tap = "t"
outcome = "approved"
"""
    )
    found = hunt(scenario, range(1, 30), lambda each, seed: play_once(each, seed=seed))
    assert found.failing is not None
    last = found.results[-1]
    shrunk = shrink(last, lambda each, seed: play_once(each, seed=seed))
    (left,) = shrunk.scenario.faults
    assert left.name == "slow"
    assert "probability" not in left.body
    assert 480 <= int(str(left.body["ms"])) <= 530
    assert shrunk.result.failed
