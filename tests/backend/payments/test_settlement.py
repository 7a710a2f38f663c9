"""A merchant's day becomes a batch, its balance, and a payout; each exactly once."""

from __future__ import annotations

import pytest

from backend.settlement.records import PayoutState
from tests.settling import Settling

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
