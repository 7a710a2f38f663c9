"""The process dies at any commit of settlement; the next one goes on, and nothing happens twice."""

from __future__ import annotations

import pytest

from backend.settlement.ports import Presentment
from backend.settlement.records import PayoutState
from tests.settling import Settling

ENDINGS = {"000123456789": PayoutState.PAID, "000111111116": PayoutState.FAILED}
# batches, clearing, payout, the bank's own book, sent, paid or returned
COMMITS = 6
KILLS = [
    (number, commit, after)
    for number in ENDINGS
    for commit in range(1, COMMITS + 1)
    for after in (False, True)
]


def prepared(lab, order, number):
    """Two currencies' captures, a reserve, and a bank that has its own mind."""
    settling = Settling(lab)
    for atc, currency in ((1, "USD"), (2, "USD")):
        lab.pay(order(atc=atc, amount_minor=10_000, currency=currency), f"k{atc}")
        (row,) = lab.all("SELECT id FROM payments WHERE atc = :atc", atc=atc)
        lab.order_at_desk("capture", row["id"], f"c{atc}")
    lab.run(settling.settlement.payouts.pay_to("mer_corner_market", number))
    booked = lab.clock.now_us()
    settling.files.lines.append(
        Presentment(
            "visa", "000000000001", "completion", "000001", "0101000000", 20_000, "USD", booked
        )
    )
    lab.database.writes = 0
    return settling


def settle(lab, settling):
    """Four days; the process may die in them."""
    try:
        settling.pass_days(4)
    except BaseException:
        if not lab.database.dead:
            raise


def expect_the_end(lab, settling, state):
    (batch,) = settling.batches()
    assert (batch.gross_minor, batch.net_minor) == (20_000, 19_360)
    payouts = settling.payouts()
    assert [payout.state for payout in payouts if payout.state is PayoutState.PAID] == (
        [state] if state is PayoutState.PAID else []
    )
    paid = sum(each.amount_minor for each in payouts if each.state is PayoutState.PAID)
    open_minor = sum(
        each.amount_minor
        for each in payouts
        if each.state in {PayoutState.PENDING, PayoutState.IN_TRANSIT}
    )
    _, available, _ = settling.balance()["USD"]
    assert paid + open_minor + available == 19_360
    assert lab.all("SELECT COUNT(*) AS n FROM clearings") == [{"n": 1}]
    assert lab.red_checks() == []


@pytest.mark.parametrize("number", ENDINGS)
def test_the_story_has_the_commits_that_are_killed_below(lab, order, number):
    settling = prepared(lab, order, number)
    settle(lab, settling)
    assert lab.database.writes >= COMMITS
    expect_the_end(lab, settling, ENDINGS[number])


@pytest.mark.parametrize(("number", "commit", "after"), KILLS)
def test_a_kill_at_any_commit_settles_and_pays_once(lab, order, number, commit, after):
    settling = prepared(lab, order, number)
    lab.database.kill_at, lab.database.after_commit = commit, after
    settle(lab, settling)
    assert lab.database.dead
    lab.restart()
    assert lab.red_checks() == []
    settling.open()
    settling.pass_days(3)
    expect_the_end(lab, settling, ENDINGS[number])
    references = [row["reference"] for row in lab.all("SELECT reference FROM bank_transfers")]
    assert sorted(references) == sorted(
        each.id for each in settling.payouts() if each.state is not PayoutState.PENDING
    )
