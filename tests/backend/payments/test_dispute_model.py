"""Disputes and refunds in any order, against a model that keeps one number a sale."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.gateway.dispute_machine import (
    CLOSED,
    DISPUTE_TRANSITIONS,
    HELD,
    DisputeHappening,
    DisputeState,
    IllegalDisputeTransition,
    advance,
    can,
    replay,
)
from backend.runtime.errors import BadRequest
from tests.disputing import Disputing

DAY_S = 86_400
FEE = 1_500
CAPTURED = 10_000
SALES = 2
HOLD = "liabilities:dispute-hold:mer_corner_market"
FEES = "revenue:dispute-fees"
CARD = "assets:customer-card:tok_1"


@dataclass
class Sale:
    """What the model knows of one sale."""

    payment_id: str
    refunded: int = 0
    disputed: int = 0
    state: DisputeState | None = None
    due_day: int = 0

    @property
    def left(self) -> int:
        return CAPTURED - self.refunded

    def dispute(self, amount: int, today: int) -> bool:
        """Whether a notice is taken in; a further one is no refusal and changes nothing."""
        if self.state is not None:
            return True
        if not 0 < amount <= self.left:
            return False
        self.state, self.disputed, self.due_day = DisputeState.NEEDS_RESPONSE, amount, today + 14
        return True

    def refund(self, amount: int) -> bool:
        if self.state in {*HELD, DisputeState.LOST} or not 0 < amount <= self.left:
            return False
        self.refunded += amount
        return True

    def answer(self, state: DisputeState) -> bool:
        if self.state is not DisputeState.NEEDS_RESPONSE:
            return False
        self.state = state
        return True

    def grow_old(self, today: int) -> None:
        if self.state is DisputeState.NEEDS_RESPONSE and today >= self.due_day:
            self.state = DisputeState.LOST


class Books:
    """The engine's rules beside the model."""

    def __init__(self, lab, order) -> None:
        self.lab, self.sales, self.today = lab, [], 0
        for atc in range(1, SALES + 1):
            lab.pay(order(atc=atc, amount_minor=CAPTURED), f"k{atc}")
            payment_id = lab.one("SELECT id FROM payments WHERE atc = :atc", atc=atc)["id"]
            lab.order_at_desk("capture", payment_id, f"c{atc}")
            self.sales.append(Sale(payment_id))
        lab.pass_advices(1)
        self.case = Disputing(lab)
        self.count = 0

    def step(self, what: str, number: int, amount: int) -> None:
        sale = self.sales[number]
        dispute = self.case.of_payment(sale.payment_id)
        self.count += 1
        match what:
            case "dispute":
                expected = sale.dispute(amount, self.today)
                self.tried(expected, lambda: self.case.open(sale.payment_id, amount))
            case "refund":
                key = f"r{self.count}"
                self.tried(
                    sale.refund(amount),
                    lambda: self.lab.order_at_desk("refund", sale.payment_id, key, amount),
                )
            case "win" | "lose" if dispute is not None:
                end = DisputeState.WON if what == "win" else DisputeState.LOST
                text = "winning_evidence" if what == "win" else "losing_evidence"
                self.tried(sale.answer(end), lambda: self.case.hand_in(dispute.id, text))
            case "give up" if dispute is not None:
                self.tried(sale.answer(DisputeState.LOST), lambda: self.case.accept(dispute.id))
            case "wait":
                self.today += amount % 16
                self.case.pass_time(amount % 16 * DAY_S)
        self.case.pass_time(0.5)
        for each in self.sales:
            each.grow_old(self.today)
        self.compare()

    @staticmethod
    def tried(expected: bool, work) -> None:  # noqa: FBT001 - what the model says
        try:
            work()
        except BadRequest:
            assert not expected
        else:
            assert expected

    def compare(self) -> None:
        rows = self.lab.all(
            "SELECT account, SUM(CASE direction WHEN 'debit' THEN amount_minor"
            " ELSE -amount_minor END) AS minor FROM ledger_entries GROUP BY account"
        )
        now = {row["account"]: row["minor"] for row in rows}
        held = [sale for sale in self.sales if sale.state in HELD]
        closed = [sale for sale in self.sales if sale.state in CLOSED]
        lost = [sale for sale in self.sales if sale.state is DisputeState.LOST]
        assert -now.get(HOLD, 0) == sum(sale.disputed + FEE for sale in held)
        assert -now.get(FEES, 0) == FEE * len(closed)
        taken = sum(sale.left for sale in self.sales) - sum(sale.disputed for sale in lost)
        assert now[CARD] == taken
        assert sum(now.values()) == 0
        for sale in self.sales:
            stored = self.case.of_payment(sale.payment_id)
            assert (None if stored is None else stored.state) is sale.state


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["dispute", "dispute", "refund", "win", "lose", "give up", "wait"]),
        st.integers(0, SALES - 1),
        st.sampled_from([1, 40, 2_500, 6_000, 9_999, 10_000, 10_001]),
    ),
    min_size=3,
    max_size=12,
)


@pytest.mark.inv(198, 199, 204, 205)
@given(steps=STEPS)
def test_any_order_of_disputes_and_refunds_equals_the_model(build_lab, order, steps) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lab = build_lab(Path(folder) / "engine.db")
        books = Books(lab, order)
        for step in steps:
            books.step(*step)
        assert lab.red_checks() == []
        lab.close()


def test_only_the_tables_changes_are_possible() -> None:
    for state in (None, *DisputeState):
        for happening in DisputeHappening:
            if (state, happening) in DISPUTE_TRANSITIONS:
                assert can(state, happening)
                continue
            with pytest.raises(IllegalDisputeTransition):
                advance(state, happening)


def test_a_closed_dispute_stays_closed_and_every_state_is_reached() -> None:
    assert set(DISPUTE_TRANSITIONS.values()) == set(DisputeState)
    assert not any(state in CLOSED for state, _ in DISPUTE_TRANSITIONS)
    told = [DisputeHappening.OPENED, DisputeHappening.UPDATED, DisputeHappening.SUBMITTED]
    assert replay(told) is DisputeState.UNDER_REVIEW
    assert replay([]) is None
