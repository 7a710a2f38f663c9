"""The export is accepted by hledger, whose sums are the engine's; checkpoints change no balance."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from backend.assembly.settlement import move_checkpoints
from backend.domain.money import exponent
from backend.settlement.ports import Presentment
from backend.storage.checkpoint_rows import SqlCheckpoints
from backend.storage.hledger_export import hledger_lines
from backend.storage.ledger_rows import SqlLedgerRows
from tests.settling import Settling

CURRENCIES = ("USD", "EUR", "JPY", "KWD")


@pytest.fixture
def hledger():
    path = shutil.which("hledger")
    if path is None:
        pytest.skip("hledger is missing: sudo apt-get install -y hledger")
    return path


def a_run(lab, order, payments: int) -> Settling:
    """So many payments in four currencies, captured, in part refunded, settled and paid out."""
    settling = Settling(lab)
    for number in range(1, payments + 1):
        currency = CURRENCIES[number % len(CURRENCIES)]
        lab.pay(order(atc=number, amount_minor=1_000 + number, currency=currency), f"k{number}")
        if number % 5 == 0:
            continue
        payment_id = lab.one("SELECT id FROM payments WHERE atc = :atc", atc=number)["id"]
        lab.order_at_desk("capture", payment_id, f"c{number}", 1_000)
        if number % 3 == 0:
            lab.order_at_desk("refund", payment_id, f"r{number}", 333)
    booked = lab.clock.now_us()
    settling.files.lines += [
        Presentment("visa", "1", "completion", str(number), "1", 1_000, currency, booked)
        for number, currency in enumerate(CURRENCIES)
    ]
    settling.pass_days(3)
    return settling


def expect_hledger_to_agree(hledger: str, lab, path: Path) -> None:
    with path.open("w") as file:
        lab.database.read(lambda tx: [file.write(f"{line}\n") for line in hledger_lines(tx)])
    called = {"env": {**os.environ, "LC_ALL": "C.UTF-8"}, "capture_output": True, "text": True}
    checked = subprocess.run(  # noqa: S603 - the program that start.py installs
        [hledger, "-f", path, "check"], check=False, **called
    )
    assert checked.returncode == 0, checked.stderr
    summed = subprocess.run(  # noqa: S603 - likewise
        [hledger, "-f", path, "balance", "--flat", "--empty", "-O", "csv", "--layout=tidy",
         "--no-total"],
        check=False, **called,
    )  # fmt: skip
    assert summed.returncode == 0, summed.stderr
    found = {
        (row["account"], row["commodity"]): Decimal(row["value"])
        for row in csv.DictReader(io.StringIO(summed.stdout))
        if Decimal(row["value"])
    }
    ours = lab.database.read(SqlLedgerRows().balances)
    assert found == {
        (account, currency): Decimal(minor).scaleb(-exponent(currency))
        for (account, currency), minor in ours.items()
        if minor
    }
    assert len(found) > 10


def balances(lab):
    return lab.database.read(SqlCheckpoints().all_balances)


@pytest.mark.inv(212, 218, 220)
def test_hledger_accepts_the_export_and_comes_to_the_same(lab, order, hledger, tmp_path):
    a_run(lab, order, 60)
    expect_hledger_to_agree(hledger, lab, tmp_path / "lab.journal")


@pytest.mark.full("sim")
def test_hledger_accepts_fifty_thousand_payments(lab, order, hledger, tmp_path):
    a_run(lab, order, 50_000)
    expect_hledger_to_agree(hledger, lab, tmp_path / "lab.journal")


def test_balances_are_the_same_with_and_without_checkpoints(lab, order):
    settling = a_run(lab, order, 20)
    without = balances(lab)
    assert without == lab.database.read(SqlLedgerRows().balances)
    owned = settling.balance()
    assert lab.run(move_checkpoints(lab.database, tail_max=1)) > 0
    assert (balances(lab), settling.balance()) == (without, owned)
    lab.pay(order(atc=21, amount_minor=700), "k21")
    payment_id = lab.one("SELECT id FROM payments WHERE atc = 21")["id"]
    lab.order_at_desk("capture", payment_id, "c21")
    assert balances(lab) == lab.database.read(SqlLedgerRows().balances)
    assert settling.balance() != owned
    assert lab.run(move_checkpoints(lab.database, tail_max=1)) > 0
    assert lab.red_checks() == []
    lab.run(lab.database.write(SqlCheckpoints().forget))
    assert balances(lab) == lab.database.read(SqlLedgerRows().balances)
