"""`tap-lab payment`: list, capture, void and refund from the shell, with its exit codes."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from lab.cli import main


@pytest.fixture
def sold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """A folder with one approved payment; both."""
    folder = str(tmp_path / "lab")
    tap = ["tap", "--amount", "12.40", "--profile", "instant", "--json", "--data-dir", folder]
    assert main(tap) == 0
    return folder, orjson.loads(capsys.readouterr().out)["payment_id"]


@pytest.mark.inv(112, 189, 191)
def test_a_payment_is_captured_and_refunded_once_a_key(
    sold: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Over 0.25 s: each command is a program with an engine of its own."""
    folder, payment_id = sold

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["payment", *words, "--data-dir", folder])
        told = capsys.readouterr()
        return code, told.out, told.err

    code, out, _ = run("capture", payment_id)
    assert (code, out) == (0, "capture of $12.40: captured\n")
    for _ in range(2):  # as after a lost answer
        code, out, _ = run("refund", payment_id, "--amount", "2.40", "--key", "k1", "--json")
        answer = orjson.loads(out)
        assert (code, answer["amount_minor"], answer["refunded_minor"]) == (0, 240, 240)
    code, _, err = run("refund", payment_id, "--amount", "10.01")
    assert code == 1
    assert "refund_exceeds_capture" in err
    code, _, err = run("void", payment_id)
    assert code == 1
    assert "already_captured" in err
    code, out, _ = run("list", "--json")
    (row,) = orjson.loads(out)["payments"]
    assert (row["id"], row["state"], row["refunded_minor"]) == (payment_id, "captured", 240)


def test_bad_input_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Over 0.25 s: an engine starts, to say that it knows no such payment."""
    folder = ["--data-dir", str(tmp_path / "lab")]
    assert main(["payment"]) == 2
    assert main(["payment", "list", "--limit", "0", *folder]) == 2
    assert main(["payment", "refund", "pay_nobody", *folder]) == 1
    assert "payment_not_found" in capsys.readouterr().err
