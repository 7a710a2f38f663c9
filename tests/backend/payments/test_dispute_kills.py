"""The process dies before or after any commit of a dispute; books balance, nothing comes twice."""

from __future__ import annotations

import pytest

from backend.gateway.dispute_machine import CLOSED, DisputeState
from backend.runtime.errors import Conflict
from tests.disputing import Disputing

DAY_S = 86_400
AMOUNT = 10_000
# name: (what the merchant does, commits of the whole story when nobody dies, how it ends)
STORIES = {
    "won": ("winning_evidence", 3, DisputeState.WON),
    "lost": ("losing_evidence", 3, DisputeState.LOST),
    "reviewed": ("a long letter", 4, None),
    "lapsed": (None, 2, DisputeState.LOST),
    "given up": ("", 2, DisputeState.LOST),
}
KILLS = [
    (name, commit, after)
    for name, (_, commits, _) in STORIES.items()
    for commit in range(1, commits + 1)
    for after in (False, True)
]


@pytest.fixture
def sale(lab, order):
    """A captured payment's identifier."""
    lab.pay(order(amount_minor=AMOUNT), "k1")
    payment_id = lab.one("SELECT id FROM payments")["id"]
    lab.order_at_desk("capture", payment_id, "c1")
    lab.pass_advices(1)
    return payment_id


def tell(case: Disputing, payment_id: str, text: str | None) -> None:
    """Everything from the notice on, as the network and the merchant would do it (again)."""
    dispute = case.open(payment_id, AMOUNT)
    if text is not None and dispute.state is DisputeState.NEEDS_RESPONSE:
        if text:
            case.hand_in(dispute.id, text)
        else:
            case.accept(dispute.id)
    case.pass_time(15 * DAY_S)


def tell_and_be_killed(case: Disputing, payment_id: str, text: str | None) -> None:
    try:
        tell(case, payment_id, text)
    except BaseException:
        if not case.lab.database.dead:
            raise


def holds(lab) -> dict[str, int]:
    """Credit less debit of what disputes touch."""
    rows = lab.all(
        "SELECT account, SUM(CASE direction WHEN 'credit' THEN amount_minor ELSE -amount_minor END)"
        " AS minor FROM ledger_entries WHERE account LIKE '%dispute%' GROUP BY account"
    )
    return {row["account"]: row["minor"] for row in rows}


@pytest.mark.parametrize("name", STORIES)
def test_each_story_has_the_commits_that_are_killed_below(lab, sale, name):
    text, commits, end = STORIES[name]
    case, before = Disputing(lab), lab.database.writes
    tell(case, sale, text)
    assert lab.database.writes - before == commits
    dispute = case.of_payment(sale)
    assert dispute is not None
    assert dispute.state in CLOSED
    assert end in {None, dispute.state}
    assert lab.red_checks() == []


@pytest.mark.parametrize(("name", "commit", "after"), KILLS)
def test_a_kill_at_any_commit_holds_and_books_once(lab, sale, name, commit, after):
    text, _, end = STORIES[name]
    case = Disputing(lab)
    lab.database.kill_at, lab.database.after_commit = lab.database.writes + commit, after
    tell_and_be_killed(case, sale, text)
    assert lab.database.dead
    lab.restart()
    case.start()
    assert lab.red_checks() == []
    tell(case, sale, text)
    dispute = case.of_payment(sale)
    assert dispute is not None
    assert end in {None, dispute.state}
    assert dispute.state in CLOSED
    assert lab.red_checks() == []
    assert holds(lab) == {
        "liabilities:dispute-hold:mer_corner_market": 0,
        "revenue:dispute-fees": 1_500,
    }
    assert case.open(sale, AMOUNT) == dispute


def test_a_network_that_is_silent_is_asked_until_it_answers(lab, sale):
    case = Disputing(lab)
    dispute = case.open(sale, AMOUNT)
    case.desk.is_silent = True
    case.hand_in(dispute.id, "winning_evidence")
    case.pass_time(600)
    assert case.look(dispute.id).state is DisputeState.UNDER_REVIEW
    assert len(case.desk.asked) > 1
    assert case.look(dispute.id).tries == len(case.desk.asked)
    case.desk.is_silent = False
    case.pass_time(3_600)
    assert case.look(dispute.id).state is DisputeState.WON


def test_a_deadline_that_passed_while_nobody_was_here_lapses_at_the_start(lab, sale):
    case = Disputing(lab)
    dispute = case.open(sale, AMOUNT)
    lab.run(lab.scheduler.sleep(15 * DAY_S))
    with pytest.raises(Conflict, match="deadline"):
        case.hand_in(dispute.id, "winning_evidence")
    lab.restart()
    case.start()
    case.pass_time(1)
    assert case.look(dispute.id).state is DisputeState.LOST
