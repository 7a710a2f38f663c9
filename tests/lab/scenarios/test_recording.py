"""Record, break Visa, three taps, Stop: the file does it again. On the simulated laboratory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engine_shapes import BreakerRecord, LabState, PaymentRecord, SuspendedCard
from lab.errors import NotDone, SomethingMissing
from lab.scenarios.desk import RecordingState, Saved
from lab.scenarios.loader import load_file, load_text
from lab.scenarios.model import (
    Advance,
    ApplyFaults,
    ChangeCard,
    ForceBreaker,
    KillEngine,
    OrderSale,
    Tap,
)
from lab.scenarios.playing import play_once
from lab.scenarios.recording import Recording
from lab.scenarios.result import Verdict
from lab.scenarios.runner import play
from lab.scenarios.simulated_stage import SimulatedStage
from lab.scenarios.writer import to_toml
from lab.simulation import SimulatedLab
from tests.lab.scenarios.heard import START_US, clock, event, state

SILENCE = {"link": "visa.auth", "effect": "timeout"}
UNUSED = {"link": "amex.auth", "effect": "latency", "ms": 5}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[SimulatedLab]:
    with SimulatedLab(3, tmp_path / "lab") as opened:
        opened.run(opened.world.wallet.start_with_demo_cards())
        yield opened


def tap(lab: SimulatedLab, amount_minor: int) -> None:
    sale = lab.run(lab.world.hands.tap(amount_minor, "USD"))
    assert sale is not None


def rest(lab: SimulatedLab, seconds: float) -> None:
    lab.run(lab.world.real_scheduler.sleep(seconds))


def stopped(lab: SimulatedLab, target: Path) -> Saved:
    return lab.run(lab.world.desk.stop(target))


def test_record_break_visa_three_taps_stop_and_run_the_file(
    lab: SimulatedLab, tmp_path: Path
) -> None:
    desk, client = lab.world.desk, lab.world.client
    lab.run(desk.start())
    rest(lab, 2)
    lab.run(client.put_faults((SILENCE, UNUSED)))
    for amount_minor in (1240, 1250, 1260):
        rest(lab, 3)
        tap(lab, amount_minor)
    saved = stopped(lab, tmp_path / "outage.toml")

    scenario = load_file(saved.path)
    taps = [step for step in scenario.steps if isinstance(step, Tap)]
    assert [step.amount_minor for step in taps] == [1240, 1250, 1260]
    (broken,) = [step for step in scenario.steps if isinstance(step, ApplyFaults)]
    assert [fault.body for fault in broken.faults] == [SILENCE]  # what never fired is left out

    result = play_once(scenario)
    assert result.verdict is Verdict.PASSED, result.why
    assert [each.outcome for each in result.taps] == ["unknown"] * 3
    assert result.faults[0].fired >= 3


def test_what_was_decided_by_the_end_is_expected_of_everybody(
    lab: SimulatedLab, tmp_path: Path
) -> None:
    lab.run(lab.world.desk.start())
    tap(lab, 1240)
    tap(lab, 1251)
    rest(lab, 5)
    scenario = load_file(stopped(lab, tmp_path / "two.toml").path)
    wants = {
        (each.tap, want.subject): str(want.accepted)
        for each in scenario.expectations
        for want in each.wants
        if not each.after
    }
    assert wants["tap 1", "bank"] == "held"
    assert wants["tap 1", "phone"] == "approved"
    assert wants["tap 2", "response_code"] == "51"
    assert wants["tap 2", "bank"] == "declined"
    assert wants["", "ledger"] == "balanced"
    assert play_once(scenario).verdict is Verdict.PASSED


def test_patience_is_recorded_so_that_reversals_happen_again(
    lab: SimulatedLab, tmp_path: Path
) -> None:
    lab.run(lab.world.desk.start())
    lab.run(lab.world.client.put_faults(({"link": "visa.auth", "effect": "lost_response"},)))
    tap(lab, 2400)
    lab.run(lab.world.client.reset_faults())
    rest(lab, 120)
    scenario = load_file(stopped(lab, tmp_path / "lost.toml").path)
    result = play_once(scenario)
    assert result.verdict is Verdict.PASSED, result.why
    assert result.taps[0].payment == "reversed"


def test_forced_breakers_and_suspended_cards_are_recorded(
    lab: SimulatedLab, tmp_path: Path
) -> None:
    desk, client = lab.world.desk, lab.world.client
    visa = next(card for card in lab.world.wallet.cards if card.network == "visa")
    lab.run(desk.start())
    lab.run(client.force_breaker("visa", "open"))
    desk.looked(lab.run(client.lab_state()))
    tap(lab, 500)
    lab.run(client.force_breaker("visa", "auto"))
    lab.run(client.suspend(visa.id))
    desk.looked(lab.run(client.lab_state()))
    scenario = load_file(stopped(lab, tmp_path / "forced.toml").path)
    kinds = [type(step) for step in scenario.steps if not isinstance(step, Advance)]
    assert kinds == [ForceBreaker, Tap, ForceBreaker, ChangeCard]
    assert play_once(scenario).verdict is Verdict.PASSED


def test_a_scenario_leaves_the_board_as_it_found_it(lab: SimulatedLab) -> None:
    lab.run(lab.world.client.put_faults((SILENCE,)))
    text = 'name = "g"\n[[step]]\ndo = "tap"\namount = "5"\n[[expect]]\noutcome = "approved"\n'
    played = lab.run(play(load_text(text, "g.toml"), SimulatedStage(lab), 1))
    assert played.verdict is Verdict.PASSED, played.why
    (left,) = lab.run(lab.world.client.faults())
    assert (left["link"], left["effect"]) == ("visa.auth", "timeout")


def test_the_key_shows_that_it_records(lab: SimulatedLab, tmp_path: Path) -> None:
    bus, desk = lab.world.bus, lab.world.desk
    assert bus.latest(RecordingState) == RecordingState()
    lab.run(desk.start())
    assert bus.latest(RecordingState) == RecordingState(on=True)
    tap(lab, 700)
    assert bus.latest(RecordingState) == RecordingState(on=True, steps=1)
    saved = stopped(lab, tmp_path / "folder")
    assert bus.latest(RecordingState) == RecordingState()
    assert saved.path.parent == tmp_path / "folder"
    assert saved.path.name.startswith("recorded-2026")


def test_nothing_done_is_nothing_saved(lab: SimulatedLab, tmp_path: Path) -> None:
    lab.run(lab.world.desk.start())
    with pytest.raises(NotDone):
        stopped(lab, tmp_path / "nothing.toml")
    assert not (tmp_path / "nothing.toml").exists()
    with pytest.raises(NotDone):
        stopped(lab, tmp_path / "nothing.toml")


def test_a_file_that_cannot_be_written_is_named(lab: SimulatedLab, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    lab.run(lab.world.desk.start())
    tap(lab, 700)
    with pytest.raises(SomethingMissing, match="cannot be written"):
        stopped(lab, tmp_path / "file" / "x.toml")


# -- what is heard, without a laboratory ---------------------------------------------------------


def payment(tap_id: str, network: str) -> PaymentRecord:
    return PaymentRecord.from_json(
        {
            "id": f"pay_{tap_id}",
            "tap_id": tap_id,
            "created_at_us": START_US,
            "network": network,
            "amount_minor": 100,
            "currency": "USD",
            "state": "approved",
            "bank": "held",
        }
    )


def test_a_clock_that_was_jumped_is_a_pause_of_that_length() -> None:
    recording = Recording("r", state(), clock())
    recording.heard(event("clock.changed", 86_490.5, clock_offset_s=86_400.0, rate=1.0))
    scenario = recording.finish(state(at_s=86_400 + 90.5), [])
    assert [step.seconds for step in scenario.steps if isinstance(step, Advance)] == [
        90.5,
        86_400.0,
    ]


def test_an_engine_that_was_killed_during_a_tap_is_killed_during_it_again() -> None:
    recording = Recording("r", state(), clock())
    recording.heard(event("fault.applied", 1, faults=[SILENCE | {"id": "f1"}], seed=5))
    recording.heard(event("tap.started", 2, "tap_1", amount_minor=100, currency="USD"))
    recording.heard(event("fault.fired", 2, fault="f1"))
    recording.heard(event("engine.started", 3))
    recording.heard(event("till.showed", 4, "tap_1", belief="approved"))
    scenario = recording.finish(state(at_s=4), [payment("tap_1", "amex")])
    done = [step for step in scenario.steps if not isinstance(step, Advance)]
    assert [type(step).__name__ for step in done[:2]] == ["ApplyFaults", "Tap"]
    assert isinstance(done[1], Tap)
    assert (done[1].background, done[1].card) == (True, "amex")
    assert any(isinstance(step, KillEngine) for step in done)
    assert done[-1] == ApplyFaults(done[-1].name, ())  # the faults died with the engine
    assert scenario.seed == 5
    assert load_text(to_toml(scenario), "r.toml").steps == scenario.steps


def test_what_is_broken_already_is_the_first_step() -> None:
    recording = Recording("r", state(faults=(SILENCE | {"id": "f1", "fired": 3},)), clock())
    recording.heard(event("fault.fired", 1, fault="f1"))
    (step,) = recording.finish(state(at_s=0.5), []).steps
    assert isinstance(step, ApplyFaults)
    assert step.faults[0].body == SILENCE


def test_taps_of_a_load_generator_are_not_recorded() -> None:
    recording = Recording("r", state(), clock())
    recording.heard(event("payment.approved", 1, "tap_synthetic"))
    recording.heard(event("till.showed", 1, "tap_unknown", belief="approved"))
    assert recording.steps == 0


def test_looking_twice_at_the_same_state_records_it_once() -> None:
    forced = BreakerRecord("visa", "open", 0, None, 0, forced=True)
    suspended = SuspendedCard("crd_1", "4242", "visa")
    recording = Recording("r", state(), clock())
    busy: LabState = state(at_s=1, breakers=(forced,), suspended=(suspended,))
    recording.looked(busy)
    recording.looked(busy)
    assert recording.steps == 2
    given_back, again = recording.finish(state(at_s=1), []).steps[-2:]
    assert given_back == ForceBreaker(given_back.name, "visa", "auto")
    assert again == ChangeCard(again.name, "visa", "reactivate")


@pytest.mark.inv(112)
def test_what_the_cashier_did_afterwards_is_recorded_and_done_again(
    lab: SimulatedLab, tmp_path: Path
) -> None:
    after, desk = lab.world.after_sale, lab.world.desk
    tap(lab, 500)  # before the recording: what is done with it later is none of its steps
    earlier = lab.world.pos.state.payment_id
    lab.run(desk.start())
    tap(lab, 1240)
    after.choose(lab.world.pos.state.payment_id)
    lab.run(after.capture())
    lab.run(after.refund(240))
    tap(lab, 760)
    after.choose(lab.world.pos.state.payment_id)
    lab.run(after.void())
    after.choose(earlier)
    lab.run(after.void())
    after.close()
    rest(lab, 3)
    saved = stopped(lab, tmp_path / "afterwards.toml")

    scenario = load_file(saved.path)
    orders = [
        (step.what, step.tap, step.amount_minor)
        for step in scenario.steps
        if isinstance(step, OrderSale)
    ]
    assert orders == [("capture", "tap 1", 0), ("refund", "tap 1", 240), ("void", "tap 2", 0)]
    assert load_text(to_toml(scenario), "again") == scenario
    result = play_once(scenario)
    assert result.verdict is Verdict.PASSED, [each for each in result.checks if not each.ok]
