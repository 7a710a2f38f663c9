"""Capture, void and refund: right to the cent, once, whatever is lost or killed in between."""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.gateway.fees import FeePlan, RefundFee
from backend.payments.idempotency import KeyMismatch
from backend.runtime.errors import BadRequest

HOUR_S = 3_600
NO_FIXED_FEE = FeePlan(fixed_major=Decimal(0))


def approved(lab, order, atc=1, amount_minor=10_000):
    """A payment that the till was told is approved; its identifier."""
    reply = lab.pay(order(atc=atc, amount_minor=amount_minor), f"tap{atc}")
    answer = orjson.loads(reply.body)
    assert answer["approved"]
    return answer["transactionId"]


def balances(lab, payment_id):
    rows = lab.all(
        "SELECT account, SUM(CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END)"
        " AS balance FROM ledger_entries WHERE payment_id = :id GROUP BY account",
        id=payment_id,
    )
    return {row["account"].split(":")[1]: row["balance"] for row in rows if row["balance"]}


@pytest.mark.inv(174, 216, 219, 237)
def test_a_capture_books_the_worked_example(lab, order):
    lab.plan = NO_FIXED_FEE
    lab.start_engine(first_seq=1_000)
    payment_id = approved(lab, order)
    answer = orjson.loads(lab.order_at_desk("capture", payment_id, "c1").body)
    assert answer["status"] == "captured"
    assert (answer["amount"], answer["fee"]) == (10_000, 290)
    assert balances(lab, payment_id) == {
        "customer-card": 10_000, "merchant-pending": -9_710, "processing-fees": -290,
    }  # fmt: skip
    lab.pass_time(1)
    assert lab.networks.owed_minor() == 10_000
    assert lab.red_checks() == []


@pytest.mark.inv(237, 242)
def test_the_fee_is_2_9_percent_and_30_cents(lab, order):
    payment_id = approved(lab, order)
    assert orjson.loads(lab.order_at_desk("capture", payment_id, "c1").body)["fee"] == 320


@pytest.mark.inv(189, 193, 194)
def test_a_partial_refund_books_the_worked_example(lab, order):
    lab.plan = NO_FIXED_FEE
    lab.start_engine(first_seq=1_000)
    payment_id = approved(lab, order)
    lab.order_at_desk("capture", payment_id, "c1")
    answer = orjson.loads(lab.order_at_desk("refund", payment_id, "r1", 5_000).body)
    assert answer["status"] == "pending"
    refund = lab.all(
        "SELECT account, direction, amount_minor FROM ledger_entries WHERE purpose = 'refund'"
    )
    assert [(row["account"].split(":")[1], row["direction"], row["amount_minor"]) for row in refund
            ] == [
        ("merchant-pending", "debit", 4_855), ("processing-fees", "debit", 145),
        ("customer-card", "credit", 5_000),
    ]  # fmt: skip
    lab.pass_time(1)
    (told,) = lab.desk.refunds("mer_corner_market", payment_id)
    assert told["status"] == "succeeded"
    assert lab.networks.owed_minor() == 5_000
    assert lab.red_checks() == []


@pytest.mark.inv(112)
def test_a_repeated_refund_hears_the_same_bytes_and_pays_once(lab, order):
    payment_id = approved(lab, order)
    lab.order_at_desk("capture", payment_id, "c1")
    first = lab.order_at_desk("refund", payment_id, "r1", 4_000)
    lab.pass_time(HOUR_S)
    again = lab.order_at_desk("refund", payment_id, "r1", 4_000)
    assert (again.body, again.replayed, first.replayed) == (first.body, True, False)
    with pytest.raises(KeyMismatch):
        lab.order_at_desk("refund", payment_id, "r1", 4_001)
    with pytest.raises(KeyMismatch):
        lab.order_at_desk("capture", payment_id, "r1", 4_000)
    assert lab.one("SELECT refunded_minor AS n FROM payments")["n"] == 4_000
    assert lab.networks.owed_minor() == 6_000
    # The tap's own answer stays as it was told.
    assert orjson.loads(lab.pay(order(atc=1, amount_minor=10_000), "tap1").body)["approved"]


@pytest.mark.inv(190, 179)
def test_what_is_not_captured_is_voided(lab, order):
    payment_id = approved(lab, order)
    with pytest.raises(BadRequest, match="voided whole"):
        lab.order_at_desk("refund", payment_id, "r0", 1)
    answer = orjson.loads(lab.order_at_desk("refund", payment_id, "r1").body)
    assert answer["status"] == "voided"
    lab.pass_time(1)
    assert lab.states() == ["reversed"]
    assert balances(lab, payment_id) == {}
    assert lab.networks.holds() == 0
    assert lab.networks.owed_minor() == 0
    assert lab.red_checks() == []


def test_a_partial_capture_releases_the_rest(lab, order):
    payment_id = approved(lab, order)
    lab.order_at_desk("capture", payment_id, "c1", 6_000)
    assert balances(lab, payment_id)["customer-card"] == 6_000
    assert "pending-settlement" not in balances(lab, payment_id)
    with pytest.raises(BadRequest) as refused:
        lab.order_at_desk("refund", payment_id, "r1", 6_001)
    assert refused.value.code == "refund_exceeds_capture"
    assert lab.red_checks() == []


@pytest.mark.inv(191)
@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([("capture", 10_001)], "capture_exceeds_authorization"),
        ([("capture", None), ("capture", None)], "already_captured"),
        ([("capture", None), ("void", None)], "already_captured"),
        ([("void", None), ("capture", None)], "not_approved"),
        ([("void", None), ("refund", None)], "not_approved"),
        ([("void", None), ("void", None)], "not_approved"),
        ([("capture", None), ("refund", 10_001)], "refund_exceeds_capture"),
        ([("capture", None), ("refund", None), ("refund", 1)], "refund_exceeds_capture"),
        ([("capture", None), ("refund", None), ("refund", None)], "refund_exceeds_capture"),
        ([("capture", 0)], "amount_not_positive"),
        ([("capture", None), ("refund", -1)], "amount_not_positive"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(lab, order, steps, code):
    payment_id = approved(lab, order)
    for number, (what, amount_minor) in enumerate(steps[:-1]):
        lab.order_at_desk(what, payment_id, f"k{number}", amount_minor)
    before = lab.all("SELECT * FROM payments"), lab.all("SELECT * FROM ledger_entries")
    what, amount_minor = steps[-1]
    with pytest.raises(BadRequest) as refused:
        lab.order_at_desk(what, payment_id, "last", amount_minor)
    assert refused.value.code == code
    assert before == (lab.all("SELECT * FROM payments"), lab.all("SELECT * FROM ledger_entries"))
    # A refused order leaves its key free for the right one.
    assert lab.all("SELECT * FROM idempotency_keys WHERE \"key\" = 'last'") == []


@pytest.mark.parametrize("what", ["capture", "void", "refund"])
def test_another_merchants_payment_does_not_exist(lab, order, what):
    payment_id = approved(lab, order)
    for identifier, merchant in ((payment_id, "mer_other"), ("pay_none", "mer_corner_market")):
        with pytest.raises(BadRequest) as refused:
            lab.order_at_desk(what, identifier, "k1", merchant_id=merchant)
        assert (refused.value.code, refused.value.status) == ("payment_not_found", 404)


def test_a_declined_payment_has_nothing_to_give(lab, order):
    lab.networks.behaviours.append(lab.networks.says("51"))
    payment_id = orjson.loads(lab.pay(order()).body)["transactionId"]
    for what in ("capture", "void", "refund"):
        with pytest.raises(BadRequest, match="declined"):
            lab.order_at_desk(what, payment_id, what)


def test_a_refused_refund_is_booked_back(lab, order):
    payment_id = approved(lab, order)
    lab.order_at_desk("capture", payment_id, "c1")
    before = balances(lab, payment_id)
    lab.pass_time(1)
    lab.networks.advice_faults.append("14")
    lab.order_at_desk("refund", payment_id, "r1", 2_500)
    lab.pass_time(1)
    (told,) = lab.desk.refunds("mer_corner_market", payment_id)
    assert (told["status"], told["failure"], told["amountRefunded"]) == ("failed", "refused", 0)
    assert balances(lab, payment_id) == before
    assert lab.red_checks() == []
    lab.order_at_desk("refund", payment_id, "r2")  # all of it is there to be refunded
    lab.pass_time(1)
    assert lab.networks.owed_minor() == 0


@pytest.mark.parametrize("fault", ["lost request", "lost response", "not sent"])
def test_networks_are_told_until_they_take_note_in_order(lab, order, fault):
    payment_id = approved(lab, order)
    lab.networks.advice_faults.extend([fault] * 3)
    lab.order_at_desk("capture", payment_id, "c1")
    lab.order_at_desk("refund", payment_id, "r1", 1_000)
    lab.pass_time(2 * HOUR_S)
    kinds = [is_refund for _, is_refund in lab.networks.advised]
    assert kinds == [False, False, False, False, True]
    assert lab.networks.owed_minor() == 9_000
    assert len(lab.networks.booked) == 2
    assert lab.red_checks() == []


def test_the_end_of_the_day_captures_everything_once(lab, order):
    first, second = (approved(lab, order, atc=atc, amount_minor=1_000) for atc in (1, 2))
    lab.order_at_desk("void", second, "v1")
    third = approved(lab, order, atc=3, amount_minor=500)
    assert lab.run(lab.desk.capture_all("mer_corner_market")) == {
        "captured": 2, "totals": {"USD": 1_500},
    }  # fmt: skip
    assert lab.run(lab.desk.capture_all("mer_corner_market")) == {"captured": 0, "totals": {}}
    assert lab.run(lab.desk.capture_all("mer_other")) == {"captured": 0, "totals": {}}
    states = {row["id"]: row["state"] for row in lab.all("SELECT id, state FROM payments")}
    assert (states[first], states[third]) == ("captured", "captured")


# Kills: every commit of every story.

STORIES = {
    # name: (orders, commits of the whole story after the approval when nobody dies)
    "capture": ([("capture", None)], 2),
    "capture and refund": ([("capture", None), ("refund", 2_500)], 4),
    "refused refund": ([("capture", None), ("refund", 2_500)], 4),
    "void": ([("void", None)], 2),
}
KILLS = [
    (name, commit, after)
    for name, (_, commits) in STORIES.items()
    for commit in range(1, commits + 1)
    for after in (False, True)
]


def tell(lab, payment_id, name):
    """The story's orders, each told until it is answered; what the till heard."""
    heard = []
    try:
        for number, (what, amount_minor) in enumerate(STORIES[name][0]):
            if name == "refused refund" and what == "refund":
                lab.networks.advice_faults.append("14")
            heard.append(lab.order_at_desk(what, payment_id, f"k{number}", amount_minor).body)
            lab.pass_time(HOUR_S)
    except BaseException:
        if not lab.database.dead:
            raise
    return heard


@pytest.mark.parametrize(("name", "commit", "after"), KILLS)
def test_a_kill_at_any_commit_does_all_of_an_order_or_nothing(lab, order, name, commit, after):
    payment_id = approved(lab, order)
    lab.database.writes = 0
    lab.database.kill_at, lab.database.after_commit = commit, after
    told = tell(lab, payment_id, name)
    assert lab.database.dead
    lab.restart()
    assert lab.red_checks() == []
    lab.networks.advice_faults.clear()
    lab.run(lab.engine.recover())
    lab.pass_time(HOUR_S)
    for number, (what, amount_minor) in enumerate(STORIES[name][0]):
        again = lab.order_at_desk(what, payment_id, f"k{number}", amount_minor)
        if number < len(told):
            assert again.body == told[number]
        lab.pass_time(HOUR_S)
    assert lab.red_checks() == []
    row = lab.one("SELECT state, captured_minor, refunded_minor FROM payments")
    if name == "void":
        assert row["state"] == "reversed"
    assert lab.networks.owed_minor() == row["captured_minor"] - row["refunded_minor"]
    assert lab.all("SELECT id FROM advices WHERE done_at_us IS NULL") == []


@pytest.mark.parametrize("name", STORIES)
def test_each_story_has_the_commits_that_are_killed_above(lab, order, name):
    payment_id = approved(lab, order)
    lab.database.writes = 0
    tell(lab, payment_id, name)
    assert lab.database.writes == STORIES[name][1]


# The model: whatever is ordered in whatever order.

AMOUNTS = st.one_of(st.none(), st.integers(1, 1_200))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["capture", "void", "refund"]),
        AMOUNTS,
        st.sampled_from([None, "lost request", "lost response", "not sent", "14"]),
    ),
    max_size=8,
)


@given(steps=STEPS, fee=st.sampled_from(RefundFee))
@settings(max_examples=60, deadline=None)
def test_the_desk_agrees_with_the_model(build_lab, order, tmp_path_factory, steps, fee):  # noqa: C901 - a model is a list of cases
    lab = build_lab(tmp_path_factory.mktemp("desk") / "engine.db")
    lab.plan = FeePlan(refund_fee=fee)
    lab.start_engine(first_seq=1_000)
    payment_id = approved(lab, order, amount_minor=1_000)
    lab.database.writes = 0
    captured, refunded, voided = 0, 0, False
    for number, (what, amount, fault) in enumerate(steps):
        if fault is not None and not (fault == "14" and what != "refund"):
            lab.networks.advice_faults.append(fault)
        fails = False
        if what == "capture":
            possible = not captured and not voided and (amount or 1) <= 1_000
        elif what == "void":
            possible = not captured and not voided
        elif captured:
            wanted = captured - refunded if amount is None else amount
            possible = 0 < wanted <= captured - refunded
            fails = fault == "14"
        else:
            possible = not voided and amount in (None, 1_000)
        try:
            lab.order_at_desk(what, payment_id, f"k{number}", amount)
        except BadRequest:
            assert not possible
            lab.networks.advice_faults.clear()
            continue
        assert possible
        if what == "capture":
            captured = 1_000 if amount is None else amount
        elif what == "void" or not captured:
            voided = True
        elif not fails:
            refunded += captured - refunded if amount is None else amount
        lab.pass_time(HOUR_S)
        lab.networks.advice_faults.clear()
        assert lab.red_checks() == []
    row = lab.one("SELECT state, captured_minor, refunded_minor, fee_minor, fee_returned_minor"
                  " FROM payments")  # fmt: skip
    assert (row["captured_minor"], row["refunded_minor"]) == (captured, refunded)
    assert lab.networks.owed_minor() == captured - refunded
    if captured and refunded == captured and fee is not RefundFee.KEEP:
        assert row["fee_returned_minor"] == row["fee_minor"]
    lab.close()
