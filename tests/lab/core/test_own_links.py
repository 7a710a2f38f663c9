"""Faults on reader, card, phone and till: the board has them, this process carries them out."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from hardware.api import TapResult
from lab.commands.tap import describe
from lab.json_fields import Json
from lab.pos.sale import Sale
from lab.pos.state import PosPhase
from lab.words import tell
from tests.lab.core.running import Running

IMPATIENT = httpx.Timeout(0.2, connect=1.0)


def put(lab: Running, *faults: Json) -> None:
    lab.run(lab.world.client.put_faults(faults))


def tap(lab: Running) -> Sale:
    sale = lab.run(lab.world.hands.tap(1240, "USD", patience_s=0.0))
    assert sale is not None
    return sale


def fired(lab: Running) -> list[int]:
    lab.run(lab.world.forwarding.flush())
    return [int(str(fault["fired"])) for fault in lab.run(lab.world.client.faults())]


@pytest.mark.parametrize(
    ("fault", "phase", "reason"),
    [
        ({"link": "reader", "effect": "unplug", "at_apdu": 2}, PosPhase.FAILED, "reader_gone"),
        ({"link": "reader", "effect": "collision"}, PosPhase.ONE_CARD, "two_cards"),
        ({"link": "card", "effect": "pull", "at_apdu": 2}, PosPhase.TRY_AGAIN, "pulled_too_early"),
        ({"link": "card", "effect": "mute", "ms": 5}, PosPhase.TRY_AGAIN, "card_silent"),
        ({"link": "card", "effect": "wrong_status", "sw": "6A82"}, PosPhase.OTHER_CARD, "no_ppse"),
        ({"link": "card", "effect": "short_data"}, PosPhase.OTHER_CARD, "ppse_malformed"),
    ],
)
def test_a_card_or_reader_fault_strikes_and_the_next_tap_is_whole(
    lab: Running, fault: Json, phase: PosPhase, reason: str
) -> None:
    put(lab, fault)
    sale = tap(lab)
    assert (sale.phase, sale.problem, sale.amount_minor) == (phase, reason, 1240)
    assert fired(lab) == [1]
    assert lab.world.pos.amount_minor == 1240  # kept
    put(lab)
    assert tap(lab).phase is PosPhase.APPROVED


def test_an_unplugged_reader_stays_gone_until_the_fault_is_lifted(lab: Running) -> None:
    put(lab, {"link": "reader", "effect": "unplug", "at_apdu": 2, "when": {"nth": 1}})
    assert tap(lab).problem == "reader_gone"
    again = tap(lab)
    assert (again.problem, again.tap) == ("reader_gone", None)
    assert tell(lab.world.pos.state.detail).startswith("Reader unplugged: plug it in")
    assert fired(lab) == [1]
    lab.run(lab.world.client.reset_faults())
    assert tap(lab).phase is PosPhase.APPROVED


def test_a_slow_card_is_slow(lab: Running) -> None:
    put(lab, {"link": "card", "effect": "slow", "ms": 60, "at_apdu": 2})
    sale = tap(lab)
    assert sale.phase is PosPhase.APPROVED
    assert isinstance(sale.tap, TapResult)
    assert sale.tap.exchanges[1].duration_us >= 60_000
    assert fired(lab) == [1]


def test_another_nth_is_counted_anew_by_another_plan(lab: Running) -> None:
    second = {"link": "card", "effect": "pull", "at_apdu": 1, "when": {"nth": 2}}
    put(lab, second)
    assert tap(lab).phase is PosPhase.APPROVED
    put(lab, second)
    assert [tap(lab).phase for _ in range(2)] == [PosPhase.APPROVED, PosPhase.TRY_AGAIN]


@pytest.fixture
def impatient(lab: Running) -> Iterator[Running]:
    """A lab whose phone and till give up on an answer after 0.2 s."""
    before = lab.world.http.timeout
    lab.world.http.timeout = IMPATIENT
    yield lab
    lab.run(lab.world.client.reset_faults())
    lab.world.http.timeout = before


def payments(lab: Running) -> int:
    return len(lab.run(lab.world.client.payments()))


def test_a_lost_answer_is_asked_for_again_with_the_same_key(impatient: Running) -> None:
    """Over 0.25 s: a real time-out, though a short one."""
    lab, before = impatient, payments(impatient)
    put(lab, {"link": "pos.engine", "effect": "lost_response", "when": {"nth": 1}})
    sale = lab.run(lab.world.hands.tap(1240, "USD"))
    assert sale is not None
    assert (sale.phase, sale.answer.replayed) == (PosPhase.APPROVED, True)
    assert payments(lab) == before + 1
    assert fired(lab) == [1]


def test_a_till_whose_answers_stay_away_finds_out_later(impatient: Running) -> None:
    """Over 0.25 s: a real time-out, though a short one; and the till asks again after a second."""
    lab, before = impatient, payments(impatient)
    put(lab, {"link": "pos.engine", "effect": "lost_response"})
    sale = tap(lab)
    assert (sale.phase, sale.problem) == (PosPhase.NOT_COMPLETED, "engine_silent")
    assert describe(sale, lab.world.wallet.cards[0])["outcome"] == "unknown"
    assert payments(lab) == before + 1  # the engine had done it
    put(lab)
    lab.until(lambda: lab.world.pos.state.phase is PosPhase.APPROVED)
    assert payments(lab) == before + 1


def test_a_lost_request_leaves_nothing_behind(impatient: Running) -> None:
    """Over 0.25 s: a real time-out, though a short one."""
    lab, before = impatient, payments(impatient)
    put(lab, {"link": "pos.engine", "effect": "timeout"})
    assert tap(lab).phase is PosPhase.NOT_COMPLETED
    assert payments(lab) == before
    put(lab)
    lab.until(lambda: lab.world.pos.state.phase is PosPhase.APPROVED)


@pytest.mark.parametrize("effect", ["reset_peer", "corrupt", "duplicate", "latency"])
def test_what_a_retry_cures(lab: Running, effect: str) -> None:
    before = payments(lab)
    numbers = {"ms": 40} if effect == "latency" else {}
    put(lab, {"link": "pos.engine", "effect": effect, "when": {"nth": 1}, **numbers})
    sale = lab.run(lab.world.hands.tap(1240, "USD"))
    assert sale is not None
    assert sale.phase is PosPhase.APPROVED
    assert payments(lab) == before + 1
    assert fired(lab) == [1]


def test_a_phone_that_is_cut_off_still_pays_and_hears_of_it_later(impatient: Running) -> None:
    """Over 0.25 s: the phone's own time-outs."""
    lab = impatient
    lab.call(lab.world.wallet.dismiss_banner)
    put(lab, {"link": "phone.engine", "effect": "timeout"})
    lab.until(lambda: lab.world.wallet.state.offline)
    sale = tap(lab)
    assert sale.phase is PosPhase.APPROVED
    lab.run(lab.world._look_up(sale.answer.payment_id))
    assert lab.world.wallet.state.banner_payment_id != sale.answer.payment_id
    put(lab)
    lab.until(lambda: not lab.world.wallet.state.offline)
    lab.until(lambda: lab.world.wallet.state.banner_payment_id == sale.answer.payment_id)


def test_faults_on_our_lines_leave_the_control_of_the_lab_alone(lab: Running) -> None:
    put(
        lab,
        {"link": "pos.engine", "effect": "timeout"},
        {"link": "phone.engine", "effect": "reset_peer"},
    )
    lab.run(lab.world.console.look())
    assert len(lab.world.console.state.deviations) == 2
    lab.run(lab.world.console.back_to_normal())
    assert lab.world.console.state.deviations == ()
    assert tap(lab).phase is PosPhase.APPROVED


def test_a_board_that_cannot_be_carried_out_is_said_and_changes_nothing(lab: Running) -> None:
    put(lab, {"link": "card", "effect": "pull", "at_apdu": 1})
    strange = {"seed": 1, "revision": 1, "applied_at_us": 1, "faults": [{"link": "card"}]}
    lab.call(lambda: lab.world.links.follow(strange))
    assert lab.world.log.recent()[-1].kind == "fault.not_understood"
    assert tap(lab).problem == "pulled_too_early"
