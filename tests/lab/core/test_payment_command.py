"""`tap-lab payment`: list, capture, void and refund from the shell, with its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.core.test_commands import tap_lab


@pytest.mark.inv(112, 189, 191)
def test_a_payment_is_captured_and_refunded_once_a_key(tmp_path: Path) -> None:
    """Over 0.25 s: each command is a program of its own."""
    tap = tap_lab("tap", "--amount", "12.40", "--profile", "instant", "--json", data_dir=tmp_path)
    payment_id = json.loads(tap.stdout)["transaction_id"]
    captured = tap_lab("payment", "capture", payment_id, data_dir=tmp_path)
    assert (captured.returncode, captured.stdout) == (0, "capture of $12.40: captured\n")
    refund = ("payment", "refund", payment_id, "--amount", "2.40", "--key", "k1", "--json")
    for _ in range(2):  # as after a lost answer
        answer = json.loads(tap_lab(*refund, data_dir=tmp_path).stdout)
        assert (answer["amount_minor"], answer["refunded_minor"]) == (240, 240)
    over = tap_lab("payment", "refund", payment_id, "--amount", "10.01", data_dir=tmp_path)
    assert over.returncode == 1
    assert "refund_exceeds_capture" in over.stderr
    void = tap_lab("payment", "void", payment_id, data_dir=tmp_path)
    assert void.returncode == 1
    assert "already_captured" in void.stderr
    listed = tap_lab("payment", "list", "--json", data_dir=tmp_path)
    (row,) = json.loads(listed.stdout)["payments"]
    assert (row["id"], row["state"], row["refunded_minor"]) == (payment_id, "captured", 240)
    unknown = tap_lab("payment", "refund", "pay_nobody", data_dir=tmp_path)
    assert unknown.returncode == 1
    assert "payment_not_found" in unknown.stderr


def test_what_is_no_order_is_wrong_use(tmp_path: Path) -> None:
    """Over 0.25 s: each command is a program of its own."""
    assert tap_lab("payment", data_dir=tmp_path).returncode == 2
    assert tap_lab("payment", "list", "--limit", "0", data_dir=tmp_path).returncode == 2
