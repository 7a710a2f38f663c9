"""Planted corruptions of settlement and of the ledger's checkpoints are found by their names."""

from __future__ import annotations

import pytest

from backend.assembly.settlement import move_checkpoints
from backend.settlement.ports import Presentment
from backend.storage.verify import verify
from backend.storage.verify_settlement import SETTLEMENT_BREAKS, SETTLEMENT_OFFENDERS
from tests.settling import Settling

BREAKS = {
    "net is gross less everything": (
        "PRAGMA ignore_check_constraints = ON",
        "UPDATE settlement_batches SET fees_minor = fees_minor - 1",
    ),
    "batches are posted": (
        "UPDATE settlement_batches SET gross_minor = gross_minor + 1, net_minor = net_minor + 1",
    ),
    "each capture is in one batch": ("UPDATE settlement_batches SET last_seq = last_seq - 1",),
    "payouts are posted, and back once if returned": (
        "UPDATE payouts SET state = 'failed', failure = 'no_account'",
    ),
    "payouts end": ("UPDATE payouts SET ended_at_us = NULL",),
    "clearings are posted": ("UPDATE clearings SET refunds_minor = refunds_minor + 1",),
    "conversions belong to captures": (
        (
            "INSERT INTO payment_conversions VALUES"
            " ('pay_nowhere', '1.10000000', 100, 'EUR', 110, 'USD', 3, 0, 0, 1)"
        ),
    ),
    "conversions are amount times rate": (
        (
            "INSERT INTO payment_conversions VALUES"
            " ('pay_nowhere', '1.10000000', 100, 'EUR', 112, 'USD', 3, 0, 0, 1)"
        ),
    ),
    "checkpoints are the fold of the journal": (
        (
            "UPDATE ledger_checkpoints SET balance_minor = balance_minor + 1"
            " WHERE account = 'assets:cash'"
        ),
    ),
}


@pytest.fixture
def settled(lab, order):
    """A merchant that was settled and paid, with everything that there can be."""
    settling = Settling(lab)
    lab.pay(order(amount_minor=10_000), "k1")
    (row,) = lab.all("SELECT id FROM payments")
    lab.order_at_desk("capture", row["id"], "c1")
    settling.files.lines.append(
        Presentment("visa", "1", "completion", "1", "1", 10_000, "USD", lab.clock.now_us())
    )
    settling.pass_days(4)
    lab.run(move_checkpoints(lab.database, tail_max=1))
    assert [each.state.value for each in settling.payouts()] == ["paid"]
    return lab


def test_a_settled_merchant_keeps_every_promise(settled):
    assert settled.red_checks() == []


def test_there_is_damage_for_every_check_of_settlement():
    assert BREAKS.keys() == SETTLEMENT_OFFENDERS.keys() | SETTLEMENT_BREAKS.keys()


@pytest.mark.parametrize("name", BREAKS)
def test_each_check_of_settlement_sees_its_own_damage(settled, name):
    for statement in BREAKS[name]:
        settled.change(statement)
    assert name in {check.name for check in verify(settled.database) if not check.ok}
