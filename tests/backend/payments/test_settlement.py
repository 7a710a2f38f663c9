"""A merchant's day becomes a batch, its balance, and a payout; each exactly once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.runtime.clock import to_datetime
from backend.runtime.errors import Conflict
from backend.settlement.payouts import PayoutOrder
from backend.settlement.records import PayoutState, Terms
from backend.storage.terms_rows import SqlTermsBook
from tests.settling import DAY_S, Settling

CORNER = "mer_corner_market"


@pytest.fixture
def settling(lab):
    return Settling(lab)


def captured(lab, order, atc=1, amount_minor=10_000, **other):
    """A captured payment's identifier."""
    lab.pay(order(atc=atc, amount_minor=amount_minor, **other), f"k{atc}")
    (row,) = lab.all("SELECT id FROM payments WHERE atc = :atc", atc=atc)
    lab.order_at_desk("capture", row["id"], f"c{atc}")
    return row["id"]


@pytest.mark.inv(217, 223, 224, 225, 226, 227)
def test_a_day_is_settled_available_and_paid_out(lab, order, settling):
    captured(lab, order)
    payment_id = captured(lab, order, atc=2, amount_minor=5_000)
    lab.order_at_desk("refund", payment_id, "r1", 2_000)
    # fees: 320 + 175; of 175 go 70 back with 2,000 of 5,000
    assert settling.balance() == {"USD": (9_680 + 4_825 - 1_930, 0, 0)}
    settling.pass_days(1)
    (batch,) = settling.batches()
    assert (batch.gross_minor, batch.fees_minor, batch.refunds_minor) == (15_000, 425, 2_000)
    assert (batch.net_minor, batch.captures, batch.transactions) == (12_575, 2, 3)
    assert settling.balance() == {"USD": (12_575, 0, 0)}
    assert settling.payouts() == []
    settling.pass_days(1)
    (payout,) = settling.payouts()
    assert (payout.amount_minor, payout.state) == (12_575, PayoutState.IN_TRANSIT)
    assert settling.balance() == {"USD": (0, 0, 0)}
    settling.pass_days(1)
    (payout,) = settling.payouts()
    assert payout.state is PayoutState.PAID
    assert lab.red_checks() == []


def test_nothing_to_settle_makes_no_batch(lab, order, settling):
    settling.pass_days(5)
    assert settling.batches() == []
    captured(lab, order)
    settling.pass_days(30)
    assert len(settling.batches()) == 1
    assert [each.state for each in settling.payouts()] == [PayoutState.PAID]


@pytest.mark.inv(214, 223)
def test_each_day_is_a_batch_of_its_own_and_a_capture_is_in_one(lab, order, settling):
    captured(lab, order, 1, 1_000)
    settling.pass_days(1)
    captured(lab, order, 2, 2_000)
    payment_id = captured(lab, order, 3, 3_000)
    settling.pass_days(1)
    lab.order_at_desk("refund", payment_id, "r1")
    settling.pass_days(1)
    batches = settling.batches()
    grosses = [(each.captures, each.gross_minor) for each in batches]
    assert grosses == [(1, 1_000), (2, 5_000), (0, 0)]
    assert [each.refunds_minor for each in batches] == [0, 0, 3_000]
    assert batches[2].net_minor == -(3_000 - 117)  # the fee went back with it
    assert [each.after_seq for each in batches[1:]] == [each.last_seq for each in batches[:-1]]
    assert lab.red_checks() == []


@pytest.mark.inv(231)
def test_each_currency_is_a_batch_of_its_own(lab, order, settling):
    for atc, currency in enumerate(("USD", "JPY", "KWD"), start=1):
        captured(lab, order, atc, 10_000, currency=currency)
    settling.pass_days(2)
    assert {each.currency: each.net_minor for each in settling.batches()} == {
        "JPY": 9_710, "KWD": 9_410, "USD": 9_680,
    }  # fmt: skip
    assert {each.currency: each.amount_minor for each in settling.payouts()} == {
        "JPY": 9_710, "KWD": 9_410, "USD": 9_680,
    }  # fmt: skip
    assert lab.red_checks() == []


def test_days_that_were_skipped_are_settled_one_by_one(lab, order, settling):
    for atc in range(1, 5):
        captured(lab, order, atc, 1_000)
        lab.run(lab.scheduler.sleep(DAY_S))  # nobody settles
    settling.pass_days(0)
    days = [each.business_day for each in settling.batches()]
    assert len(set(days)) == 4
    assert days == sorted(days)
    assert lab.red_checks() == []


def with_terms(lab, **changes):
    terms = replace(Terms(CORNER), **changes)
    lab.run(lab.database.write(lambda tx: SqlTermsBook().put_terms(tx, terms)))


def with_settings(lab, schedule="daily", reserve=0):
    lab.change(
        "INSERT INTO merchant_settings VALUES"
        " (:id, 'US', 'USD', :schedule, '{}', 1, 'CORNER', :reserve, '15.00', 0, 14, 0)",
        id=CORNER, schedule=schedule, reserve=reserve,
    )  # fmt: skip


@pytest.mark.inv(209)
def test_a_rolling_reserve_is_held_and_released(lab, order, settling):
    with_settings(lab, reserve=1_000)
    with_terms(lab, reserve_days=10)
    captured(lab, order)
    settling.pass_days(2)
    (batch,) = settling.batches()
    assert (batch.reserve_minor, batch.net_minor) == (1_000, 8_680)
    assert settling.balance() == {"USD": (0, 0, 1_000)}
    assert lab.red_checks() == []
    settling.pass_days(11)
    assert settling.balance() == {"USD": (0, 0, 0)}
    assert [each.amount_minor for each in settling.payouts()] == [8_680, 1_000]
    assert lab.red_checks() == []


@pytest.mark.inv(227)
@pytest.mark.parametrize(("schedule", "is_due"), [
    ("weekly", lambda day: day.weekday() == 0),
    ("monthly", lambda day: day.day == 1),
])  # fmt: skip
def test_payouts_keep_to_their_schedule(lab, order, settling, schedule, is_due):
    with_settings(lab, schedule=schedule)
    for atc in range(1, 4):
        captured(lab, order, atc, 1_000)
        settling.pass_days(1)
    settling.pass_days(45)
    payouts = settling.payouts()
    assert sum(each.amount_minor for each in payouts) == 3 * 941
    assert len(payouts) <= 2
    assert all(is_due(to_datetime(each.created_at_us).date()) for each in payouts)


def test_nobody_is_paid_who_asks_for_it_himself(lab, order, settling):
    with_settings(lab, schedule="manual")
    captured(lab, order)
    settling.pass_days(5)
    assert settling.payouts() == []
    with pytest.raises(Conflict, match=r"96\.80 USD are available"):
        lab.run(settling.settlement.payouts.create_alone(PayoutOrder(CORNER, 9_681, "USD")))
    made = lab.run(settling.settlement.payouts.create_alone(PayoutOrder(CORNER, 9_680, "USD")))
    assert made.automatic_day is None
    settling.pass_days(2)
    assert settling.payouts()[0].state is PayoutState.PAID
    assert lab.red_checks() == []


def test_after_a_returned_payout_automatic_ones_wait_for_another_account(lab, order, settling):
    payouts = settling.settlement.payouts
    lab.run(payouts.pay_to(CORNER, "000111111116"))
    captured(lab, order)
    settling.pass_days(9)
    assert [each.state for each in settling.payouts()] == [PayoutState.FAILED]
    assert settling.balance() == {"USD": (0, 9_680, 0)}
    lab.run(payouts.pay_to(CORNER, "000123456789"))
    settling.settlement.days.wake()
    settling.pass_days(3)
    assert [each.state for each in settling.payouts()][1:] == [PayoutState.PAID]
    assert lab.red_checks() == []


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("capture"), st.integers(1, 9_000)),
        st.tuples(st.just("refund"), st.integers(1, 9_000)),
        st.tuples(st.just("days"), st.integers(1, 3)),
        st.tuples(st.just("payout"), st.integers(1, 9_000)),
        st.tuples(st.just("close"), st.just(0)),
    ),
    max_size=12,
)


@given(steps=STEPS, reserve=st.sampled_from([0, 500]))
@settings(max_examples=25, deadline=None)
def test_whatever_happens_no_cent_is_lost(build_lab, order, tmp_path_factory, steps, reserve):
    lab = build_lab(tmp_path_factory.mktemp("settlement") / "engine.db")
    settling = Settling(lab)
    with_settings(lab, reserve=reserve)
    sold: list[tuple[str, int]] = []
    for number, (what, amount) in enumerate(steps, start=1):
        match what:
            case "capture":
                sold.append((captured(lab, order, number, amount), amount))
            case "refund" if sold:
                payment_id, left = sold.pop()
                lab.order_at_desk("refund", payment_id, f"r{number}", min(left, amount))
            case "days":
                settling.pass_days(amount)
            case "close":
                lab.run(settling.settlement.days.run(close_open_day=True))
            case "payout":
                with suppress(Conflict):
                    order_ = PayoutOrder(CORNER, amount, "USD")
                    lab.run(settling.settlement.payouts.create_alone(order_))
    columns = "captured_minor, fee_minor, refunded_minor, fee_returned_minor"
    rows = lab.all(f"SELECT {columns} FROM payments")  # noqa: S608 - our own words
    earned = sum(
        row["captured_minor"] - row["fee_minor"] - row["refunded_minor"] + row["fee_returned_minor"]
        for row in rows
    )
    out = {PayoutState.PENDING, PayoutState.IN_TRANSIT, PayoutState.PAID}
    paid = sum(each.amount_minor for each in settling.payouts() if each.state in out)
    held = sum(settling.balance().get("USD", (0, 0, 0)))
    assert earned == paid + held
    assert lab.red_checks() == []
    lab.close()
