"""What a run says: passed, failed or invalid, and why; on the simulated laboratory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from lab.scenarios.model import Accepted, Expectation, Scenario, Want
from lab.scenarios.playing import play_once
from lab.scenarios.result import Result, Verdict

TAP = '[[step]]\nname = "t"\ndo = "tap"\namount = "12.40"\n'
Played = Callable[..., Result]


def test_a_tap_says_what_phone_till_and_bank_believed(played: Played) -> None:
    result = played(TAP + '[[expect]]\nphone = "approved"\ntill = "approved"\nbank = "held"\n')
    (tap,) = result.taps
    assert result.verdict is Verdict.PASSED
    assert (tap.phone, tap.till, tap.bank, tap.payment) == ("approved",) * 2 + ("held", "approved")
    assert tap.response_code == "00"
    assert result.deviations == ()
    assert result.traces[0][0] == f"{tap.tap_id}.apdu"


def test_a_payment_in_an_app_is_a_step_like_a_tap(played: Played) -> None:
    result = played(
        '[[step]]\nname = "t"\ndo = "pay_in_app"\namount = "18.00"\n'
        '[[step]]\nname = "no"\ndo = "pay_in_app"\namount = "18.51"\n'
        '[[expect]]\nholds = 1\nledger = "balanced"\n'
    )
    assert result.verdict is Verdict.PASSED, result.why
    paid, refused = result.taps
    assert (paid.outcome, paid.phone, paid.bank) == ("approved", "approved", "held")
    assert (refused.outcome, refused.phone, refused.bank) == ("declined", "declined", "declined")
    assert paid.tap_id.startswith("mss_")


def test_a_failure_says_what_was_expected_and_what_was_found(played: Played) -> None:
    result = played(TAP + '[[expect]]\nbank = ["released", "none"]\nholds = { at_most = 0 }\n')
    assert result.verdict is Verdict.FAILED
    assert [(c.expected, c.actual) for c in result.failed] == [
        ("released or none", "held"),
        ("at most 0", "1"),
    ]
    assert "expected released or none, was held" in result.why


def test_a_fault_that_never_fired_makes_it_invalid_whatever_else_is_right(played: Played) -> None:
    result = played(
        TAP + '[[fault]]\nname = "amex is slow"\nlink = "amex.auth"\neffect = "latency"\nms = 5\n'
        '[[expect]]\nbank = "held"\n'
    )
    assert not result.failed
    assert result.verdict is Verdict.INVALID
    assert result.why == "never fired: 'amex is slow' (amex.auth latency)"


def test_a_step_that_cannot_be_done_ends_the_story(played: Played) -> None:
    result = played(
        '[[step]]\nname = "never"\ndo = "wait_for"\nevent = "pigs.flew"\nwithin_s = 2\n'
        + TAP
        + '[[expect]]\nbank = "held"\n'
    )
    assert result.verdict is Verdict.FAILED
    assert [step.name for step in result.steps] == ["never"]
    assert "did not come to that within 2 s" in result.why
    assert result.taps == ()


def test_a_suspended_card_is_declined_and_a_reactivated_one_pays(played: Played) -> None:
    result = played(
        '[[step]]\ndo = "suspend"\ncard = "visa"\nexpect = { cards = { visa = "suspended" } }\n'
        '[[step]]\nname = "no"\ndo = "tap"\namount = "5"\n'
        '[[step]]\ndo = "reactivate"\ncard = "visa"\nexpect = { cards = { visa = "active" } }\n'
        '[[step]]\nname = "yes"\ndo = "tap"\namount = "5"\nexpect = { outcome = "approved" }\n'
        "[[expect]]\nholds = 1\n"
    )
    assert result.verdict is Verdict.PASSED, result.why
    assert result.taps[0].outcome != "approved"
    assert any("suspended" in words for words in result.deviations)


def test_cards_come_and_go(played: Played) -> None:
    result = played(
        '[[step]]\ndo = "provision"\ncard = "amex"\nexpect = { cards = { amex = "active" } }\n'
        '[[step]]\ndo = "make_default"\ncard = "amex"\n'
        '[[step]]\ndo = "remove_card"\ncard = "visa"\nexpect = { cards = { visa = "none" } }\n'
        '[[expect]]\nledger = "balanced"\n'
    )
    assert result.verdict is Verdict.PASSED, result.why


def test_a_forced_breaker_lets_nothing_through_and_is_given_back(played: Played) -> None:
    result = played(
        '[[step]]\nname = "f"\ndo = "force_breaker"\nnetwork = "visa"\nstate = "open"\n'
        'expect = { breakers = { visa = "open" } }\n' + TAP + '[[expect]]\npayment = "not_sent"\n'
        "rejected = { visa = { at_least = 1 } }\n"
    )
    assert result.verdict is Verdict.PASSED, result.why
    assert any("Visa" in words for words in result.deviations)


def test_faults_that_steps_apply_last_until_the_next_such_step(played: Played) -> None:
    result = played(
        '[[step]]\nname = "break"\ndo = "apply_faults"\n'
        'faults = [{ name = "gone", link = "visa.auth", effect = "lost_request" }]\n'
        '[[step]]\nname = "a"\ndo = "tap"\namount = "1"\nexpect = { outcome = "unknown" }\n'
        '[[step]]\ndo = "reset_faults"\n'
        '[[step]]\nname = "b"\ndo = "tap"\namount = "1"\nexpect = { outcome = "approved" }\n'
        "[[expect]]\nfired = { gone = 1 }\n"
    )
    assert result.verdict is Verdict.PASSED, result.why


def test_a_fault_keeps_its_time_line_while_others_come_and_go(played: Played) -> None:
    slow = '[[fault]]\nname = "{}"\nlink = "{}"\neffect = "latency"\nms = {}\n{}\n'
    result = played(
        TAP
        + '[[step]]\nname = "p"\ndo = "advance"\nseconds = 20\n'
        + '[[step]]\nname = "u"\ndo = "tap"\namount = "2"\n'
        + "expect = { latency_ms = { total = 50 } }\n"
        + '[[step]]\nname = "q"\ndo = "advance"\nseconds = 20\n'
        + '[[step]]\nname = "v"\ndo = "tap"\namount = "3"\n'
        + slow.format("early", "visa.auth", 100, "to_s = 15.0")
        + slow.format("meanwhile", "amex.auth", 1, 'during = "u"\nprobability = 0.0')
        + slow.format("late", "visa.auth", 200, "from_s = 30.0")
        + '[[expect]]\ntap = "v"\nlatency_ms = { total = 250 }\n[[expect]]\nholds = 3\n'
    )
    latencies = {tap.step: tap.latency_ms["total"] for tap in result.taps}
    assert latencies["t"] == pytest.approx(100, abs=20)
    assert latencies["u"] == pytest.approx(0, abs=20)
    assert latencies["v"] == pytest.approx(200, abs=20)
    assert not result.failed
    assert [fault.name for fault in result.silent_faults] == ["meanwhile"]


def test_a_fault_for_the_nth_message_does_not_strike_again_after_others_change(
    played: Played,
) -> None:
    result = played(
        "".join(f'[[step]]\nname = "{n}"\ndo = "tap"\namount = "{n}"\n' for n in (1, 2, 3))
        + '[[fault]]\nname = "once"\nlink = "visa.auth"\neffect = "lost_request"\n'
        "when = { nth = 1 }\n"
        '[[fault]]\nname = "slow"\nlink = "visa.auth"\neffect = "latency"\nms = 1\n'
        'during = ["2"]\n'
        "[[expect]]\nfired = { once = 1 }\npayments = { approved = 2 }\n"
    )
    assert result.verdict is Verdict.PASSED, result.why


def test_a_card_is_pulled_at_a_command_by_one_key(played: Played) -> None:
    result = played(
        '[[step]]\nname = "t"\ndo = "tap"\namount = "5"\npull_at_apdu = 2\n'
        'expect = { outcome = "try_again", bank = "none" }\n'
        '[[step]]\nname = "u"\ndo = "tap"\namount = "5"\nexpect = { outcome = "approved" }\n'
        '[[expect]]\nfired = { "t: card pulled" = 1 }\n'
    )
    assert result.verdict is Verdict.PASSED, result.why


def test_a_month_passes_and_the_hold_that_nobody_captured_lapses(played: Played) -> None:
    result = played(
        TAP + '[[step]]\nname = "days"\ndo = "advance"\nseconds = 518400\n'
        '[[step]]\nname = "month"\ndo = "advance"\nseconds = 2592000\n'
        '[[expect]]\nafter = "days"\nholds = 1\n'
        '[[expect]]\nbank = "released"\nholds = 0\nledger = "balanced"\n'
    )
    assert result.verdict is Verdict.PASSED, result.why
    assert result.steps[2].took_us >= 2_592_000_000_000


def test_balances_are_of_this_run_and_the_ledger_is_checked(played: Played) -> None:
    result = played(
        TAP + '[[expect]]\nledger = "balanced"\n'
        "balances = { USD = { customer-card = 1240, pending-settlement = -1240 } }\n"
    )
    assert result.verdict is Verdict.PASSED, result.why
    assert sum(minor for _, _, minor in result.ledger) == 0


def test_the_seed_of_the_command_line_goes_before_the_files(
    scenario_of: Callable[[str], Scenario],
) -> None:
    scenario = scenario_of(f'seed = 5\n{TAP}[[expect]]\nbank = "held"\n')
    assert play_once(scenario).seed == 5
    assert play_once(scenario, seed=6).seed == 6


def test_a_tap_that_was_never_made_fulfils_nothing() -> None:
    assert not Accepted(words=("none",)).admits(None)
    assert not Accepted(at_most=5).admits(None)
    assert not Accepted(at_least=0).admits("0")


def test_expectations_after_a_step_see_that_moment(scenario_of: Callable[[str], Scenario]) -> None:
    scenario = scenario_of(
        TAP + '[[step]]\nname = "u"\ndo = "tap"\namount = "2"\n[[expect]]\nholds = 2\n'
    )
    early = Expectation((Want("holds", Accepted(at_least=1, at_most=1)),), after="t")
    result = play_once(replace(scenario, expectations=(*scenario.expectations, early)))
    assert result.verdict is Verdict.PASSED, result.why
    assert {check.name for check in result.checks} >= {
        "holds that stand",
        "holds that stand, after t",
    }
