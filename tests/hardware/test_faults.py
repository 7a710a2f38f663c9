"""Faults as data: validation says what is wrong, wrappers do what is said, counts tell."""

from __future__ import annotations

from typing import Any

import pytest

from hardware.api import (
    CardCollision,
    CardFaultPlan,
    CardFaultSpec,
    FaultPlanError,
    FaultyLink,
    FaultyReader,
    ReaderGone,
)


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ({"link": "card", "effect": "pull", "at_apud": 2}, "at_apud"),
        ({"effect": "pull"}, "link"),
        ({"link": "visa.auth", "effect": "pull"}, "link"),
        ({"link": "card", "effect": "latency"}, "effect"),
        ({"link": "card", "effect": "unplug"}, "unplug"),
        ({"link": "reader", "effect": "short_data"}, "short_data"),
        ({"link": "card", "effect": "pull", "at_apdu": 0}, "at_apdu"),
        ({"link": "card", "effect": "pull", "at_apdu": True}, "at_apdu"),
        ({"link": "card", "effect": "pull", "at_apdu": 1001}, "at_apdu"),
        ({"link": "card", "effect": "pull", "moment": "during"}, "moment"),
        ({"link": "card", "effect": "pull", "when": "before"}, "when"),
        ({"link": "card", "effect": "pull", "when": {"bin": "4761"}}, "when"),
        ({"link": "card", "effect": "pull", "when": {"nth": 0}}, "nth"),
        ({"link": "card", "effect": "slow"}, "ms"),
        ({"link": "card", "effect": "slow", "ms": -1}, "ms"),
        ({"link": "card", "effect": "slow", "ms": float("nan")}, "ms"),
        ({"link": "card", "effect": "wrong_status", "sw": "7000"}, "sw"),
        ({"link": "card", "effect": "wrong_status", "sw": 0x6F00}, "sw"),
        ({"link": "card", "effect": "pull", "probability": 1.5}, "probability"),
        ({"link": "card", "effect": "pull", "probability": 0}, "probability"),
        ({"link": "card", "effect": "pull", "from_s": 5, "to_s": 5}, "to_s"),
        ({"link": "card", "effect": "pull", "from_s": 10**400}, "from_s"),
        ({"link": "card", "effect": "pull", "at_apdu": 16**5000}, "at_apdu"),
        ({"link": "card", "effect": "pull", "when": {"x": 16**5000}}, "when"),
        ({"link": 16**5000, "effect": "pull"}, "link"),
        ({"link": "card", "effect": "pull", "when": {"nth": 16**5000}}, "nth"),
        ({"link": "card", "effect": "pull", "to_s": float("inf")}, "to_s"),
        ({"link": "card", "effect": "collision", "at_apdu": 1}, "at_apdu"),
    ],
)
def test_a_bad_fault_is_refused_by_the_name_of_its_key(table: dict[str, Any], word: str) -> None:
    with pytest.raises(FaultPlanError, match=word):
        CardFaultSpec.from_table(table)


@pytest.mark.parametrize(
    "table",
    [
        {"link": "card", "effect": "pull", "moment": "before", "at_apdu": 3},
        {"link": "reader", "effect": "slow", "ms": 40.0, "jitter_ms": 10.0},
        {"link": "card", "effect": "wrong_status", "sw": "6985", "when": {"nth": 2}},
        {"link": "card", "effect": "mute", "probability": 0.5, "to_s": 9.0},
        {"link": "card", "effect": "collision"},
    ],
)
def test_a_fault_survives_being_written_and_read(table: dict[str, Any]) -> None:
    assert CardFaultSpec.from_table(table).to_table() == table


def plan_for(bench: Any, *tables: dict[str, Any], fired: list[Any] | None = None) -> CardFaultPlan:
    return CardFaultPlan.from_tables(
        tables,
        stream=bench.stream,
        clock=bench.time,
        scheduler=bench.time,
        on_fired=fired.append if fired is not None else None,
    )


def tap_with(bench: Any, plan: CardFaultPlan) -> Any:
    bench.arm()
    return bench.tap(FaultyLink(bench.link(), plan))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("at_apdu", [1, 2, 3])
@pytest.mark.parametrize(
    ("link", "effect", "reasons"),
    [
        ("reader", "unplug", {"reader_gone"}),
        ("card", "pull", {"pulled_too_early"}),
        ("card", "mute", {"card_silent"}),
        ("card", "wrong_status", {"no_ppse", "select_refused", "gpo_refused"}),
        (
            "card",
            "short_data",
            {"ppse_malformed", "fci_malformed", "gpo_malformed"},
        ),
    ],
)
def test_every_effect_at_every_command(
    bench: Any, link: str, effect: str, reasons: set[str], at_apdu: int, moment: str
) -> None:
    table = {"link": link, "effect": effect, "at_apdu": at_apdu, "moment": moment}
    fired: list[Any] = []
    plan = plan_for(bench, table, fired=fired)
    result = tap_with(bench, plan)
    assert result.reason in reasons
    assert result.apdu_count == at_apdu
    assert [(f.apdu, f.position) for f in fired] == [(at_apdu, 0)]
    assert (plan.counts[0].could_fire, plan.counts[0].fired) == (1, 1)
    assert plan.never_fired() == ()
    # "After" means the card has done its work: a GPO has spent its counter, though nobody heard.
    spent = at_apdu == 3 and moment == "after"
    assert bench.element.tokens()[0].atc == int(spent)


def test_a_fault_that_never_fired_is_known(bench: Any) -> None:
    plan = plan_for(bench, {"link": "card", "effect": "pull", "at_apdu": 9})
    assert tap_with(bench, plan).outcome == "online_request"
    assert plan.never_fired() == (plan.counts[0].spec,)


def test_slow_answers_take_longer_and_are_right(bench: Any) -> None:
    plan = plan_for(bench, {"link": "card", "effect": "slow", "ms": 300, "at_apdu": 2})
    result = tap_with(bench, plan)
    assert result.outcome == "online_request"
    assert [e.duration_us for e in result.exchanges] == [0, 300_000, 0]


def test_the_nth_time_and_the_time_window(bench: Any, run: Any) -> None:
    plan = plan_for(bench, {"link": "card", "effect": "pull", "at_apdu": 1, "when": {"nth": 2}})
    outcomes = [tap_with(bench, plan).reason for _ in range(3)]
    assert outcomes == ["online_request", "pulled_too_early", "online_request"]
    timed = plan_for(bench, {"link": "card", "effect": "pull", "from_s": 10, "to_s": 20})
    reasons = []
    for _ in range(3):
        reasons.append(tap_with(bench, timed).reason)
        run(bench.time.sleep(10))
    assert reasons == ["online_request", "pulled_too_early", "online_request"]


def test_probability_is_drawn_from_the_seed(bench: Any) -> None:
    table = {"link": "card", "effect": "pull", "at_apdu": 1, "probability": 0.5}
    plan = plan_for(bench, table)
    reasons = [tap_with(bench, plan).reason for _ in range(40)]
    assert 8 <= reasons.count("pulled_too_early") <= 32
    assert plan.counts[0].could_fire == 40
    assert plan.counts[0].fired == reasons.count("pulled_too_early")


def test_an_unplugged_reader_stays_gone_until_it_is_plugged_in(bench: Any, run: Any) -> None:
    plan = plan_for(bench, {"link": "reader", "effect": "unplug", "at_apdu": 2, "when": {"nth": 1}})
    inner = bench.reader()
    reader = FaultyReader(inner, plan)
    inner.present(bench.element.card())
    bench.arm()
    assert bench.tap(run(reader.wait_for_card(1))).reason == "reader_gone"
    assert reader.unplugged
    with pytest.raises(ReaderGone):
        run(reader.wait_for_card(1))
    reader.replug()
    assert bench.tap(run(reader.wait_for_card(1))).outcome == "online_request"
    assert (reader.url, reader.name) == ("sim:", "Bench")
    assert "faults" in reader.capabilities


def test_another_plan_takes_effect_with_the_next_card(bench: Any, run: Any) -> None:
    pull = {"link": "card", "effect": "pull", "at_apdu": 2}
    unplug = {"link": "reader", "effect": "unplug", "at_apdu": 1}
    inner = bench.reader()
    inner.present(bench.element.card())
    reader = FaultyReader(inner, plan_for(bench, pull))
    bench.arm()
    begun = run(reader.wait_for_card(1))
    reader.use_plan(plan_for(bench))
    assert bench.tap(begun).reason == "pulled_too_early"  # it ends as it began
    assert bench.tap(run(reader.wait_for_card(1))).outcome == "online_request"
    reader.use_plan(plan_for(bench, unplug))
    assert bench.tap(run(reader.wait_for_card(1))).reason == "reader_gone"
    reader.use_plan(plan_for(bench, pull, unplug))
    assert reader.unplugged  # the fault is still on
    reader.use_plan(plan_for(bench, pull))
    assert not reader.unplugged


def test_the_time_line_is_lab_time_and_may_have_begun_earlier(bench: Any) -> None:
    table = {"link": "card", "effect": "pull", "from_s": 10}
    for began_s, reason in ((5, "online_request"), (10, "pulled_too_early")):
        plan = CardFaultPlan.from_tables(
            [table],
            stream=bench.stream,
            clock=bench.time,
            scheduler=bench.time,
            applied_at_us=bench.time.now_us() - began_s * 1_000_000,
        )
        assert tap_with(bench, plan).reason == reason


def test_a_pulled_card_stays_away_for_this_conversation(bench: Any) -> None:
    plan = plan_for(bench, {"link": "card", "effect": "pull", "at_apdu": 1})
    link = FaultyLink(bench.link(), plan)
    assert bench.tap(link).reason == "pulled_too_early"
    assert bench.tap(link).reason == "pulled_too_early"
    assert plan.counts[0].fired == 1


def test_a_collision_happens_before_the_first_command(bench: Any, run: Any) -> None:
    plan = plan_for(bench, {"link": "reader", "effect": "collision"})
    inner = bench.reader()
    inner.present(bench.element.card())
    with pytest.raises(CardCollision):
        run(FaultyReader(inner, plan).wait_for_card(1))
    assert plan.counts[0].fired == 1
