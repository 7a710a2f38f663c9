"""No answer, late answers, lost answers, crashes: each ends, and never as somebody's hold."""

from __future__ import annotations

import asyncio

import pytest

from backend.payments.answer import body_of
from backend.payments.follow_up import SCHEDULE_S, wait_after_us
from backend.payments.idempotency import KeyInFlight
from backend.runtime.errors import StorageError
from backend.switch.answers import NotSent, Unknown


def ended_without_a_hold(lab) -> None:
    """The till's final no, no hold at the network, and nothing left to do."""
    assert lab.networks.holds() == 0
    assert lab.all("SELECT * FROM payment_follow_ups WHERE done_at_us IS NULL") == []
    assert lab.one("SELECT state FROM idempotency_keys")["state"] == "final"
    balance = lab.all(
        "SELECT account, SUM(CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END)"
        " AS balance FROM ledger_entries GROUP BY account"
    )
    assert [row["balance"] for row in balance] == [0] * len(balance)


@pytest.mark.inv(335)
def test_past_the_channels_deadline_the_till_hears_pending(lab, order, answer):
    lab.networks.behaviours.append(lab.networks.answers_late("00", after_s=3))
    before_us = lab.clock.now_us()
    body = answer(lab.pay(order()))
    assert lab.clock.now_us() - before_us == 500_000
    assert (body["approved"], body["status"], body["requiresFollowup"]) == (False, "pending", True)
    assert body["reason"] == "no_answer_in_time"
    assert lab.states() == ["unknown"]


def test_a_late_approval_is_reversed(lab, order, answer):
    lab.networks.behaviours.append(lab.networks.answers_late("00", after_s=3))
    pending = lab.pay(order())
    assert lab.pay(order()).body == pending.body
    lab.pass_time(10)
    assert lab.states() == ["reversed"]
    final = lab.pay(order())
    assert final.replayed
    assert (answer(final)["approved"], answer(final)["status"]) == (False, "declined")
    assert lab.pay(order()).body == final.body
    assert [purpose["purpose"] for purpose in lab.all("SELECT purpose FROM ledger_entries")] == [
        "authorization", "authorization", "release", "release",
    ]  # fmt: skip
    assert lab.one("SELECT last_atc FROM token_atc")["last_atc"] == 1
    ended_without_a_hold(lab)


def test_a_late_decline_is_final(lab, order, answer):
    lab.networks.behaviours.append(lab.networks.answers_late("51", after_s=3))
    lab.pay(order())
    lab.pass_time(10)
    body = answer(lab.pay(order()))
    assert (body["status"], body["reason"]) == ("declined", "insufficient_funds")
    assert [question for question, _ in lab.networks.asked] == []
    ended_without_a_hold(lab)


@pytest.mark.parametrize("host_said", ["00", "51", None])
@pytest.mark.inv(336)
def test_silence_until_the_transport_gives_up_is_asked_after(lab, order, answer, host_said):
    lab.networks.behaviours.append(lab.networks.answers_late(None, after_s=29.5))
    lab.pay(order())
    if host_said is not None:  # the host decided, its response was lost
        lab.networks.decide(lab.networks.authorizations[0], host_said)
    started_us = lab.clock.now_us()
    lab.pass_time(120)
    expected = {"00": "reversed", "51": "declined", None: "reversed"}[host_said]
    assert lab.states() == [expected]
    questions = [question for question, _ in lab.networks.asked]
    assert questions == (["status"] if host_said == "51" else ["status", "reversal"])
    assert lab.networks.asked[0][1] - started_us == 34_500_000  # transport's end and 5 s
    assert answer(lab.pay(order()))["approved"] is False
    ended_without_a_hold(lab)


@pytest.mark.parametrize(("host_said", "state"), [("00", "reversed"), (None, "reversed")])
def test_a_lost_response_and_a_lost_request_end_alike(lab, order, host_said, state):
    lab.networks.behaviours.append(lab.networks.breaks("reset", host_said=host_said))
    lab.pay(order())
    assert lab.states() == ["unknown"]
    lab.pass_time(60)
    assert lab.states() == [state]
    results = [row["result"] for row in lab.all("SELECT result FROM payment_follow_ups")]
    assert results == ["found_approved" if host_said else "not_found", "reversed"]
    ended_without_a_hold(lab)


@pytest.mark.inv(336)
def test_the_schedule_is_the_one_that_is_promised():
    waits_s = [wait_after_us(tries) / 1_000_000 for tries in range(12)]
    assert waits_s == [5, 30, 300, 3_600, *[86_400] * 8]


def test_questions_are_repeated_on_the_schedule_until_answered(lab, order):
    lab.networks.behaviours.append(lab.networks.breaks("timeout", host_said="00"))
    lab.networks.follow_up_faults.extend([Unknown("timeout")] * 10)
    lab.pay(order())
    start_us = lab.clock.now_us()
    lab.pass_time(8 * 86_400)
    asked_s = [(at_us - start_us) / 1e6 for _, at_us in lab.networks.asked]
    waits = [after - before for before, after in zip([0.0, *asked_s], asked_s, strict=False)]
    assert waits[:11] == pytest.approx([*SCHEDULE_S, 86_400, 86_400], abs=0.02)
    assert lab.states() == ["reversed"]
    ended_without_a_hold(lab)


def test_a_question_that_could_not_leave_is_not_counted(lab, order):
    lab.networks.behaviours.append(lab.networks.breaks("reset", host_said="00"))
    lab.networks.follow_up_faults.extend([NotSent("breaker_open", retry_in_ms=7_000)] * 3)
    lab.pay(order())
    lab.pass_time(60)
    start_us = lab.networks.asked[0][1]
    assert [at_us - start_us for _, at_us in lab.networks.asked][:4] == [
        0, 7_000_000, 14_000_000, 21_000_000,
    ]  # fmt: skip
    tries = lab.one("SELECT tries FROM payment_follow_ups WHERE kind = 'status_query'")["tries"]
    assert tries == 0
    ended_without_a_hold(lab)


def test_an_approval_that_arrives_after_the_cure_is_cured_too(lab, order):
    lab.networks.behaviours.append(lab.networks.answers_late("00", after_s=120))
    lab.pay(order())
    lab.pass_time(60)
    assert lab.states() == ["reversed"]
    final = lab.pay(order())
    lab.pass_time(120)
    kinds = [row["kind"] for row in lab.all("SELECT kind FROM events WHERE kind LIKE 'payment.%'")]
    assert kinds[-3:] == ["payment.reversed", "payment.approval_too_late", "payment.reversed"]
    assert lab.pay(order()).body == final.body
    ended_without_a_hold(lab)


def test_an_approval_that_overtakes_a_reversals_answer_is_reversed_again(lab, order):
    """The network reversed nothing, then approved, and only then was its first answer heard."""
    lab.networks.behaviours.append(lab.networks.answers_late("00", after_s=60))
    lab.networks.reversal_answer_s = 29
    lab.pay(order())
    lab.pass_time(66)
    assert lab.states() == ["reversing"]  # the first answer came, the second is awaited
    lab.pass_time(60)
    assert lab.states() == ["reversed"]
    assert [question for question, _ in lab.networks.asked] == ["status", "reversal", "reversal"]
    ended_without_a_hold(lab)


@pytest.mark.parametrize(
    ("host_said", "state"), [("00", "reversed"), ("51", "declined"), (None, "reversed")]
)
def test_a_process_killed_between_the_phases_leaves_no_hold(lab, order, answer, host_said, state):
    lab.networks.behaviours.append(lab.networks.kills(host_said=host_said))
    lab.pay_and_be_killed(order())
    lab.restart()
    assert lab.states() == ["authorizing"]
    with pytest.raises(KeyInFlight):
        lab.pay(order())
    assert lab.run(lab.engine.recover()) == 1
    assert answer(lab.pay(order()))["status"] == "pending"
    lab.pass_time(5)
    assert lab.states() == [state]
    assert answer(lab.pay(order()))["approved"] is False
    assert len(lab.networks.authorizations) == 1
    ended_without_a_hold(lab)


def test_an_approval_committed_before_the_kill_stays(lab, order):
    told = lab.pay(order())
    lab.restart()
    assert lab.run(lab.engine.recover()) == 0
    lab.pass_time(60)
    assert lab.states() == ["approved"]
    assert lab.pay(order()).body == told.body
    assert lab.networks.holds() == 1


def test_a_restart_continues_with_unanswered_questions(lab, order):
    lab.networks.behaviours.append(lab.networks.breaks("reset", host_said="00"))
    lab.pay(order())
    lab.restart()
    assert lab.run(lab.engine.recover()) == 1
    lab.pass_time(60)
    assert lab.states() == ["reversed"]
    ended_without_a_hold(lab)


def test_a_caller_that_hangs_up_leaves_no_hold(lab, order):
    lab.networks.behaviours.append(lab.networks.says("00", after_s=0.3))

    async def impatient() -> None:
        async with asyncio.timeout(0.1):
            await lab.paying(order(), "T0000001-000001")

    with pytest.raises(TimeoutError):
        lab.run(impatient())
    lab.networks.decide(lab.networks.authorizations[0], "00")  # the request was on the wire
    lab.pass_time(60)
    assert lab.states() == ["reversed"]
    ended_without_a_hold(lab)


def test_a_full_disk_in_phase_two_is_cured_when_there_is_room(lab, order, monkeypatch):
    """The result could not be stored: the caller gets an error, the outcome is asked for later."""
    room = {"left": False}
    write = type(lab.database).write

    async def full(database, work):
        if len(lab.networks.authorizations) and not room["left"]:
            raise StorageError("engine.db: database or disk is full")
        return await write(database, work)

    monkeypatch.setattr(type(lab.database), "write", full)
    with pytest.raises(StorageError):
        lab.pay(order())
    lab.pass_time(3)
    assert lab.states() == ["authorizing"]
    assert any(event.kind == "storage.refused" for event in lab.events.recent())
    room["left"] = True
    lab.pass_time(60)
    assert lab.states() == ["reversed"]
    ended_without_a_hold(lab)


def test_a_recovery_that_takes_a_payment_away_wins(lab, order, answer):
    """Two processes on one store: the slower one finds its payment taken and tells that story."""

    async def meanwhile(request):
        await lab.engine.recover()
        return lab.networks.decide(request, "00")

    lab.networks.behaviours.append(meanwhile)
    body = answer(lab.pay(order()))
    assert (body["approved"], body["status"]) == (False, "pending")
    lab.pass_time(60)
    assert lab.states() == ["reversed"]
    ended_without_a_hold(lab)


def test_the_stored_final_answer_is_the_payments_own(lab, order):
    lab.networks.behaviours.append(lab.networks.answers_late("00", after_s=1))
    lab.pay(order())
    lab.pass_time(10)
    payment_id = lab.one("SELECT id FROM payments")["id"]
    payment = lab.database.read(lambda tx: lab.rows.find_payment(tx, payment_id))
    assert lab.one("SELECT response_body FROM idempotency_keys")["response_body"] == body_of(
        payment
    )
